// Requests to the API, live: what was asked, what the mock answered, and why.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, curl, secret, session, urlOf } from "./api.js";
import { OUTCOMES, details, forgetRules, loadRules, named, outcome, outcomeOf } from "./request.js";
import { act, addressOf, changed, go, shell } from "./shell.js";
import { Table } from "./table.js";
import { choice, clockTime, empty, plain } from "./widgets.js";

export { outcomeOf };

const MOST = 2000; // rows that are kept; the journal of the mock is bounded as well
const FRESH_MS = 1000; // how long a row counts as new
const SETTLE_MS = 500; // how long the journal may take to begin to arrive
const LONGEST = 100; // characters of a value in a row
const MAX_TEXT = 10_000; // characters that are searched

let rows = []; // newest first
let waiting = []; // arrived while the list is read
let paused = false;
let search = "";
let entry = null; // all of the open request; `asked` is how the address names it
let begun = Infinity; // when the journal began to arrive: its first rows are not new

const table = new Table({
  label: "Requests, newest first",
  key: (one) => one.id,
  address: (one) => addressOf("requests", one.id),
  kind: (one) => (performance.now() - one.arrived < FRESH_MS ? "new" : ""),
  columns: [
    { title: "Time", name: "time", cell: (one) => clockTime(one.loggedDateString) },
    { title: "Method", name: "name", cell: (one) => plain(one.operation ?? one.method, LONGEST) },
    { title: "Record", name: "short", cell: (one) => plain(named(one), LONGEST) },
    { title: "Outcome", name: "rest", cell: outcome },
  ],
});

// Searching: words anywhere, and what begins with method:, outcome:, record: or fault:.

const TERMS = {
  method: (call, value) => (call.operation ?? call.method).toLowerCase().startsWith(value),
  outcome: (call, value) => OUTCOMES[outcomeOf(call)].startsWith(value),
  record: (call, value) => [call.record?.number, call.record?.id.toLowerCase(), call.identifier?.split("=")[1]?.toLowerCase()].includes(value),
  fault: (call, value) => call.fault && (call.fault.id === value || `${call.fault.name}`.toLowerCase().includes(value)),
};
const TERM = /^(method|outcome|record|fault):(.*)$/;

function fitting(calls) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return calls;
  return calls.filter((call) => words.every((word) => fits(call, word)));
}

function fits(call, word) {
  const [, name, value] = TERM.exec(word) ?? [];
  if (name) return value === "" || TERMS[name](call, value);
  return call.text.includes(word);
}

const chosen = (name) => search.split(/\s+/).map((word) => TERM.exec(word)).find((found) => found?.[1] === name)?.[2] ?? "";

function choose(name, value) {
  const others = search.split(/\s+/).filter((word) => word && !word.startsWith(`${name}:`));
  find([...others, ...(value ? [`${name}:${value}`] : [])].join(" "));
}

function find(text) {
  search = text;
  changed();
}

// Arriving.

/** What a row needs, and what it is searched for: values may be long, and rows are many. */
function rowOf({ nearMiss, url, ...found }, arrived) {
  const text = JSON.stringify([found, url, nearMiss]).slice(0, MAX_TEXT).toLowerCase();
  const identifier = found.identifier?.length > LONGEST ? structuredClone(found.identifier.slice(0, LONGEST)) : found.identifier;
  return { ...found, identifier, text, arrived };
}

/** Show what waits, unless the list is being read. */
function flush() {
  if (!waiting.length || paused || !table.atTop) return;
  rows = [...waiting.reverse(), ...rows].slice(0, MOST);
  waiting = [];
}

/** The id of the open request; an address may have its number alone. */
const selected = () => (entry?.asked === shell.route.id ? entry.id : shell.route.id);

const newest = () => waiting.at(-1) ?? rows[0];

/** A delivery has got on: its request led to another state than when it was answered. */
function settle({ call: number, after }) {
  const row = [...waiting, ...rows].find((one) => one.number === number);
  if (row && after) row.stateAfter = after;
  if (entry?.number === number && shell.route.panel === "requests") load(entry.asked);
}

async function load(id) {
  let found;
  try {
    found = await call("GET", `/requests/${encodeURIComponent(id)}`);
  } catch (error) {
    found = { gone: error.message, row: rows.find((one) => one.id === id) };
  }
  if (shell.route.panel !== "requests" || shell.route.id !== id) return; // another one is open by now
  entry = { ...found, asked: id };
  changed();
}

export const requests = {
  id: "requests",
  title: "Requests",

  reset() {
    rows = [];
    waiting = [];
    entry = null;
    forgetRules();
    begun = performance.now();
  },

  open() {
    const { id, query } = shell.route;
    if (query.has("search")) search = query.get("search"); // another panel links to what fits
    query.delete("search");
    if (id === "" || entry?.asked === id) return;
    return Promise.all([load(id), loadRules()]);
  },

  event(name, found) {
    if (name === "delivery" && found.call) settle(found);
    if (name !== "call") return;
    const arrived = performance.now() - begun < FRESH_MS ? -FRESH_MS : performance.now();
    waiting.push(rowOf(found, arrived));
    if (waiting.length > 2 * MOST) waiting = waiting.slice(-MOST);
  },

  step: (by) => table.step(fitting(rows), selected(), by),

  main() {
    flush();
    if (!rows.length && !waiting.length) return performance.now() - begun < SETTLE_MS ? nothing : welcome();
    const found = fitting(rows);
    const held = fitting(waiting).length;
    const methods = [...new Set(rows.map((one) => one.operation ?? one.method))].sort();
    return html`<div class="tools bare">
        <label class="search"><span class="unseen">Search</span>
          <input type="search" placeholder="/ search, or record:7 fault:lost_answer" .value=${search} @input=${(event) => find(event.target.value)}></label>
        <span class="count">${search ? `${found.length} of ${rows.length}` : rows.length}</span>
        ${choice("Method", [["", "Method"], ...methods], chosen("method"), (value) => choose("method", value))}
        ${choice("Outcome", [["", "Outcome"], ...Object.values(OUTCOMES)], chosen("outcome"), (value) => choose("outcome", value))}
        <button aria-pressed=${paused} @click=${pause}>Pause</button>
        <button @click=${clear}>Clear</button>
      </div>
      <div class="over">${held ? html`<button class="pill" @click=${showNew}>↑ ${held} new</button>` : nothing}</div>
      ${found.length || held ? table.view(found, selected()) : empty("Nothing found", `None of ${rows.length} requests matches “${search}”.`)}`;
  },

  details: () => (entry?.asked === shell.route.id ? details(entry, newest()?.id) : html`<p class="note">Loading …</p>`),
};

function welcome() {
  const admin = session.token ? [["X-Mock-Admin-Token", secret("CRMCOM_ADMIN_TOKEN")]] : [];
  const token = `TOKEN=$(${curl("POST", urlOf("/__admin/tokens"), "", admin)} | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')`;
  const line = curl("GET", urlOf(`/crmapi/rest/v2/webhook_requests/list?token=${secret("TOKEN")}&entity=JOBS`));
  const text = "Send one to the mock, and it appears here at once. The first line gets a token, the second one uses it:";
  return empty("No requests yet", text, `${token}\n${line}`);
}

function pause() {
  paused = !paused;
  changed();
}

function showNew() {
  paused = false;
  table.scrollTo(0);
  changed();
}

async function clear() {
  if (!(await act("The journal is empty.", "DELETE", "/requests"))) return;
  [rows, waiting] = [[], []];
  if (shell.route.id) go("requests");
  changed();
}
