// The built-in receiver: how it responds, what it got last, and whether that was signed as it should be.

import { html, nothing } from "./lit-html/lit-html.js";
import { repeat } from "./lit-html/directives/repeat.js";
import { call, curl } from "./api.js";
import { form } from "./forms.js";
import { act, addressOf } from "./shell.js";
import { clockTime, copyButton, data, empty, facts, mark, number, plain, spaced } from "./widgets.js";

const SHOWN = 20; // messages

const FIELDS = [{ name: "statuses", hint: "503, 503, 200", blank: [], read: (text) => text.split(",").map(Number) }];

/** Read how it responds, and its messages. Throws Refused. */
export async function readReceiver() {
  const [{ url, statuses }, { requests }] = await Promise.all([call("GET", "/receiver"), call("GET", "/receiver/requests")]);
  return { url, statuses, messages: requests.reverse() };
}

export function receiverView({ url, statuses, messages }) {
  const text = "The built-in receiver accepts what is sent to its address, and checks the authentication code:";
  const example = curl("POST", url, { authentication_code: "C", data: { number: "A1" } });
  return html`<h2>Built-in receiver</h2>
    <p class="tools"><code class="url">${url}</code>${copyButton(url, "Copy", "the address of the receiver")}</p>
    <p class="note">Now it responds with ${statuses.join(", then ")}.</p>
    ${form("Responses of the receiver", FIELDS, "Set", setResponses)}
    ${messages.length
      ? html`<h3>Received <span class="count">${messages.length}</span></h3>
          ${repeat(messages.slice(0, SHOWN), ({ id }) => id, message)}`
      : empty("No messages yet", text, example)}`;
}

const setResponses = (body) => act((receiver) => `Set the responses to ${receiver.statuses.join(", then ")}.`, "PUT", "/receiver", body);

function message({ id, at, status, method, headers, body, cut, size, signature, delivery }) {
  const from = delivery ? html`of <a href=${addressOf("deliveries", delivery)}>delivery ${delivery}</a>` : nothing;
  return html`<details><summary>${clockTime(at)} ${signatureMark(signature)} <span class="note">responded with ${status}</span></summary>
    <p>Message ${id} ${from}</p>${signatureView(signature)}
    ${facts([["Method", method], ...Object.entries(headers)])}
    ${cut ? html`<p class="note">Below is the beginning of ${number(size)} bytes.</p>` : nothing}
    ${data(body, "Body that was received")}</details>`;
}

// Whether an authentication code verifies, and what the right one signs.

export function signatureMark({ valid, reason }) {
  return mark(valid ? "good" : "failed", valid ? "valid" : spaced(reason));
}

export function signatureView({ code, expected, signed, size, key, ...verdict }) {
  const shown = key && html`${key.name ?? key.id} <details><summary>Show the key</summary><code>${key.key}</code></details>`;
  return html`<p>${signatureMark(verdict)}</p>
    ${facts([["Code", code], ["Expected", expected], ["Key", shown], ["Signed bytes", size]])}
    ${signed === null ? nothing : html`<h3>What is signed</h3><pre tabindex="0" aria-label="What is signed">${plain(signed)}</pre>`}`;
}
