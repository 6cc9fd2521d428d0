// Requests to the API, live: what was asked, what the mock answered, and why.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, curl, secret, send, session, urlOf } from "./api.js";
import * as copies from "./copies.js";
import { act, addressOf, changed, go, say, shell } from "./shell.js";
import { Table } from "./table.js";
import { choice, clockTime, copy, copyButton, data, empty, facts, mark, plain, tabs } from "./widgets.js";

const MOST = 2000; // rows that are kept; the journal of the mock is bounded as well
const FRESH_MS = 1000; // how long a row counts as new
const LONGEST = 100; // characters of a value in a row
const MAX_TEXT = 10_000; // characters that are searched
const OUTCOMES = { good: "served", refused: "refused", failed: "failed", fault: "fault" };
const EVIDENCE = {
  documented: "the documents say so",
  observed: "seen in responses of a real server",
  inferred: "concluded from documents and responses",
  assumed: "not known, an assumption",
};

let rows = []; // newest first
let waiting = []; // arrived while the list is read
let paused = false;
let search = "";
let entry = null; // all of the open request; `asked` is how the address names it
let begun = 0; // when the journal began to arrive: its first rows are not new
let rules = {}; // statements and dials by their names
const open = {}; // which tab is open

/** How a request ended: what its row and its details are marked with. */
export function outcomeOf(call) {
  if (call.fault) return "fault";
  if (!call.wasMatched) return "refused";
  return call.status >= 400 || undelivered(call) ? "failed" : "good";
}

const undelivered = (call) => call.deliveries.length > 0 && call.stateAfter === "REJECTED";

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

/** The record that a request touched, or the one that it asked for in vain. */
function named({ record, identifier }) {
  return record ? `#${record.number}` : (identifier ?? "").replace(/^number=/, "#").replace(/^id=/, "");
}

function outcome(call) {
  return mark(outcomeOf(call), plain(outcomeText(call), LONGEST));
}

function outcomeText(call) {
  if (call.fault) return `fault ${faultName(call)}${change(call) && ` · ${change(call)}`}`;
  if (!call.wasMatched) return call.errorKind.replaceAll("_", " ");
  if (undelivered(call)) return "not delivered, REJECTED again";
  return change(call) || `${call.status} ${call.code ?? ""}`;
}

// A fault that a header asked for has the header's text as its name.
const faultName = ({ fault }) => (fault.name || fault.id).replace(/^fault=/, "");

function change({ stateBefore, stateAfter, operation }) {
  if (operation === "delete" && stateBefore && !stateAfter) return `${stateBefore} → deleted`;
  return stateBefore && stateAfter && stateBefore !== stateAfter ? `${stateBefore} → ${stateAfter}` : "";
}

// Searching: words anywhere, and what begins with method:, outcome:, record: or fault:.

const TERMS = {
  method: (call, value) => (call.operation ?? call.method).toLowerCase().startsWith(value),
  outcome: (call, value) => OUTCOMES[outcomeOf(call)].startsWith(value),
  record: (call, value) => [call.record?.number, call.record?.id.toLowerCase(), call.identifier?.split("=")[1]].includes(value),
  fault: (call, value) => call.fault && `${call.fault.name} ${call.fault.id}`.toLowerCase().includes(value),
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

async function loadRules() {
  const { statements, dials } = await call("GET", "/fidelity");
  rules = Object.fromEntries([...statements.map((one) => [one.id, one]), ...dials.map((one) => [one.key, one])]);
  changed();
}

export const requests = {
  id: "requests",
  title: "Requests",

  reset() {
    rows = [];
    waiting = [];
    entry = null;
    rules = {};
    begun = performance.now();
  },

  open() {
    const { id } = shell.route;
    if (id === "" || entry?.asked === id) return;
    if (!Object.keys(rules).length) loadRules();
    return load(id);
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
    if (!rows.length && !waiting.length) return welcome();
    const found = fitting(rows);
    const held = fitting(waiting).length;
    const methods = [...new Set(rows.map((one) => one.operation ?? one.method))].sort();
    return html`<div class="tools bare">
        <label class="search"><span class="unseen">Search</span><input type="search" placeholder="/ search, or record:7 fault:lost_answer" .value=${search} @input=${(event) => find(event.target.value)}></label>
        <span class="count">${search ? `${found.length} of ${rows.length}` : rows.length}</span>
        ${choice("Method", [["", "Method"], ...methods], chosen("method"), (value) => choose("method", value))}
        ${choice("Outcome", [["", "Outcome"], ...Object.values(OUTCOMES)], chosen("outcome"), (value) => choose("outcome", value))}
        <button aria-pressed=${paused} @click=${pause}>Pause</button>
        <button @click=${clear}>Clear</button>
      </div>
      <div class="over">${held ? html`<button class="pill" @click=${showNew}>↑ ${held} new</button>` : nothing}</div>
      ${found.length || held ? table.view(found, selected()) : empty("Nothing fits", `None of ${rows.length} requests fits “${search}”.`)}`;
  },

  details: () => (entry?.asked === shell.route.id ? details(entry) : html`<p class="note">Loading …</p>`),
};

function welcome() {
  const admin = session.token ? [["X-Mock-Admin-Token", secret("CRMCOM_ADMIN_TOKEN")]] : [];
  const token = `TOKEN=$(${curl("POST", urlOf("/__admin/tokens"), "", admin)} | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')`;
  const line = curl("GET", urlOf(`/crmapi/rest/v2/webhook_requests/list?token=${secret("TOKEN")}&entity=JOBS`));
  return empty("No requests yet", "Send one to the mock, and it appears here as it is made. The first line gets a token, the second one uses it:", `${token}\n${line}`);
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

// The details of one request.

function details(call) {
  if (call.gone) return gone(call);
  const request = copies.asSent(call);
  const { response } = call;
  return html`<h2>${call.method} ${plain(request.path.replace(/^.*\/v2\//, ""), LONGEST)} <span class="count">${call.number}</span></h2>
    <p>${outcome(call)} <span class="note">· HTTP ${response.status} · ${clockTime(call.loggedDateString)}</span></p>
    <div class="tools"><button @click=${() => repeat(request)}>Replay</button>${copyAs(request)}<button class="small" @click=${() => copy(location.href, "link to this request")}>Copy link</button></div>
    ${tabs(open, "tab", {
      Why: () => why(call),
      Request: () => html`<p class="url">${call.method} ${plain(call.request.url, 4000)}</p>
        ${part("Query", request.query.length ? facts(queryOf(call.request.url)) : nothing)}
        ${part("Headers", facts(Object.entries(call.request.headers)))}
        ${part("Body", call.request.body ? data(call.request.body, "Body of the request") : nothing)}`,
      Response: () => html`<p class="url">${response.status} ${call.code ?? ""} <span class="note">· ${response.size.toLocaleString("en")} bytes</span></p>
        ${part("Headers", facts(Object.entries(response.headers)))}
        ${part("Body", response.body ? data(response.body, "Body of the response") : nothing)}`,
      Trace: () => trace(call),
    })}`;
}

/** The journal drops its oldest entries; the list has the summary of some more. */
function gone({ gone: why, row }) {
  const { text, arrived, ...summary } = row ?? {};
  return html`${empty("The journal does not have this request", why)}${row ? data(summary, "What the list knows of it") : nothing}`;
}

const queryOf = (url) => [...new URLSearchParams(url.slice(url.indexOf("?")))];
const part = (title, content) => (content === nothing ? nothing : html`<h3>${title}</h3>${content}`);

function copyAs(request, what = "request") {
  const ways = { curl: copies.asCurl, httpx: copies.asHttpx, fetch: copies.asFetch };
  return html`<span class="group" role="group" aria-label="Copy ${what} as"><span>Copy as</span>
    ${Object.entries(ways).map(([name, write]) => copyButton(() => write(request), name, `${what} as ${name}${hint(request)}`))}</span>`;
}

function hint(request) {
  const names = copies.secretsOf(request).map((name) => `$${name}`);
  return names.length ? `, with ${names.join(" and ")} from the environment` : "";
}

function why(call) {
  const { nearMiss, fault } = call;
  const step = call.trace.find((one) => one.step === "request");
  const dials = Object.entries(step.dials);
  const [shaping, deciding] = [true, false].map((wanted) => dials.filter(([key]) => key.startsWith("errors.") === wanted));
  return html`
    ${fault ? html`<p>${mark("fault", "A fault was injected: ")}<a href=${addressOf("faults")}>${plain(faultName(call))}</a></p>${facts(effects(fault))}` : nothing}
    ${undelivered(call) ? html`<p>${mark("failed", "The webhook was not delivered.")}</p><ul class="rules">${call.trace.filter((one) => one.step in DELIVERY).map((one) => html`<li>${STEPS[one.step](one)}</li>`)}</ul>` : nothing}
    ${nearMiss ? facts([["Parameter", nearMiss.parameter], ["Seen", nearMiss.seen], ["Allowed", nearMiss.allowed]]) : nothing}
    ${nearMiss?.suggestion ? suggestion(call) : nothing}
    ${call.statement ? part("Statement that decided", statement(call.statement)) : nothing}
    ${deciding.length ? part("Dials that decided", html`<ul class="rules">${deciding.map(dial)}</ul>`) : nothing}
    ${shaping.length ? part("Dials that shaped the error", html`<ul class="rules">${shaping.map(dial)}</ul>`) : nothing}
    ${call.warnings.length ? part("Warnings", html`<ul class="rules">${call.warnings.map((one) => html`<li>${plain(one)}</li>`)}</ul>`) : nothing}
    ${!nearMiss && !fault && !dials.length && !call.warnings.length ? html`<p>The request broke no restriction, and nothing that the documents leave open had a part in the response.</p>` : nothing}`;
}

function effects({ effect, when }) {
  const shown = Object.entries(effect).map(([name, value]) => [name, JSON.stringify(value)]);
  return [...shown, ["When", when === "after_commit" ? "after the request was carried out" : "before the request was carried out"]];
}

function suggestion(call) {
  const { suggestion: text, changes } = call.nearMiss;
  const request = changes.length ? copies.corrected(call) : null;
  return html`<div class="tip"><p><b>Suggestion</b> ${plain(text)}</p>
    ${request && !request.lost ? html`<div class="tools"><button class="main" @click=${() => repeat(request)}>Send corrected</button>${copyAs(request, "corrected request")}</div>` : nothing}</div>`;
}

function statement(id) {
  const { text, source, evidence } = rules[id] ?? {};
  return html`<ul class="rules"><li><a href=${addressOf("contract", id)}>${id}</a>${text ? html`<q>${text}</q><span class="note">${evidence}: ${EVIDENCE[evidence]} · ${source}</span>` : nothing}</li></ul>`;
}

function dial([key, value]) {
  const { text, evidence } = rules[key] ?? {};
  const about = key.startsWith("errors.") ? "" : text;
  return html`<li><a href=${addressOf("contract", key)}>${key}</a> = <code>${JSON.stringify(value)}</code>${text ? html`<span>${about} <span class="note">${evidence}: ${EVIDENCE[evidence]}</span></span>` : nothing}</li>`;
}

// The chain of causes.

function trace(call) {
  const [before, after] = [flat(call.before), flat(call.after)];
  const names = before && after ? Object.keys({ life_cycle_state: "", ...before, ...after }) : [];
  const fields = names.filter((name) => before[name] !== after[name]);
  return html`<ol class="trace">${call.trace.map((step) => html`<li>${STEPS[step.step](step, call)}</li>`)}</ol>
    ${call.record ? html`<p>Record ${recordLink(call)}${before && !after ? " was deleted." : fields.length ? " was changed:" : " was not changed."}</p>` : nothing}
    ${fields.length ? html`<table class="diff" aria-label="What changed in the record"><thead><tr><th scope="col">Field</th><th scope="col">Before</th><th scope="col">After</th></tr></thead>
      <tbody>${fields.map((name) => html`<tr><th scope="row">${name.split(/(?<=[._])/).map((part) => html`${part}<wbr>`)}</th><td><div>${value(before[name])}</div></td><td><div>${value(after[name])}</div></td></tr>`)}</tbody></table>` : nothing}
    ${before && !after ? data(call.before, "The record before") : nothing}`;
}

/** An object with the members of objects inside it as `outer.inner`; nothing of nothing. */
function flat(found, path = "") {
  if (!found) return found;
  const parts = Object.entries(found).map(([name, one]) => {
    if (one && typeof one === "object" && !Array.isArray(one)) return flat(one, `${path}${name}.`);
    return { [path + name]: typeof one === "string" ? one : JSON.stringify(one) };
  });
  return Object.assign({}, ...parts);
}

const value = (found = "") => plain(found, 2000);
const recordLink = ({ record }) => html`<a href=${addressOf("records", record.number)}>#${record.number}</a>`;

const DELIVERY = {
  attempt: (step) => html`Delivery <a href=${addressOf("deliveries", step.id)}>${step.id}</a>`,
  receiver: ({ status, name }) => html`Receiver ${mark(status >= 200 && status < 300 ? "good" : "failed", status ? `HTTP ${status}` : name.replaceAll("_", " "))}`,
};

const STEPS = {
  fault: (step, call) => html`${mark("fault", "Fault")} <a href=${addressOf("faults")}>${plain(faultName(call))}</a>`,
  request: (step, call) => html`Request ${call.number}: ${call.operation ?? "no method"}
    ${step.outcome === "broken" ? html`${mark("refused", "refused by")} ${step.statement ? html`<a href=${addressOf("contract", step.statement)}>${step.statement}</a>` : call.errorKind.replaceAll("_", " ")}` : nothing}
    ${step.outcome === "held" ? mark("good", "carried out") : nothing}
    ${step.outcome === "skipped" ? mark("open", "not carried out: the fault answered in its place") : nothing}`,
  change: (step, call) => html`Record ${call.record ? recordLink(call) : nothing} ${step.before ?? "new"} → ${step.after}`,
  ...DELIVERY,
};

// Sending once more.

/** Send a request again, with a new token in the place of the hidden one, and open its entry. */
async function repeat(request) {
  const hidden = copies.secretsOf(request).filter((name) => name !== "TOKEN");
  if (request.lost) return say(false, `This request cannot be repeated: of its body the journal has no more than “${request.lost}”.`);
  if (hidden.length) return say(false, `This request cannot be repeated from here: the journal hides ${hidden.join(" and ").toLowerCase()}. Copy it as curl, and set $${hidden[0]}.`);
  if (request.verb === "GET" && request.body) return say(false, "A browser cannot send a GET with a body. Copy the request as curl.");
  const last = newest()?.id;
  try {
    const TOKEN = copies.secretsOf(request).length ? (await call("POST", "/tokens")).token : "";
    const fill = (text) => copies.filled(text, { TOKEN });
    const headers = Object.fromEntries(request.headers.filter(([, value]) => value).map(([name, value]) => [name, fill(value)]));
    const answer = await send(request.verb, fill(copies.target(request)), fill(request.body), headers).catch(() => ({ status: "no response" }));
    const { requests: found } = await call("GET", `/requests${last ? `?since=${last}` : ""}`);
    const made = found.findLast((one) => one.method === request.verb && one.url.split("?")[0] === request.path);
    say(true, `Sent${TOKEN && " with a new token"}: ${answer.status}.`, copies.asCurl(request));
    if (made) go("requests", made.id);
    else say(false, "The request was sent, but the journal does not have it.");
  } catch (error) {
    say(false, error.message);
  }
}
