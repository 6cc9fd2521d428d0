// Forms that act: labeled fields, and what the mock refuses beside the field that it is about.

import { html, nothing } from "./lit-html/lit-html.js";
import { call } from "./api.js";
import { changed, say } from "./shell.js";
import { optionsOf } from "./search.js";

const NUMBER = /^-?\d+(\.\d+)?$/;
let refusal = null; // the last one: {form, field (or undefined), text}

/**
 * A form. `name` is its label; `send` gets the values, and if it returns null or throws, what was typed stays.
 * A field is {name, and any of: label, title, type, value, hint, options, list, rows, blank, required, read, change}. Its type is text (the
 * default), number, check, choice, area or file. A text that is no number is sent as it is: the mock says what is allowed.
 * An empty field is `blank`, by default left out.
 */
export function form(name, fields, button, send) {
  const submit = async (event) => {
    event.preventDefault();
    refusal = null;
    try {
      if (await send(valuesOf(fields, event.target))) event.target.reset();
    } catch (error) {
      refuse(name, fields, event.target, error);
    }
    changed();
  };
  const wrong = refusal?.form === name ? refusal : null;
  const forget = () => {
    refusal = null;
    changed();
  };
  return html`<form class="fields" aria-label=${name} @submit=${submit} @input=${forget}>
    ${fields.map((spec) => field(name, spec, wrong?.field === spec.name ? wrong.text : ""))}
    <button>${button}</button>
    ${wrong && !wrong.field ? html`<p class="wrong">${wrong.text}</p>` : nothing}</form>`;
}

/** What a form shows at one of its fields, if its `send` throws it. */
export const wrongField = (parameter, text) => Object.assign(new Error(text), { parameter });

/** Show an error at the field that it names, or at the only one. */
function refuse(form, fields, element, error) {
  if (!("parameter" in error)) throw error;
  const places = (error.parameter ?? "").split(/[.[\]]+/);
  const field = (fields.findLast((spec) => places.includes(spec.name)) ?? (fields.length === 1 ? fields[0] : undefined))?.name;
  refusal = { form, field, text: error.message };
  element.elements[field]?.focus();
  if (error.curl) say("failed", "The mock refuses this.", error.curl);
}

function valuesOf(fields, element) {
  const typed = new FormData(element);
  const read = ({ name, type, blank, read }) => {
    if (type === "check") return typed.has(name);
    if (type === "file") return typed.get(name);
    const text = typed.get(name).trim();
    if (text === "") return blank;
    if (read) return read(text);
    return type === "number" && NUMBER.test(text) ? Number(text) : text;
  };
  return Object.fromEntries(fields.map((spec) => [spec.name, read(spec)]).filter(([, value]) => value !== undefined));
}

function field(formName, spec, wrong) {
  const id = `${formName}-${spec.name}`.replaceAll(/\W/g, "-");
  return html`<div class="field ${spec.type ?? "text"}">
    <label title=${spec.title ?? nothing}><span>${spec.label ?? spec.name}</span> ${control(spec, wrong ? "true" : nothing, wrong ? id : nothing)}</label>
    ${wrong ? html`<span class="wrong" id=${id}>${wrong}</span>` : nothing}</div>`;
}

function control({ name, type, value = "", hint = "", rows = 6, options, list, required, change }, invalid, error) {
  switch (type) {
    case "check":
      return html`<input type="checkbox" name=${name} ?checked=${value}>`;
    case "file":
      return html`<input type="file" name=${name} required>`;
    case "area":
      return html`<textarea name=${name} rows=${rows} spellcheck="false" .defaultValue=${value}
        aria-invalid=${invalid} aria-describedby=${error}></textarea>`;
    case "choice":
      return html`<select name=${name} aria-invalid=${invalid} aria-describedby=${error} @change=${(event) => change?.(event.target.value)}>
        ${optionsOf(options, value)}</select>`;
    default:
      return html`<input name=${name} value=${value} placeholder=${hint} ?required=${required} list=${list ?? nothing}
        inputmode=${type === "number" ? "decimal" : nothing} autocomplete="off" spellcheck="false"
        aria-invalid=${invalid} aria-describedby=${error}>`;
  }
}

/** Values to choose from in a field whose `list` is `id`: texts, or pairs of text and note. */
export function dataList(id, values) {
  const option = ([value, note]) => html`<option value=${value}>${note}</option>`;
  return html`<datalist id=${id}>${values.map((value) => option([value].flat()))}</datalist>`;
}

let schema = null;

/** The schemas of the control API by name: what fields may be is said there, once. Throws Refused. */
export async function schemas() {
  schema ??= await call("GET", "/openapi.json");
  return schema.components.schemas;
}
