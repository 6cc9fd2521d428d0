// One record: what it holds, what happened to it, and acts on it.

import { html, nothing } from "./lit-html/lit-html.js";
import { curl, secret, urlOf } from "./api.js";
import { sent } from "./copies.js";
import { attemptMark } from "./deliveries.js";
import { addressOf, shell } from "./shell.js";
import { outcome, sayOutcome } from "./request.js";
import { requestsFor } from "./requests.js";
import { searchFor } from "./search.js";
import { brief, clockTime, confirmed, copyButton, data, dateTime, empty, facts, plain, stateMark, tabs } from "./widgets.js";

const METHODS = "/crmapi/rest/v2/webhook_requests";

export function recordDetails({ name, gone, record, data: object, attempts }) {
  if (gone) return html`${empty(`#${brief(name)} is gone`, gone)}<h3>History</h3>${history(name, "", attempts)}`;
  const { number, life_cycle_state: state } = record;
  const noData = html`<p class="note">The mock keeps no data object for this record.</p>`;
  return html`<h2>#${number} <span class="count">${record.entity}</span></h2>
    <p>${stateMark(state)} ${brief(record.error_code)}</p>
    <p class="tools">
      <button class=${state === "REJECTED" ? "main" : ""} @click=${() => asClient("resend", record)}>Resend</button>
      <button @click=${() => remove(record)}>Delete</button>
      <a class="button" href=${addressOf("deliveries", "trigger", { data_of: number })}>Trigger with this data …</a>
      ${copyButton(() => showCurl(number), "Copy as curl")}
    </p>
    ${tabs({
      Record: () => shown(record),
      Data: () => (object ? data(object, "Data of the entity") : noData),
      History: () => history(number, record.id, attempts),
      JSON: () => data(JSON.stringify({ record, data: object }), "Record as JSON"),
    })}`;
}

function shown(record) {
  const { webhook_definition: definition, workflow_rule: rule } = record;
  const log = record.log_information ?? {}; // an instance may show what it likes
  const filtered = (name, value, text = value) =>
    value && html`<a href=${addressOf("records", record.number, searchFor({ [name]: value }))} title="Records with the same">${plain(text)}</a>`;
  const logged = (date, user, unit) => date && `${dateTime(date)} ${[user?.username, unit?.name].filter(Boolean).join(", ")}`;
  return html`${facts([
      ["Id", record.id],
      ["URL", record.url],
      ["Entity id", filtered("entity_id", record.entity_id)],
      ["Definition", filtered("definition", definition?.id, definition?.name)],
      ["Rule", filtered("rule", rule?.id, rule?.name)],
      ["Fields set", record.fields_set],
      ["Authentication code", record.authentication_code],
      ["Created", logged(log.created_date, log.created_by_user, log.created_by_unit)],
      ["Updated", logged(log.updated_date, log.updated_by_user, log.updated_by_unit)],
      ["Error", record.error_code],
    ])}
    ${record.error_description ? data(record.error_description, "Description of the error") : nothing}`;
}

/** What happened to a record, in order of time: requests that named it, each followed by its deliveries; and other deliveries. */
function history(number, id, attempts) {
  const own = requestsFor(number, id);
  // A request and its delivery often share a millisecond with the next request: their times alone give no order.
  const caused = (call) => attempts.filter((attempt) => call.deliveries?.includes(attempt.id));
  const others = attempts.filter((attempt) => !own.some((call) => caused(call).includes(attempt)));
  const events = [...own.map((event) => [event, ...caused(event)]), ...others.map((event) => [event])]
    .sort(([earlier], [later]) => Date.parse(earlier.at) - Date.parse(later.at))
    .flat();
  const text = "Requests that name this record, and its deliveries, appear here:";
  if (!events.length) return empty("Nothing has touched it", text, showCurl(number));
  const link = (panel, entry, text) => html`<a href=${addressOf(panel, entry.id)}>${text}</a>`;
  const requestLine = (entry) => html`${link("requests", entry, entry.operation ?? entry.method)} ${outcome(entry)}`;
  const note = (text) => html`<span class="count">${text}</span>`;
  const attemptLine = (attempt) =>
    html`${link("deliveries", attempt, `delivery ${attempt.id}`)} ${note(attempt.cause)} ${attemptMark(attempt)} ${note(brief(attempt.outcome?.why))}`;
  const line = (event) => (own.includes(event) ? requestLine(event) : attemptLine(event));
  return html`<ol class="history">${events.map((event) => html`<li>${clockTime(event.at)} ${line(event)}</li>`)}</ol>
    <p><a href=${addressOf("requests", "", searchFor({ record: number }))}>Its requests</a> ·
      <a href=${addressOf("deliveries", "", searchFor({ record: number }))}>its deliveries</a></p>`;
}

// Acts. A resend and a delete are requests to the API, as a client makes them.

function showCurl(number) {
  const query = `token=${secret("TOKEN")}&webhook_request_identifier=number=${encodeURIComponent(number)}`;
  return curl("GET", urlOf(`${METHODS}/show?${query}`));
}

async function remove(record) {
  const text = "The record is lost, as if a client had deleted it.";
  if (await confirmed(`Delete #${record.number}?`, text, "Delete it")) await asClient("delete", record);
}

async function asClient(method, { number }) {
  const body = JSON.stringify({ token: secret("TOKEN"), webhook_request_identifier: { number } });
  const headers = [["Content-Type", "application/json"]];
  const request = { verb: "POST", path: `${METHODS}/${method}`, query: [], headers, body };
  sayOutcome(`${method} #${number}`, request, await sent(request));
  await shell.reopen();
}
