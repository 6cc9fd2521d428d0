// Snapshots: saved content of the world, and what has changed since.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, gather, segment } from "./api.js";
import { form } from "./forms.js";
import { act, addressOf, go, shell } from "./shell.js";
import {
  breakable, confirmed, differences, empty, facts, number, plain, pretty, recordLink, rowButton, section,
} from "./widgets.js";

const MAX_SHOWN = 300; // characters of one value

const pathOf = (name) => `/snapshots/${segment(name)}`;

/** Read the list, and what has changed since the snapshot `name` that the address names, if any. Throws Refused. */
export function readSnapshots() {
  const { id: name } = shell.route;
  const since = name ? call("GET", `${pathOf(name)}/changes`).catch((error) => ({ gone: error.message })) : null;
  return gather("/snapshots", since, { name });
}

export function snapshots(saved) {
  const save = ({ name }) => act(`Saved as ${name}.`, "PUT", pathOf(name));
  return section("Snapshots", saved.length, html`
    <p class="note">Save the records, let your integration run, see what it changed, and go back.</p>
    <ul class="rows">${saved.map(row)}</ul>
    ${form("Save a snapshot", [{ name: "name", hint: "before", required: true }], "Save", save)}`);
}

function row({ name, webhook_requests: records }) {
  return html`<li><p>${name} <span class="note">${number(records)} records</span></p>
    <p class="tools"><a href=${addressOf("worlds", name)} aria-current=${name === shell.route.id ? "true" : nothing}>What changed since</a>
      ${rowButton("Restore", `Restore ${name}`, () => restore(name))} ${rowButton("Delete", `Delete ${name}`, () => remove(name))}</p></li>`;
}

async function restore(name) {
  const text = "The present records are lost. Tokens, clock, journal and faults stay.";
  if (!(await confirmed(`Restore ${name}?`, text, "Restore it"))) return;
  await act((found) => `Restored ${name}: ${found.webhook_requests} records.`, "POST", `${pathOf(name)}/restore`);
}

async function remove(name) {
  if (name === shell.route.id) go("worlds");
  await act(`The snapshot ${name} is deleted.`, "DELETE", pathOf(name));
}

/** Details: the difference between the snapshot and now, by record. */
export function changesSince({ name, gone, changes, more }) {
  if (gone) return empty("This snapshot is gone", gone);
  return html`<h2>Changed since <code>${name}</code> <span class="count">${changes.length}${more ? "+" : ""}</span></h2>
    ${changes.length ? nothing : html`<p class="note">Nothing. Resend or delete a record, and it appears here.</p>`}
    ${changes.map(changeOf)} ${more ? html`<p class="note">There are more changes than these.</p>` : nothing}`;
}

const STATE = "life_cycle_state";
const SIGNS = { added: "+", changed: "≠", deleted: "−" };

function changeOf({ webhook_request: record, change, fields, call: cause }) {
  fields.sort((one, other) => (other.name === STATE) - (one.name === STATE)); // it is what matters most
  const members = () => facts(fields.map(({ name, before, after }) => [breakable(name), plain(pretty(after ?? before), MAX_SHOWN)]));
  const by = cause === null ? "by no known request" : html`by <a href=${addressOf("requests", cause)}>request ${cause}</a>`;
  return html`<section class="change"><h3>
      ${change === "deleted" ? `#${record.number}` : recordLink(record)} <span aria-hidden="true">${SIGNS[change]}</span> ${change}
      <span class="note">${by}</span></h3>
    ${change === "changed"
      ? differences(fields)
      : html`<details><summary class="note">${fields.length} members</summary>${members()}</details>`}</section>`;
}
