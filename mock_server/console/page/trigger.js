// The form that triggers a webhook as a workflow rule would.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, controlCurl, segment } from "./api.js";
import { parsed } from "./copies.js";
import { go, param, say, shell } from "./shell.js";
import { dataList, form, schemas } from "./forms.js";
import { empty, loading, pretty } from "./widgets.js";

const NAME = "Trigger a webhook";

let definitions = null;
let receiver = ""; // the URL of the built-in one
let faults = []; // what can be wrong with a delivery on purpose
let source = null; // what the fields were filled in from
let values = {};

export function resetTrigger() {
  [definitions, source, values] = [null, null, {}];
}

/** Read what the fields are filled in with: a record (`data_of` in the address), an attempt (`of`), or an example. */
export async function openTrigger() {
  const [found, { url }, { Event }] = await Promise.all([call("GET", "/definitions"), call("GET", "/receiver"), schemas()]);
  [definitions, receiver, faults] = [found.definitions, url, Event.properties.fault.enum];
  const [attempt, record] = [param("of"), param("data_of")];
  if (source === `${attempt} ${record}`) return;
  source = `${attempt} ${record}`;
  const first = definitions.find((one) => one.life_cycle_state === "EFFECTIVE") ?? definitions[0];
  if (attempt) await fill(ofAttempt(attempt));
  else if (record) await fill(ofRecord(record));
  else if (first) await fill(example(first.id));
}

/** Fill in what is `found`, also over what was typed. */
async function fill(found) {
  values = await found;
  shell.draw(); // at once: what is typed from now on stays
  document.querySelector(`form[aria-label="${NAME}"]`)?.reset();
}

async function ofRecord(name) {
  const { record, data } = await call("GET", `/records/${segment(name)}`);
  const { entity, entity_id, url, webhook_definition: definition } = record;
  return { definition: definition?.id, entity, entity_id, url, data };
}

async function ofAttempt(id) {
  const { definition, webhook_request: record, request } = await call("GET", `/deliveries/${segment(id)}`);
  const found = await ofRecord(record.id).catch(() => ({ definition, entity: named(definition)?.entity }));
  return { ...found, data: dataIn(request.body) ?? found.data };
}

/** An example for a definition: the data of its newest record. */
async function example(definition) {
  const { records } = await call("GET", `/records?limit=1&definition=${encodeURIComponent(definition)}`);
  return { definition, entity: named(definition).entity, data: records[0]?.data ?? { id: "A1", number: "A000001" } };
}

const named = (id) => definitions.find((one) => one.id === id);

export function triggerForm() {
  if (!definitions) return loading;
  if (!definitions.length) {
    const body = { name: "Jobs", entity: "JOBS", url: receiver };
    return empty("No webhook definition", "A webhook needs one:", controlCurl("POST", "/definitions", body));
  }
  const chosen = named(values.definition);
  const entities = [...new Set([values.entity, ...definitions.map((one) => one.entity)])].filter(Boolean).sort();
  const fields = [
    { name: "definition", type: "choice", options: definitions.map(choiceOf), value: values.definition, change: (id) => fill(example(id)) },
    { name: "entity", type: "choice", options: entities, value: values.entity },
    { name: "entity_id", label: "entity id", hint: "the id in the data", value: values.entity_id },
    { name: "url", label: "URL of the receiver", hint: chosen?.url, value: values.url, list: "receivers" },
    ...(shell.status?.sends ? [{ name: "fault", label: "wrong on purpose", type: "choice", options: [["", "nothing"], ...faults] }] : []),
    { name: "data", type: "area", label: "data of the entity, as JSON", value: pretty(values.data ?? {}) },
  ];
  const fieldsSet = chosen?.fields_set?.replaceAll(",", ", ");
  return html`<h2>${param("of") ? `Edit and send delivery ${param("of")}` : NAME}</h2>
    ${fieldsSet ? html`<p class="note">The definition's fields set sends ${fieldsSet}.</p>` : nothing}
    ${form(NAME, fields, "Trigger", send)}${dataList("receivers", [[receiver, "the built-in receiver"]])}`;
}

function choiceOf({ id, name, entity, life_cycle_state: state }) {
  return [id, `${name} (${state === "EFFECTIVE" ? entity : `${entity}, ${state}`})`];
}

async function send(typed) {
  const body = { ...typed, data: objectIn(typed.data ?? "{}", "data") };
  const { delivery, life_cycle_state: state, why, webhook_request: record, left_out: out } = await call("POST", "/events/fire", body);
  const outcome = `${state ?? "under way"}${why ? `; ${why}` : ""}`;
  const notSent = out?.length ? ` Not in the fields set, so not sent: ${out.join(", ")}.` : "";
  const text = record ? `#${record.number} was triggered: ${outcome}.${notSent}` : `Nothing was sent: ${why}.`;
  say(record !== null && state !== "REJECTED", text, controlCurl("POST", "/events/fire", body));
  if (delivery) go("deliveries", delivery.id);
}

/** The JSON object that a field holds. Throws what forms show at the field. */
export function objectIn(text, parameter) {
  const found = parsed(text);
  if (found) return found;
  throw Object.assign(new Error('This is not a JSON object, such as {"id": "A1"}.'), { parameter });
}

/** The data object in the body of a message, in each way in which a dialect wraps it. */
function dataIn(body) {
  const found = parsed(body);
  return found && "data" in found ? found.data : found;
}
