// Records: the webhook requests of the world, as the mock has them now.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, controlCurl, gather, segment } from "./api.js";
import { dataList, form } from "./forms.js";
import { addForm, recordDetails } from "./record.js";
import { addressOf, changed, param, reader, setParams, shell } from "./shell.js";
import { Table } from "./table.js";
import { brief, dateTime, empty, filterChoice, loading, mark, number, searchBox, stateMark } from "./widgets.js";

const LIMIT = 100; // rows of a page
const ADD = "add"; // what stands for the number in the address of the form

let showsMore = false; // of the filters

const table = new Table("records", "Records", [
  { title: "Number", width: "s", cell: ({ record }) => brief(`#${record.number}`) },
  { title: "Created", width: "l drop-3", cell: ({ record }) => dateTime(record.log_information?.created_date ?? "") },
  { title: "State", width: "m", cell: ({ record }) => stateMark(record.life_cycle_state) },
  { title: "Entity", width: "m", cell: ({ record }) => record.entity },
  { title: "Definition", width: "drop-2", cell: ({ record }) => brief(record.webhook_definition?.name) },
  { title: "Error", width: "l drop-1", cell: ({ record }) => brief(record.error_code) },
], (one) => one.record.number);

/** The page of the list that the address asks for, and the record that it names. */
const reading = reader("records", () => {
  const { id, query } = shell.route;
  const page = call("GET", `/records?limit=${LIMIT}&${query}`).catch((error) => ({ refused: error.message, records: [], total: 0 }));
  return gather(page, "/definitions", "/rules", readRecord(id));
});

async function readRecord(name) {
  if (name === "" || name === ADD) return { entry: null };
  const path = segment(name);
  const [own, { deliveries: attempts }, { scripts }] = await Promise.all([
    call("GET", `/records/${path}`).catch((error) => ({ gone: error.message })),
    call("GET", `/deliveries?record=${path}`),
    call("GET", "/deliveries/script"),
  ]);
  return { entry: { name, ...own, attempts, script: scripts.find((one) => one.record === own.record?.number) } };
}

export const records = {
  id: "records",
  title: "Records",
  icon: "M2 3h12v10H2zM2 6.5h12M6 6.5V13",
  reading,

  event(name, found) {
    if (name === "delivery" || found.record || found.identifier) reading.soon();
  },

  main({ refused, records: found, total, ...known }) {
    return html`${tools(known)}${refused ? html`<p class="section">${mark("failed", refused)}</p>` : nothing}
      ${found.length || refused ? table.view(found, shell.route.id, head) : nothingFound()}${pager(found, total)}`;
  },

  details({ definitions, entry }) {
    const { id } = shell.route;
    if (id === ADD) return addForm(entitiesOf(definitions));
    return entry?.name === id ? recordDetails(entry) : loading;
  },
};

function head({ title }) {
  if (title !== "Number") return title;
  const isOldest = param("sort") === "oldest";
  const label = `Number, ${isOldest ? "oldest" : "newest"} first; reverse`;
  const turn = () => setParams({ sort: isOldest ? "" : "oldest", offset: "" });
  return html`<button @click=${turn} aria-label=${label}>${title} ${isOldest ? "▲" : "▼"}</button>`;
}

// Filters. The address has them, and the mock applies them.

const MORE = [
  { name: "definition", list: "definition-names" },
  { name: "rule", list: "rule-names" },
  { name: "entity_id", label: "entity id" },
  { name: "url", label: "URL contains" },
  { name: "created_from", label: "created from", hint: "yyyy-MM-dd" },
  { name: "created_to", label: "created to", hint: "yyyy-MM-dd" },
];

const entitiesOf = (definitions, ...more) => [...new Set([...more, ...definitions.map((one) => one.entity)])].filter(Boolean).sort();

function tools({ definitions, rules }) {
  const { id, query } = shell.route;
  const clean = (text) => text.trim().replace("#", "");
  const used = MORE.filter(({ name }) => param(name)).length;
  return html`<div class="tools">${searchBox("record", "record", "Number or id of the record", clean)}
      ${filterChoice("state", "State", ["REJECTED", "SUCCESSFUL"])}
      ${filterChoice("entity", "Entity", entitiesOf(definitions, param("entity")))}
      <button aria-expanded=${showsMore} aria-pressed=${used > 0} @click=${toggleMore}>Filters ${used || nothing}</button>
      ${query.size ? html`<a class="button" href=${addressOf("records", id)}>Show all</a>` : nothing}
      <a class="button" href=${addressOf("records", ADD, query)}>Add …</a>
      <a class="button" href=${addressOf("deliveries", "trigger")}>Trigger a webhook …</a></div>
    ${showsMore ? moreFilters(definitions, rules) : nothing}`;
}

function moreFilters(definitions, rules) {
  const names = (found) => found.map((one) => [one.name, one.alternative_code]);
  const fields = MORE.map((one) => ({ ...one, value: param(one.name), blank: "" }));
  return html`<div class="section">${form("Filters", fields, "Filter", filter)}
    ${dataList("definition-names", names(definitions))}${dataList("rule-names", names(rules))}</div>`;
}

async function filter(values) {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value));
  await call("GET", `/records?limit=1&${query}`); // so that what the mock refuses is said at its field
  setParams({ ...values, offset: "" });
  return true;
}

function toggleMore() {
  showsMore = !showsMore;
  changed();
}

function pager(found, total) {
  const offset = Number(param("offset"));
  const last = Math.max(0, Math.ceil(total / LIMIT) - 1) * LIMIT;
  const to = (label, sign, place) => html`<button aria-label=${label} ?disabled=${place < 0 || place > last || place === offset}
    @click=${() => setParams({ offset: place ? `${place}` : "" })}>${sign}</button>`;
  return html`<div class="pager" role="group" aria-label="Pages">
    ${to("First page", "⇤", 0)} ${to("Previous page", "←", offset > 0 ? Math.max(0, offset - LIMIT) : -1)}
    <span role="status">${found.length ? `${number(offset + 1)}–${number(offset + found.length)}` : "0"} of ${number(total)}</span>
    ${to("Next page", "→", offset + LIMIT)} ${to("Last page", "⇥", last)}</div>`;
}

function nothingFound() {
  if (shell.route.query.size) return empty("No such record", "No record matches all filters above.");
  const body = { webhook_request: [{ record: { entity: "JOBS", life_cycle_state: "REJECTED" } }] };
  return empty("No records", "This world has none. Add one, or generate many under Worlds:", controlCurl("POST", "/records", body));
}
