// The form that triggers a webhook as a workflow rule would.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, controlCurl } from "./api.js";
import { changed, go, say, shell } from "./shell.js";
import { form } from "./forms.js";
import { empty, pretty } from "./widgets.js";

const NAME = "Trigger a webhook";

/** It is filled in from what the address names: a record (`data_of`), an attempt (`of`), or nothing. */
export class Trigger {
  constructor() {
    this.reset();
  }

  reset() {
    this.definitions = null;
    this.receiver = "";
    this.source = null; // what the fields were filled in from
    this.values = {};
  }

  /** Read what the fields are filled in with. */
  async open() {
    const [{ definitions }, { url }] = await Promise.all([call("GET", "/definitions"), call("GET", "/receiver")]);
    [this.definitions, this.receiver] = [definitions, url];
    const source = `${shell.route.query}`;
    if (this.source === source) return;
    this.source = source;
    const attempt = shell.route.query.get("of");
    const record = shell.route.query.get("data_of");
    const first = definitions.find((one) => one.life_cycle_state === "EFFECTIVE") ?? definitions[0];
    if (attempt) await this.fill(this.ofAttempt(attempt));
    else if (record) await this.fill(this.ofRecord(record));
    else if (first) await this.fill(this.example(first.id));
  }

  /** Fill in what is `found`, also over what was typed. */
  async fill(found) {
    try {
      this.values = await found;
    } catch (error) {
      return say(false, error.message);
    }
    changed();
    requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector(`form[aria-label="${NAME}"]`)?.reset()));
  }

  async ofRecord(name) {
    const { record, data } = await call("GET", `/records/${encodeURIComponent(name)}`);
    const { entity, entity_id, url, webhook_definition: definition } = record;
    return { definition: definition?.id, entity, entity_id, url, data };
  }

  async ofAttempt(id) {
    const { definition, webhook_request: record, request } = await call("GET", `/deliveries/${encodeURIComponent(id)}`);
    const found = await this.ofRecord(record.id).catch(() => ({ definition, entity: this.definition(definition)?.entity }));
    return { ...found, data: dataIn(request.body) ?? found.data };
  }

  /** An example for a definition: the data of its newest record. */
  async example(id) {
    const definition = this.definition(id);
    const { records } = await call("GET", `/records?limit=1&definition=${encodeURIComponent(id)}`);
    return { definition: id, entity: definition.entity, data: records[0]?.data ?? { id: "A1", number: "A000001" } };
  }

  definition(id) {
    return this.definitions.find((one) => one.id === id);
  }

  view() {
    if (!this.definitions) return html`<p class="note">Loading …</p>`;
    if (!this.definitions.length) {
      return empty("No webhook definition", "A webhook needs one:", controlCurl("POST", "/definitions", { name: "Jobs", entity: "JOBS", url: this.receiver }));
    }
    const { values, definitions } = this;
    const chosen = this.definition(values.definition);
    const entities = [...new Set([values.entity, ...definitions.map((one) => one.entity)])].filter(Boolean).sort();
    const fields = [
      { name: "definition", type: "choice", options: definitions.map((one) => [one.id, nameOf(one)]), value: values.definition, change: (id) => this.fill(this.example(id)) },
      { name: "entity", type: "choice", options: entities, value: values.entity },
      { name: "entity_id", label: "entity id", hint: "the id in the data", value: values.entity_id },
      { name: "url", label: "URL of the receiver", hint: chosen?.url, value: values.url, list: "receivers" },
      { name: "data", type: "area", label: "data of the entity, as JSON", value: pretty(values.data ?? {}) },
    ];
    const of = shell.route.query.get("of");
    return html`<h2>${of ? `Edit and send delivery ${of}` : NAME}</h2>
      ${chosen?.fields_set ? html`<p class="note">The definition's fields set sends ${chosen.fields_set.replaceAll(",", ", ")}.</p>` : nothing}
      ${form(NAME, fields, "Trigger", send)}
      <datalist id="receivers"><option value=${this.receiver}>the built-in receiver</option></datalist>`;
  }
}

const nameOf = ({ name, entity, life_cycle_state: state }) => `${name} (${[entity, state !== "EFFECTIVE" && state].filter(Boolean).join(", ")})`;

async function send(values, refused) {
  try {
    const body = { ...values, data: objectIn(values.data ?? "{}", "data") };
    const { delivery, life_cycle_state: state, why, webhook_request: record, left_out: out } = await call("POST", "/events/fire", body);
    const text = record ? `#${record.number} was triggered: ${state ?? "under way"}${why ? `; ${why}` : ""}.${out?.length ? ` Not in the fields set, so not sent: ${out.join(", ")}.` : ""}` : `Nothing was sent: ${why}.`;
    say(record !== null && state !== "REJECTED", text, controlCurl("POST", "/events/fire", body));
    if (delivery) go("deliveries", delivery.id);
  } catch (error) {
    refused(error);
  }
}

/** The JSON object that a field holds. Throws what forms show at the field. */
export function objectIn(text, parameter) {
  const wrong = (message) => Object.assign(new Error(message), { parameter });
  let found;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw wrong(`This is not JSON: ${error.message}`);
  }
  if (!found || typeof found !== "object" || Array.isArray(found)) throw wrong('Allowed is a JSON object, such as {"id": "A1"}.');
  return found;
}

/** The data object in the body of a message, in each way in which a dialect wraps it. */
function dataIn(body) {
  try {
    const found = JSON.parse(body);
    return "data" in found ? found.data : found;
  } catch {
    return undefined;
  }
}
