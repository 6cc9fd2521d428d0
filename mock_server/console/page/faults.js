// Faults & time: injected failures, scripts of deliveries, and the world's clock.

import { html, nothing } from "./lit-html/lit-html.js";
import { controlCurl, gather, urlOf } from "./api.js";
import { deliveryScripts } from "./delivery_scripts.js";
import { form, schemas } from "./forms.js";
import { act, addressOf, reader, shell } from "./shell.js";
import { clockTime, counted, data, dateTime, loading, mark, plain, rowButton, section } from "./widgets.js";

const reading = reader("faults", () =>
  gather("/faults", "/faults/presets", "/deliveries/script", "/definitions", schemas()));

export const faults = {
  id: "faults",
  title: "Faults & time",
  icon: "M9 1.5L3.5 9H8l-1 5.5L12.5 7H8z",
  reading,

  event(name, found) {
    if (name === "delivery" || found.fault) reading.soon();
  },

  main({ faults: active, presets, scripts, definitions, FaultOperation }) {
    return html`<div class="board">
      <div>${activeFaults(active)} ${clock()} ${deliveryScripts(scripts, definitions)}</div>
      <div>${known(presets, FaultOperation.enum)}</div></div>`;
  },
};

// What is active.

function activeFaults(active) {
  const clear = () => act("No faults are left.", "DELETE", "/faults");
  const none = html`<p class="note">No fault is active. Add one to see how your integration copes. A script does the same with:</p>
    ${data(controlCurl("POST", "/faults", { preset: "lost_answer" }), "Command to try")}`;
  return section("Active faults", active.filter((one) => !one.over).length, html`
    ${active.length ? html`<ul class="rows">${active.map(row)}</ul>` : none}
    ${active.length > 1 ? html`<button class="small" @click=${clear}>Remove all</button>` : nothing}`);
}

function row(one) {
  const remove = () => act(`The fault ${one.name} is removed.`, "DELETE", `/faults?id=${one.id}`);
  const over = html`<span class="note">is over: it hits no more requests</span>`;
  return html`<li><div>
      <p>${mark(one.over ? "open" : "fault", plain(one.name))} ${one.over ? over : nothing}</p>
      <p>${effectOf(one)} <span class="note">for</span> ${matchOf(one)}</p>
      <p class="note">${hitsOf(one)}${one.left === undefined ? "" : ` · ${one.left} left`}
        ${one.expires ? html` · until ${clockTime(one.expires)}` : nothing}</p></div>
    ${rowButton("Remove", `Remove ${one.name}`, remove)}</li>`;
}

function hitsOf({ id, hits, calls }) {
  if (!calls) return "no matching request yet";
  const all = counted(calls, "matching request");
  if (!hits) return `no hits of ${all}`;
  return html`<a href=${addressOf("requests", "", { search: `fault:${id}` })}>${counted(hits, "hit")}</a> of ${all}`;
}

const words = (value) => plain(typeof value === "string" ? value : JSON.stringify(value));

const EFFECTS = {
  delay: (value) => `delayed by ${value} s`,
  status: (value) => `HTTP ${value}`,
  retry_after: (value) => `Retry-After ${value}`,
  error: (value) => `error ${value}`,
  drop: () => "no response",
  cut: (value) => `response cut after ${typeof value === "number" ? `${value} bytes` : words(value)}`,
  malformed: () => "malformed JSON",
  expire_token: () => "token expires",
  delete_record: () => "record deleted before",
};

/** What a fault does, in a few words. */
export function effectOf({ effect, when }) {
  const parts = Object.entries(effect).map(([name, value]) => EFFECTS[name]?.(value) ?? `${name} ${words(value)}`);
  if (when === "after_commit" && effect.drop) parts.push("though carried out");
  return parts.join(", ");
}

function matchOf({ match }) {
  const { operation, record, after, ...more } = match;
  const parts = operation ? [[operation].flat().join(", ")] : ["every request"];
  if (record) parts.push(`#${record}`);
  if (after) parts.push(`after the first ${after}`);
  return [...parts, ...Object.entries(more).map(([name, value]) => `${name} ${words(value)}`)].join(" · ");
}

// The world's clock: freeze it, move it on.

const MODES = {
  real: "follows this machine's clock",
  frozen: "frozen",
};

/** Show what the clock says now, and what can be done with it. */
function clock() {
  const found = shell.status?.clock;
  if (!found) return loading;
  const step = (label, seconds) => html`<button @click=${() => advance({ seconds })}>${label}</button>`;
  const one = (verb, field, send) => form(`${verb} the clock`, [{ ...field, required: true }], verb, send);
  return section("Clock", "", html`
    <p class="tools"><time class="now" datetime=${found.now}>${dateTime(found.now)}</time> UTC, ${MODES[found.mode]}</p>
    <p class="note">It dates records and the journal, ends tokens, and times faults. A reset restarts it.</p>
    <p class="tools">
      <button @click=${() => set({ mode: "frozen" })}>Freeze now</button>
      <button @click=${() => set({ mode: "real" })}>Follow the machine's clock</button>
      ${step("+ 1 min", 60)} ${step("+ 1 h", 3600)} ${step("+ 1 day", 86400)}</p>
    <div class="forms">
      ${one("Freeze", { name: "at", hint: "2024-05-01T10:00:00Z" }, ({ at }) => set({ mode: "frozen", at }))}
      ${one("Advance", { name: "seconds", label: "by seconds", type: "number", hint: "90" }, advance)}
    </div>`);
}

const set = (body) => turn("PUT", "/clock", body);
const advance = (body) => turn("POST", "/clock/advance", body);

async function turn(verb, path, body) {
  const said = ({ mode, now }) => `The clock says ${dateTime(now)}${mode === "frozen" ? ", frozen" : ""}.`;
  const found = await act(said, verb, path, body);
  if (shell.status) shell.status = { ...shell.status, clock: found }; // at once, not when the stream next tells of it
  return found;
}

// What can be added.

const EXAMPLE = '{"match": {"operation": "resend"},\n "effect": {"error": "not_found"},\n "times": 1}';

function known(presets, operations) {
  const any = [{ name: "fault", label: "as JSON", type: "area", value: EXAMPLE }];
  const add = (name, values) => act(`The fault ${name} is active.`, "POST", "/faults", { preset: name, ...values });
  const addAny = ({ fault = "" }) => act("The fault is active.", "POST", "/faults", fault);
  const preset = (one) => html`<li><div><h3>${one.name}</h3><p class="note">${prose(one.text)}</p>
    ${form(`Add ${one.name}`, fieldsOf(one, operations), "Add", (values) => add(one.name, values))}</div></li>`;
  return section("Add a fault", "", html`<ul class="rows">${presets.map(preset)}</ul>
    <details><summary>Any other fault</summary>
      <p class="note">Match requests by method, record or count. Delay, refuse or drop them, or cut or garble the response.
        <a href=${urlOf("/__admin/docs")} target="_blank">All members</a></p>
      ${form("Add any fault", any, "Add", addAny)}</details>`);
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
