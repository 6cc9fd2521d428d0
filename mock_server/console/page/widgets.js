// Small parts of pages that several panels use.

import { html, nothing, render } from "./lit-html/lit-html.js";
import { guard } from "./lit-html/directives/guard.js";
import { live } from "./lit-html/directives/live.js";
import { changed, say } from "./shell.js";

const MAX_SHOWN = 200_000; // characters of one value; more would make the page slow

/** Copy a text, and say so. */
export async function copy(text, what) {
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    done = copyOld(text);
  }
  if (done) say(true, `Copied: ${what}.`);
  else say(false, "This browser does not let the page copy: select the text, and copy it yourself.");
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
  return html`<button class="small" @click=${() => copy(typeof text === "function" ? text() : text, what)}>${label}</button>`;
}

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
  const shown = text.slice(0, most).replace(UNSEEN, escaped);
  return text.length > most ? `${shown}…` : shown;
}

function escaped(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** A block of data with a button that copies it whole. */
export function data(text, label = "Data") {
  return guard([text, label], () => {
    const whole = pretty(text);
    const [all, most] = [whole.length, MAX_SHOWN].map((one) => one.toLocaleString("en"));
    const cut = whole.length > MAX_SHOWN ? html`<p class="note">${all} characters; the first ${most} are shown.</p>` : nothing;
    return html`<div class="data">${copyButton(whole, "Copy", label)}<pre tabindex="0" aria-label=${label}>${plain(whole)}</pre>${cut}</div>`;
  });
}

/** The name of a member, which may break after its dots and underscores. */
export const breakable = (name) => name.split(/(?<=[._])/).map((part) => html`${part}<wbr>`);

/** Names and values; entries without a value are left out. */
export function facts(entries) {
  const known = entries.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const shown = (value) => (typeof value === "string" ? plain(value) : value);
  return html`<dl class="facts">${known.map(([name, value]) => html`<dt>${shown(name)}</dt><dd>${shown(value)}</dd>`)}</dl>`;
}

/** The time of day of a moment; all of it as a tooltip. */
export function clockTime(iso) {
  return html`<time datetime=${iso} title=${iso}>${iso.slice(11, 19)}</time>`;
}

// How an outcome looks: always a sign and a word besides the color.
const MARKS = { good: "✓", refused: "✕", failed: "!", fault: "↯", open: "…" };

export function mark(kind, text) {
  return html`<span class="mark ${kind}"><span aria-hidden="true">${MARKS[kind]}</span> ${text}</span>`;
}

/** The state of a webhook request. */
export function stateMark(state) {
  const kind = { SUCCESSFUL: "good", REJECTED: "failed", SENDING: "open" }[state] ?? "open";
  return state ? mark(kind, state) : nothing;
}

/** A choice among options: strings, or pairs of value and label. */
export function choice(label, options, value, choose) {
  const pairs = options.map((one) => (Array.isArray(one) ? one : [one, one]));
  return html`<label class="choice"><span>${label}</span><select .value=${live(value)} @change=${(event) => choose(event.target.value)}>
    ${pairs.map(([one, text]) => html`<option value=${one} ?selected=${one === value}>${text}</option>`)}
  </select></label>`;
}

/** Parts of the details of one object, one at a time. `shown` has the open one by its key. */
export function tabs(shown, key, parts) {
  const names = Object.keys(parts);
  const open = names.includes(shown[key]) ? shown[key] : names[0];
  const show = (name) => {
    shown[key] = name;
    changed();
  };
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    show(names[(names.indexOf(open) + step + names.length) % names.length]);
    requestAnimationFrame(() => event.target.parentElement?.querySelector('[aria-selected="true"]')?.focus());
  };
  return html`<div class="tabs" role="tablist" @keydown=${move}>
      ${names.map((name) => html`<button role="tab" aria-selected=${name === open} tabindex=${name === open ? 0 : -1} @click=${() => show(name)}>${name}</button>`)}
    </div>
    <div role="tabpanel" tabindex="-1" aria-label=${open}>${parts[open]()}</div>`;
}

/** What a panel says when it has nothing to show: what to do next. */
export function empty(title, text, line) {
  return html`<div class="empty"><h2>${title}</h2><p>${text}</p>
    ${line ? html`<pre tabindex="0" aria-label="Command to try">${line}</pre>${copyButton(line, "Copy")}` : nothing}</div>`;
}

/** Ask before something is lost. Returns whether the user wants it. */
export function confirmed(question, text, button) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", question);
  render(
    html`<form method="dialog"><h2>${question}</h2><p>${text}</p>
      <p class="tools"><button autofocus value="">Cancel</button><button class="main" value="yes">${button}</button></p></form>`,
    dialog,
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

/** What a form holds, by the names of its fields; empty fields are left out. */
export function fieldsOf(form) {
  return Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
}
