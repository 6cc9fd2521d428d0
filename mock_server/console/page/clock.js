// The world's clock: freeze it, move it on, let it run at another rate.

import { html } from "./lit-html/lit-html.js";
import { form } from "./forms.js";
import { act, shell } from "./shell.js";

const STEPS = [
  ["+ 1 min", 60],
  ["+ 1 h", 3600],
  ["+ 1 day", 86400],
];

const MODES = {
  real: () => "follows this machine's clock",
  frozen: () => "frozen",
  scaled: ({ rate }) => `runs ${rate.toLocaleString("en")} times as fast`,
};

/** Show what the clock says now, and what can be done with it. */
export function clock() {
  const found = shell.status?.clock;
  return html`<section class="section" aria-labelledby="clock"><h2 id="clock">Clock</h2>
    ${found
      ? html`<p class="tools"><time class="now" datetime=${found.now}>${found.now.slice(0, 19).replace("T", " ")}</time> UTC, ${MODES[found.mode](found)}</p>`
      : html`<p class="note">…</p>`}
    <p class="note">It dates records and the journal, ends tokens, and times faults. A reset restarts it.</p>
    <p class="tools">
      <button @click=${() => set({ mode: "frozen" })}>Freeze now</button>
      <button @click=${() => set({ mode: "real" })}>Follow the machine's clock</button>
      ${STEPS.map(([label, seconds]) => html`<button @click=${() => advance({ seconds })}>${label}</button>`)}</p>
    <div class="forms">${form("Freeze the clock", [{ name: "at", label: "at", hint: "2024-05-01T10:00:00Z", required: true }], "Freeze", (values, refused) => set({ mode: "frozen", ...values }, refused))}
    ${form("Advance the clock", [{ name: "seconds", label: "by seconds", type: "number", hint: "90", required: true }], "Advance", advance)}
    ${form("Scale the clock", [{ name: "rate", label: "times as fast", type: "number", hint: "3600", required: true }], "Scale", (values, refused) => set({ mode: "scaled", ...values }, refused))}</div>
  </section>`;
}

const set = (body, refused) => take(act(said, "PUT", "/clock", body, { refused }));
const advance = (body, refused) => take(act(said, "POST", "/clock/advance", body, { refused }));
const said = ({ mode, now }) => `The clock says ${now.slice(0, 19).replace("T", " ")}${mode === "frozen" ? ", frozen" : ""}.`;

/** Show the clock at once, not when the stream next tells of it. */
async function take(acting) {
  const found = await acting;
  if (found && shell.status) shell.status = { ...shell.status, clock: found };
  return found;
}
