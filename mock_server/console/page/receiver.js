// The built-in receiver: what it got, and what it answers.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, curl } from "./api.js";
import { form } from "./forms.js";
import { act, addressOf, shell } from "./shell.js";
import { signatureMark, signatureView } from "./signature.js";
import { Table } from "./table.js";
import { brief, clockTime, copyButton, data, empty, facts, loading, tabs } from "./widgets.js";

export const MESSAGE = "received-"; // what ids of messages begin with in addresses

const MAX_KEPT = 200; // messages; the mock keeps as many

let messages = []; // newest first
let receiver = null;
const open = {};

const table = new Table({
  label: "Received messages, newest first",
  key: (one) => MESSAGE + one.id,
  address: (one) => addressOf("deliveries", MESSAGE + one.id, shell.route.query),
  columns: [
    { title: "Time", name: "time", cell: (one) => clockTime(one.at) },
    { title: "Answer", name: "record-number", cell: (one) => one.status },
    { title: "Authentication code", name: "outcome", cell: (one) => signatureMark(one.signature) },
    { title: "Delivery", name: "took", cell: (one) => one.delivery },
    { title: "Body", name: "receiver", cell: (one) => brief(one.body) },
  ],
});

export function resetReceiver() {
  [messages, receiver] = [[], null];
}

const last = () => messages[0]?.id ?? 0;

/** Read what the receiver got since the last reading. Throws Refused. */
export const readReceiver = () => Promise.all([call("GET", `/receiver/requests?since=${last()}`), call("GET", "/receiver")]);

/** Show what was read. */
export function showReceiver([{ requests, ...found }, own]) {
  const known = found.last < last() ? [] : messages; // the mock may have forgotten all
  messages = [...requests.filter((one) => one.id > last()).reverse(), ...known].slice(0, MAX_KEPT);
  receiver = own;
}

/** The message that the address names, or the one that a delivery has brought. */
export function messageOf(id, delivery) {
  return messages.find((one) => (delivery ? one.delivery === delivery : MESSAGE + one.id === id));
}

/** The list; `views` are the links to it and to the other one. */
export function receiverView(views) {
  if (!receiver) return loading;
  const cleared = () => {
    messages = []; // once the mock has forgotten them, and before they are read again
    return "The receiver's messages are deleted.";
  };
  const clear = () => act(cleared, "DELETE", "/receiver/requests");
  const { url, answers } = receiver;
  const text = "The built-in receiver accepts what is sent to its address, and checks the authentication code:";
  const example = { authentication_code: "C", data: { number: "A1" } };
  return html`<div class="tools">${views}<code class="url">${url}</code>${copyButton(url, "Copy", "the address of the receiver")}
      <span class="count">${messages.length} messages</span><button @click=${clear}>Clear</button></div>
    <div class="section">${form("Answers of the receiver", ANSWER, "Set", setAnswer)}
      <p class="note">Now it answers ${answers.map(answerText).join(", then ")}.</p></div>
    ${messages.length ? table.view(messages, shell.route.id) : empty("No messages yet", text, curl("POST", url, example))}`;
}

function answerText({ status, times, delay }) {
  return `${status}${times ? ` ${times === 1 ? "once" : `${times} times`}` : ""}${delay ? ` after ${delay} s` : ""}`;
}

const ANSWER = [
  { name: "status", type: "number", value: "200", required: true },
  { name: "times", type: "number", hint: "always", label: "times, then 200" },
  { name: "delay", type: "number", hint: "0", label: "after seconds" },
  { name: "body" },
];

function setAnswer(first, refused) {
  const answers = first.times ? [first, { status: 200 }] : [first];
  const text = (found) => `The receiver answers ${found.answers.map(answerText).join(", then ")}.`;
  return act(text, "PUT", "/receiver", { answers }, { refused });
}

/** A message; `fault` is the mark of the delivery fault that hit it. */
export function messageDetails(id, fault) {
  const one = messageOf(id);
  if (!one) return empty("This message is gone", `The built-in receiver keeps the last ${MAX_KEPT}.`);
  const { delivery } = one;
  return html`<h2>Message ${one.id} <span class="count">${one.at}</span></h2>
    <p>${signatureMark(one.signature)} answered with ${one.status}
      ${delivery ? html`· <a href=${addressOf("deliveries", delivery)}>delivery ${delivery}</a>` : nothing} ${fault}</p>
    ${tabs(open, "received", {
      Signature: () => signatureView(one.signature),
      Message: () => html`${facts([["Method", one.method], ...Object.entries(one.headers)])}${data(one.body, "Body that was received")}`,
    })}`;
}
