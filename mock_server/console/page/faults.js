// Faults & time: injected failures, scripts of deliveries, and the world's clock.

import { html, nothing } from "./lit-html/lit-html.js";
import { controlCurl, gather, urlOf } from "./api.js";
import { form, schemas } from "./forms.js";
import { searchFor } from "./search.js";
import { act, addressOf, reader, shell } from "./shell.js";
import { clockTime, counted, data, dateTime, mark, plain, rowButton, section } from "./widgets.js";

const reading = reader("faults", () => gather("/faults", "/faults/presets", "/deliveries/script", schemas()));

export const faults = {
  id: "faults",
  title: "Faults & time",
  icon: "M9 1.5L3.5 9H8l-1 5.5L12.5 7H8z",
  reading,

  event(name) {
    if (name !== "world") reading.soon(); // a request that a fault matches counts, also if it is not hit
  },

  main: ({ faults: all, presets, scripts, FaultMatch }) => html`<div class="board">
    <div>${injected(all)} ${known(presets, FaultMatch.properties.operation.anyOf[0].enum)}</div>
    <div>${clock()} ${deliveryScripts(scripts)}</div></div>`,
};

// What is active, and what is over.

function injected(all) {
  const [active, finished] = [all.filter((one) => !one.over), all.filter((one) => one.over)];
  const clear = () => act("Removed all faults.", "DELETE", "/faults");
  const none = html`<p class="note">No fault is active. Add one to see how your integration copes, here or by a script:</p>
    ${data(controlCurl("POST", "/faults", { preset: "lost_answer" }), "Command to try")}`;
  return section(active.length ? "Active faults" : "Faults", active.length || "", html`
    ${active.length ? html`<ul class="rows">${active.map(row)}</ul>` : finished.length ? html`<p class="note">No fault is active.</p>` : none}
    ${finished.length ? html`<details><summary>${counted(finished.length, "finished fault")}</summary><ul class="rows">${finished.map(row)}</ul></details>` : nothing}
    ${all.length > 1 ? html`<p><button class="small" @click=${clear}>Remove all</button></p>` : nothing}`);
}

function row(one) {
  const remove = () => act(`Removed the fault ${one.name}.`, "DELETE", `/faults?id=${one.id}`);
  return html`<li><div>
      <p>${mark(one.over ? "open" : "fault", plain(one.name))}</p>
      <p>${effectOf(one)} <span class="note">for</span> ${matchOf(one)}</p>
      <p class="note">${hitsOf(one)}${one.left === undefined || one.over ? "" : ` · ${one.left} left`}
        ${one.expires ? html` · until ${clockTime(one.expires)}` : nothing}</p></div>
    ${rowButton("Remove", `Remove ${one.name}`, remove)}</li>`;
}

function hitsOf({ id, hits, calls }) {
  if (!calls) return "no matching request yet";
  const all = counted(calls, "matching request");
  if (!hits) return `no hits of ${all}`;
  return html`<a href=${addressOf("requests", "", searchFor({ fault: id }))}>${counted(hits, "hit")}</a> of ${all}`;
}

const EFFECTS = {
  delay: (value) => `delayed by ${value} s`,
  status: (value) => `HTTP ${value}`,
  retry_after: (value) => `Retry-After ${value}`,
  error: (value) => `error ${value}`,
  respond: ({ status = 200, body }) => `HTTP ${status} with a body of its own ${body}`,
  drop: () => "no response",
  cut: (value) => `response cut after ${value} bytes`,
  malformed: () => "malformed JSON",
  expire_token: () => "token expires",
  delete_record: () => "record deleted before",
};

/** What a fault does, in a few words. */
export function effectOf({ effect, when }) {
  const parts = Object.entries(effect).map(([name, value]) => EFFECTS[name](value));
  if (when === "after_commit" && effect.drop) parts.push("though carried out");
  return parts.join(", ");
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

const EXAMPLE = '{"match": {"operation": "resend"},\n "effect": {"error": "unknown_webhook_request"},\n "times": 1}';

function known(presets, operations) {
  const any = [{ name: "fault", label: "as JSON", type: "area", value: EXAMPLE }];
  const add = (name, values) => act(`Added the fault ${name}.`, "POST", "/faults", { preset: name, ...values });
  const addAny = ({ fault = "" }) => act("Added the fault.", "POST", "/faults", fault);
  const entry = (name, text, content) => html`<details class="entry" name="fault"><summary><b>${name}</b> <span class="note">${text}</span></summary>${content}</details>`;
  const preset = (one) =>
    entry(one.name, prose(one.text), form(`Add ${one.name}`, fieldsOf(one, operations), "Add", (values) => add(one.name, values)));
  return section("Add a fault", "", html`${presets.map(preset)}
    ${entry("any other", "a fault of your own, as JSON", html`<p class="note">Match requests by method, record or count. Delay, refuse,
      answer or drop them, or cut or garble the response. <a href=${urlOf("/__admin/docs")} target="_blank">All members</a></p>
      ${form("Add any fault", any, "Add", addAny)}`)}`);
}

/** A text in which arguments stand between backticks. */
const prose = (text) => text.split("`").map((part, at) => (at % 2 ? html`<i>${part}</i>` : part));

const UNITS = { delay: "delay in seconds" };

/** The arguments of a preset as fields; null stands for no condition. */
function fieldsOf({ arguments: defaults }, operations) {
  return Object.entries(defaults).map(([name, value]) => {
    if (name === "operation") {
      const given = value?.join(", ") ?? "";
      const options = [["", "any"], ...(given ? [given] : []), ...operations];
      return { name, label: "method", type: "choice", value: given, options, blank: null, read: (text) => text.split(", ") };
    }
    if (name === "record") return { name, hint: "any", blank: null };
    if (typeof value === "boolean") return { name, type: "check", value };
    return { name, label: UNITS[name] ?? name, type: "number", value, ...(name === "times" && { blank: null, hint: "no limit" }) };
  });
}

// The world's clock: freeze it, move it on.

function clock() {
  const found = shell.status?.clock;
  if (!found) return nothing;
  const advance = (body) => turn("POST", "/clock/advance", body);
  const step = (text, seconds) => html`<button @click=${() => advance({ seconds })}>${text}</button>`;
  const set = (body) => turn("PUT", "/clock", body);
  return section("Clock", "", html`
    <p class="now">${dateTime(found.now)} UTC, ${MODES[found.mode]}</p>
    <p class="note">It dates records and the journal, ends tokens, and times faults. A reset restarts it.</p>
    <p class="tools">
      ${found.mode === "real" ? html`<button @click=${() => set({ mode: "frozen" })}>Freeze now</button>` : nothing}
      ${found.mode === "real" ? nothing : html`<button @click=${() => set({ mode: "real" })}>Follow the machine's clock</button>`}
      ${step("+ 1 min", 60)} ${step("+ 1 h", 3600)} ${step("+ 1 day", 86400)}</p>
    <div class="fields">
      ${form("Freeze the clock", [{ name: "at", hint: "2024-05-01T10:00:00Z", required: true }], "Freeze", ({ at }) => set({ mode: "frozen", at }))}
      ${form("Advance the clock", [{ name: "seconds", label: "by seconds", type: "number", hint: "90", required: true }], "Advance", advance)}
    </div>`);
}

const MODES = { real: "follows this machine's clock", frozen: "frozen" };

async function turn(verb, path, body) {
  const said = ({ mode, now }) => `${mode === "frozen" ? "Froze" : "Set"} the clock at ${dateTime(now)}.`;
  const found = await act(said, verb, path, body);
  if (shell.status) shell.status = { ...shell.status, clock: found }; // at once, not when the stream next tells of it
  return found;
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
      You set the answers of <a href=${addressOf("deliveries", "receiver")}>the built-in one</a>.
      Without <code>--deliver http</code>, scripts decide.</p>`);
  }
  return section("Delivery scripts", "", html`
    <p class="note">How deliveries end, in order; the last outcome repeats. The script for a record goes before the one for all.
      <a href=${addressOf("contract", "delivery.script")}>All outcomes</a></p>
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
