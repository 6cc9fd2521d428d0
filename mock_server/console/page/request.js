// One request: how it ended, why, what it caused; and sending it once more.

import { html, nothing } from "./lit-html/lit-html.js";
import { call } from "./api.js";
import { EVIDENCE } from "./contract.js";
import * as copies from "./copies.js";
import { effectOf } from "./faults.js";
import { searchFor } from "./search.js";
import { addressOf, go, say, shell } from "./shell.js";
import {
  brief, clockTime, copyButton, counted, data, differences, empty, facts, flat, mark, number, plain, recordLink, spaced, tabs, took,
} from "./widgets.js";

const MAX_URL = 4000;

export const OUTCOMES = { good: "served", refused: "refused", failed: "failed", fault: "fault", running: "running" };

// How it ended.

const undelivered = (call) => call.status < 400 && call.deliveries?.length > 0 && call.state_after === "REJECTED";

/** What its row and its details are marked with, and a few words. */
export function outcomeOf(call) {
  const text = (...parts) => parts.filter(Boolean).join(" · ");
  if (call.running) return ["running", text("running", call.fault && `held back by the fault ${faultName(call)}`, change(call))];
  const found = call.results === null ? "" : counted(call.results, "result");
  if (call.fault) return ["fault", text(`fault ${faultName(call)}`, change(call), found)];
  if (call.outcome === "refused") return ["refused", spaced(call.error_kind)];
  if (undelivered(call)) return ["failed", "not delivered, REJECTED again"];
  const kind = call.status >= 400 ? "failed" : "good";
  return [kind, text(change(call) || found || `${call.status} ${call.code ?? ""}`, ...call.warnings)];
}

export function outcome(call) {
  const [kind, text] = outcomeOf(call);
  return mark(kind, brief(text));
}

// A fault that a header asked for has the header's text as its name.
const faultName = ({ fault }) => (fault.name || fault.id).replace(/^fault=/, "");

function change({ state_before, state_after, operation }) {
  if (operation === "delete" && state_before && !state_after) return `${state_before} → deleted`;
  return state_before && state_after && state_before !== state_after ? `${state_before} → ${state_after}` : "";
}

/** What a row says a request was about: the record that it touched or asked for in vain, or the filters of a list. */
export function about({ record, identifier, operation, query }) {
  if (record) return `#${record.number}`;
  if (operation !== "list") return (identifier ?? "").replace(/^number=/, "#").replace(/^id=/, "");
  const isPlain = (name) => name === "entity" || name === "life_cycle_state";
  const filters = [...new URLSearchParams(query)].filter(([name]) => name !== "token");
  return filters.map(([name, value]) => (isPlain(name) ? value : `${name}=${value}`)).join(" · ");
}

// Its details.

/** `rules` are statements and dials; `last` is the id of the newest request. */
export function details(call, rules, last) {
  if (call.gone) return empty("The journal does not have this request", call.gone);
  const request = copies.asSent(call);
  const status = call.running ? "no response yet" : isDropped(call) ? "no response" : `HTTP ${call.status}`;
  const parts = { Response: () => answered(call), Request: () => asked(call.request), Why: () => why(call, rules) };
  const first = outcomeOf(call)[0] === "good" && !call.warnings.length ? "Response" : "Why";
  return html`<h2>${call.method} ${brief(request.path.replace(/^.*\/v2\//, ""))} <span class="count">${call.number}</span></h2>
    <p>${outcome(call)} <span class="note">· ${status} · ${clockTime(call.at)} ${call.running ? nothing : `· ${took(call.seconds)}`}</span></p>
    <p class="tools"><button @click=${() => repeat(request, last)}>Replay</button>${copyCurl(request)}</p>
    ${tabs(parts, first)}`;
}

function copyCurl(request) {
  const names = copies.secretsOf(request).map((name) => `$${name}`);
  const hint = names.length ? `, with ${names.join(" and ")} from the environment` : "";
  return copyButton(() => copies.asCurl(request), "Copy as curl", `request as curl${hint}`);
}

const isDropped = ({ fault }) => fault?.effect.drop === true;

const part = (title, content) => html`<h3>${title}</h3>${content}`;

function list(title, items) {
  return items.length ? part(title, html`<ul class="rules">${items.map((one) => html`<li>${one}</li>`)}</ul>`) : nothing;
}

function asked({ method, url, headers, body }) {
  const query = new URLSearchParams(url.split(/\?(.*)/s)[1]);
  return html`<p class="url">${method} ${plain(url, MAX_URL)}</p>
    ${query.size ? part("Query", facts([...query])) : nothing} ${message(headers, body, "Body of the request")}`;
}

function answered(call) {
  if (call.running) return html`<p>The request is running: it has no response yet.</p>`;
  const { status, size, headers, body } = call.response;
  const dropped = mark("fault", "The fault dropped this response: the client did not get it.");
  return html`${isDropped(call) ? html`<p>${dropped}</p>` : nothing}
    <p class="url">${status} ${call.code ?? ""} <span class="note">· ${number(size)} bytes</span></p>
    ${message(headers, body, "Body of the response")}`;
}

/** The body first: it is what one looks for. */
function message(headers, body, label) {
  return html`${body ? data(body, label) : nothing} ${part("Headers", facts(Object.entries(headers)))}`;
}

// Why: what happened, what decided, how sure that is, and what to change.

function why(call, rules) {
  const { near_miss, warnings, record } = call;
  const dials = call.trace.find((one) => one.step === "request")?.dials ?? {}; // nothing is decided while it is running
  const statements = call.statement ? [rule(call.statement, rules)] : [];
  return html`
    ${near_miss ? html`<p>${plain(near_miss.reason)}</p>` : nothing}
    ${near_miss ? facts([["Parameter", near_miss.parameter], ["Seen", near_miss.seen], ["Allowed", near_miss.allowed]]) : nothing}
    ${near_miss?.suggestion ? html`<p class="tip"><b>Suggestion</b> ${plain(near_miss.suggestion)}</p>` : nothing}
    ${call.statement === "resend.only_rejected" && record ? past(record) : nothing}
    ${list("Warnings", warnings.map((one) => plain(one)))}
    <h3>What happened</h3>
    <ol class="trace">${call.trace.map((step) => html`<li>${STEPS[step.step](step, call)}</li>`)}</ol>
    ${call.running ? html`<p>The request is running.</p>` : nothing} ${record ? changed(call) : nothing}
    ${list("Statement that decided", statements)}
    ${list("Dials that decided", Object.entries(dials).map(([key, value]) => rule(key, rules, value)))}`;
}

const faultLink = (call) => html`<a href=${addressOf("faults")}>${plain(faultName(call))}</a>`;

/** Who brought the record into a state in which it cannot be resent. */
function past(record) {
  const requests = addressOf("requests", "", searchFor({ record: record.number }));
  return html`<p>What happened to the record before: <a href=${requests}>requests for #${record.number}</a>,
    <a href=${addressOf("records", record.number)}>record #${record.number}</a></p>`;
}

/** A statement or a dial that decided; a dial has a value. */
function rule(id, rules, value) {
  const { text, source, evidence } = rules.find((one) => one.id === id) ?? {};
  const isDial = value !== undefined;
  const grounds = html`<span>${isDial ? text : html`<q>${text}</q>`}</span>
    <span class="note">${evidence}: ${EVIDENCE[evidence]}${isDial ? "" : ` · ${source}`}</span>`;
  return html`<a href=${addressOf("contract", id)}>${id}</a> ${isDial ? html`= <code>${JSON.stringify(value)}</code>` : nothing} ${text ? grounds : nothing}`;
}

// The chain of causes, and what it changed.

/** Who decided how a delivery ended, if this mock sends nothing. */
export function scripted() {
  const script = html`<span class="note">as a <a href=${addressOf("faults")}>delivery script</a> decided</span>`;
  return shell.status?.sends === false ? script : nothing;
}

const STEPS = {
  fault: (step, call) => html`${mark("fault", "Fault")} ${faultLink(call)} <span class="note">${effectOf(call.fault)}</span>`,
  request: (step, call) => html`Request ${call.number}: ${call.operation ?? "no method"} ${decision(step, call)}`,
  change: ({ before, after }, call) => html`Record ${recordLink(call.record)} ${before ?? "new"} → ${after}`,
  attempt: ({ id }) => html`<a href=${addressOf("deliveries", id)}>Delivery ${id}</a>`,
  receiver: ({ status, name }) =>
    html`Receiver ${mark(status >= 200 && status < 300 ? "good" : "failed", status ? `HTTP ${status}` : spaced(name))} ${scripted()}`,
};

function decision({ outcome }, call) {
  if (outcome === "held") return mark("good", "carried out");
  return outcome === "skipped" ? mark("open", "not carried out: the fault came first") : mark("refused", `refused: ${spaced(call.error_kind)}`);
}

/** What it made of the record. */
function changed(call) {
  const [before, after] = [flat(call.before), flat(call.after)];
  const names = before && after ? Object.keys({ life_cycle_state: "", ...before, ...after }) : [];
  const fields = names.filter((name) => before[name] !== after[name]);
  const came = before && !after ? "was deleted." : fields.length ? "was changed:" : "was not changed.";
  return html`<p>Record ${recordLink(call.record)} ${came}</p>
    ${fields.length ? differences(fields.map((name) => ({ name, before: before[name], after: after[name] }))) : nothing}
    ${before && !after ? data(call.before, "The record before") : nothing}`;
}

// Sending once more.

/** Why a request cannot be sent from here; nothing if it can. */
function obstacle(request) {
  const hidden = copies.secretsOf(request).filter((name) => name !== "TOKEN").map((name) => `$${name}`);
  if (request.lost) return `the journal has no more of its body than “${request.lost}”`;
  if (hidden.length) return `it needs ${hidden.join(" and ")}. Copy it as curl, and set that in the shell`;
  return request.verb === "GET" && request.body ? "a browser does not send a body with GET. Copy it as curl" : "";
}

/** Send a request once more, and open its entry, which comes after `last`. */
async function repeat(request, last) {
  if (obstacle(request)) return say(false, `This request cannot be sent from here: ${obstacle(request)}.`);
  const answer = await copies.sent(request);
  const { requests } = await call("GET", `/requests${last ? `?since=${last}` : ""}`);
  const made = requests.findLast((one) => one.method === request.verb && one.url.split("?")[0] === request.path);
  if (!made) return say(false, "It was sent, but the journal does not have it.");
  const token = copies.secretsOf(request).length ? " with a new token" : "";
  say(true, `Sent${token}: ${answer ? outcomeOf(made)[1] : "no response"}.`, copies.asCurl(request));
  go("requests", made.id);
}
