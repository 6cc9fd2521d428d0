// Contract: what the documents state, what they leave open, and how this mock is set.

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

const table = new Table("contract", "Statements and dials", [
  { title: "Name", kind: "rule", cell: (one) => one.id },
  { title: "Setting", kind: "setting", cell: settingOf },
  { title: "Evidence", kind: "evidence", cell: (one) => one.evidence },
  { title: "Text", kind: "extra", cell: (one) => one.text },
]);

function settingOf({ kind, isChanged, value, open }) {
  if (kind === "statement") return html`<span class="note">statement</span>`;
  if (open) return html`<span class="changed">? ${open.map((one) => JSON.stringify(one)).join(" or ")}</span>`;
  return isChanged ? html`<span class="changed">≠ ${JSON.stringify(value)}</span>` : JSON.stringify(value);
}

/** Read statements, then dials: {id, kind, isChanged, and what the mock says}. Throws Refused. */
export async function readRules() {
  const { statements, dials } = await call("GET", "/fidelity");
  const isChanged = (one) => JSON.stringify(one.value) !== JSON.stringify(one.default);
  return [
    ...statements.map((one) => ({ ...one, kind: "statement" })),
    ...dials.map((one) => ({ ...one, id: one.key, kind: "dial", isChanged: isChanged(one), open: one.unsettled })),
  ];
}

const reading = reader("contract", async () => {
  const [rules, about] = await Promise.all([readRules(), call("GET", "/health")]);
  return { rules, about };
});

const search = new Search(
  {
    kind: {
      label: "Kind",
      values: () => ["statement", "dial", "changed", ...(reading.found.rules.some((one) => one.open) ? ["unsettled"] : [])],
      fits: (one, value) => one.kind.startsWith(value) || (one.isChanged && "changed".startsWith(value)) || (one.open && "unsettled".startsWith(value)),
    },
    evidence: { label: "Evidence", values: () => Object.keys(EVIDENCE), fits: (one, value) => one.evidence.startsWith(value) },
    method: { label: "Method", values: methodsOf, fits: (one, value) => one.methods?.some((name) => name.startsWith(value)) },
  },
  (one) => [one.id, one.text, one.source, JSON.stringify(one.value)].join("\n").toLowerCase(),
  "errors evidence:assumed",
);

function methodsOf() {
  return [...new Set(reading.found.rules.flatMap((one) => one.methods ?? []))];
}

export const contract = {
  id: "contract",
  title: "Contract",
  icon: "M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3M5.5 9l2 2 3-4",
  reading,

  main({ rules, about }) {
    const found = search.fitting(rules);
    return html`${search.bar(found.length, rules.length)}
      <p class="hint">${summary(about, rules)} · ${docsLinks()}</p>
      ${found.length ? table.view(found, shell.route.id) : search.nothing(rules.length)}`;
  },

  details({ rules, about }) {
    const found = rules.find((one) => one.id === shell.route.id);
    if (!found) return empty(`There is no ${shell.route.id}`, `${about.release} has no statement and no dial of this name.`);
    return ruleDetails(found);
  },
};

function summary({ release, dialect, version }, rules) {
  const changed = counted(rules.filter((one) => one.isChanged).length, "dial");
  const paging = rules.some(({ id }) => id.startsWith("list.paging.")) ? "" : " · list has no paging in this release";
  const open = rules.filter((one) => one.open).length;
  const profile = open ? `, a profile that leaves ${counted(open, "dial")} open` : "";
  return `${release} · dialect ${dialect}, ${changed} changed${profile} · crmcom-kit ${version}${paging}`;
}

/** Links to the references that the mock serves. */
export const docsLinks = () => html`<a href=${urlOf("/docs")} target="_blank">API reference</a>
  <a href=${urlOf("/__admin/docs")} target="_blank">Control API</a>`;

const words = (text) => html`<span class="words">${text}</span>`;

function ruleDetails({ id, kind, text, value, isChanged, open, allowed, evidence, source, methods, ...one }) {
  const isDial = kind === "dial";
  return html`<h2>${id}</h2><p>${text}</p>
    ${facts([
      ["Kind", words(isDial ? "dial: a choice that the documents leave open" : "statement")],
      ["Value", isDial && JSON.stringify(value)],
      ["Default", isDial && (isChanged ? JSON.stringify(one.default) : words("the same"))],
      ["Not settled", open && words(`the profile leaves open ${open.map((value) => JSON.stringify(value)).join(", ")}`)],
      ["Allowed", allowed],
      ["Evidence", words(`${evidence}: ${EVIDENCE[evidence]}`)],
      ["Source", words(source)],
      ["Methods", methods?.join(", ")],
    ])}`;
}
