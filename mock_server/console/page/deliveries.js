// Deliveries: what was sent to receivers, and what came of it; what the built-in receiver got.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, controlCurl, curl } from "./api.js";
import { act, addressOf, changed, go, goTyping, refresher, shell } from "./shell.js";
import { Table } from "./table.js";
import { choice, clockTime, copyButton, data, empty, facts, mark, plain, stateMark, tabs } from "./widgets.js";
import { form } from "./forms.js";
import { scripted } from "./request.js";
import { Trigger } from "./trigger.js";

const MAX_KEPT = 1000; // attempts; the mock keeps as many
const LONGEST = 100; // characters of a value in a row
const TRIGGER = "trigger"; // what stands for the id in the address of the form
const RECEIVED = "received-"; // what ids of received messages begin with in addresses

let attempts = new Map(); // by id
let rows = null; // those that fit, newest first; null: to be found anew
let newest = 0; // the last id that the list shows; later ones wait until its top is visible
let asked = false; // whether the mock has said what it keeps
let verdict = null; // on the signature of the open attempt: {id, signature}
let received = []; // newest first
let receiver = null;
const open = {};
const trigger = new Trigger();

/** How an attempt ended: delivered, failed, or not over. */
function endOf({ outcome, stage }) {
  if (!outcome) return stage === "abandoned" ? "failed" : "open";
  return outcome.delivered ? "good" : "failed";
}

/** What came of an attempt, in a few words. */
export function attemptMark(attempt) {
  const { outcome, stage, fault } = attempt;
  const text = outcome ? [outcome.name.replaceAll("_", " "), outcome.name.startsWith("http_") ? "" : outcome.status].filter(Boolean).join(" ") : stage;
  return html`${mark(endOf(attempt), text)} ${fault ? mark("fault", fault.replaceAll("_", " ")) : nothing}`;
}

const duration = (attempt) => (attempt.milliseconds === null ? "" : `${attempt.milliseconds < 10 ? attempt.milliseconds.toFixed(1) : Math.round(attempt.milliseconds)} ms`);
const recordLink = (record) => html`<a href=${addressOf("records", record.number)}>#${record.number}</a>`;

const table = new Table({
  label: "Deliveries, newest first",
  key: (one) => one.id,
  address: (one) => addressOf("deliveries", one.id, shell.route.query),
  columns: [
    { title: "Time", name: "time", cell: (one) => clockTime(one.at) },
    { title: "Record", name: "record-number", cell: (one) => `#${one.webhook_request.number}` },
    { title: "Outcome", name: "outcome", cell: attemptMark },
    { title: "Cause", name: "cause", cell: (one) => one.cause },
    { title: "Took", name: "took", cell: duration },
    { title: "Receiver", name: "receiver", cell: (one) => plain(one.url, LONGEST) },
  ],
});

const receivedTable = new Table({
  label: "Received messages, newest first",
  key: (one) => RECEIVED + one.id,
  address: (one) => addressOf("deliveries", RECEIVED + one.id, shell.route.query),
  columns: [
    { title: "Time", name: "time", cell: (one) => clockTime(one.at) },
    { title: "Answer", name: "record-number", cell: (one) => one.status },
    { title: "Authentication code", name: "outcome", cell: (one) => signatureMark(one.signature) },
    { title: "Delivery", name: "took", cell: (one) => one.delivery },
    { title: "Body", name: "receiver", cell: (one) => plain(one.body, LONGEST) },
  ],
});

// What the mock has, and what is shown of it.

function take(attempt) {
  attempts.set(attempt.id, attempt);
  while (attempts.size > MAX_KEPT) attempts.delete(attempts.keys().next().value);
  rows = null;
}

async function lookAtAttempts() {
  const found = (await call("GET", "/deliveries")).deliveries;
  // What the stream has brought meanwhile is newer.
  attempts = new Map([...found.map((one) => [one.id, one]), ...attempts]);
  [asked, rows] = [true, null];
  changed();
}

const param = (name) => shell.route.query.get(name) ?? "";
const inReceiver = () => param("view") === "receiver" || shell.route.id.startsWith(RECEIVED);

function fits(one) {
  const [record, outcome, text] = [param("record").replace("#", ""), param("outcome"), param("text").toLowerCase()];
  return (
    (!record || one.webhook_request.number === record || one.webhook_request.id === record) &&
    (!outcome || (outcome === "fault" ? one.fault : endOf(one) === outcome)) &&
    (!text || JSON.stringify(one).toLowerCase().includes(text))
  );
}

function shown() {
  rows ??= [...attempts.values()].filter(fits).sort((one, other) => other.id - one.id);
  if (table.atTop) newest = rows[0]?.id ?? 0;
  const at = rows.findIndex((one) => one.id <= newest);
  return { found: rows.slice(Math.max(0, at)), waiting: Math.max(0, at) };
}

function choose(name, value, follow = go) {
  const query = new URLSearchParams(shell.route.query);
  if (value) query.set(name, value);
  else query.delete(name);
  follow("deliveries", shell.route.id, query);
}

/** The list and the stream have no verdicts: each takes the mock some time. */
async function lookAtSignature() {
  const id = Number(shell.route.id);
  if (attempts.has(id)) verdict = { id, ...(await call("GET", `/deliveries/${id}`)) };
  changed();
}

async function lookAtReceiver() {
  const since = received[0]?.id ?? 0;
  const [found, own] = await Promise.all([call("GET", `/receiver/requests?since=${since}`), call("GET", "/receiver")]);
  if (found.last < since) received = [];
  const known = new Set(received.map((one) => one.id));
  received = [...found.requests.filter((one) => !known.has(one.id)).reverse(), ...received].slice(0, MAX_KEPT);
  receiver = own;
  changed();
}

const receiverSoon = refresher("deliveries", lookAtReceiver);
const signatureSoon = refresher("deliveries", lookAtSignature);

export const deliveries = {
  id: "deliveries",
  title: "Deliveries",

  reset() {
    [attempts, rows, newest, asked, verdict, received, receiver] = [new Map(), null, 0, false, null, [], null];
    trigger.reset();
  },

  async open() {
    rows = null;
    if (shell.route.id === TRIGGER) await trigger.open();
    await Promise.all([lookAtReceiver(), asked || lookAtAttempts()]);
    await lookAtSignature();
  },

  event(name, found) {
    if (name === "delivery") {
      take(found);
      if (`${found.id}` === shell.route.id) signatureSoon();
    }
    if (name !== "call" && inReceiver()) receiverSoon();
  },

  step: (by) => (inReceiver() ? receivedTable.step(received, shell.route.id, by) : table.step(shown().found, shell.route.id, by)),

  main() {
    const view = (label, receives) => html`<a class="button" href=${addressOf("deliveries", "", receives ? { view: "receiver" } : {})} aria-current=${inReceiver() === receives ? "true" : nothing}>${label}</a>`;
    const views = html`${view("Sent", false)} ${view("Received", true)}`;
    return inReceiver() ? receiverPart(views) : sentPart(views);
  },

  details() {
    const { id } = shell.route;
    if (id === TRIGGER) return trigger.view();
    if (inReceiver()) return receivedDetails(received.find((one) => RECEIVED + one.id === id));
    const found = attempts.get(Number(id));
    if (found) return details(found);
    return asked ? empty("This delivery is gone", `The mock keeps the last ${MAX_KEPT.toLocaleString("en")} at most, until a reset.`) : html`<p class="note">Loading …</p>`;
  },
};

// What was sent.

function sentPart(views) {
  const { found, waiting } = shown();
  const showNew = () => {
    table.scrollTo(0);
    changed();
  };
  return html`<div class="tools bare">${views}
      <label class="search"><span class="unseen">Search</span><input type="search" placeholder="/ search" .value=${param("text")} @input=${(event) => choose("text", event.target.value, goTyping)}></label>
      <label class="choice"><span>Record</span><input class="few" inputmode="numeric" placeholder="Record" .value=${param("record")} @input=${(event) => choose("record", event.target.value.trim(), goTyping)}></label>
      ${choice("Outcome", [["", "Outcome"], ["good", "delivered"], ["failed", "not delivered"], ["open", "under way"], ["fault", "hit by a fault"]], param("outcome"), (value) => choose("outcome", value))}
      <a class="button" href=${addressOf("deliveries", TRIGGER)}>Trigger a webhook …</a>
      <span class="count">${found.length.toLocaleString("en")} of ${attempts.size.toLocaleString("en")}</span>
    </div>
    ${shell.status && !shell.status.sends ? nothingLeaves() : nothing}
    <div class="over">${waiting ? html`<button class="pill" @click=${showNew}>↑ ${waiting} new</button>` : nothing}</div>
    ${found.length ? table.view(found, shell.route.id) : attempts.size ? empty("Nothing found", "No delivery matches all filters above.") : nothingYet()}`;
}

function nothingLeaves() {
  return html`<p class="section note">Nothing leaves this mock: scripts decide the outcomes. To send over HTTP, start it with <code>crmcom-kit serve --deliver http</code>.</p>`;
}

function nothingYet() {
  return empty("No deliveries yet", "Resend a rejected record, trigger a webhook as a workflow rule would, or resend all that were rejected:", controlCurl("POST", "/deliveries/recover", {}));
}

function details(attempt) {
  const { id, request, outcome } = attempt;
  const signature = verdict?.id === id ? verdict.signature : null;
  return html`<h2>Delivery ${id} <span class="count">of ${recordLink(attempt.webhook_request)}</span></h2>
    <p>${attemptMark(attempt)} <span class="count">${duration(attempt)}</span></p>
    <p class="tools"><button @click=${() => replay(id)}>Replay</button>
      <a class="button" href=${addressOf("deliveries", TRIGGER, { of: id })}>Edit and send …</a>
      ${copyButton(() => curl(request.method, attempt.url, request.body, Object.entries(request.headers)), "Copy as curl")}</p>
    ${tabs(open, "tab", {
      Why: () => why(attempt, signature),
      Sent: () => html`<p class="url">${request.method} ${attempt.url}</p>${facts(Object.entries(request.headers))}${bodyOf(request, "Body that was sent")}`,
      Answer: () => (outcome ? answer(outcome) : html`<p class="note">There is no answer yet: the delivery is ${attempt.stage}.</p>`),
      ...(signature && { Signature: () => signatureView(signature) }),
    })}`;
}

const CAUSES = { resend: "a resend", fire: "a trigger", replay: "a replay", recover: "a recovery of all that was rejected", duplicate: "a delivery fault" };

function why(attempt, signature) {
  const { outcome, before, after, fault, of, call: number } = attempt;
  const receivedAs = received.find((one) => one.delivery === attempt.id);
  return facts([
    ["Cause", html`${CAUSES[attempt.cause] ?? attempt.cause}${of ? html` of <a href=${addressOf("deliveries", of)}>delivery ${of}</a>` : nothing}`],
    ["Request", number && html`<a href=${addressOf("requests", number)}>request ${number}</a>`],
    ["Record", html`${recordLink(attempt.webhook_request)} · <a href=${addressOf("deliveries", "", { record: attempt.webhook_request.number })}>all its deliveries</a>`],
    ["Began", attempt.at],
    ["Receiver", attempt.url],
    ["Outcome", outcome ? html`${outcome.name.replaceAll("_", " ")}${outcome.why ? `: ${outcome.why}` : ""} ${scripted()}` : attempt.stage],
    ["Status", outcome?.status],
    ["Error", outcome?.error_code],
    ["State", before || after ? html`${stateMark(before)} → ${after ? stateMark(after) : "not settled"}` : ""],
    ["Delivery fault", fault && html`<a href=${addressOf("faults")}>${mark("fault", fault.replaceAll("_", " "))}</a>`],
    ["Signature", signature && signatureMark(signature)],
    ["Received as", receivedAs && html`<a href=${addressOf("deliveries", RECEIVED + receivedAs.id, { view: "receiver" })}>message ${receivedAs.id}</a>`],
  ]);
}

function answer(outcome) {
  return html`${facts([["Status", outcome.status ?? "none: the receiver did not answer"], ["Error", outcome.error_code], ["Why", outcome.why]])}
    ${outcome.error_description ? data(outcome.error_description, "Error as the record shows it") : nothing}
    ${outcome.answer ? data(outcome.answer, "Body of the answer") : nothing}`;
}

function bodyOf({ body, size }, label) {
  if (!size) return html`<p class="note">The body is empty.</p>`;
  return html`<p class="note">${size.toLocaleString("en")} bytes</p>${data(body, label)}`;
}

async function replay(id) {
  const text = (found) => `Delivery ${found.id} repeats ${id}: ${found.outcome?.name.replaceAll("_", " ") ?? found.stage}.`;
  const found = await act(text, "POST", `/deliveries/${id}/replay`);
  if (!found) return;
  take(found);
  go("deliveries", found.id, shell.route.query);
}

// Signatures.

function signatureMark({ valid, reason }) {
  return mark(valid ? "good" : "failed", valid ? "valid" : reason.replaceAll("_", " "));
}

function signatureView({ why: text, expected, seen, ...verdict }) {
  return html`<p>${signatureMark(verdict)} ${text}</p>
    ${expected ? html`<p class="note">${differenceOf(expected, seen)}</p><div class="sides">${side("Expected", expected, seen)}${side("Seen", seen, expected)}</div>` : nothing}`;
}

/** One of the two codes, and what it is made of; what differs from the other one is marked. */
function side(title, { code, bytes, size, algorithm, encoding }, other) {
  const made = [algorithm && `HMAC ${algorithm}`, encoding, size !== null && `of ${size.toLocaleString("en")} bytes`].filter(Boolean).join(", ");
  return html`<section aria-label=${title}><h3>${title}</h3>
    ${code === null ? html`<p class="note">There is no code.</p>` : compared(`${title} code`, code, other.code)}
    <p class="note">${made || "Nothing that the mock knows makes this code."}</p>
    ${bytes === null ? nothing : compared(`${title} bytes`, bytes, other.bytes)}</section>`;
}

function compared(label, text, other) {
  const at = firstDifference(text, other ?? text);
  return html`<pre tabindex="0" aria-label=${label}>${at < 0 ? plain(text) : html`${plain(text.slice(0, at))}<mark>${plain(text.slice(at, at + 1)) || "end"}</mark>${plain(text.slice(at + 1))}`}</pre>`;
}

/** Where two texts begin to differ; -1 if they are equal. */
function firstDifference(text, other) {
  if (text === other) return -1;
  let at = 0;
  while (at < text.length && text[at] === other[at]) at++;
  return at;
}

function differenceOf(expected, seen) {
  if (seen.bytes === null) return "";
  const at = firstDifference(expected.bytes, seen.bytes);
  return at < 0 ? "Both codes sign the same bytes." : `The bytes that were signed differ from character ${(at + 1).toLocaleString("en")} on.`;
}

// The built-in receiver.

function receiverPart(views) {
  if (!receiver) return html`<div class="tools">${views}</div>`;
  const forget = async () => {
    if (!(await act("The receiver's messages are deleted.", "DELETE", "/receiver/requests"))) return;
    received = [];
    changed();
  };
  return html`<div class="tools">${views}<code class="url">${receiver.url}</code>${copyButton(receiver.url, "Copy", "the address of the receiver")}
      <span class="count">${received.length} messages</span><button @click=${forget}>Clear</button></div>
    <div class="section">${form("Answers of the receiver", ANSWER, "Set", setAnswer)}
      <p class="note">Now it answers ${receiver.answers.map(answerText).join(", then ")}.</p></div>
    ${received.length
      ? receivedTable.view(received, shell.route.id)
      : empty("No messages yet", "The built-in receiver accepts what is sent to its address, and checks the authentication code:", curl("POST", receiver.url, { authentication_code: "C", data: { number: "A1" } }))}`;
}

function answerText({ status, times, delay }) {
  return `${status}${times ? ` ${times === 1 ? "once" : `${times} times`}` : ""}${delay ? ` after ${delay} s` : ""}`;
}

const ANSWER = [
  { name: "status", type: "number", value: "200", required: true },
  { name: "times", type: "number", hint: "always", label: "times, then 200" },
  { name: "delay", type: "number", hint: "0", label: "after seconds" },
  { name: "body" },
];

async function setAnswer(first, refused) {
  const answers = first.times ? [first, { status: 200 }] : [first];
  const text = (found) => `The receiver answers ${found.answers.map(answerText).join(", then ")}.`;
  receiver = (await act(text, "PUT", "/receiver", { answers }, { refused })) ?? receiver;
  changed();
}

function receivedDetails(one) {
  if (!one) return empty("This message is gone", "The built-in receiver keeps the last 200.");
  const fault = attempts.get(one.delivery)?.fault;
  return html`<h2>Message ${one.id} <span class="count">${one.at}</span></h2>
    <p>${signatureMark(one.signature)} answered with ${one.status}${one.delivery ? html` · <a href=${addressOf("deliveries", one.delivery)}>delivery ${one.delivery}</a>` : nothing}
      ${fault ? mark("fault", fault.replaceAll("_", " ")) : nothing}</p>
    ${tabs(open, "received", {
      Signature: () => signatureView(one.signature),
      Message: () => html`${facts([["Method", one.method], ...Object.entries(one.headers)])}${bodyOf(one, "Body that was received")}`,
    })}`;
}
