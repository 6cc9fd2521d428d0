// Worlds: tenants of the mock, each with content of its own; and what the current one holds.

import { html, nothing } from "./lit-html/lit-html.js";
import { gather, request, segment, session, urlOf } from "./api.js";
import { dataList, form, schemas } from "./forms.js";
import { act, reader, shell } from "./shell.js";
import { confirmed, counted, data, rowButton, section } from "./widgets.js";

const DEFAULT = "default"; // the world that never ends

const reading = reader("worlds", () => gather("/worlds", schemas()));

export const worlds = {
  id: "worlds",
  title: "Worlds",
  icon: "M8 1.5a6.5 6.5 0 100 13 6.5 6.5 0 100-13M1.5 8h13M8 1.5c-4 4-4 9 0 13M8 1.5c4 4 4 9 0 13",
  reading,

  event(name) {
    if (name !== "world") reading.soon();
  },

  main: (content) => html`<div class="board"><div>${list(content)}</div>
    <div>${records()} ${generator(content.Seed.properties)}</div></div>`,
};

// All worlds.

const addressIn = (world) => `#/w/${encodeURIComponent(world)}/worlds`;

function list({ worlds: all, maximum }) {
  const make = async ({ world }) => {
    await act(`Opened the world ${world}.`, "GET", "/health", undefined, world);
    location.hash = addressIn(world);
    return true;
  };
  return section("Worlds", all.length, html`<ul class="rows">${all.map(row)}</ul>
    ${form("Create a world", [{ name: "world", label: "name", hint: "my-test", required: true }], "Create and open", make)}
    <p class="note">Each world has its own records, clock, faults and journal. Use one for each test, or for each developer.
      ${all.length > 1 ? `The last ${maximum} that were used are kept.` : nothing} Clients reach this one at</p>
    ${data(urlOf("/crmapi/rest/v2"), "Base URL of this world")}`);
}

function row({ name, webhook_requests: count, calls }) {
  const current = name === session.world;
  return html`<li><p><a href=${addressIn(name)} aria-current=${current ? "true" : nothing}>${name}</a>
      <span class="note">${current ? "shown · " : ""}${counted(count, "record")} · ${counted(calls, "request")}</span></p>
    ${name === DEFAULT ? nothing : rowButton("End", `End ${name}`, () => end(name))}</li>`;
}

async function end(name) {
  if (!(await confirmed(`End the world ${name}?`, "Its records and journal are lost.", "End it"))) return;
  // The page leaves the world first: a page that follows a world creates it again.
  if (name === session.world) location.hash = addressIn(DEFAULT);
  await act(`Ended the world ${name}.`, "DELETE", `/worlds?name=${segment(name)}`, undefined, DEFAULT);
}

// The content of this world.

function records() {
  return section(`Content of ${session.world}`, counted(shell.status?.webhook_requests ?? 0, "record"), html`
    <p class="tools"><button @click=${reset}>Reset</button>
      <button @click=${save}>Export</button></p>
    <p class="note">An export has all records and reference data, one per line.
      <code>crmcom-kit serve --data FILE</code> starts with it.</p>
    ${form("Import", [{ name: "file", type: "file" }], "Import", bringIn)}`);
}

async function reset() {
  const text =
    "Records, reference data, faults, delivery scripts and clock are as at the start; journal and deliveries are empty. " +
    "Tokens from logins stay valid, and fixed tokens become so again.";
  if (await confirmed(`Reset the world ${session.world}?`, text, "Reset it")) {
    await act((begun) => `Reset the world to ${begun.webhook_requests} records.`, "POST", "/reset");
  }
}

/** A link cannot carry the admin token, so the file comes by a call. */
async function save() {
  const href = URL.createObjectURL(await (await request("GET", "/state")).blob());
  Object.assign(document.createElement("a"), { href, download: `${session.world}.jsonl` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

async function bringIn({ file }) {
  if (!(await confirmed(`Import ${file.name}?`, `Its content replaces the records of ${session.world}.`, "Import it"))) return null;
  return act((begun) => `Imported ${begun.webhook_requests} records.`, "PUT", "/state", file);
}

function generator({ scenario, count, rejected, entities }) {
  const fields = [
    { name: "scenario", type: "choice", options: [["", "none"], ...scenario.enum] },
    { name: "count", type: "number", hint: count.default },
    { name: "rejected", label: "share of rejected", type: "number", hint: rejected.default },
    { name: "seed", type: "number", hint: "default" },
    { name: "since", hint: "2015-10-29, or 100 days" },
    { name: "until", hint: "now, or 2026-11-01" },
    { name: "entities", hint: "all", list: "entities", read: (text) => text.split(/[\s,]+/) },
  ];
  return section("Generate records", "", html`<p class="note">The same values always make the same records, except for ages.</p>
    ${form("Generate records", fields, "Generate", generate)} ${dataList("entities", entities.items.enum)}`);
}

async function generate(spec) {
  const question = `Replace the records of ${session.world}?`;
  if (!(await confirmed(question, "The present records are lost.", "Replace them"))) return null;
  return act((begun) => `Generated ${begun.webhook_requests} records.`, "POST", "/seed", spec);
}
