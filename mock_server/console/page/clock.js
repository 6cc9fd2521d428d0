// The world's clock: freeze it, move it on, let it run at another rate.

import { html } from "./lit-html/lit-html.js";
import { form } from "./forms.js";
import { act, shell } from "./shell.js";
import { dateTime, loading, number, section } from "./widgets.js";

const MODES = {
  real: () => "follows this machine's clock",
  frozen: () => "frozen",
  scaled: ({ rate }) => `runs ${number(rate)} times as fast`,
};

/** Show what the clock says now, and what can be done with it. */
export function clock() {
  const found = shell.status?.clock;
  if (!found) return loading;
  const step = (label, seconds) => html`<button @click=${() => advance({ seconds })}>${label}</button>`;
  const one = (verb, field, send) => form(`${verb} the clock`, [{ ...field, required: true }], verb, send);
  return section("Clock", "", html`
    <p class="tools"><time class="now" datetime=${found.now}>${dateTime(found.now)}</time> UTC, ${MODES[found.mode](found)}</p>
    <p class="note">It dates records and the journal, ends tokens, and times faults. A reset restarts it.</p>
    <p class="tools">
      <button @click=${() => set({ mode: "frozen" })}>Freeze now</button>
      <button @click=${() => set({ mode: "real" })}>Follow the machine's clock</button>
      ${step("+ 1 min", 60)} ${step("+ 1 h", 3600)} ${step("+ 1 day", 86400)}</p>
    <div class="forms">
      ${one("Freeze", { name: "at", hint: "2024-05-01T10:00:00Z" }, ({ at }) => set({ mode: "frozen", at }))}
      ${one("Advance", { name: "seconds", label: "by seconds", type: "number", hint: "90" }, advance)}
      ${one("Scale", { name: "rate", label: "times as fast", type: "number", hint: "3600" }, ({ rate }) => set({ mode: "scaled", rate }))}
    </div>`);
}

const set = (body) => change("PUT", "/clock", body);
const advance = (body) => change("POST", "/clock/advance", body);

async function change(verb, path, body) {
  const said = ({ mode, now }) => `The clock says ${dateTime(now)}${mode === "frozen" ? ", frozen" : ""}.`;
  const found = await act(said, verb, path, body);
  if (shell.status) shell.status = { ...shell.status, clock: found }; // at once, not when the stream next tells of it
  return found;
}
