// Worlds: tenants of the mock, each with content of its own; and what the current one holds.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, download, segment, session, urlOf } from "./api.js";
import { form, schemas } from "./forms.js";
import { act, reader, shell } from "./shell.js";
import { changesSince, readSnapshots, showSnapshots, snapshots } from "./snapshots.js";
import { confirmed, data, loading, number } from "./widgets.js";

const DEFAULT = "default"; // the world that never ends

let all = null; // what GET /worlds returned
let seed = null; // the schema of what can be generated
let content = ""; // what the stream last said of it

const { now, soon } = reader(
  "worlds",
  () => Promise.all([call("GET", "/worlds"), schemas(), readSnapshots()]),
  ([found, { Seed }, ofSnapshots]) => {
    all = found;
    seed = Seed.properties;
    showSnapshots(ofSnapshots);
  },
);

export const worlds = {
  id: "worlds",
  title: "Worlds",

  open: now,

  event(name, found) {
    const told = name === "world" ? [found.epoch, found.webhook_requests].join() : content;
    if (told !== content || name !== "world") soon();
    content = told;
  },

  main: () => (all ? html`<div class="board"><div>${list()} ${snapshots()}</div><div>${records()} ${generator()}</div></div>` : loading),

  details: changesSince,
};

// All worlds.

const addressIn = (world) => `#/w/${encodeURIComponent(world)}/worlds`;

function list() {
  const make = async ({ world }, refused) => {
    const found = await act(`The world ${world} is open.`, "GET", "/health", undefined, { world, refused });
    if (found) location.hash = addressIn(world);
    return found;
  };
  const { worlds: found, idle_seconds: idle } = all;
  return html`<section class="section" aria-labelledby="worlds"><h2 id="worlds">Worlds <span class="count">${found.length}</span></h2>
    <ul class="rows">${found.map(row)}</ul>
    ${form("Create a world", [{ name: "world", label: "name", hint: "my-test", required: true }], "Create and open", make)}
    <p class="note">Each world has its own records, clock, faults and journal. Use one for each test, or for each developer.
      ${found.length > 1 ? `A named world ends ${ago(idle)} after its last use.` : nothing} Clients reach this one at</p>
    ${data(urlOf("/crmapi/rest/v2"), "Base URL of this world")}</section>`;
}

function row({ name, webhook_requests: count, calls, idle_seconds: idle }) {
  const current = name === session.world;
  return html`<li><p><a href=${addressIn(name)} aria-current=${current ? "true" : nothing}>${name}</a>
      <span class="note">${current ? "shown · " : ""}${number(count)} records · ${number(calls)}
        requests${idle === null ? "" : ` · idle ${ago(idle)}`}</span></p>
    ${name === DEFAULT ? nothing : html`<button class="small" aria-label=${`End ${name}`} @click=${() => end(name)}>End</button>`}</li>`;
}

function ago(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

async function end(name) {
  if (!(await confirmed(`End the world ${name}?`, "Its records, journal and snapshots are lost.", "End it"))) return;
  // The page leaves the world first: a page that follows a world makes it anew.
  if (name === session.world) location.hash = addressIn(DEFAULT);
  await act(`The world ${name} is ended.`, "DELETE", `/worlds/${segment(name)}`, undefined, { world: DEFAULT });
}

// The content of this world.

function records() {
  return html`<section class="section" aria-labelledby="content">
    <h2 id="content">Content of ${session.world} <span class="count">${number(shell.status?.webhook_requests ?? 0)} records</span></h2>
    <p class="tools"><button @click=${reset}>Reset</button>
      <a href=${urlOf("/__admin/state")} download=${`${session.world}.jsonl`} @click=${save}>Export</a>
      <span class="note">A reset goes back to the start of the world.</span></p>
    <p class="note">An export has all records and reference data, one per line.
      <code>crmcom-kit serve --data FILE</code> starts with it.</p>
    ${form("Import", [{ name: "file", type: "file" }], "Import", bringIn)}</section>`;
}

async function reset() {
  const text = "Records, tokens, clock, faults and journal are as at the start of the world. Snapshots stay.";
  if (await confirmed(`Reset the world ${session.world}?`, text, "Reset it")) {
    await act((found) => `The world is reset: ${found.webhook_requests} records.`, "POST", "/reset");
  }
}

/** A link cannot carry the admin token, so then the file comes by a call. */
async function save(event) {
  if (!session.token) return;
  event.preventDefault();
  const href = URL.createObjectURL(await download("/state"));
  Object.assign(document.createElement("a"), { href, download: `${session.world}.jsonl` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

async function bringIn({ file }, refused) {
  if (!(await confirmed(`Import ${file.name}?`, `Its content replaces the records of ${session.world}.`, "Import it"))) return null;
  const failed = ({ message }) => refused({ message, parameter: "file" });
  return act((found) => `Imported: ${found.webhook_requests} records.`, "PUT", "/state", file, { refused: failed });
}

function generator() {
  const fields = [
    { name: "scenario", type: "choice", options: [["", "none"], ...seed.scenario.enum] },
    { name: "count", type: "number", hint: `${seed.count.default}` },
    { name: "rejected", label: "share of rejected", type: "number", hint: `${seed.rejected.default}` },
    { name: "seed", type: "number", hint: "default" },
    { name: "entities", label: "entities (none: all)", type: "several", options: seed.entities.items.enum },
    { name: "add", label: "keep the present records", type: "check" },
  ];
  return html`<section class="section" aria-labelledby="seed"><h2 id="seed">Generate records</h2>
    <p class="note">The same values always make the same records.</p>
    ${form("Generate records", fields, "Generate", generate)}</section>`;
}

async function generate({ add, ...spec }, refused) {
  const question = `Replace the records of ${session.world}?`;
  if (!add && !(await confirmed(question, "The present records are lost, unless they are in a snapshot.", "Replace them"))) return null;
  return act((found) => `Generated: ${found.added} records.`, "POST", "/seed", add ? { add, ...spec } : spec, { refused });
}
