// The world's clock: freeze it, move it on, let it run at another rate.

import { html } from "./lit-html/lit-html.js";
import { form } from "./forms.js";
import { act, shell } from "./shell.js";
import { dateTime, loading, number } from "./widgets.js";

const STEPS = { "+ 1 min": 60, "+ 1 h": 3600, "+ 1 day": 86400 };

const MODES = {
  real: () => "follows this machine's clock",
  frozen: () => "frozen",
  scaled: ({ rate }) => `runs ${number(rate)} times as fast`,
};

/** Show what the clock says now, and what can be done with it. */
export function clock() {
  const found = shell.status?.clock;
  if (!found) return loading;
  const setting = (mode) => (values, refused) => set({ mode, ...values }, refused);
  const forms = [
    ["Freeze", { name: "at", hint: "2024-05-01T10:00:00Z" }, setting("frozen")],
    ["Advance", { name: "seconds", label: "by seconds", type: "number", hint: "90" }, advance],
    ["Scale", { name: "rate", label: "times as fast", type: "number", hint: "3600" }, setting("scaled")],
  ];
  return html`<section class="section" aria-labelledby="clock"><h2 id="clock">Clock</h2>
    <p class="tools"><time class="now" datetime=${found.now}>${dateTime(found.now)}</time> UTC, ${MODES[found.mode](found)}</p>
    <p class="note">It dates records and the journal, ends tokens, and times faults. A reset restarts it.</p>
    <p class="tools">
      <button @click=${() => set({ mode: "frozen" })}>Freeze now</button>
      <button @click=${() => set({ mode: "real" })}>Follow the machine's clock</button>
      ${Object.entries(STEPS).map(([label, seconds]) => html`<button @click=${() => advance({ seconds })}>${label}</button>`)}</p>
    <div class="forms">${forms.map(([verb, field, send]) => form(`${verb} the clock`, [{ ...field, required: true }], verb, send))}</div>
  </section>`;
}

const set = (body, refused) => take(act(said, "PUT", "/clock", body, { refused }));
const advance = (body, refused) => take(act(said, "POST", "/clock/advance", body, { refused }));
const said = ({ mode, now }) => `The clock says ${dateTime(now)}${mode === "frozen" ? ", frozen" : ""}.`;

/** Show the clock at once, not when the stream next tells of it. */
async function take(acting) {
  const found = await acting;
  if (found && shell.status) shell.status = { ...shell.status, clock: found };
  return found;
}
