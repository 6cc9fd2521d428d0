// Records: the webhook requests of the world, as the mock has them now.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, controlCurl, curl, secret, send, urlOf } from "./api.js";
import { act, addressOf, changed, go, goTyping, refresher, say, shell } from "./shell.js";
import { Table } from "./table.js";
import { choice, clockTime, confirmed, copyButton, data, empty, facts, mark, plain, stateMark, tabs } from "./widgets.js";
import { form } from "./forms.js";
import { objectIn } from "./trigger.js";
import { attemptMark } from "./deliveries.js";
import { outcome } from "./request.js";

const LIMIT = 100; // rows of a page
const LONGEST = 100; // characters of a value in a row
const MAX_CALLS = 2000; // remembered for histories; the journal of the mock is bounded as well
const FILTERS = ["number", "entity", "state", "entity_id", "definition", "rule", "url", "created_from", "created_to", "sort", "offset"];
const ADD = "add"; // what stands for the number in the address of the form

let page = { records: [], total: 0 };
let asked; // the query that the page answers
let refused = null; // why there is no page
let known = { definitions: [], rules: [] };
let calls = []; // those that named a record, oldest first
let entry = null; // all of the open record
let count; // how many records the world had
const open = {};

const table = new Table({
  label: "Records",
  key: (one) => one.record.number,
  address: (one) => addressOf("records", one.record.number, shell.route.query),
  columns: [
    { title: "Number", name: "record-number", cell: ({ record }) => plain(`#${record.number}`, LONGEST) },
    { title: "Created", name: "created", cell: ({ record }) => moment(record.log_information?.created_date) },
    { title: "State", name: "state", cell: ({ record }) => stateMark(record.life_cycle_state) },
    { title: "Entity", name: "entity", cell: ({ record }) => record.entity },
    { title: "Definition", name: "definition", cell: ({ record }) => plain(record.webhook_definition?.name ?? "", LONGEST) },
    { title: "Error", name: "problem", cell: ({ record }) => plain(record.error_code ?? "", LONGEST) },
  ],
});

const moment = (text) => (text ? html`<time datetime=${text}>${text.slice(0, 19).replace("T", " ")}</time>` : nothing);

// What the mock is asked for, and when.

function wanted() {
  const { query } = shell.route;
  return new URLSearchParams(FILTERS.filter((name) => query.get(name)).map((name) => [name, query.get(name)]));
}

/** Look at the mock again: the page of the list, and the open record. */
async function look() {
  const query = wanted();
  const { id } = shell.route;
  await Promise.all([lookAtPage(query), lookAtRecord(id)]);
  changed();
}

async function lookAtPage(query) {
  const text = `${query}`;
  try {
    const found = await call("GET", `/records?limit=${LIMIT}&${text}`);
    if (text === `${wanted()}`) [page, refused] = [found, null];
  } catch (error) {
    if (text === `${wanted()}`) [page, refused] = [{ records: [], total: 0 }, error];
  }
  asked = text;
}

async function lookAtRecord(number) {
  if (number === "" || number === ADD) return;
  const name = encodeURIComponent(number);
  const [own, { deliveries: attempts }, { scripts }] = await Promise.all([
    call("GET", `/records/${name}`).catch((error) => ({ gone: error.message })),
    call("GET", `/deliveries?webhook_request=${name}`),
    call("GET", "/deliveries/script"),
  ]);
  if (number === shell.route.id) entry = { number, ...own, attempts, script: scripts.find((one) => one.number === own.record?.number) };
}

const soon = refresher("records", look);

/** Something has changed in the mock. */
function stale() {
  if (shell.route.panel === "records") soon();
  else asked = undefined;
}

async function lookAtReferences() {
  const [found, more] = await Promise.all([call("GET", "/definitions"), call("GET", "/rules")]);
  known = { ...found, ...more };
  changed();
}

/** Show another part of the list: the address has all of what is chosen. */
function choose(name, value, follow = go) {
  const query = wanted();
  if (name !== "offset") query.delete("offset");
  if (value) query.set(name, value);
  else query.delete(name);
  follow("records", shell.route.id, query);
}

export const records = {
  id: "records",
  title: "Records",

  reset() {
    [page, asked, refused, calls, entry, count] = [{ records: [], total: 0 }, undefined, null, [], null, undefined];
    known = { definitions: [], rules: [] };
  },

  open() {
    if (!known.definitions.length) lookAtReferences();
    const { id } = shell.route;
    const moved = entry?.number !== id && asked === `${wanted()}`; // to another record of the same page
    return moved ? lookAtRecord(id).then(changed) : look();
  },

  event(name, found) {
    const touches = name === "call" && (found.record || found.identifier);
    if (touches) calls.push(found);
    if (calls.length > MAX_CALLS) calls.shift();
    if (touches || name === "delivery" || (name === "world" && count !== found.webhook_requests)) stale();
    if (name === "world") count = found.webhook_requests;
  },

  step: (by) => table.step(page.records, shell.route.id, by),

  main() {
    return html`${tools()}${refused ? html`<p class="section">${mark("failed", refused.message)}</p>` : nothing}
      ${asked !== undefined && !page.records.length ? nothingFound() : table.view(page.records, shell.route.id, head)}${pager()}`;
  },

  details() {
    const { id } = shell.route;
    if (id === ADD) return addForm();
    return entry?.number === id ? details(entry) : html`<p class="note">Loading …</p>`;
  },
};

// The list.

function head({ name, title }) {
  if (name !== "record-number") return title;
  const oldest = shell.route.query.get("sort") === "oldest";
  return html`<button @click=${() => choose("sort", oldest ? "" : "oldest")} aria-label="Number, ${oldest ? "oldest" : "newest"} first; reverse">${title} ${oldest ? "▲" : "▼"}</button>`;
}

const MORE = ["definition", "rule", "entity_id", "url", "created_from", "created_to"];

function tools() {
  const { query } = shell.route;
  const value = (name) => query.get(name) ?? "";
  const used = MORE.filter((name) => query.get(name)).length;
  const entities = [...new Set([value("entity"), ...known.definitions.map((one) => one.entity)])].filter(Boolean).sort();
  return html`<div class="tools bare">
      <label class="search"><span class="unseen">Number of the record</span><input type="search" inputmode="numeric" placeholder="/ number" .value=${value("number")} @input=${(event) => choose("number", event.target.value.trim().replace("#", ""), goTyping)}></label>
      ${choice("State", [["", "State"], "REJECTED", "SUCCESSFUL"], value("state"), (one) => choose("state", one))}
      ${choice("Entity", [["", "Entity"], ...entities], value("entity"), (one) => choose("entity", one))}
      <button aria-expanded=${!!open.more} aria-pressed=${used > 0} @click=${toggleMore}>Filters ${used || nothing}</button>
      ${wanted().size ? html`<button @click=${() => go("records", shell.route.id)}>Show all</button>` : nothing}
      <a class="button" href=${addressOf("records", ADD, query)}>Add …</a>
      <a class="button" href=${addressOf("deliveries", "trigger")}>Trigger a webhook …</a>
    </div>
    ${open.more ? html`<div class="section">${form("Filters", moreFields(value), "Filter", filter)}${names("definition", known.definitions)}${names("rule", known.rules)}</div>` : nothing}`;
}

function moreFields(value) {
  const labels = { url: "URL contains", created_from: "created from", created_to: "created to", entity_id: "entity id" };
  return MORE.map((name) => ({
    name,
    value: value(name),
    label: labels[name],
    hint: name.startsWith("created") ? "yyyy-MM-dd" : "",
    list: known[`${name}s`] && `${name}-names`,
  }));
}

const names = (kind, all) => html`<datalist id="${kind}-names">${all.map((one) => html`<option value=${one.name}>${one.alternative_code}</option>`)}</datalist>`;

async function filter(values, refused) {
  const query = wanted();
  for (const name of [...MORE, "offset"]) query.delete(name);
  for (const [name, value] of Object.entries(values)) query.set(name, value);
  try {
    await call("GET", `/records?limit=1&${query}`);
  } catch (error) {
    return refused(error);
  }
  go("records", shell.route.id, query);
  return true;
}

function toggleMore() {
  open.more = !open.more;
  changed();
}

function pager() {
  const offset = Number(shell.route.query.get("offset") ?? 0);
  const number = (found) => found.toLocaleString("en");
  const last = Math.max(0, Math.ceil(page.total / LIMIT) - 1) * LIMIT;
  const step = (label, sign, to) => html`<button aria-label=${label} ?disabled=${to < 0 || to > last || to === offset} @click=${() => choose("offset", to ? `${to}` : "")}>${sign}</button>`;
  return html`<div class="pager" role="group" aria-label="Pages">
    ${step("First page", "⇤", 0)} ${step("Previous page", "←", offset > 0 ? Math.max(0, offset - LIMIT) : -1)}
    <span role="status">${page.records.length ? `${number(offset + 1)}–${number(offset + page.records.length)} of ${number(page.total)}` : `0 of ${number(page.total)}`}</span>
    ${step("Next page", "→", offset + LIMIT)} ${step("Last page", "⇥", last)}</div>`;
}

function nothingFound() {
  if (refused) return nothing;
  if (wanted().size) return empty("No such record", "No record matches all filters above.");
  const body = { webhook_request: [{ record: { entity: "JOBS", life_cycle_state: "REJECTED" } }] };
  return empty("No records", "This world has none. Add one, or generate many under Worlds:", controlCurl("POST", "/records", body));
}

// One record.

function details({ number, gone, record, data: object, attempts, script }) {
  if (gone) return html`${empty(`#${number} is gone`, gone)}<h3>History</h3>${history(number, "", attempts)}`;
  return html`<h2>#${record.number} <span class="count">${record.entity}</span></h2>
    <p>${stateMark(record.life_cycle_state)} ${plain(record.error_code ?? "", LONGEST)}</p>
    <p class="tools">
      <button class=${record.life_cycle_state === "REJECTED" ? "main" : ""} @click=${() => asClient("resend", record)}>Resend</button>
      <button @click=${() => remove(record)}>Delete</button>
      <a class="button" href=${addressOf("deliveries", "trigger", { data_of: record.number })}>Trigger with this data …</a>
      ${copyButton(() => clientCurl("show", record), "Copy as curl")}
    </p>
    ${tabs(open, "tab", {
      Record: () => shown(record),
      Data: () => (object ? data(object, "Data of the entity") : html`<p class="note">The mock keeps no data object for this record.</p>`),
      History: () => history(record.number, record.id, attempts),
      Script: () => scriptForm(record, script),
      JSON: () => data(JSON.stringify({ record, data: object }), "Record as JSON"),
    })}`;
}

function shown(record) {
  const { webhook_definition: definition, workflow_rule: rule, log_information: log = {} } = record;
  const filtered = (name, value, text = value) => (value ? html`<a href=${addressOf("records", record.number, { [name]: value })} title="Records with the same">${plain(text)}</a>` : "");
  const by = (user, unit) => [user?.username, unit?.name].filter(Boolean).join(", ");
  return html`${facts([
      ["Id", record.id],
      ["URL", record.url],
      ["Entity id", filtered("entity_id", record.entity_id)],
      ["Definition", filtered("definition", definition?.id, definition?.name)],
      ["Rule", filtered("rule", rule?.id, rule?.name)],
      ["Fields set", record.fields_set],
      ["Authentication code", record.authentication_code],
      ["Created", log.created_date && html`${moment(log.created_date)} ${by(log.created_by_user, log.created_by_unit)}`],
      ["Updated", log.updated_date && html`${moment(log.updated_date)} ${by(log.updated_by_user, log.updated_by_unit)}`],
      ["Error", record.error_code],
    ])}
    ${record.error_description ? data(record.error_description, "Description of the error") : nothing}`;
}

/** What happened to a record, in order of time: requests that named it, and attempts to deliver it. */
function history(number, id, attempts) {
  const names = new Set([`number=${number}`, `id=${id}`]);
  const own = calls.filter((one) => (one.record ? one.record.number === number : names.has(one.identifier)));
  const lines = [
    ...own.map((one) => ({ at: one.loggedDateString, order: 0, line: requestLine(one) })),
    ...attempts.map((one) => ({ at: one.at, order: 1, line: attemptLine(one) })),
  ].sort((one, other) => Date.parse(one.at) - Date.parse(other.at) || one.order - other.order);
  if (!lines.length) return empty("Nothing has touched it", "Requests that name this record, and its deliveries, appear here:", clientCurl("show", { number }));
  return html`<ol class="history">${lines.map(({ at, line }) => html`<li>${clockTime(at)} ${line}</li>`)}</ol>
    <p><a href=${addressOf("requests", "", { search: `record:${number}` })}>Its requests</a> · <a href=${addressOf("deliveries", "", { record: number })}>its deliveries</a></p>`;
}

function requestLine(one) {
  return html`<a href=${addressOf("requests", one.id)}>${one.operation ?? one.method}</a> ${outcome(one)}`;
}

function attemptLine(one) {
  return html`<a href=${addressOf("deliveries", one.id)}>delivery ${one.id}</a> <span class="count">${one.cause}</span> ${attemptMark(one)} <span class="count">${plain(one.outcome?.why ?? "", LONGEST)}</span>`;
}

// Acts. A resend and a delete are requests to the API, as a client makes them.

const METHODS = "/crmapi/rest/v2/webhook_requests";

function clientCurl(method, record) {
  if (method === "show") return curl("GET", urlOf(`${METHODS}/show?token=${secret("TOKEN")}&webhook_request_identifier=number=${encodeURIComponent(record.number)}`));
  const body = { token: secret("TOKEN"), webhook_request_identifier: { number: record.number } };
  return curl("POST", urlOf(`${METHODS}/${method}`), body, [["Content-Type", "application/json"]]);
}

async function remove(record) {
  if (await confirmed(`Delete #${record.number}?`, "The record is lost, as if a client had deleted it.", "Delete it")) await asClient("delete", record);
}

async function asClient(method, record) {
  const line = clientCurl(method, record);
  try {
    const { token } = await call("POST", "/tokens");
    const body = { token, webhook_request_identifier: { number: record.number } };
    const answer = await send("POST", `${METHODS}/${method}`, body, { "Content-Type": "application/json" });
    const { status, data: found } = JSON.parse(answer.body || "{}");
    if (status?.code !== "OK") say(false, `${method}: ${status?.message || status?.code || `status ${answer.status}`}`, line);
    else if (method === "delete") say(true, `#${record.number} is deleted.`, line);
    else if (found?.life_cycle_state === "REJECTED") say(false, `#${record.number} was sent again, and is still REJECTED: ${found.error_code}.`, line);
    else say(true, `#${record.number} was sent again: ${record.life_cycle_state} → ${found?.life_cycle_state}.`, line);
  } catch (error) {
    say(false, `${method}: ${error.message}`, line);
  }
  await look();
}

function scriptForm(record, script) {
  if (shell.status?.sends) {
    return html`<p class="note">This mock really sends, so no script decides: its receiver does. The answers of the built-in receiver can be set under <a href=${addressOf("deliveries", "", { view: "receiver" })}>Deliveries</a>.</p>`;
  }
  const { number } = record;
  const put = async (text, value, refused) => {
    const found = await act(text, "PUT", "/deliveries/script", { script: value, number }, { refused });
    if (found) await look();
    return found;
  };
  const set = ({ script: text }, refused) => put(`A script decides the deliveries of #${number}.`, text, refused);
  const field = { name: "script", value: script?.script, hint: "2*timeout, success", required: true, list: "scripts" };
  return html`<p>${script ? html`<code>${script.script}</code> decides the deliveries of this record: ${script.used} so far. <button class="small" @click=${() => put(`The script of #${number} has ended.`, null)}>End</button>` : "The script of its definition or of the world decides the deliveries of this record."}</p>
    ${form("Delivery script", [field], "Set", set)}
    <datalist id="scripts">${["2*timeout, success", "http_500, success", "refused"].map((one) => html`<option value=${one}></option>`)}</datalist>
    <p class="note">How its deliveries end, in order; the last outcome repeats.</p>`;
}

function addForm() {
  const entities = [...new Set(known.definitions.map((one) => one.entity))].filter(Boolean).sort();
  const fields = [
    { name: "entity", type: "choice", options: [["", "any"], ...entities] },
    { name: "life_cycle_state", type: "choice", label: "state", options: ["REJECTED", "SUCCESSFUL"] },
    { name: "error_code", label: "error", hint: "SocketTimeoutException" },
    { name: "url", label: "URL of the receiver", hint: "the definition's" },
    { name: "data", type: "area", label: "data of the entity, as JSON" },
  ];
  return html`<h2>Add a record</h2><p class="note">The mock fills in what you leave empty.</p>${form("Add a record", fields, "Add", add)}`;
}

async function add({ data: text, ...record }, refused) {
  const body = { webhook_request: [{ record }] };
  const line = controlCurl("POST", "/records", body);
  try {
    const object = text && objectIn(text, "data");
    const [{ record: added }] = (await call("POST", "/records", body)).filled_in;
    const path = `/records/${added.number}`;
    if (object) await call("PATCH", path, { data: object });
    say(true, `#${added.number} is added.`, object ? `${line}\n${controlCurl("PATCH", path, { data: object })}` : line);
    go("records", added.number, wanted());
    return added;
  } catch (error) {
    return refused(error);
  }
}
