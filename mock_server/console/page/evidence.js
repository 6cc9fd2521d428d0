// Evidence: what the documents state, what they leave open, and how this mock is set.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, urlOf } from "./api.js";
import { Search } from "./search.js";
import { reader, shell } from "./shell.js";
import { Table } from "./table.js";
import { counted, empty, facts } from "./widgets.js";

/** What each grade of evidence means. */
export const EVIDENCE = {
  documented: "a page of the documents says so",
  observed: "an example or a recorded response shows it",
  inferred: "it follows from what is documented or observed",
  assumed: "nothing says so; this is a choice",
};

const table = new Table("evidence", "Statements and dials", [
  { title: "Name", kind: "rule", cell: ({ id }) => id },
  { title: "Setting", kind: "setting", cell: settingOf },
  { title: "Evidence", kind: "evidence", cell: ({ evidence }) => evidence },
  { title: "Text", kind: "extra", cell: ({ text }) => text },
]);

function settingOf({ kind, isChanged, value, open }) {
  if (kind === "statement") return html`<span class="note">statement</span>`;
  if (open) return html`<span class="changed">? ${open.join(" or ")}</span>`;
  return isChanged ? html`<span class="changed">≠ ${json(value)}</span>` : json(value);
}

const json = (value) => JSON.stringify(value);

/** Read statements, dials and kinds of errors: {id, kind, isChanged, and what the mock says}. Throws Refused. */
export async function readRules() {
  const { statements, dials } = await call("GET", "/evidence");
  const rules = statements.map((statement) => ({ ...statement, kind: "statement" }));
  const errors = {}; // the dials of each kind of error, which are one rule
  for (const dial of dials) {
    const rule = { ...dial, id: dial.key, kind: "dial", isChanged: json(dial.value) !== json(dial.default), open: dial.unsettled?.map(json) };
    const [, id, name] = /^(errors\.\w+)\.(\w+)$/.exec(dial.key) ?? [];
    if (id) (errors[id] ??= {})[name] = { ...rule, kind: "part" };
    else rules.push(rule);
  }
  return [...rules, ...Object.entries(errors).map(([id, parts]) => errorRule(id, parts))];
}

/** A row of the table of errors; `parts` are its dials by name: status, code, message and description. */
function errorRule(id, parts) {
  const { status, code, message } = parts;
  const open = Object.keys(parts).filter((name) => parts[name].open);
  const isChanged = Object.values(parts).some((dial) => dial.isChanged);
  const weakest = Object.keys(EVIDENCE).findLast((grade) => Object.values(parts).some((dial) => dial.evidence === grade));
  return { ...status, id, kind: "error", parts, isChanged, open: open.length ? open : null, evidence: weakest, text: `${message.value} ${code.value}` };
}

/** The rule of that name, or the one of which the dial of that name is a part. */
export const ruleNamed = (rules, id) => rules.find((rule) => rule.id === id || partOf(rule, id));

/** The dial of that name in the rule of an error; nothing if it is none. */
export const partOf = (rule, id) => Object.values(rule?.parts ?? {}).find((dial) => dial.id === id);

const reading = reader("evidence", async () => {
  return { rules: await readRules(), about: await call("GET", "/health") };
});

const methodsOf = () => [...new Set(reading.content.rules.flatMap(({ methods }) => methods ?? []))];

const search = new Search(
  {
    kind: {
      label: "Kind",
      values: () => ["statement", "dial", "error", "changed", ...(reading.content.rules.some(({ open }) => open) ? ["unsettled"] : [])],
      fits: ({ kind, isChanged, open }, value) => kind.startsWith(value) || (isChanged && "changed".startsWith(value)) || (open && "unsettled".startsWith(value)),
    },
    evidence: { label: "Evidence", values: () => Object.keys(EVIDENCE), fits: (rule, value) => rule.evidence.startsWith(value) },
    method: { label: "Method", values: methodsOf, fits: ({ methods }, value) => methods?.some((name) => name.startsWith(value)) },
  },
  ({ id, text, source, value }) => [id, text, source, json(value)].join("\n").toLowerCase(),
  "kind:error",
);

export const evidence = {
  id: "evidence",
  title: "Evidence",
  icon: "M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3M5.5 9l2 2 3-4",
  reading,

  main({ rules, about }) {
    const matching = search.fitting(rules);
    return html`${search.bar(matching.length, rules.length)}
      <p class="hint">${summary(about, rules)} · ${docsLinks()}</p>
      ${matching.length ? table.view(matching, ruleNamed(rules, shell.route.id)?.id) : search.nothing(rules.length)}`;
  },

  details({ rules, about }) {
    const rule = ruleNamed(rules, shell.route.id);
    if (!rule) return empty(`There is no ${shell.route.id}`, `${about.release} has no statement and no dial of this name.`);
    return html`<h2>${rule.id}</h2>${rule.parts ? errorDetails(rule.parts) : ruleDetails(rule)}`;
  },
};

function summary({ release, dialect, version }, rules) {
  const dials = rules.flatMap((rule) => Object.values(rule.parts ?? { rule }));
  const changed = counted(dials.filter((dial) => dial.isChanged).length, "dial");
  const paging = rules.some(({ id }) => id.startsWith("list.paging.")) ? "" : " · list has no paging in this release";
  const open = dials.filter((dial) => dial.open).length;
  const profile = open ? `, a profile that leaves ${counted(open, "dial")} open` : "";
  return `${release} · dialect ${dialect}, ${changed} changed${profile} · crmcom-kit ${version}${paging}`;
}

/** Links to the references that the mock serves. */
export const docsLinks = () => html`<a href=${urlOf("/docs")} target="_blank">API reference</a>
  <a href=${urlOf("/__admin/docs")} target="_blank">Control API</a>`;

const words = (text) => html`<span class="words">${text}</span>`;

function ruleDetails({ kind, text, value, isChanged, open, allowed, evidence: grade, source, methods, ...rule }) {
  const isDial = kind !== "statement";
  return html`<p>${text}</p>
    ${facts([
      ["Kind", kind !== "part" && words(isDial ? "dial: a choice that the documents leave open" : "statement")],
      ["Value", isDial && json(value)],
      ["Default", isDial && (isChanged ? json(rule.default) : words("the same"))],
      ["Not settled", open && words(`the profile leaves open ${open.join(", ")}`)],
      ["Allowed", allowed],
      ["Evidence", words(`${grade}: ${EVIDENCE[grade]}`)],
      ["Source", words(source)],
      ["Methods", methods?.join(", ")],
    ])}`;
}

/** What the mock responds with for a kind of error: a dial for each part. */
function errorDetails(parts) {
  return html`<p>A kind of error. Each part of the response is a dial.</p>
    ${Object.entries(parts).map(([name, dial]) => html`<h3>${name}</h3>${ruleDetails(dial)}`)}`;
}
