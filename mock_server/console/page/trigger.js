// The form that triggers a webhook as a workflow rule would.

import { html, nothing } from "./lit-html/lit-html.js";
import { repeat } from "./lit-html/directives/repeat.js";
import { call, controlCurl, gather, segment } from "./api.js";
import { parsed } from "./copies.js";
import { form, schemas, wrongField } from "./forms.js";
import { go, param, say, setParams, shell } from "./shell.js";
import { empty, pretty } from "./widgets.js";

const NAME = "Trigger a webhook";

/** Read what the fields are filled in with: a record (`data_of` in the address), or an example. */
export async function readTrigger() {
  const [record, chosen] = ["data_of", "definition"].map(param);
  const { definitions, Event } = await gather("/definitions", schemas());
  const first = definitions.find(({ life_cycle_state: state }) => state === "EFFECTIVE") ?? definitions[0];
  const definition = definitions.find(({ id }) => id === chosen) ?? first;
  const values = record && !chosen ? ofRecord(record) : example(definition);
  return { definitions, faults: Event.properties.fault.enum, values: await values, address: location.hash };
}

async function ofRecord(name) {
  const { record, data } = await call("GET", `/records/${segment(name)}`);
  const { entity, entity_id: id, url, webhook_definition: definition } = record;
  return { definition: definition?.id, entity, url, data: { id, ...data } };
}

/** An example for a definition: the data of its newest record. */
async function example(definition) {
  if (!definition) return {};
  const { records } = await call("GET", `/records?limit=1&definition=${encodeURIComponent(definition.id)}`);
  return { definition: definition.id, entity: definition.entity, data: records[0]?.data ?? { id: "A1", number: "A000001" } };
}

export function triggerForm({ definitions, faults, values, address }) {
  if (!definitions.length) {
    const body = { webhook_definition: [{ name: "Jobs", entity: "JOBS", url: "http://127.0.0.1:5002/hook" }], workflow_rule: [{ name: "Job done", entity: "JOBS" }] };
    return empty("No webhook definition", "A webhook needs one, and a rule that triggers it:", controlCurl("POST", "/records", body));
  }
  const chosen = definitions.find((definition) => definition.id === values.definition);
  const entities = [...new Set([values.entity, ...definitions.map((definition) => definition.entity)])].filter(Boolean).sort();
  const fields = [
    { name: "definition", type: "choice", options: definitions.map(choiceOf), value: values.definition, change: (id) => setParams({ definition: id }) },
    { name: "entity", type: "choice", options: entities, value: values.entity },
    ...(shell.status?.sends
      ? [
          { name: "url", label: "URL of the receiver", hint: chosen?.url, value: values.url },
          { name: "fault", label: "wrong on purpose", type: "choice", options: [["", "nothing"], ...faults] },
        ]
      : []),
    { name: "data", type: "area", rows: 12, label: "data of the entity, as JSON", value: pretty(values.data ?? {}) },
  ];
  const fieldsSet = chosen?.fields_set?.replaceAll(",", ", ");
  return html`<h2>${NAME}</h2>
    ${fieldsSet ? html`<p class="note">The definition's fields set sends ${fieldsSet}.</p>` : nothing}
    ${repeat([address], (key) => key, () => form(NAME, fields, "Trigger", send))}`;
}

function choiceOf({ id, name, entity, life_cycle_state: state }) {
  return [id, `${name} (${state === "EFFECTIVE" ? entity : `${entity}, ${state}`})`];
}

async function send(typed) {
  const data = parsed(typed.data ?? "{}");
  if (!data) throw wrongField("data", 'This is not a JSON object, such as {"id": "A1"}.');
  const body = { ...typed, data };
  const { delivery, life_cycle_state: state, why, webhook_request: record, left_out: out } = await call("POST", "/events/fire", body);
  const outcome = `${state ?? "under way"}${why ? `; ${why}` : ""}`;
  const notSent = out?.length ? ` Not in the fields set, so not sent: ${out.join(", ")}.` : "";
  const text = record ? `#${record.number} was triggered: ${outcome}.${notSent}` : `Nothing was sent: ${why}.`;
  say(record !== null && state !== "REJECTED" ? "good" : "failed", text, controlCurl("POST", "/events/fire", body));
  if (delivery) go("deliveries", delivery.id);
}
