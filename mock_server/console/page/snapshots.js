// Snapshots: saved content of the world, and what has changed since.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, segment } from "./api.js";
import { form } from "./forms.js";
import { act, addressOf, go, shell } from "./shell.js";
import { breakable, confirmed, differences, empty, facts, loading, number, plain, pretty, recordLink } from "./widgets.js";

const MAX_SHOWN = 300; // characters of one value

let saved = [];
let changes = null; // since the snapshot that the address names: {name, changes, more} or {name, gone}

const pathOf = (name) => `/snapshots/${segment(name)}`;

/** Read the list, and what has changed since the snapshot that is open, if one is. Throws Refused. */
export function readSnapshots() {
  const { id: name } = shell.route;
  const since = name && call("GET", `${pathOf(name)}/changes`).catch((error) => ({ gone: error.message }));
  return Promise.all([name, call("GET", "/snapshots"), since]);
}

/** Show what was read. */
export function showSnapshots([name, { snapshots: found }, since]) {
  saved = found;
  changes = { name, ...since };
}

export function snapshots() {
  const save = ({ name }, refused) => act(`Saved as ${name}.`, "PUT", pathOf(name), undefined, { refused });
  return html`<section class="section" aria-labelledby="snapshots">
    <h2 id="snapshots">Snapshots <span class="count">${saved.length}</span></h2>
    <p class="note">Save the records, let your integration run, see what it changed, and go back.</p>
    <ul class="rows">${saved.map(row)}</ul>
    ${form("Save a snapshot", [{ name: "name", hint: "before", required: true }], "Save", save)}</section>`;
}

function row({ name, webhook_requests: records }) {
  return html`<li><p>${name} <span class="note">${number(records)} records</span></p>
    <p class="tools"><a href=${addressOf("worlds", name)} aria-current=${name === shell.route.id ? "true" : nothing}>What changed since</a>
      <button class="small" aria-label=${`Restore ${name}`} @click=${() => restore(name)}>Restore</button>
      <button class="small" aria-label=${`Delete ${name}`} @click=${() => remove(name)}>Delete</button></p></li>`;
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
export function changesSince() {
  const { id } = shell.route;
  if (changes?.name !== id) return loading;
  if (changes.gone) return empty("This snapshot is gone", changes.gone);
  const { changes: found, more } = changes;
  return html`<h2>Changed since <code>${id}</code> <span class="count">${found.length}${more ? "+" : ""}</span></h2>
    ${found.length ? nothing : html`<p class="note">Nothing. Resend or delete a record, and it appears here.</p>`}
    ${found.map(changeOf)} ${more ? html`<p class="note">There are more changes than these.</p>` : nothing}`;
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
