// Faults & time: injected failures, scripts of deliveries, and the world's clock.

import { html, nothing } from "./lit-html/lit-html.js";
import { controlCurl, gather } from "./api.js";
import { parsed } from "./copies.js";
import { form, schemas } from "./forms.js";
import { searchFor } from "./search.js";
import { act, addressOf, reader, shell } from "./shell.js";
import { brief, clockTime, counted, data, dateTime, mark, plain, rowButton, section, spaced } from "./widgets.js";

const reading = reader("faults", () => gather("/faults", "/faults/presets", "/deliveries/script", schemas()));

export const faults = {
  id: "faults",
  title: "Faults & time",
  icon: "M9 1.5L3.5 9H8l-1 5.5L12.5 7H8z",
  reading,

  event(name) {
    if (name !== "world") reading.soon(); // a request that a fault matches counts, also if it is not hit
  },

  main: ({ faults: all, presets, scripts, ...types }) => html`<div class="board">
    <div>${injected(all)} ${addable(presets, types)}</div>
    <div>${clock()} ${deliveryScripts(scripts)}</div></div>`,
};

// What is active, and what is over.

function injected(all) {
  const [active, finished] = [all.filter((fault) => !fault.over), all.filter((fault) => fault.over)];
  const clear = () => act("Removed all faults.", "DELETE", "/faults");
  const none = html`<p class="note">No fault is active. Add one to see how your integration copes, here or by a script:</p>
    ${data(controlCurl("POST", "/faults", { preset: "lost_response" }), "Command to try")}`;
  return section(active.length ? "Active faults" : "Faults", active.length || "", html`
    ${active.length ? html`<ul class="rows">${active.map(row)}</ul>` : finished.length ? html`<p class="note">No fault is active.</p>` : none}
    ${finished.length ? html`<details><summary>${counted(finished.length, "finished fault")}</summary><ul class="rows">${finished.map(row)}</ul></details>` : nothing}
    ${all.length > 1 ? html`<p><button class="small" @click=${clear}>Remove all</button></p>` : nothing}`);
}

function row(fault) {
  const remove = () => act(`Removed the fault ${fault.name}.`, "DELETE", `/faults?id=${fault.id}`);
  return html`<li><div>
      <p>${mark(fault.over ? "open" : "fault", plain(fault.name))}</p>
      <p>${effectOf(fault)} <span class="note">for</span> ${matchOf(fault)}</p>
      <p class="note">${hitsOf(fault)}${fault.left === undefined || fault.over ? "" : ` · ${fault.left} left`}
        ${fault.expires ? html` · until ${clockTime(fault.expires)}` : nothing}</p></div>
    ${rowButton("Remove", `Remove ${fault.name}`, remove)}</li>`;
}

function hitsOf({ id, hits, calls }) {
  if (!calls) return "no matching request yet";
  const all = counted(calls, "matching request");
  if (!hits) return `no hits of ${all}`;
  return html`<a href=${addressOf("requests", "", searchFor({ fault: id }))}>${counted(hits, "hit")}</a> of ${all}`;
}

/** What a fault does: its effects by the names that a specification has for them. */
export function effectOf({ effect, when }) {
  const written = (value) => (value === true ? "" : ` ${brief(typeof value === "object" ? JSON.stringify(value) : value)}`);
  const parts = Object.entries(effect).map(([name, value]) => spaced(name) + written(value));
  return `${parts.join(", ")}${when === "after_commit" ? ", after commit" : ""}`;
}

function matchOf({ match }) {
  const { operation, record, nth, after } = match;
  const parts = operation ? [operation.join(", ")] : ["every request"];
  if (record) parts.push(`#${plain(record)}`);
  if (nth) parts.push(`only number ${nth.join(", ")}`);
  if (after) parts.push(`after the first ${after}`);
  return parts.join(" · ");
}

// What can be added.

function addable(presets, { FaultMatch: match, FaultEffect: effect, FaultSpec: spec, FaultOfPreset }) {
  const add = (fault) => act((added) => `Added the fault ${plain(added.faults[0].name)}.`, "POST", "/faults", fault);
  const entry = (name, text, content) => html`<details class="entry" name="fault"><summary><b>${name}</b> <span class="note">${text}</span></summary>${content}</details>`;
  const preset = ({ name, text, arguments: defaults }) => {
    const fields = Object.entries(defaults).map(([argument, value]) => fieldOf([argument, FaultOfPreset.properties[argument]], value));
    return entry(name, prose(text), form(`Add ${name}`, fields, "Add", (values) => add({ preset: name, ...values })));
  };
  const addAny = (values) => {
    const members = ({ properties }) => Object.fromEntries(Object.entries(values).filter(([name, value]) => name in properties && value !== false));
    return add({ ...members(spec), match: members(match), effect: members(effect) });
  };
  const { match: _, effect: __, ...others } = spec.properties;
  const fields = [match.properties, effect.properties, others].flatMap((properties) => Object.entries(properties).map((member) => fieldOf(member)));
  return section("Add a fault", "", html`${presets.map(preset)}
    ${entry("any other", "a fault of your own: which requests, what happens, and when", form("Add any fault", fields, "Add", addAny))}`);
}

/** A text in which arguments stand between backticks. */
const prose = (text) => text.split("`").map((part, at) => (at % 2 ? html`<i>${part}</i>` : part));

/** A field for a member of a fault or an argument of a preset, as the schema has it; null stands for no condition. */
function fieldOf([name, schema], value = "") {
  const { $ref: ref, anyOf = [], description: title } = schema;
  const [type] = [schema.type].flat();
  const isNullable = JSON.stringify(schema).includes('"null"');
  const field = { name, label: spaced(name), title, value: Array.isArray(value) ? value.join(", ") : value, ...(isNullable && { blank: null, hint: "any" }) };
  const options = schema.enum ?? anyOf[0]?.enum;
  if (type === "boolean" || options?.[0] === true) return { ...field, type: "check" };
  if (options) {
    const several = Array.isArray(value) ? [field.value] : [];
    const read = anyOf.length ? (text) => text.split(", ") : undefined;
    return { ...field, type: "choice", options: [["", field.hint ?? ""], ...several, ...options], read };
  }
  if (anyOf.some((choice) => choice.type === "array")) return { ...field, hint: "1, 3", read: (text) => text.split(",").map(Number) };
  if (ref) return { ...field, type: "area", rows: 2, read: (text) => parsed(text) ?? text };
  return { ...field, type: anyOf.length || type === "string" ? "text" : "number" };
}

// The world's clock: freeze it, move it on.

function clock() {
  const state = shell.status?.clock;
  if (!state) return nothing;
  const advance = (body) => turn("POST", "/clock/advance", body);
  const step = (text, seconds) => html`<button @click=${() => advance({ seconds })}>${text}</button>`;
  const set = (body) => turn("PUT", "/clock", body);
  return section("Clock", "", html`
    <p class="now">${dateTime(state.now)} UTC, ${MODES[state.mode]}</p>
    <p class="note">It dates records and the journal, ends tokens, and times faults. A reset restarts it.</p>
    <p class="tools">
      ${state.mode === "real" ? html`<button @click=${() => set({ mode: "frozen" })}>Freeze now</button>` : nothing}
      ${state.mode === "real" ? nothing : html`<button @click=${() => set({ mode: "real" })}>Follow the machine's clock</button>`}
      ${step("+ 1 min", 60)} ${step("+ 1 h", 3600)} ${step("+ 1 day", 86400)}</p>
    <div class="fields">
      ${form("Freeze the clock", [{ name: "at", hint: "2024-05-01T10:00:00Z", required: true }], "Freeze", ({ at }) => set({ mode: "frozen", at }))}
      ${form("Advance the clock", [{ name: "seconds", label: "by seconds", type: "number", hint: "90", required: true }], "Advance", advance)}
    </div>`);
}

const MODES = { real: "follows this machine's clock", frozen: "frozen" };

async function turn(verb, path, body) {
  const said = ({ mode, now }) => `${mode === "frozen" ? "Froze" : "Set"} the clock at ${dateTime(now)}.`;
  const state = await act(said, verb, path, body);
  if (shell.status) shell.status = { ...shell.status, clock: state }; // at once, not with the next event of the stream
  return state;
}

// How deliveries end where nothing is sent: scripts of outcomes.

const SCRIPT = [
  { name: "script", hint: "2*timeout, success", required: true },
  { name: "record", hint: "any" },
];

/** Let a script decide deliveries; null ends the one that does. */
const putScript = (body) => act(body.script === null ? "Ended the script." : "Set the script.", "PUT", "/deliveries/script", body);

function deliveryScripts(scripts) {
  if (shell.status?.sends) {
    return section("Delivery scripts", "", html`<p class="note">This mock really sends, so the receivers decide.
      Without <code>--deliver http</code>, scripts decide.</p>`);
  }
  return section("Delivery scripts", "", html`
    <p class="note">How deliveries end, in order; the last outcome repeats. The script for a record goes before the one for all.
      <a href=${addressOf("evidence", "delivery.script")}>All outcomes</a></p>
    <ul class="rows">${scripts.map(scriptRow)}</ul>
    ${form("Set a delivery script", SCRIPT, "Set", putScript)}`);
}

function scriptRow({ script, used, record }) {
  const which = plain(record ? `#${record}` : "all deliveries");
  const end = () => putScript({ script: null, ...(record && { record }) });
  const label = record ? "End" : "Reset"; // the one for all goes back to that of the start
  return html`<li><p><code>${script}</code> <span class="note">for</span> ${which}
      <span class="note">· ${used} ${used === 1 ? "delivery" : "deliveries"} so far</span></p>
    ${rowButton(label, `${label} the script for ${which}`, end)}</li>`;
}
