// Why an authentication code verifies, or does not: what was expected beside what was seen.

import { html, nothing } from "./lit-html/lit-html.js";
import { mark, number, plain, spaced } from "./widgets.js";

export function signatureMark({ valid, reason }) {
  return mark(valid ? "good" : "failed", valid ? "valid" : spaced(reason));
}

export function signatureView({ why, expected, seen, ...verdict }) {
  return html`<p>${signatureMark(verdict)} ${why}</p>
    ${expected
      ? html`<p class="note">${differenceOf(expected.bytes, seen.bytes)}</p>
          <div class="sides">${side("Expected", expected, seen)}${side("Seen", seen, expected)}</div>`
      : nothing}`;
}

function differenceOf(expected, seen) {
  if (seen === null) return "";
  if (seen === expected) return "Both codes sign the same bytes.";
  return `The bytes that were signed differ from character ${number(firstDifference(expected, seen) + 1)} on.`;
}

/** One of the two codes, and what it is made of; where it begins to differ from the other one is marked. */
function side(title, { code, bytes, size, algorithm, encoding }, other) {
  const made = [algorithm && `HMAC ${algorithm}`, encoding, size !== null && `of ${number(size)} bytes`].filter(Boolean).join(", ");
  return html`<section aria-label=${title}><h3>${title}</h3>
    ${code === null ? html`<p class="note">There is no code.</p>` : compared(`${title} code`, code, other.code)}
    <p class="note">${made || "Nothing that the mock knows makes this code."}</p>
    ${bytes === null ? nothing : compared(`${title} bytes`, bytes, other.bytes)}</section>`;
}

function compared(label, text, other) {
  const at = firstDifference(text, other ?? text);
  const marked = text === (other ?? text) ? nothing : html`<mark>${plain(text[at] ?? "end")}</mark>`;
  return html`<pre tabindex="0" aria-label=${label}>${plain(text.slice(0, at))}${marked}${plain(text.slice(at + 1))}</pre>`;
}

/** Where two texts begin to differ. */
function firstDifference(text, other) {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at++;
  return at;
}
