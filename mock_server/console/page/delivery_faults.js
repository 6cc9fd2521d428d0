// What deliveries suffer: faults of messages that are sent, and scripts of outcomes when none are.

import { html, nothing } from "./lit-html/lit-html.js";
import { call } from "./api.js";
import { form, schemas } from "./forms.js";
import { act, addressOf, changed, shell } from "./shell.js";
import { mark, plain } from "./widgets.js";

let active = [];
let kinds = []; // of faults
let kind = "delay"; // the one that the form adds
let scripts = [];
let definitions = [];

/** Load what this part shows. Throws Refused. */
export function loadDeliveryFaults() {
  const paths = ["/deliveries/faults", "/deliveries/script", "/definitions"];
  return Promise.all([schemas(), ...paths.map((path) => call("GET", path))]);
}

/** Show what was loaded. */
export function takeDeliveryFaults([{ DeliveryFault }, first, second, third]) {
  kinds = DeliveryFault.properties.fault.enum;
  active = first.faults;
  scripts = second.scripts;
  definitions = third.definitions;
}

// Which deliveries: all, those of a definition, or those of a record.
const which = () => [
  { name: "number", label: "record number", hint: "any" },
  { name: "definition", label: "definition", hint: "any", list: "definitions" },
];
const forWhich = ({ number, definition }) => plain(number ? `#${number}` : (definition ?? "all deliveries"));

/** The faults; `change` loads all anew after an act. */
export function deliveryFaults(change) {
  const put = (edit, refused) => change(putFaults(edit, refused));
  const fields = [
    { name: "fault", type: "choice", value: kind, options: kinds, change: choose },
    ...(kind === "delay" ? [{ name: "seconds", type: "number", value: 1 }] : []),
    ...(kind === "duplicate" ? [{ name: "copies", type: "number", value: 1 }] : []),
    { name: "times", type: "number", value: 1, blank: null, hint: "all" },
    ...which(),
  ];
  return html`<section class="section" aria-labelledby="delivery-faults"><h2 id="delivery-faults">Delivery faults <span class="count">${active.length}</span></h2>
    <p class="note">The receiver gets a message twice, late, wrongly signed or cut.
      ${shell.status && !shell.status.sends ? html`This mock sends nothing, so only <code>delay</code> has an effect. To really send, start it with <code>crmcom-kit serve --deliver http</code>.` : nothing}</p>
    <ul class="rows">${active.map(
      (one, at) => html`<li><p>${mark("fault", one.fault)} ${one.fault === "delay" ? `${one.seconds} s ` : ""}${one.fault === "duplicate" ? `+${one.copies} ` : ""}<span class="note">for</span> ${forWhich(one)}
        <span class="note">· hit ${one.hits}${one.times === null ? "" : ` of ${one.times}`}</span></p><button class="small" aria-label=${`Remove ${one.fault}`} @click=${() => put((all) => all.filter((other, place) => place !== at || other.fault !== one.fault))}>Remove</button></li>`,
    )}</ul>
    ${form("Add a delivery fault", fields, "Add", (values, refused) => put((all) => [...all, values], refused))}
    <datalist id="definitions">${definitions.map((one) => html`<option value=${one.name}></option>`)}</datalist></section>`;
}

function choose(found) {
  kind = found;
  changed();
}

/** All delivery faults are put at once, so those that were there begin anew. */
async function putFaults(edit, refused) {
  const now = await call("GET", "/deliveries/faults").catch(() => ({ faults: active }));
  const faults = edit(now.faults).map(({ hits, ...spec }) => spec);
  const said = ({ faults: left }) => (left.length ? `Delivery faults: ${left.map((one) => one.fault).join(", ")}.` : "No delivery faults are left.");
  return act(said, "PUT", "/deliveries/faults", { faults }, { refused });
}

export function deliveryScripts(change) {
  const put = (body, refused) => change(act(body.script === null ? "The script is gone." : "The script is set.", "PUT", "/deliveries/script", body, { refused }));
  const row = ({ script, number, definition, used }) => {
    const label = number || definition ? "End" : "Reset"; // the one for all goes back to that of the start
    const end = { script: null, ...(number && { number }), ...(definition && { definition }) };
    return html`<li><p><code>${script}</code> <span class="note">for</span> ${forWhich({ number, definition })} <span class="note">· ${used} ${used === 1 ? "delivery" : "deliveries"} so far</span></p>
      <button class="small" aria-label=${`${label} the script for ${forWhich({ number, definition })}`} @click=${() => put(end)}>${label}</button></li>`;
  };
  const fields = [{ name: "script", hint: "2*timeout, success", required: true }, ...which()];
  return html`<section class="section" aria-labelledby="scripts"><h2 id="scripts">Delivery scripts</h2>
    ${shell.status?.sends
      ? html`<p class="note">This mock really sends, so the receivers decide. Without <code>--deliver http</code>, scripts do.</p>`
      : html`<p class="note">How deliveries end, in order; the last outcome repeats. The most specific script counts: for a record, then for a definition, then for all.
            <a href=${addressOf("contract", "delivery.script")}>All outcomes</a></p>
          <ul class="rows">${scripts.map(row)}</ul>
          ${form("Set a delivery script", fields, "Set", put)}`}</section>`;
}
