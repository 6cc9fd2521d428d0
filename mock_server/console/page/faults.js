// Faults & time: injected failures, what deliveries suffer, and the world's clock.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, curl, urlOf } from "./api.js";
import { clock } from "./clock.js";
import { deliveryFaults, deliveryScripts, loadDeliveryFaults, takeDeliveryFaults } from "./delivery_faults.js";
import { form, schemas } from "./forms.js";
import { act, addressOf, changed, refresher } from "./shell.js";
import { clockTime, data, mark, plain } from "./widgets.js";

let presets = [];
let active = []; // with what each has done so far
let operations = []; // names that a fault may match
let turn = 0; // of loading: only the newest counts, for an older one may have missed what was done since
let counts = ""; // what the stream last said of faults

async function load() {
  const parts = [call("GET", "/faults"), presets.length ? { presets } : call("GET", "/faults/presets"), schemas(), loadDeliveryFaults()];
  const mine = ++turn;
  const [found, known, { FaultOperation }, deliveries] = await Promise.all(parts);
  if (mine !== turn) return;
  takeDeliveryFaults(deliveries);
  active = found.faults;
  presets = known.presets;
  operations = FaultOperation.enum;
  changed();
}

const soon = refresher("faults", load);

export const faults = {
  id: "faults",
  title: "Faults & time",
  icon: "⚡",

  reset() {
    presets = [];
    active = [];
  },

  open: () => load().catch(() => {}), // without a connection the page says so

  event(name, found) {
    const now = name === "world" ? [found.faults, found.delivery_faults, found.epoch].join() : counts;
    if (now !== counts || (name === "call" && found.fault) || name === "delivery") soon();
    counts = now;
  },

  main: () => html`<div class="board">
    <div>${activeFaults()} ${clock()} ${deliveryScripts(change)}</div>
    <div>${known()} ${deliveryFaults(change)}</div></div>`,
};

addEventListener("focus", soon);

// What is active.

function activeFaults() {
  const clear = () => change(act("No faults are left.", "DELETE", "/faults"));
  const left = active.filter((one) => !one.over).length;
  return html`<section class="section" aria-labelledby="active">
    <h2 id="active">Active faults <span class="count">${left}</span> ${active.length > 1 ? html`<button class="small" @click=${clear}>Remove all</button>` : nothing}</h2>
    ${active.length
      ? html`<ul class="rows">${active.map(row)}</ul>`
      : html`<p class="note">No fault is active. Add one to see how your integration copes. A script does the same with:</p>
          ${data(curl("POST", urlOf("/__admin/faults/presets/lost_answer")), "Command to try")}`}
  </section>`;
}

function row(one) {
  const remove = () => change(act(`The fault ${one.name} is removed.`, "DELETE", `/faults/${one.id}`));
  return html`<li><div>
      <p>${mark(one.over ? "open" : "fault", plain(one.name))} ${one.over ? html`<span class="note">is over: it hits no more requests</span>` : nothing}</p>
      <p>${effectOf(one)} <span class="note">for</span> ${matchOf(one)}</p>
      <p class="note">${hitsOf(one)}${one.left === undefined ? "" : ` · ${one.left} left`}
        ${one.expires ? html` · until ${clockTime(one.expires)}` : nothing}</p></div>
    <button class="small" aria-label=${`Remove ${one.name}`} @click=${remove}>Remove</button></li>`;
}

function hitsOf({ id, hits, calls }) {
  if (!calls) return "no matching request yet";
  const all = times(calls, "matching request");
  return hits ? html`<a href=${addressOf("requests", "", { search: `fault:${id}` })}>${times(hits, "hit")}</a> of ${all}` : `no hits of ${all}`;
}

const times = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
const words = (value) => plain(typeof value === "string" ? value : JSON.stringify(value));

const EFFECTS = {
  delay: (value) => `delayed by ${delayOf(value)} ms`,
  status: (value) => `HTTP ${value}`,
  retryAfter: (value) => `Retry-After ${value}`,
  error: (value) => `error ${value}`,
  drop: () => "no response",
  cut: (value) => `response cut after ${typeof value === "number" ? `${value} bytes` : words(value)}`,
  malformed: () => "malformed JSON",
  expireToken: () => "token expires",
  deleteRecord: () => "record deleted before",
};

const delayOf = ({ milliseconds, lower, upper, median }) => milliseconds ?? (lower === undefined ? `about ${median}` : `${lower} to ${upper}`);

/** What a fault does, in a few words. */
export function effectOf({ effect, when, probability }) {
  const parts = Object.entries(effect).map(([name, value]) => EFFECTS[name]?.(value) ?? `${name} ${words(value)}`);
  if (when === "after_commit" && effect.drop) parts.push("though carried out");
  if (probability < 1) parts.push(`with probability ${probability}`);
  return parts.join(", ");
}

function matchOf({ match }) {
  const { operation, identifier, after, ...more } = match;
  const parts = operation ? [[operation].flat().join(", ")] : ["every request"];
  if (identifier) parts.push(Object.entries(identifier).map(([name, value]) => (name === "number" ? `#${words(value)}` : words(value))));
  if (after) parts.push(`after the first ${after}`);
  return [...parts, ...Object.entries(more).map(([name, value]) => `${name} ${words(value)}`)].join(" · ");
}

async function change(acting) {
  const found = await acting;
  if (found) await load().catch(() => {});
  return found;
}

// What can be added.

function known() {
  if (!presets.length) return nothing;
  const any = [{ name: "fault", label: "as JSON", type: "area", value: '{"match": {"operation": "resend"},\n "effect": {"error": "not_found"},\n "times": 1}', read: (text) => text }];
  return html`<section class="section" aria-labelledby="add"><h2 id="add">Add a fault</h2>
    <ul class="rows">${presets.map((one) => html`<li><div><h3>${one.name}</h3><p class="note">${prose(one.text)}</p>${form(`Add ${one.name}`, fieldsOf(one), "Add", (values, refused) => add(one, values, refused))}</div></li>`)}</ul>
    <details><summary>Any other fault</summary>
      <p class="note">Match requests by method, record, parameters or count. Delay, refuse or drop them, or cut or garble the response. <a href="${urlOf("/__admin/docs")}" target="_blank">All members</a></p>
      ${form("Add any fault", any, "Add", ({ fault = "" }, refused) =>
        change(act("The fault is active.", "POST", "/faults", fault, { refused: (error) => refused({ message: error.message, parameter: "fault" }) })))}
    </details></section>`;
}

/** A text in which arguments stand between backticks. */
const prose = (text) => text.split("`").map((part, at) => (at % 2 ? html`<i>${part}</i>` : part));

/** The arguments of a preset as fields; null stands for no condition. */
function fieldsOf({ arguments: defaults }) {
  return Object.entries(defaults).map(([name, value]) => {
    if (name === "operation") {
      const all = value ? [value.join(", "), ...operations] : operations;
      return { name, label: "method", type: "choice", value: value?.join(", ") ?? "", options: [["", "any"], ...all], blank: null, read: (text) => text.split(", ") };
    }
    if (name === "identifier") return { name, label: "record number", hint: "any", blank: null, read: (number) => ({ number }) };
    if (typeof value === "boolean") return { name, type: "check", value };
    return { name, label: UNITS[name] ?? name, type: "number", value, ...(name === "times" && { blank: null, hint: "no limit" }) };
  });
}

const UNITS = { delay: "delay in ms", calls: "requests" };

function add({ name, arguments: defaults }, values, refused) {
  const given = Object.entries(values).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(defaults[key]));
  const body = given.length ? Object.fromEntries(given) : undefined;
  return change(act(`The fault ${name} is active.`, "POST", `/faults/presets/${name}`, body, { refused }));
}
