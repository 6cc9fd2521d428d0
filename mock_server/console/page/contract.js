// Contract: what the documents state, what they leave open, and how this mock is set.

import { html, nothing } from "./lit-html/lit-html.js";
import { call } from "./api.js";
import { addressOf, param, reader, shell } from "./shell.js";
import { Table } from "./table.js";
import { counted, data, empty, facts, filterChoice, flat, searchBox } from "./widgets.js";

/** What each grade of evidence means. */
export const EVIDENCE = {
  documented: "a page of the documents says so",
  observed: "an example or a recorded response shows it",
  inferred: "it follows from what is documented or observed",
  assumed: "nothing says so; this is a choice",
};

const table = new Table("contract", "Statements and dials", [
  { title: "Name", width: "xl", cell: (one) => one.id },
  { title: "Setting", width: "l", cell: settingOf },
  { title: "Evidence", width: "s words drop-3", cell: (one) => one.evidence },
  { title: "Text", width: "words drop-3", cell: (one) => one.text },
]);

function settingOf({ kind, isChanged, value }) {
  if (kind === "statement") return html`<span class="note">statement</span>`;
  return isChanged ? html`<span class="changed">≠ ${JSON.stringify(value)}</span>` : JSON.stringify(value);
}

/** Read statements, then dials: {id, kind, isChanged, and what the mock says}. Throws Refused. */
export async function readRules() {
  const { statements, dials } = await call("GET", "/fidelity");
  const isChanged = (one) => JSON.stringify(one.value) !== JSON.stringify(one.default);
  return [
    ...statements.map((one) => ({ ...one, kind: "statement" })),
    ...dials.map((one) => ({ ...one, id: one.key, kind: "dial", isChanged: isChanged(one) })),
  ];
}

const reading = reader("contract", async () => {
  const [rules, settings] = await Promise.all([readRules(), call("GET", "/settings")]);
  return { rules, settings };
});

function fits(one) {
  const [kind, evidence, method] = ["kind", "evidence", "method"].map(param);
  const text = [one.id, one.text, one.source, JSON.stringify(one.value)].join("\n").toLowerCase();
  return (
    (!kind || one.kind === kind || (kind === "changed" && one.isChanged)) &&
    (!evidence || one.evidence === evidence) &&
    (!method || one.methods?.includes(method)) &&
    param("text").toLowerCase().split(" ").every((word) => text.includes(word))
  );
}

export const contract = {
  id: "contract",
  title: "Contract",
  icon: "M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3M5.5 9l2 2 3-4",
  reading,

  main({ rules, settings }) {
    const found = rules.filter(fits);
    const methods = [...new Set(rules.flatMap((one) => one.methods ?? []))];
    const nothingFits = "Statements are what the documents say; dials are choices that they leave open. Remove a filter to see more.";
    return html`<details class="section"><summary>${summary(settings, rules)}</summary>
        ${facts(Object.entries(flat(settings)))}</details>
      <div class="tools">${searchBox("text", "search")} <span class="count">${found.length} of ${rules.length}</span>
        ${filterChoice("kind", "Kind", [["statement", "statements"], ["dial", "dials"], ["changed", "changed dials"]])}
        ${filterChoice("evidence", "Evidence", Object.keys(EVIDENCE))}
        ${filterChoice("method", "Method", methods)}
      </div>
      ${found.length ? table.view(found, shell.route.id) : empty("Nothing found", nothingFits)}`;
  },

  details({ rules, settings }) {
    const found = rules.find((one) => one.id === shell.route.id);
    if (!found) return empty(`There is no ${shell.route.id}`, `${settings.release} has no statement and no dial of this name.`);
    return ruleDetails(found, settings.release);
  },
};

function summary({ release, dialect, version }, rules) {
  const count = counted(Object.keys(dialect.changed).length, "dial");
  const paging = rules.some(({ id }) => id.startsWith("list.paging.")) ? "" : " · list has no paging in this release";
  const open = Object.keys(dialect.unsettled ?? {}).length;
  const profile = dialect.unsettled ? `, a profile that leaves ${counted(open, "dial")} open` : "";
  return `${release} · dialect ${dialect.name}, ${count} changed${profile} · crmcom-kit ${version}${paging}`;
}

const words = (text) => html`<span class="words">${text}</span>`;
const graded = (grade, meanings) => words(html`<strong>${grade}</strong>: ${meanings[grade]}`);

function ruleDetails({ id, kind, text, value, isChanged, allowed, evidence, source, methods, ...one }, release) {
  const isDial = kind === "dial";
  return html`<h2>${id}</h2><p>${text}</p>
    ${facts([
      ["Kind", words(isDial ? "dial: a choice that the documents leave open" : "statement")],
      ["Value", isDial && JSON.stringify(value)],
      ["Default", isDial && (isChanged ? JSON.stringify(one.default) : words("the same"))],
      ["Allowed", allowed],
      ["Evidence", graded(evidence, EVIDENCE)],
      ["Source", words(source)],
      ["Methods", methods?.join(", ")],
    ])}
    ${isDial ? howToSet(id, typeof value === "boolean" ? !value : value, release) : nothing}`;
}

function howToSet(id, value, release) {
  return html`<h3>Set it another way</h3>
    <p class="note">A dialect is a file of dials. Put a line like this into one, with an allowed value, and start the mock with it.</p>
    ${data(`${id} = ${JSON.stringify(value)}`, "Line of a dialect file")}
    ${data(`crmcom-kit serve --release ${release} --dialect my-dialect.toml`, "Command")}`;
}
