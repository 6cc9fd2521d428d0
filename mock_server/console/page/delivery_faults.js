// What deliveries suffer: faults of messages that are sent, and scripts of outcomes when none are.

import { html, nothing } from "./lit-html/lit-html.js";
import { call } from "./api.js";
import { dataList, form, schemas } from "./forms.js";
import { act, addressOf, changed, shell } from "./shell.js";
import { mark, plain } from "./widgets.js";

let active = [];
let kinds = []; // of faults
let kind = "delay"; // the one that the form adds
let scripts = [];
let definitions = [];

/** Read what this part shows. Throws Refused. */
export function readDeliveryFaults() {
  const paths = ["/deliveries/faults", "/deliveries/script", "/definitions"];
  return Promise.all([schemas(), ...paths.map((path) => call("GET", path))]);
}

/** Show what was read. */
export function showDeliveryFaults([{ DeliveryFault }, ...found]) {
  kinds = DeliveryFault.properties.fault.enum;
  [{ faults: active }, { scripts }, { definitions }] = found;
}

// Which deliveries: all, those of a definition, or those of a record.
const WHICH = [
  { name: "number", label: "record number", hint: "any" },
  { name: "definition", hint: "any", list: "definitions" },
];
const forWhich = ({ number, definition }) => plain(number ? `#${number}` : (definition ?? "all deliveries"));

export function deliveryFaults() {
  const amount = { delay: "seconds", duplicate: "copies" }[kind];
  const fields = [
    { name: "fault", type: "choice", value: kind, options: kinds, change: choose },
    ...(amount ? [{ name: amount, type: "number", value: 1 }] : []),
    { name: "times", type: "number", value: 1, blank: null, hint: "all" },
    ...WHICH,
  ];
  const sendsNothing = html`This mock sends nothing, so only <code>delay</code> has an effect.
    To really send, start it with <code>crmcom-kit serve --deliver http</code>.`;
  return html`<section class="section" aria-labelledby="delivery-faults">
    <h2 id="delivery-faults">Delivery faults <span class="count">${active.length}</span></h2>
    <p class="note">The receiver gets a message twice, late, wrongly signed or cut.
      ${shell.status?.sends ? nothing : sendsNothing}</p>
    <ul class="rows">${active.map(faultRow)}</ul>
    ${form("Add a delivery fault", fields, "Add", (values, refused) => put((all) => [...all, values], refused))}
    ${dataList("definitions", definitions.map((one) => one.name))}</section>`;
}

function faultRow(one, at) {
  const amount = { delay: `${one.seconds} s `, duplicate: `+${one.copies} ` }[one.fault] ?? "";
  const remove = () => put((all) => all.filter((other, place) => place !== at || other.fault !== one.fault));
  return html`<li><p>${mark("fault", one.fault)} ${amount}<span class="note">for</span> ${forWhich(one)}
      <span class="note">· hit ${one.hits}${one.times === null ? "" : ` of ${one.times}`}</span></p>
    <button class="small" aria-label=${`Remove ${one.fault}`} @click=${remove}>Remove</button></li>`;
}

function choose(found) {
  kind = found;
  changed();
}

/** All delivery faults are put at once, so those that were there begin anew. */
async function put(edit, refused) {
  const now = await call("GET", "/deliveries/faults");
  const faults = edit(now.faults).map(({ hits, ...spec }) => spec);
  const said = ({ faults: left }) =>
    left.length ? `Delivery faults: ${left.map((one) => one.fault).join(", ")}.` : "No delivery faults are left.";
  return act(said, "PUT", "/deliveries/faults", { faults }, { refused });
}

/** Let a script decide deliveries; null ends the one that does. */
export function putScript(body, refused) {
  const text = body.script === null ? "The script is gone." : "The script is set.";
  return act(text, "PUT", "/deliveries/script", body, { refused });
}

export const SCRIPT = { name: "script", hint: "2*timeout, success", required: true };

export function deliveryScripts() {
  const noScripts = html`<p class="note">This mock really sends, so the receivers decide. Without <code>--deliver http</code>, scripts do.</p>`;
  return html`<section class="section" aria-labelledby="scripts"><h2 id="scripts">Delivery scripts</h2>
    ${shell.status?.sends
      ? noScripts
      : html`<p class="note">How deliveries end, in order; the last outcome repeats. The most specific script
            counts: for a record, then for a definition, then for all. <a href=${addressOf("contract", "delivery.script")}>All outcomes</a></p>
          <ul class="rows">${scripts.map(scriptRow)}</ul>
          ${form("Set a delivery script", [SCRIPT, ...WHICH], "Set", putScript)}`}</section>`;
}

function scriptRow({ script, used, number, definition }) {
  const which = forWhich({ number, definition });
  const end = () => putScript({ script: null, ...(number && { number }), ...(definition && { definition }) });
  const label = number || definition ? "End" : "Reset"; // the one for all goes back to that of the start
  return html`<li><p><code>${script}</code> <span class="note">for</span> ${which} <span class="note">· ${used} ${used === 1 ? "delivery" : "deliveries"} so far</span></p>
    <button class="small" aria-label=${`${label} the script for ${which}`} @click=${end}>${label}</button></li>`;
}
