// How deliveries end where nothing is sent: scripts of outcomes.

import { html } from "./lit-html/lit-html.js";
import { dataList, form } from "./forms.js";
import { act, addressOf, shell } from "./shell.js";
import { plain, rowButton, section } from "./widgets.js";

// Which deliveries: all, those of a definition, or those of a record.
const WHICH = [
  { name: "record", hint: "any" },
  { name: "definition", hint: "any", list: "definitions" },
];
const forWhich = ({ record, definition }) => plain(record ? `#${record}` : (definition ?? "all deliveries"));

/** Let a script decide deliveries; null ends the one that does. */
export function putScript(body) {
  const text = body.script === null ? "The script is gone." : "The script is set.";
  return act(text, "PUT", "/deliveries/script", body);
}

export const SCRIPT = { name: "script", hint: "2*timeout, success", required: true };

export function deliveryScripts(scripts, definitions) {
  if (shell.status?.sends) {
    return section("Delivery scripts", "", html`<p class="note">This mock really sends, so the receivers decide.
      You set the answers of <a href=${addressOf("deliveries", "receiver")}>the built-in one</a>.
      Without <code>--deliver http</code>, scripts decide.</p>`);
  }
  return section("Delivery scripts", "", html`
    <p class="note">How deliveries end, in order; the last outcome repeats. The most specific script counts: for a record,
      then for a definition, then for all. <a href=${addressOf("contract", "delivery.script")}>All outcomes</a></p>
    <ul class="rows">${scripts.map(scriptRow)}</ul>
    ${form("Set a delivery script", [SCRIPT, ...WHICH], "Set", putScript)}
    ${dataList("definitions", definitions.map((one) => one.name))}`);
}

function scriptRow({ script, used, record, definition }) {
  const which = forWhich({ record, definition });
  const end = () => putScript({ script: null, ...(record && { record }), ...(definition && { definition }) });
  const label = record || definition ? "End" : "Reset"; // the one for all goes back to that of the start
  return html`<li><p><code>${script}</code> <span class="note">for</span> ${which}
      <span class="note">· ${used} ${used === 1 ? "delivery" : "deliveries"} so far</span></p>
    ${rowButton(label, `${label} the script for ${which}`, end)}</li>`;
}
