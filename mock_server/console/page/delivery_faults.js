// What deliveries suffer: faults of messages that are sent, and scripts of outcomes when none are.

import { html, nothing } from "./lit-html/lit-html.js";
import { call } from "./api.js";
import { dataList, form } from "./forms.js";
import { act, addressOf, shell } from "./shell.js";
import { mark, plain, rowButton, section } from "./widgets.js";

// Which deliveries: all, those of a definition, or those of a record.
const WHICH = [
  { name: "number", label: "record number", hint: "any" },
  { name: "definition", hint: "any", list: "definitions" },
];
const forWhich = ({ number, definition }) => plain(number ? `#${number}` : (definition ?? "all deliveries"));

/** `active` are the faults of deliveries, `kinds` those that there are. */
export function deliveryFaults(active, kinds, definitions) {
  const fields = [
    { name: "fault", type: "choice", value: "delay", options: kinds },
    { name: "seconds", label: "delay in s", type: "number", hint: "1" },
    { name: "copies", label: "duplicates", type: "number", hint: "1" },
    { name: "times", type: "number", value: 1, blank: null, hint: "all" },
    ...WHICH,
  ];
  const sendsNothing = html`This mock sends nothing, so only <code>delay</code> has an effect.
    To really send, start it with <code>crmcom-kit serve --deliver http</code>.`;
  return section("Delivery faults", active.length, html`
    <p class="note">The receiver gets a message twice, late, wrongly signed or cut. ${shell.status?.sends ? nothing : sendsNothing}</p>
    <ul class="rows">${active.map(faultRow)}</ul>
    ${form("Add a delivery fault", fields, "Add", (values) => put((all) => [...all, values]))}
    ${dataList("definitions", definitions.map((one) => one.name))}`);
}

function faultRow(one, at) {
  const amount = { delay: `${one.seconds} s `, duplicate: `+${one.copies} ` }[one.fault] ?? "";
  const remove = () => put((all) => all.filter((other, place) => place !== at || other.fault !== one.fault));
  return html`<li><p>${mark("fault", one.fault)} ${amount}<span class="note">for</span> ${forWhich(one)}
      <span class="note">· hit ${one.hits}${one.times === null ? "" : ` of ${one.times}`}</span></p>
    ${rowButton("Remove", `Remove ${one.fault}`, remove)}</li>`;
}

/** All delivery faults are put at once; those that were there keep their hits. */
async function put(edit) {
  const { faults } = await call("GET", "/deliveries/faults");
  const said = ({ faults: left }) =>
    left.length ? `Delivery faults: ${left.map((one) => one.fault).join(", ")}.` : "No delivery faults are left.";
  return act(said, "PUT", "/deliveries/faults", { faults: edit(faults) });
}

/** Let a script decide deliveries; null ends the one that does. */
export function putScript(body) {
  const text = body.script === null ? "The script is gone." : "The script is set.";
  return act(text, "PUT", "/deliveries/script", body);
}

export const SCRIPT = { name: "script", hint: "2*timeout, success", required: true };

export function deliveryScripts(scripts) {
  if (shell.status?.sends) {
    return section("Delivery scripts", "", html`<p class="note">This mock really sends, so the receivers decide.
      You set the answers of <a href=${addressOf("deliveries", "receiver")}>the built-in one</a>.
      Without <code>--deliver http</code>, scripts decide.</p>`);
  }
  return section("Delivery scripts", "", html`
    <p class="note">How deliveries end, in order; the last outcome repeats. The most specific script counts: for a record,
      then for a definition, then for all. <a href=${addressOf("contract", "delivery.script")}>All outcomes</a></p>
    <ul class="rows">${scripts.map(scriptRow)}</ul>
    ${form("Set a delivery script", [SCRIPT, ...WHICH], "Set", putScript)}`);
}

function scriptRow({ script, used, number, definition }) {
  const which = forWhich({ number, definition });
  const end = () => putScript({ script: null, ...(number && { number }), ...(definition && { definition }) });
  const label = number || definition ? "End" : "Reset"; // the one for all goes back to that of the start
  return html`<li><p><code>${script}</code> <span class="note">for</span> ${which}
      <span class="note">· ${used} ${used === 1 ? "delivery" : "deliveries"} so far</span></p>
    ${rowButton(label, `${label} the script for ${which}`, end)}</li>`;
}
