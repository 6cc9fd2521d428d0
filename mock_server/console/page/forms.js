// Forms that call the control API: what it refuses is shown beside the field that it names.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, controlCurl } from "./api.js";
import { changed, go, say, shell } from "./shell.js";
import { empty, fieldsOf, mark, pretty } from "./widgets.js";

/** What is wrong with a field, in words for people; shown like a refusal of the mock. */
class Wrong extends Error {
  constructor(parameter, message) {
    super(message);
    this.parameter = parameter;
  }
}

/** The field that a refusal names. Those of world files have it in their text alone. */
function parameterOf(error) {
  return error.parameter ?? /^body \S+: "?(\w+)/.exec(error.message)?.[1];
}

export class Form {
  constructor(name) {
    this.name = name; // ids in the page begin with it
    this.error = null;
    this.names = new Set(); // the fields, which are those that are drawn
  }

  /** Let `attempt` do what the form is for; show its refusal. Returns what it returns, or null. */
  async submit(attempt, line) {
    this.error = null;
    try {
      return await attempt();
    } catch (error) {
      this.error = error;
      if (!this.names.has(parameterOf(error))) say(false, error.message, line);
      return null;
    } finally {
      changed();
    }
  }

  /** Submit one call of the control API, say what was done, and how a script does the same. */
  call(text, verb, path, body) {
    const line = controlCurl(verb, path, body);
    return this.submit(async () => {
      const found = await call(verb, path, body);
      say(true, typeof text === "function" ? text(found) : text, line);
      return found;
    }, line);
  }

  /** A labelled field; `control(attributes)` draws it. */
  field(name, label, control, note = "") {
    this.names.add(name);
    const wrong = this.error && parameterOf(this.error) === name;
    const id = `${this.name}-${name}`;
    const described = [wrong && `${id}-error`, note && `${id}-note`].filter(Boolean).join(" ") || nothing;
    return html`<div class="field"><label for=${id}>${label}</label>${control({ id, name, invalid: wrong ? "true" : nothing, described })}
      ${note ? html`<p class="note" id="${id}-note">${note}</p>` : nothing}
      ${wrong ? html`<p class="error" role="alert" id="${id}-error">${mark("failed", this.error.message)}</p>` : nothing}</div>`;
  }

  input(name, label, value = "", { type = "text", note, placeholder = "", list, required, input, change } = {}) {
    return this.field(name, label, (at) => html`<input id=${at.id} name=${name} type=${type} .value=${value} placeholder=${placeholder} list=${list ? `${at.id}-list` : nothing}
        autocomplete="off" spellcheck="false" ?required=${required} aria-invalid=${at.invalid} aria-describedby=${at.described} @input=${input} @change=${change}>
      ${list ? html`<datalist id="${at.id}-list">${list.map(([one, text]) => html`<option value=${one}>${text}</option>`)}</datalist>` : nothing}`, note);
  }

  area(name, label, value = "", { rows = 8, note } = {}) {
    return this.field(name, label, (at) => html`<textarea id=${at.id} name=${name} rows=${rows} .value=${value} spellcheck="false"
      aria-invalid=${at.invalid} aria-describedby=${at.described}></textarea>`, note);
  }

  /** `options`: strings, or pairs of value and label. */
  select(name, label, options, value, { note, change } = {}) {
    const pairs = options.map((one) => (Array.isArray(one) ? one : [one, one]));
    return this.field(name, label, (at) => html`<select id=${at.id} name=${name} aria-invalid=${at.invalid} aria-describedby=${at.described} @change=${change}>
      ${pairs.map(([one, text]) => html`<option value=${one} ?selected=${one === value}>${text}</option>`)}</select>`, note);
  }
}

/** The JSON object in a field; undefined if the field is empty. Throws what Form.submit shows. */
export function objectIn(fields, name) {
  if (fields[name] === undefined) return undefined;
  try {
    const found = JSON.parse(fields[name]);
    if (found && typeof found === "object" && !Array.isArray(found)) return found;
  } catch (error) {
    throw new Wrong(name, `This is not JSON: ${error.message}`);
  }
  throw new Wrong(name, 'A JSON object is wanted, such as {"id": "A1"}.');
}

/** What a submitted form holds; the page stays. */
export function submitted(event) {
  event.preventDefault();
  return fieldsOf(event.target);
}

/** The form that triggers a webhook as a workflow rule would, filled in from what the address names: a record (`record`), or an attempt (`of`). */
export class Trigger {
  constructor() {
    this.form = new Form("trigger");
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
    this.form.error = null;
    const attempt = shell.route.query.get("of");
    const record = shell.route.query.get("record");
    if (attempt) await this.fill(this.ofAttempt(attempt));
    else if (record) await this.fill(this.ofRecord(record));
    else if (definitions.length) await this.example((definitions.find((one) => one.life_cycle_state === "EFFECTIVE") ?? definitions[0]).id);
  }

  async fill(found) {
    try {
      this.values = await found;
    } catch (error) {
      say(false, error.message);
    }
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

  /** Fill in an example for a definition: the data of its newest record. */
  async example(id) {
    const definition = this.definition(id);
    const { records } = await call("GET", `/records?limit=1&definition=${encodeURIComponent(id)}`);
    this.values = { definition: id, entity: definition.entity, data: records[0]?.data ?? { id: "A1", number: "A000001" } };
    changed();
  }

  definition(id) {
    return this.definitions.find((one) => one.id === id);
  }

  view() {
    if (!this.definitions) return html`<p class="note">Loading …</p>`;
    if (!this.definitions.length) {
      return empty("No webhook definition", "A webhook needs one:", controlCurl("POST", "/definitions", { name: "Jobs", entity: "JOBS", url: this.receiver }));
    }
    const { form, values } = this;
    const chosen = this.definition(values.definition);
    const names = this.definitions.map((one) => [one.id, `${one.name} (${one.entity}${one.life_cycle_state === "EFFECTIVE" ? "" : `, ${one.life_cycle_state}`})`]);
    const entities = [...new Set([values.entity, ...this.definitions.map((one) => one.entity)])].filter(Boolean).sort();
    return html`<h2>${shell.route.query.has("of") ? `Edit and send delivery ${shell.route.query.get("of")}` : "Trigger a webhook"}</h2>
      <form class="form" @submit=${(event) => this.send(submitted(event))}>
        ${form.select("definition", "Definition", names, values.definition, { change: (event) => this.example(event.target.value) })}
        ${form.select("entity", "Entity", entities, values.entity)}
        ${form.input("entity_id", "Entity id", values.entity_id ?? "", { placeholder: "the id in the data" })}
        ${form.input("url", "URL of the receiver", values.url ?? "", { placeholder: chosen?.url ?? "", list: [[this.receiver, "the built-in receiver"]] })}
        ${form.area("data", "Data of the entity, as JSON", pretty(values.data ?? {}), { rows: 14, note: chosen?.fields_set ? `The fields set of the definition sends ${chosen.fields_set.replaceAll(",", ", ")}.` : "" })}
        <p class="tools"><button class="main">Trigger</button></p>
      </form>`;
  }

  async send(fields) {
    const line = controlCurl("POST", "/events/fire", fields);
    await this.form.submit(async () => {
      const body = { ...fields, data: objectIn(fields, "data") ?? {} };
      const found = await call("POST", "/events/fire", body);
      const { delivery, life_cycle_state: state, why, webhook_request: record } = found;
      const text = record ? `#${record.number} was triggered: ${state ?? "under way"}${why ? `; ${why}` : ""}` : `Nothing was sent: ${why}`;
      say(state !== "REJECTED" && record !== null, text, controlCurl("POST", "/events/fire", body));
      if (delivery) go("deliveries", delivery.id);
    }, line);
  }
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
