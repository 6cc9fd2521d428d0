// Requests to the API, live: what was asked, how the mock responded, and why.

import { html } from "./lit-html/lit-html.js";
import { call, controlCurl, curl, secret, segment, urlOf } from "./api.js";
import { readRules } from "./evidence.js";
import { OUTCOMES, about, details, outcome, outcomeOf } from "./request.js";
import { Search } from "./search.js";
import { act, go, reader, shell } from "./shell.js";
import { Table } from "./table.js";
import { brief, clockTime, confirmed, counted, empty, loading, took } from "./widgets.js";

const MAX_ROWS = 2000; // the journal of the mock is bounded as well
const MAX_NAME = 100;
const MAX_TEXT = 10_000; // characters that are searched

let rows = []; // newest first

const methodOf = (call) => call.operation ?? call.method;

const table = new Table("requests", "Requests, newest first", [
  { title: "Time", kind: "time", cell: (row) => clockTime(row.at) },
  { title: "Method", kind: "name", cell: (row) => brief(methodOf(row)) },
  { title: "About", kind: "about", cell: (row) => brief(about(row)) },
  { title: "Outcome", kind: "outcome", cell: outcome },
  { title: "Took", kind: "took", cell: (row) => took(row.seconds) },
]);

const named = ({ record, identifier }) => [record?.number, record?.id, identifier?.split("=")[1]].map((name) => name?.toLowerCase());

const search = new Search(
  {
    method: {
      label: "Method",
      values: () => [...new Set(rows.map(methodOf))].sort(),
      fits: (call, value) => methodOf(call).toLowerCase().startsWith(value),
    },
    outcome: {
      label: "Outcome",
      values: () => Object.values(OUTCOMES),
      fits: (call, value) => OUTCOMES[outcomeOf(call)[0]].startsWith(value),
    },
    entity: { fits: ({ entity }, value) => entity?.toLowerCase().startsWith(value) },
    record: { fits: (call, value) => named(call).includes(value) },
    fault: { fits: ({ fault }, value) => fault && (fault.id === value || `${fault.name}`.toLowerCase().includes(value)) },
  },
  (call) => call.text,
  "record:7 entity:jobs",
);

/** The rows of requests that touched a record, or asked for it in vain, oldest first. */
export function requestsFor(number, id) {
  const names = [`number=${number}`, `id=${id}`];
  return rows.filter((row) => (row.record ? row.record.number === number : names.includes(row.identifier))).reverse();
}

/** What a row needs, and what it is searched for: values may be long, and rows are many. */
function rowOf({ near_miss, url, ...entry }) {
  const text = JSON.stringify([entry, url, near_miss]).slice(0, MAX_TEXT).toLowerCase();
  // Copies: else they would keep all of the long ones.
  const [identifier, query] = structuredClone([entry.identifier?.slice(0, MAX_NAME), (url.split("?")[1] ?? "").slice(0, MAX_TEXT)]);
  return { ...entry, identifier, query, text };
}

/** A request has come, or one that was running has its response. */
function put(entry) {
  const shown = rows.find((row) => row.number === entry.number);
  if (shown) Object.assign(shown, rowOf(entry)); // the same object: a list that is read has it, too
  else rows = [rowOf(entry), ...rows].slice(0, MAX_ROWS);
  if (reading.content?.entry?.running && reading.content.entry.number === entry.number) reading.soon();
}

/** A delivery has got on: its request led to another state than when it got its response. */
function settle({ call: number, after }) {
  const row = rows.find((shown) => shown.number === number);
  if (row && after) row.state_after = after;
  if (reading.content?.entry?.number === number) reading.soon();
}

/** All of the open request, which `asked` names as the address does; statements and dials. */
const reading = reader("requests", async () => {
  const { id: asked } = shell.route;
  if (asked === "") return { ...reading.content, entry: null };
  const own = call("GET", `/requests/${segment(asked)}`).catch((error) => ({ gone: error.message }));
  const [entry, rules] = await Promise.all([own, reading.content?.rules ?? readRules()]);
  return { entry: { ...entry, asked }, rules };
});

export const requests = {
  id: "requests",
  title: "Requests",
  icon: "M1.5 5.5h12l-3-3M14.5 10.5h-12l3 3",
  reading,

  reset: () => (rows = []),

  event(name, news) {
    if (name === "delivery" && news.call) settle(news);
    if (name === "call") put(news);
  },

  main({ entry }) {
    if (!rows.length) return shell.status ? welcome() : loading;
    const matching = search.fitting(rows);
    // The address may have the number of the open request alone.
    const selected = entry?.asked === shell.route.id ? (entry.id ?? "") : shell.route.id;
    const buttons = html`<button @click=${clear}>Clear</button>`;
    return html`${search.bar(matching.length, rows.length, buttons)}
      ${matching.length ? table.view(matching, selected) : search.nothing(rows.length)}`;
  },

  details: ({ entry, rules }) => (entry?.asked === shell.route.id ? details(entry, rules) : loading),
};

function welcome() {
  const token = `TOKEN=$(${controlCurl("POST", "/tokens")} | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')`;
  const line = curl("GET", urlOf(`/crmapi/rest/v2/webhook_requests/list?token=${secret("TOKEN")}&entity=JOBS`));
  const text = "Send one to the mock, and it appears here at once. The first line gets a token, the second one uses it:";
  return empty("No requests yet", text, `${token}\n${line}`);
}

async function clear() {
  const text = `${counted(rows.length, "request")} will be gone for all programs, also for tests that verify them. Records stay.`;
  if (!(await confirmed("Clear the journal?", text, "Clear it"))) return;
  await act("Cleared the journal.", "DELETE", "/requests");
  rows = rows.filter((row) => row.running); // the journal keeps what is running
  if (shell.route.id) go("requests");
}
