// One request: how it ended, why, what it caused; and sending it once more.

import { html, nothing } from "./lit-html/lit-html.js";
import { repeat } from "./lit-html/directives/repeat.js";
import { parts, secret } from "./api.js";
import { EVIDENCE, partOf, ruleNamed } from "./evidence.js";
import * as copies from "./copies.js";
import { effectOf } from "./faults.js";
import { form, wrongField } from "./forms.js";
import { addressOf, changed, go, say, shell } from "./shell.js";
import {
  brief, clockTime, copyButton, counted, data, differences, empty, facts, flat, mark, number, plain, pretty, recordLink, spaced, tabs, took,
} from "./widgets.js";

const MAX_URL = 4000;

export const OUTCOMES = { good: "served", warned: "warned", refused: "refused", failed: "failed", fault: "fault", running: "running" };

// How it ended.

const undelivered = (call) => call.status < 400 && call.deliveries?.length > 0 && call.state_after === "REJECTED";

/** What its row and its details are marked with, and a few words. */
export function outcomeOf(call) {
  const text = (...parts) => parts.filter(Boolean).join(" · ");
  if (call.running) return ["running", text("running", call.fault && `held back by the fault ${faultName(call)}`, change(call))];
  const results = call.results === null ? "" : counted(call.results, "result");
  if (call.fault) return ["fault", text(`fault ${faultName(call)}`, change(call), results)];
  if (call.outcome === "refused") return ["refused", spaced(call.error_kind)];
  if (undelivered(call)) return ["failed", "not delivered, REJECTED again"];
  const kind = call.status >= 400 ? "failed" : call.warnings.length ? "warned" : "good";
  return [kind, text(change(call) || results || `${call.status} ${call.code ?? ""}`, ...call.warnings)];
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

/** `rules` are statements and dials. */
export function details(call, rules) {
  if (call.gone) return empty("The journal does not have this request", call.gone);
  const request = copies.asSent(call);
  const status = call.running ? "no response yet" : isDropped(call) ? "no response" : `HTTP ${call.status}`;
  const views = { Response: () => responded(call), Request: () => asked(call.request), Why: () => why(call, rules) };
  const first = outcomeOf(call)[0] === "good" ? "Response" : "Why";
  return html`<h2>${call.method} ${brief(request.path.replace(/^.*\/v2\//, ""))} <span class="count">${call.number}</span></h2>
    <p>${outcome(call)} <span class="note">· ${status} · ${clockTime(call.at)} ${call.running ? nothing : `· ${took(call.seconds)}`}</span></p>
    <p class="tools"><button @click=${() => sendFromHere(request)}>Replay</button>
      <button class=${call.near_miss?.suggestion && edited.id !== call.id ? "main" : ""} aria-pressed=${edited.id === call.id} @click=${() => edit(call)}>Edit and send</button>
      ${copyCurl(request)}</p>
    ${edited.id === call.id ? editor(call, request) : tabs(views, first)}`;
}

function copyCurl(request) {
  const names = copies.secretsOf(request).map((name) => `$${name}`);
  const hint = names.length ? `, with ${names.join(" and ")} from the environment` : "";
  return copyButton(() => copies.asCurl(request), "Copy as curl", `request as curl${hint}`);
}

const isDropped = ({ fault }) => fault?.effect.drop === true;

const part = (title, content) => html`<h3>${title}</h3>${content}`;

function list(title, items) {
  return items.length ? part(title, html`<ul class="rules">${items.map((item) => html`<li>${item}</li>`)}</ul>`) : nothing;
}

function asked({ method, url, headers, body }) {
  const query = new URLSearchParams(url.split(/\?(.*)/s)[1]);
  return html`<p class="url">${method} ${plain(url, MAX_URL)}</p>
    ${query.size ? part("Query", facts([...query])) : nothing} ${message(headers, body, "Body of the request")}`;
}

function responded(call) {
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
  const dials = call.trace.find((step) => step.step === "request")?.dials ?? {}; // nothing is decided while it is running
  const statements = call.statement ? [rule(call.statement, rules)] : [];
  return html`
    ${near_miss ? html`<p>${plain(near_miss.reason)}</p>` : nothing}
    ${near_miss?.suggestion ? html`<p class="tip"><b>Suggestion</b> ${plain(near_miss.suggestion)}</p>` : nothing}
    ${list("Warnings", warnings.map((text) => plain(text)))}
    <h3>What happened</h3>
    <ol class="trace">${call.trace.map((step) => html`<li>${STEPS[step.step](step, call)}</li>`)}</ol>
    ${call.running ? html`<p>The request is running.</p>` : nothing} ${record ? effectOn(call) : nothing}
    ${list("Statement that decided", statements)}
    ${list("Dials that decided", Object.entries(dials).map(([key, value]) => rule(key, rules, value)))}`;
}

const faultLink = (call) => html`<a href=${addressOf("faults")}>${plain(faultName(call))}</a>`;

/** A statement or a dial that decided; a dial has a value. */
function rule(id, rules, value) {
  const owner = ruleNamed(rules, id);
  const { text, source, evidence } = partOf(owner, id) ?? owner ?? {};
  const isDial = value !== undefined;
  const grounds = html`<span>${isDial ? text : html`<q>${text}</q>`}</span>
    <span class="note">${evidence}: ${EVIDENCE[evidence]}${isDial ? "" : ` · ${source}`}</span>`;
  return html`<a href=${addressOf("evidence", id)}>${id}</a> ${isDial ? html`= <code>${JSON.stringify(value)}</code>` : nothing} ${text ? grounds : nothing}`;
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
function effectOn(call) {
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

/** Send a request, and open its entry; in the form, if `corrections` were not enough and another one can be filled in. */
async function sendFromHere(request, corrections = []) {
  if (obstacle(request)) return say("failed", `This request cannot be sent from here: ${obstacle(request)}.`);
  const entry = await copies.sent(request);
  sayOutcome(`Sent${copies.secretsOf(request).length ? " with a new token" : ""}`, request, entry);
  if (!entry) return;
  const canGoOn = corrections.length > 0 && copies.corrected(copies.asSent(entry), entry.near_miss?.suggestion) !== null;
  edited = { id: canGoOn ? entry.id : "", corrections };
  go("requests", entry.id);
}

/** Say what came of a request that was sent from here, a refusal in the words of the journal. */
export function sayOutcome(what, request, entry) {
  const [kind, text] = entry ? outcomeOf(entry) : ["failed", "no such request is in the journal, which has those below /crmapi"];
  say(kind, `${what}: ${plain(entry?.near_miss?.reason ?? text)}`, copies.asCurl(request));
}

let edited = { id: "", corrections: [] }; // the request that is edited, and the suggestions that were filled in on the way to it

function edit({ id }) {
  edited = { id: edited.id === id ? "" : id, corrections: [] };
  changed();
}

/** A form with the request as it was, or as a suggestion would have it; `$TOKEN` stands for a hidden token. */
function editor({ id, near_miss: miss }, request) {
  const corrected = copies.corrected(request, miss?.suggestion);
  const draft = corrected ?? request;
  const corrections = [...edited.corrections, ...(corrected ? [miss.suggestion] : [])];
  const body = request.lost ? "" : corrected ? pretty(draft.body) : draft.body;
  const written = (text) => parts(text).map((part, at) => (at % 2 ? `$${part}` : part)).join("");
  const secrets = [...copies.secretsOf(request), ...copies.secretsOf(draft), "TOKEN"];
  const read = (text) => text.replace(/\$(\w+)/g, (shown, name) => (secrets.includes(name) ? secret(name) : shown));
  const fields = [
    { name: "verb", type: "choice", options: [...new Set([draft.verb, "GET", "POST"])], value: draft.verb },
    { name: "target", label: "path and query", type: "area", rows: 2, value: written(copies.target(draft)) },
    { name: "headers", type: "area", rows: 2, value: written(draft.headers.map((pair) => pair.join(": ")).join("\n")) },
    { name: "body", type: "area", rows: body ? 10 : 2, value: written(body) },
  ];
  const send = ({ verb, target = "", headers = "", body = "" }) => {
    if (!/^\/[^/]\S*$/.test(target)) throw wrongField("target", "This is not a path, such as /crmapi/rest/v2/webhook_requests/list.");
    return sendFromHere({ ...copies.split(read(target)), verb, headers: pairsIn(read(headers)), body: read(body) }, corrections);
  };
  return html`${miss ? html`<p>${plain(miss.reason)}</p>` : nothing}
    ${corrections.map((suggestion) => html`<p class="tip"><b>Filled in</b> ${plain(suggestion)}</p>`)}
    <p class="note">${corrections.length ? "The mock names one mistake at a time: if another one is left, it is filled in here after you send. " : ""}A
      fresh token takes the place of <code>$TOKEN</code>.</p>
    ${repeat([id], (key) => key, () => form("Edit and send", fields, "Send", send))}`;
}

/** Lines such as `Content-Type: application/json` as pairs. */
const pairsIn = (text) => text.split("\n").filter((line) => line.trim()).map((line) => /^([^:]*):?\s*(.*)$/.exec(line).slice(1));
