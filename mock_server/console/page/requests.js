// Requests to the API, live: what was asked, what the mock answered, and why.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, curl, send, urlOf } from "./api.js";
import { act, addressOf, changed, go, say, shell } from "./shell.js";
import { Table } from "./table.js";
import { choice, clockTime, copyButton, data, empty, facts, mark, stateMark, tabs } from "./widgets.js";

const MOST = 2000; // rows that are kept; the journal of the mock is bounded as well

let rows = []; // newest first
let waiting = []; // arrived while the list is read
let paused = false;
let filter = { text: "", operation: "", outcome: "" };
let entry = null; // all of the open request
const open = {}; // which tab is open

/** How a request ended: what its row and its details are marked with. */
export function outcomeOf(call) {
  if (call.fault) return "fault";
  if (!call.wasMatched) return "refused";
  return call.status >= 400 ? "failed" : "good";
}

const table = new Table({
  label: "Requests, newest first",
  key: (one) => one.id,
  address: (one) => addressOf("requests", one.id),
  columns: [
    { title: "Time", name: "time", cell: (one) => clockTime(one.loggedDateString) },
    { title: "Method", name: "name", cell: (one) => one.operation ?? one.method },
    { title: "Record", name: "short", cell: (one) => (one.record ? `#${one.record.number}` : (one.identifier ?? "")) },
    { title: "Outcome", name: "rest", cell: outcome },
  ],
});

function outcome(call) {
  return mark(outcomeOf(call), outcomeText(call));
}

function outcomeText(call) {
  if (call.fault) return `fault ${call.fault.name ?? call.fault.id ?? ""}`;
  if (!call.wasMatched) return call.errorKind.replaceAll("_", " ");
  const { stateBefore, stateAfter } = call;
  if (stateBefore && stateAfter && stateBefore !== stateAfter) return `${stateBefore} → ${stateAfter}`;
  return `${call.status ?? ""} ${call.code ?? ""}`;
}

function fits(call) {
  const text = filter.text.toLowerCase();
  return (
    (!filter.operation || call.operation === filter.operation) &&
    (!filter.outcome || outcomeOf(call) === filter.outcome) &&
    (!text || JSON.stringify(call).toLowerCase().includes(text))
  );
}

function take(arrived) {
  rows = [...arrived.reverse(), ...rows].slice(0, MOST);
}

const shown = () => rows.filter(fits);

function set(name, value) {
  filter = { ...filter, [name]: value };
  changed();
}

export const requests = {
  id: "requests",
  title: "Requests",
  icon: "⇄",

  reset() {
    rows = [];
    waiting = [];
    entry = null;
  },

  async open() {
    const { id } = shell.route;
    if (id === "" || entry?.id === id) return;
    entry = null;
    try {
      entry = await call("GET", `/requests/${id}`);
    } catch (error) {
      entry = { id, gone: error.message };
    }
    changed();
  },

  event(name, found) {
    if (name !== "call") return;
    waiting.push(found);
    if (waiting.length > MOST) waiting.shift();
  },

  step: (by) => table.step(shown(), shell.route.id, by),

  main() {
    if (waiting.length && !paused && table.atTop) {
      take(waiting);
      waiting = [];
    }
    if (!rows.length && !waiting.length) {
      return empty("No requests yet", "Send one to the mock, and it appears here:", curl("GET", urlOf("/crmapi/rest/v2/webhook_requests/list")));
    }
    const found = shown();
    return html`<div class="tools">
        <label class="search"><span class="unseen">Search</span><input type="search" placeholder="/ search" .value=${filter.text} @input=${(event) => set("text", event.target.value)}></label>
        ${choice("Method", [["", "all"], ...[...new Set(rows.map((one) => one.operation))].filter(Boolean).sort()], filter.operation, (value) => set("operation", value))}
        ${choice("Outcome", [["", "all"], ["good", "served"], "refused", "failed", "fault"], filter.outcome, (value) => set("outcome", value))}
        <button aria-pressed=${paused} @click=${pause}>${paused ? "Go on" : "Pause"}</button>
        <button @click=${clear}>Clear</button>
        <span class="count">${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")}</span>
        ${waiting.length ? html`<button class="main" @click=${showNew}>▲ ${waiting.length.toLocaleString("en")} new</button>` : nothing}
      </div>
      ${table.view(found, shell.route.id)}`;
  },

  details: () => (entry?.id === shell.route.id ? details(entry) : html`<p class="note">Loading …</p>`),
};

function pause() {
  paused = !paused;
  changed();
}

function showNew() {
  paused = false;
  table.top = 0;
  document.querySelector(".table").scrollTop = 0;
  changed();
}

async function clear() {
  if (await act("The journal is empty.", "DELETE", "/requests")) {
    requests.reset();
    changed();
  }
}

function details(call) {
  if (call.gone) return empty("This request is gone", call.gone);
  return html`<h2>${call.method} ${call.operation ?? call.request.url} <span class="count">${call.number}</span></h2>
    <p>${outcome(call)} ${call.status ?? "no answer"}</p>
    <p class="tools"><button @click=${() => replay(call)}>Replay</button>${copyButton(() => asCurl(call), "Copy as curl")}</p>
    ${tabs(open, "tab", {
      Why: () => why(call),
      Request: () => html`<p class="url">${call.request.method} ${call.request.url}</p>${facts(Object.entries(call.request.headers))}${call.request.body ? data(call.request.body, "Body of the request") : nothing}`,
      Response: () => html`${facts([["Status", call.response.status], ...Object.entries(call.response.headers)])}${data(call.response.body, "Body of the response")}`,
      Trace: () => trace(call),
    })}`;
}

function why(call) {
  return html`${call.nearMiss ? facts([["Statement", call.nearMiss.statement], ["Parameter", call.nearMiss.parameter], ["Seen", call.nearMiss.seen], ["Allowed", call.nearMiss.allowed], ["Suggestion", call.nearMiss.suggestion]]) : nothing}`;
}

function trace(call) {
  return html`<ol class="trace">${call.trace.map((one) => html`<li>${one.step}: ${one.outcome}</li>`)}</ol>`;
}

function asCurl(call) {
  const { request } = call;
  return curl(request.method, urlOf(request.url), request.body);
}

async function replay() {
  say(false, "not yet");
}
