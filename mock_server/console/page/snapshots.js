// Snapshots: saved content of the world, and what has changed since.

import { html, nothing } from "./lit-html/lit-html.js";
import { call } from "./api.js";
import { form } from "./forms.js";
import { act, addressOf, go, shell } from "./shell.js";
import { breakable, confirmed, empty, facts, plain } from "./widgets.js";

const MAX_SHOWN = 300; // characters of one value

let saved = [];
let changes = null; // since the snapshot that the address names: {name, changes, more} or {name, gone}

export function resetSnapshots() {
  saved = [];
  changes = null;
}

/** Load the list. Throws Refused. */
export const loadSnapshots = () => call("GET", "/snapshots");

/** Load what has changed since the snapshot that is open, if one is. */
export async function loadChanges() {
  const { id: name } = shell.route;
  if (name === "") return null;
  const found = await call("GET", `${pathOf(name)}/changes`).catch((error) => ({ gone: error.message }));
  return { name, ...found };
}

/** Show what was loaded. */
export function takeSnapshots({ snapshots: found }, since) {
  saved = found;
  changes = since;
}

const pathOf = (name) => `/snapshots/${encodeURIComponent(name)}`;

/** The list; `change` loads it anew after an act. */
export function snapshots(change) {
  const save = ({ name }, refused) => change(act(`Saved as ${name}.`, "PUT", pathOf(name), undefined, { refused }));
  const restore = async (name) => {
    const sure = await confirmed(`Restore ${name}?`, "The present records are lost. Tokens, clock, journal and faults stay.", "Restore it");
    if (sure) await change(act((found) => `Restored ${name}: ${found.webhook_requests} records.`, "POST", `${pathOf(name)}/restore`));
  };
  const remove = async (name) => {
    if (name === shell.route.id) go("worlds");
    await change(act(`The snapshot ${name} is deleted.`, "DELETE", pathOf(name)));
  };
  const row = ({ name, webhook_requests: records }) => html`<li>
    <p>${name} <span class="note">${records.toLocaleString("en")} records</span></p>
    <p class="tools"><a href=${addressOf("worlds", name)} aria-current=${name === shell.route.id ? "true" : nothing}>What changed since</a>
      <button class="small" aria-label=${`Restore ${name}`} @click=${() => restore(name)}>Restore</button>
      <button class="small" aria-label=${`Delete ${name}`} @click=${() => remove(name)}>Delete</button></p></li>`;
  return html`<section class="section" aria-labelledby="snapshots"><h2 id="snapshots">Snapshots <span class="count">${saved.length}</span></h2>
    <p class="note">Save the records, let your integration run, see what it changed, and go back.</p>
    <ul class="rows">${saved.map(row)}</ul>
    ${form("Save a snapshot", [{ name: "name", hint: "before", required: true }], "Save", save)}</section>`;
}

/** Details: the difference between the snapshot and now, by record. */
export function changesSince() {
  const { id } = shell.route;
  if (changes?.name !== id) return html`<p class="note">Loading …</p>`;
  if (changes.gone) return empty("This snapshot is gone", changes.gone);
  const { changes: found, more } = changes;
  return html`<h2>Changed since <code>${id}</code> <span class="count">${found.length}${more ? "+" : ""}</span></h2>
    ${found.length ? nothing : html`<p class="note">Nothing. Resend or delete a record, and it appears here.</p>`}
    ${found.map(changeOf)} ${more ? html`<p class="note">There are more changes than these.</p>` : nothing}`;
}

const STATE = "life_cycle_state";
const SIGNS = { added: "+", changed: "≠", deleted: "−" };

function changeOf({ webhook_request: record, change, fields, call: cause }) {
  const name = `#${record.number}`;
  fields.sort((one, other) => (other.name === STATE) - (one.name === STATE)); // it is what matters most
  return html`<section class="change"><h3>
      ${change === "deleted" ? name : html`<a href=${addressOf("records", record.number)}>${name}</a>`} <span aria-hidden="true">${SIGNS[change]}</span> ${change}
      <span class="note">${cause === null ? "by no known request" : html`by <a href=${addressOf("requests", cause)}>request ${cause}</a>`}</span></h3>
    ${change === "changed" ? facts(fields.map(difference)) : members(fields.map((one) => [breakable(one.name), words(one.after ?? one.before)]))}</section>`;
}

const difference = ({ name, before, after }) => [breakable(name), html`<del>${words(before)}</del> <span aria-label="becomes">→</span> <ins>${words(after)}</ins>`];
const members = (all) => html`<details><summary class="note">${all.length} members</summary>${facts(all)}</details>`;
const words = (value) => plain(typeof value === "string" && value ? value : JSON.stringify(value), MAX_SHOWN);
