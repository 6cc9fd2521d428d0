// Contract: what the documents state, what they leave open, and how this mock is set.

import { html } from "./lit-html/lit-html.js";
import { call } from "./api.js";
import { addressOf, changed, shell } from "./shell.js";
import { Table } from "./table.js";
import { choice, copyButton, data, empty, facts } from "./widgets.js";

/** What each grade of evidence means. */
export const EVIDENCE = {
  documented: "a page of the documents says so",
  observed: "an example or a recorded response shows it",
  inferred: "it follows from what is documented or observed",
  assumed: "nothing says so; this is a choice",
};

let rules = []; // statements, then dials: {id, kind, isChanged, and what the mock says}
let settings = null;
let filter = { text: "", kind: "", evidence: "", method: "" };

const table = new Table({
  label: "Statements and dials",
  key: (one) => one.id,
  address: (one) => addressOf("contract", one.id),
  columns: [
    { title: "Name", name: "rule", cell: (one) => one.id },
    { title: "Setting", name: "setting", cell: (one) => (one.kind === "dial" ? html`<span class=${one.isChanged ? "changed" : ""}>${one.isChanged ? "≠ " : ""}${JSON.stringify(one.value)}</span>` : html`<span class="note">statement</span>`) },
    { title: "Evidence", name: "grade", cell: (one) => one.evidence },
    { title: "Text", name: "sentence", cell: (one) => one.text },
  ],
});

async function load() {
  try {
    const [found, set] = await Promise.all([call("GET", "/fidelity"), call("GET", "/settings")]);
    const dials = found.dials.map((one) => ({ ...one, id: one.key, kind: "dial", isChanged: JSON.stringify(one.value) !== JSON.stringify(one.default) }));
    rules = [...found.statements.map((one) => ({ ...one, kind: "statement" })), ...dials];
    settings = set;
  } catch {
    return; // the connection is lost; when it is back, reset and open follow
  }
  changed();
  requestAnimationFrame(() => requestAnimationFrame(showSelected));
}

/** Scroll to the row that the address names, if it is in the list. */
function showSelected() {
  const at = shown().findIndex((one) => one.id === shell.route.id);
  if (at >= 0) table.reveal(at);
}

function fits(one) {
  const text = filter.text.toLowerCase();
  return (
    (filter.kind === "" || one.kind === filter.kind || (filter.kind === "changed" && one.isChanged)) &&
    (filter.evidence === "" || one.evidence === filter.evidence) &&
    (filter.method === "" || one.methods?.includes(filter.method)) &&
    text.split(" ").every((word) => [one.id, one.text, one.source, JSON.stringify(one.value) ?? ""].join("\n").toLowerCase().includes(word))
  );
}

const shown = () => rules.filter(fits);

function set(name, value) {
  filter = { ...filter, [name]: value };
  changed();
}

export const contract = {
  id: "contract",
  title: "Contract",
  icon: "§",

  reset() {
    rules = [];
  },

  open: () => (rules.length ? showSelected() : load()),

  step: (by) => table.step(shown(), shell.route.id, by),

  main() {
    if (!rules.length) return html`<p class="section note">Loading …</p>`;
    const found = shown();
    const methods = [...new Set(rules.flatMap((one) => one.methods ?? []))];
    return html`<details class="section"><summary>${summary()}</summary>${settingsOf()}</details>
      <div class="tools bare">
        <label class="search"><span class="unseen">Search</span><input type="search" placeholder="/ search" .value=${filter.text} @input=${(event) => set("text", event.target.value)}></label>
        <span class="count">${found.length} of ${rules.length}</span>
        ${choice("Kind", [["", "Kind"], ["statement", "statements"], ["dial", "dials"], ["changed", "changed dials"]], filter.kind, (value) => set("kind", value))}
        ${choice("Evidence", [["", "Evidence"], ...Object.keys(EVIDENCE)], filter.evidence, (value) => set("evidence", value))}
        ${choice("Method", [["", "Method"], ...methods], filter.method, (value) => set("method", value))}
      </div>
      ${found.length ? table.view(found, shell.route.id) : empty("Nothing found", "Statements are what the documents say; dials are choices that they leave open. Remove a filter to see more.")}`;
  },

  details() {
    if (!rules.length) return html`<p class="note">Loading …</p>`;
    const found = rules.find((one) => one.id === shell.route.id);
    if (!found) return empty(`There is no ${shell.route.id}`, `${settings.release} has no statement and no dial of this name.`);
    return found.kind === "dial" ? dial(found) : statement(found);
  },
};

function summary() {
  const count = Object.keys(settings.dialect.changed).length;
  return `${settings.release} · dialect ${settings.dialect.name}, ${count} ${count === 1 ? "dial" : "dials"} changed · crmcom-kit ${settings.version}`;
}

function settingsOf() {
  const { credentials, journal, worlds } = settings;
  return facts([
    ["Log in as", `${credentials.username}, password ${credentials.password}, organisation ${credentials.organisation}`],
    ["Web API key", credentials.api_key],
    ["Fixed tokens", settings.fixed_tokens],
    ["Admin token", settings.admin_token ?? "none: only this machine may call the control API"],
    ["Journal", `${journal.entries.toLocaleString("en")} requests, ${(journal.bytes / 2 ** 20).toLocaleString("en")} MiB at most`],
    ["Worlds", `${worlds.most.toLocaleString("en")} at most, kept for ${worlds.idle_seconds.toLocaleString("en")} s`],
    ["Seed", settings.seed],
    ["Base path", settings.base_path],
    ["Waiting requests", `${settings.waiting_calls} at most`],
    ["Python", settings.python],
  ]);
}

const words = (text) => html`<span class="words">${text}</span>`;
const evidence = (one) => ["Evidence", words(html`<strong>${one.evidence}</strong>: ${EVIDENCE[one.evidence]}`)];

function statement(one) {
  const level = { must: "a page states it", observed: "an example shows it, or it is read into one" };
  return html`<h2>${one.id}</h2><p>${one.text}</p>
    ${facts([["Kind", words("statement")], ["Level", words(html`<strong>${one.level}</strong>: ${level[one.level]}`)], evidence(one), ["Source", words(one.source)], ["Methods", one.methods.join(", ")]])}
    <p class="tools">${copyButton(one.id, "Copy name")}</p>`;
}

function dial(one) {
  const line = `${one.key} = ${JSON.stringify(another(one))}`;
  return html`<h2>${one.id}</h2><p>${one.text}</p>
    ${facts([["Kind", words("dial: a choice that the documents leave open")], ["Value", JSON.stringify(one.value)], ["Default", one.isChanged ? JSON.stringify(one.default) : words("the same")], ["Allowed", one.allowed], evidence(one), ["Source", words(one.source)]])}
    <h3>Set it another way</h3>
    <p class="note">A dialect is a file of dials. Put a line like this into one, and start the mock with it; <code>--watch</code> reads it again when it changes.</p>
    ${data(line, "Line of a dialect file")} ${data(`crmcom-kit serve --release ${settings.release} --dialect my-dialect.toml --watch`, "Command")}`;
}

/** A value that the dial may have besides the one that it has, if its allowed values can be listed. */
function another({ value, allowed }) {
  if (typeof value === "boolean") return !value;
  const listed = [...allowed.matchAll(/"(?:[^"\\]|\\.)*"/g)].map(([text]) => JSON.parse(text));
  return (allowed.startsWith("one of") && listed.find((one) => one !== value)) || value;
}
