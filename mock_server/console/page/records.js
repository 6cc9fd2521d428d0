// Records: the webhook requests of the world, as the mock has them now.

import { html } from "./lit-html/lit-html.js";
import { call, controlCurl, gather, segment } from "./api.js";
import { recordDetails } from "./record.js";
import { Search } from "./search.js";
import { param, reader, setParams, shell } from "./shell.js";
import { Table } from "./table.js";
import { brief, dateTime, empty, loading, mark, number, stateMark } from "./widgets.js";

const LIMIT = 100; // rows at first, and more each time
const MAX = 1000; // what the mock lists

let entities = [];

const table = new Table("records", "Records", [
  { title: "Number", kind: "name", cell: ({ record }) => brief(`#${record.number}`) },
  { title: "Entity", kind: "entity", cell: ({ record }) => record.entity },
  { title: "State", kind: "state", cell: ({ record }) => stateMark(record.life_cycle_state) },
  { title: "Created", kind: "created", cell: ({ record }) => dateTime(record.log_information?.created_date ?? "") },
  { title: "Definition", kind: "extra", cell: ({ record }) => brief(record.webhook_definition?.name) },
  { title: "Error", kind: "error", cell: ({ record }) => brief(record.error_code) },
], ({ record }) => record.number);

/** The mock applies these. A word is the number or the id of a record. */
const search = new Search(
  {
    state: { label: "State", values: () => ["REJECTED", "SUCCESSFUL"] },
    entity: { label: "Entity", values: () => entities },
    record: {}, definition: {}, rule: {}, entity_id: {}, url: {},
  },
  null,
  "#7 state:REJECTED url:example.com",
);

const limit = () => Math.min(Number(param("limit")) || LIMIT, MAX);

/** The list that the address asks for, and the record that it names. */
const reading = reader("records", async () => {
  const query = new URLSearchParams({ limit: limit() });
  for (const { name, value } of search.parts()) {
    if (value && (!name || name in search.terms)) query.set(name || "record", name ? value : value.replace(/^#/, ""));
  }
  const page = call("GET", `/records?${query}`).catch((error) => ({ refused: error.message, records: [], total: 0 }));
  const content = await gather(page, "/definitions", readRecord(shell.route.id));
  entities = [...new Set(content.definitions.map((definition) => definition.entity))].filter(Boolean).sort();
  return content;
});

async function readRecord(name) {
  if (name === "") return { entry: null };
  const path = segment(name);
  const own = call("GET", `/records/${path}`).catch((error) => ({ gone: error.message }));
  const { deliveries: attempts, ...entry } = await gather(own, `/deliveries?record=${path}`);
  return { entry: { name, ...entry, attempts } };
}

export const records = {
  id: "records",
  title: "Records",
  icon: "M2 3h12v10H2zM2 6.5h12M6 6.5V13",
  reading,

  event(name, news) {
    if (name === "delivery" || news.record || news.identifier) reading.soon();
  },

  main({ refused, records: rows, total }) {
    return html`${search.bar(rows.length, total)} ${refused ? html`<p class="hint">${mark("failed", refused)}</p>` : ""}
      ${rows.length || refused ? table.view(rows, shell.route.id) : nothingFound()}
      ${total > rows.length && limit() < MAX ? html`<p class="pager"><button @click=${more}>Show more</button></p>` : ""}`;
  },

  details: ({ entry }) => (entry?.name === shell.route.id ? recordDetails(entry) : loading),
};

const more = () => setParams({ limit: `${limit() + LIMIT}` });

function nothingFound() {
  if (shell.route.query.size) return search.nothing(shell.status?.webhook_requests ?? 0);
  const body = { webhook_request: [{ record: { entity: "JOBS", life_cycle_state: "REJECTED" } }] };
  return empty("No records", "This world has none. Generate some under Worlds, or add one:", controlCurl("POST", "/records", body));
}
