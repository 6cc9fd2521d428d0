// Deliveries: what was sent to receivers, and what came of it.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, curl } from "./api.js";
import { act, addressOf, go, reader, shell } from "./shell.js";
import { scripted } from "./request.js";
import { Search, searchFor } from "./search.js";
import { Table } from "./table.js";
import { brief, clockTime, copyButton, data, empty, facts, loading, mark, number, plain, recordLink, spaced, stateMark, tabs, took } from "./widgets.js";
import { readTrigger, triggerForm } from "./trigger.js";

const MAX_KEPT = 1000; // attempts; the mock keeps as many
// What stands for the id in the address of the form.
const TRIGGER = "trigger";

let attempts = []; // newest first

/** How an attempt ended: delivered, failed, or not over. */
function endOf({ outcome, stage }) {
  if (!outcome) return stage === "abandoned" ? "failed" : "open";
  return outcome.delivered ? "good" : "failed";
}

/** What came of an attempt, in a few words. */
export function attemptMark(attempt) {
  const { outcome, stage, fault } = attempt;
  const status = outcome?.status && !outcome.name.startsWith("http_") ? ` ${outcome.status}` : "";
  return html`${mark(endOf(attempt), outcome ? spaced(outcome.name) + status : stage)} ${fault ? mark("fault", spaced(fault)) : nothing}`;
}

const table = new Table("deliveries", "Deliveries, newest first", [
  { title: "Time", kind: "time", cell: (attempt) => clockTime(attempt.at) },
  { title: "Record", kind: "name", cell: (attempt) => `#${attempt.webhook_request.number}` },
  { title: "Cause", kind: "extra", cell: (attempt) => attempt.cause },
  { title: "Receiver", kind: "receiver", cell: (attempt) => brief(attempt.url) },
  { title: "Outcome", kind: "outcome", cell: attemptMark },
  { title: "Took", kind: "took", cell: (attempt) => took(attempt.seconds) },
]);

const OUTCOMES = { delivered: "good", failed: "failed", running: "open" };

const search = new Search(
  {
    outcome: {
      label: "Outcome",
      values: () => [...Object.keys(OUTCOMES), "fault"],
      fits: (attempt, value) => (attempt.fault && "fault".startsWith(value)) || Object.entries(OUTCOMES).some(([name, end]) => name.startsWith(value) && end === endOf(attempt)),
    },
    record: { fits: ({ webhook_request: { number, id } }, value) => [number, id.toLowerCase()].includes(value) },
  },
  (attempt) => JSON.stringify(attempt).toLowerCase(),
  "record:7 outcome:failed",
);

// What the mock has, and what is shown of it.

/** An attempt is new, or has got on: then its row stays where it is. */
function take(attempt) {
  const shown = attempts.find(({ id }) => id === attempt.id);
  if (shown) Object.assign(shown, attempt);
  else add([attempt]);
}

function add(added) {
  attempts = [...added, ...attempts].sort((newer, older) => older.id - newer.id).slice(0, MAX_KEPT);
}

/** The list has no verdicts on signatures: each takes the mock some time. */
const reading = reader("deliveries", async () => {
  const { id } = shell.route;
  const form = reading.content?.trigger; // its fields stay as they are
  const [list, verdict, trigger] = await Promise.all([
    reading.content ? { deliveries: [] } : call("GET", "/deliveries"),
    Number(id) ? call("GET", `/deliveries/${id}`).catch(() => null) : null,
    id !== TRIGGER ? null : form?.address === location.hash ? form : readTrigger(),
  ]);
  add(list.deliveries.filter(({ id: read }) => !attempts.some((attempt) => attempt.id === read))); // those are from the stream, so newer
  return { verdict, trigger };
});

export const deliveries = {
  id: "deliveries",
  title: "Deliveries",
  icon: "M1.5 7.5l13-5.5-4.5 12.5-3-5.5zM7 9l3-3",
  reading,

  reset: () => (attempts = []),

  event(name, news) {
    if (name !== "delivery") return;
    take(news);
    reading.soon();
  },

  main() {
    const matching = search.fitting(attempts);
    const buttons = html`<a class="button" href=${addressOf("deliveries", TRIGGER)}>Trigger …</a>`;
    const none = () => empty("No deliveries yet", "Resend a rejected record, or trigger a webhook as a workflow rule would.");
    return html`${search.bar(matching.length, attempts.length, buttons)} ${shell.status?.sends === false ? nothingLeaves : nothing}
      ${matching.length ? table.view(matching, shell.route.id) : attempts.length ? search.nothing(attempts.length) : none()}`;
  },

  details({ verdict, trigger }) {
    const { id } = shell.route;
    if (id === TRIGGER) return trigger ? triggerForm(trigger) : loading;
    const attempt = attempts.find((attempt) => `${attempt.id}` === id);
    const gone = `The mock keeps the last ${number(MAX_KEPT)} at most, until a reset.`;
    return attempt ? details(attempt, verdict) : empty("This delivery is gone", gone);
  },
};

const nothingLeaves = html`<p class="hint">Nothing is sent: scripts decide the outcomes. To send: <code>crmcom-kit serve --deliver http</code></p>`;

// What was sent.

function details(attempt, verdict) {
  const { id, request, outcome, url, webhook_request: record } = attempt;
  const signature = verdict?.id === id ? verdict.signature : null;
  const asCurl = () => curl(request.method, url, request.body, Object.entries(request.headers));
  return html`<h2>Delivery ${id} <span class="count">of ${recordLink(record)}</span></h2>
    <p>${attemptMark(attempt)} <span class="note">· ${clockTime(attempt.at)} · ${took(attempt.seconds)}</span></p>
    <p class="tools"><button @click=${() => replay(id)}>Replay</button>
      ${copyButton(asCurl, "Copy as curl")}</p>
    ${tabs({
      Why: () => why(attempt, signature),
      Sent: () => html`<p class="url">${request.method} ${url}</p>${data(request.body, "Body that was sent")}
        <h3>Headers</h3>${facts(Object.entries(request.headers))}`,
      Response: () => (outcome ? responded(outcome) : html`<p class="note">There is no response yet: the delivery is ${attempt.stage}.</p>`),
      ...(signature && { Signature: () => signatureView(signature) }),
    })}`;
}

function why(attempt, signature) {
  const { outcome, before, after, fault, of, call: request, webhook_request: record, cause } = attempt;
  const link = (panel, name, text, query) => html`<a href=${addressOf(panel, name, query)}>${text}</a>`;
  return facts([
    ["Cause", html`${cause}${of ? html` of ${link("deliveries", of, `delivery ${of}`)}` : nothing}`],
    ["Request", request && link("requests", request, `request ${request}`)],
    ["Record", html`${recordLink(record)} · ${link("deliveries", "", "all its deliveries", searchFor({ record: record.number }))}`],
    ["Receiver", attempt.url],
    ["Outcome", outcome ? html`${spaced(outcome.name)}${outcome.why ? `: ${outcome.why}` : ""} ${scripted()}` : attempt.stage],
    ["Status", outcome?.status],
    ["Error", outcome?.error_code],
    ["State", before || after ? html`${stateMark(before)} → ${after ? stateMark(after) : "not settled"}` : ""],
    ["Wrong on purpose", fault && mark("fault", spaced(fault))],
    ["Signature", signature && signatureMark(signature)],
  ]);
}

function responded({ status, error_code: code, why: text, error_description: description, answer: body }) {
  return html`${facts([["Status", status ?? "none: the receiver did not respond"], ["Error", code], ["Why", text]])}
    ${description ? data(description, "Error as the record shows it") : nothing}
    ${body ? data(body, "Body of the response") : nothing}`;
}

// Whether an authentication code verifies, and what the right one signs.

function signatureMark({ valid, reason }) {
  return mark(valid ? "good" : "failed", valid ? "valid" : spaced(reason));
}

function signatureView({ code, expected, signed, size, key, ...verdict }) {
  const shown = key && html`${key.name ?? key.id} <details><summary>Show the key</summary><code>${key.key}</code></details>`;
  return html`<p>${signatureMark(verdict)}</p>
    ${facts([["Code", code], ["Expected", expected], ["Key", shown], ["Signed bytes", size]])}
    ${signed === null ? nothing : html`<h3>What is signed</h3><pre tabindex="0" aria-label="What is signed">${plain(signed)}</pre>`}`;
}

async function replay(id) {
  const text = (attempt) => [endOf(attempt), `Delivery ${attempt.id} repeats ${id}: ${spaced(attempt.outcome?.name ?? attempt.stage)}.`];
  const attempt = await act(text, "POST", `/deliveries/${id}/replay`);
  take(attempt);
  go("deliveries", attempt.id, shell.route.query);
}
