// Small parts of pages that several panels use.

import { html, nothing, render } from "./lit-html/lit-html.js";
import { guard } from "./lit-html/directives/guard.js";
import { addressOf, changed, say, shell } from "./shell.js";

const MAX_SHOWN = 200_000; // characters of one value; more would make the page slow
const MAX_IN_ROW = 100;
const MAX_DIFFERENCE = 300; // characters of one value that has changed

// Texts.

export const number = (value) => value.toLocaleString("en");
export const counted = (count, what) => `${number(count)} ${what}${count === 1 ? "" : "s"}`;
export const spaced = (name) => name.replaceAll("_", " ");

/** JSON with line breaks; anything else as it is. */
export function pretty(text) {
  if (typeof text !== "string") return JSON.stringify(text, null, 2);
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// Marks that turn text around, and those that terminals obey.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A text with control characters shown, not obeyed; at most so many characters of it. */
export function plain(text, most = MAX_SHOWN) {
  const shown = text.slice(0, most).replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return text.length > most ? `${shown}…` : shown;
}

/** The same for a value in a row, which need not be a text: an instance may show what it likes. */
export const brief = (value) => plain(String(value ?? ""), MAX_IN_ROW);

export const dateTime = (iso) => String(iso).slice(0, 19).replace("T", " ");

/** The time of day of a moment, to the millisecond; all of it as a tooltip. */
export const clockTime = (iso) =>
  html`<time datetime=${iso} title=${iso}>${iso.slice(11, 19)}<small>${iso.slice(19, 23)}</small></time>`;

/** How long something took; nothing if that is not known. */
export function took(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const ms = seconds * 1000;
  if (ms < 0.05) return "< 0.1 ms";
  if (ms < 1000) return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
  return seconds < 90 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
}

// Marks and links.

// How an outcome looks: always a sign and a word besides the color.
const MARKS = { good: "✓", refused: "✕", failed: "!", warned: "!", fault: "↯", running: "…", open: "…" };

export function mark(kind, text) {
  return html`<span class="mark ${kind}"><span aria-hidden="true">${MARKS[kind]}</span> ${text}</span>`;
}

/** The state of a webhook request. */
export function stateMark(state) {
  return state ? mark({ SUCCESSFUL: "good", REJECTED: "failed" }[state] ?? "open", state) : nothing;
}

export function recordLink(record) {
  return html`<a href=${addressOf("records", record.number)}>#${brief(record.number)}</a>`;
}

// Values.

/** A block of data with a button that copies it whole. */
export function data(text, label = "Data") {
  return guard([text, label], () => {
    const whole = pretty(text);
    const cut = `${number(whole.length)} characters; the first ${number(MAX_SHOWN)} are shown.`;
    return html`<div class="data">${copyButton(whole, "Copy", label)}<pre tabindex="0" aria-label=${label}>${plain(whole)}</pre>
      ${whole.length > MAX_SHOWN ? html`<p class="note">${cut}</p>` : nothing}</div>`;
  });
}

/** An object with the members of objects inside it as `outer.inner`; nothing of nothing. */
export function flat(object, path = "") {
  if (!object) return object;
  const parts = Object.entries(object).map(([name, value]) => {
    if (value && typeof value === "object" && !Array.isArray(value)) return flat(value, `${path}${name}.`);
    return { [path + name]: typeof value === "string" ? value : JSON.stringify(value) };
  });
  return Object.assign({}, ...parts);
}

/** Names and values; entries without a value are left out. */
export function facts(entries) {
  const present = entries.filter(([, value]) => ![null, undefined, "", false].includes(value));
  const shown = (value) => (typeof value === "string" ? plain(value) : value);
  return html`<dl class="facts">${present.map(([name, value]) => html`<dt>${shown(name)}</dt><dd>${shown(value)}</dd>`)}</dl>`;
}

/** What has changed: {name, before, after}. */
export function differences(fields) {
  const shown = (value) => plain(typeof value === "string" && value ? value : `${JSON.stringify(value)}`, MAX_DIFFERENCE);
  const change = ({ before, after }) =>
    html`<del>${shown(before)}</del> <span aria-label="becomes">→</span> <ins>${shown(after)}</ins>`;
  return html`<dl class="change">${fields.map((field) => html`<dt>${plain(field.name)}</dt><dd>${change(field)}</dd>`)}</dl>`;
}

/** What a panel says when it has nothing to show: what to do next. */
export function empty(title, text, line) {
  return html`<div class="empty"><h2>${title}</h2>${typeof text === "string" ? html`<p>${text}</p>` : text}
    ${line ? data(line, "Command to try") : nothing}</div>`;
}

/** A part of a board. */
export function section(title, count, content) {
  return html`<section class="section" aria-label=${title}><h2>${title} <span class="count">${count}</span></h2>${content}</section>`;
}

/** A small button in a row, for what `label` says and `text` shortens. */
export function rowButton(text, label, act) {
  return html`<button class="small" aria-label=${label} @click=${act}>${text}</button>`;
}

export const loading = html`<p class="section note">Loading …</p>`;

const opened = {}; // the tab that was opened last, for each panel and first tab

/** Parts of details under tabs: {name: function that returns the part}; `first` is open until another one is chosen. */
export function tabs(parts, first = Object.keys(parts)[0]) {
  const names = Object.keys(parts);
  const kind = `${shell.route.panel} ${first}`;
  const open = names.includes(opened[kind]) ? opened[kind] : first;
  const show = (name) => {
    opened[kind] = name;
    changed();
  };
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    show(names.at((names.indexOf(open) + step) % names.length));
    requestAnimationFrame(() => event.target.parentElement?.querySelector('[aria-selected="true"]')?.focus());
  };
  const tab = (name) => html`<button role="tab" aria-selected=${name === open} tabindex=${name === open ? 0 : -1}
    @click=${() => show(name)}>${name}</button>`;
  return html`<div class="tabs" role="tablist" @keydown=${move}>${names.map(tab)}</div>
    <div role="tabpanel" tabindex="-1" aria-label=${open}>${parts[open]()}</div>`;
}

// Copying and asking.

/** Copy a text, and say so. */
async function copy(text, what) {
  const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
  if (done || copyOld(text)) say("good", `Copied: ${what}.`);
  else say("failed", "This browser does not let the page copy: select the text, and copy it yourself.");
}

/** The way that pages have which are neither on this machine nor served over https. */
function copyOld(text) {
  const area = Object.assign(document.createElement("textarea"), { value: text });
  const before = document.activeElement;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  return done;
}

export function copyButton(text, label, what = label) {
  return html`<button @click=${() => copy(typeof text === "function" ? text() : text, what)}>${label}</button>`;
}

/** Ask before something is lost. Returns whether the user wants it. */
export function confirmed(question, text, button) {
  const box = document.createElement("dialog");
  box.setAttribute("aria-label", question);
  render(html`<form method="dialog"><h2>${question}</h2><p>${text}</p>
    <p class="tools"><button autofocus value="">Cancel</button><button class="main" value="yes">${button}</button></p></form>`, box);
  document.body.append(box);
  box.showModal();
  return new Promise((resolve) => {
    box.onclose = () => {
      box.remove();
      resolve(box.returnValue === "yes");
    };
  });
}
