// Worlds: tenants of the mock, each with content of its own; and what the current one holds.

import { html, nothing } from "./lit-html/lit-html.js";
import { call, download, session, urlOf } from "./api.js";
import { form, schemas } from "./forms.js";
import { act, changed, refresher, shell } from "./shell.js";
import { changesSince, loadChanges, loadSnapshots, resetSnapshots, snapshots, takeSnapshots } from "./snapshots.js";
import { confirmed, data } from "./widgets.js";

const DEFAULT = "default"; // the world that never ends

let all = null; // the answer of GET /worlds
let seed = null; // the schema of what can be generated
let turn = 0; // of loading: only the newest counts, for an older one may have missed what was done since
let content = ""; // what the stream last said of it

async function load() {
  const mine = ++turn;
  const [found, { Seed }, ...rest] = await Promise.all([call("GET", "/worlds"), schemas(), loadSnapshots(), loadChanges()]);
  if (mine !== turn) return;
  takeSnapshots(...rest);
  all = found;
  seed = Seed.properties;
  changed();
}

const soon = refresher("worlds", load);

export const worlds = {
  id: "worlds",
  title: "Worlds",
  icon: "◫",

  reset() {
    all = null;
    resetSnapshots();
  },

  open: () => load().catch(() => {}), // without a connection the page says so

  event(name, found) {
    const now = name === "world" ? [found.epoch, found.webhook_requests].join() : content;
    if (now !== content || name !== "world") soon();
    content = now;
  },

  main: () => html`<div class="board">
    <div>${list()} ${snapshots(change)}</div>
    <div>${records()}</div></div>`,

  details: changesSince,
};

addEventListener("focus", soon);

async function change(acting) {
  const found = await acting;
  if (found) await load().catch(() => {});
  return found;
}

// All worlds.

const addressIn = (world) => `#/w/${encodeURIComponent(world)}/worlds`;

function list() {
  const make = async ({ world }, refused) => {
    const found = await act(`The world ${world} is open.`, "GET", "/health", undefined, { world, refused });
    if (found) location.hash = addressIn(world);
    return found;
  };
  const named = all?.worlds.length > 1;
  return html`<section class="section" aria-labelledby="worlds"><h2 id="worlds">Worlds <span class="count">${all?.worlds.length ?? ""}</span></h2>
    <ul class="rows">${all?.worlds.map(row)}</ul>
    ${form("Create a world", [{ name: "world", label: "name", hint: "my-test", required: true }], "Create and open", make)}
    <p class="note">Each world has its own records, clock, faults and journal. Use one for each test, or for each developer. Clients reach this one at</p>
    ${data(urlOf("/crmapi/rest/v2"), "Base URL of this world")}
    ${named ? html`<p class="note">A named world ends ${ago(all.idle_seconds)} after its last use.</p>` : nothing}</section>`;
}

function row({ name, webhook_requests: count, calls, idle_seconds: idle }) {
  const current = name === session.world;
  return html`<li><p><a href=${addressIn(name)} aria-current=${current ? "true" : nothing}>${name}</a> ${current ? html`<span class="note">shown ·</span>` : nothing}
      <span class="note">${count.toLocaleString("en")} records · ${calls.toLocaleString("en")} requests${idle === null ? "" : ` · idle ${ago(idle)}`}</span></p>
    ${name === DEFAULT ? nothing : html`<button class="small" aria-label=${`End ${name}`} @click=${() => end(name)}>End</button>`}</li>`;
}

function ago(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

async function end(name) {
  if (!(await confirmed(`End the world ${name}?`, "Its records, journal and snapshots are lost.", "End it"))) return;
  // The page leaves the world first: a page that follows a world makes it anew.
  if (name === session.world) {
    location.hash = addressIn(DEFAULT);
    await new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
  }
  await change(act(`The world ${name} is ended.`, "DELETE", `/worlds/${encodeURIComponent(name)}`));
}

// The content of this world.

function records() {
  return html`<section class="section" aria-labelledby="content"><h2 id="content">Content of ${session.world} <span class="count">${shell.status?.webhook_requests.toLocaleString("en")} records</span></h2>
      <p class="tools"><button @click=${reset}>Reset</button> <a href=${urlOf("/__admin/state")} download=${`${session.world}.jsonl`} @click=${save}>Export</a>
        <span class="note">A reset goes back to the start of the world.</span></p>
      <p class="note">An export has all records and reference data, one per line. <code>crmcom-kit serve --data FILE</code> starts with it.</p>
      ${form("Import", [{ name: "file", label: "file", type: "file" }], "Import", bringIn)}</section>
    ${seed ? html`<section class="section" aria-labelledby="seed"><h2 id="seed">Generate records</h2>
      <p class="note">The same values always make the same records.</p>
      ${form("Generate records", seedFields(), "Generate", generate)}</section>` : nothing}`;
}

async function reset() {
  const text = "Records, tokens, clock, faults and journal are as at the start of the world. Snapshots stay.";
  if (await confirmed(`Reset the world ${session.world}?`, text, "Reset it")) {
    await change(act((found) => `The world is reset: ${found.webhook_requests} records.`, "POST", "/reset"));
  }
}

/** A link cannot carry the admin token, so then the file comes by a call. */
async function save(event) {
  if (!session.token) return;
  event.preventDefault();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await download("/state"));
  link.download = `${session.world}.jsonl`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function bringIn({ file }, refused) {
  if (!(await confirmed(`Import ${file.name}?`, `Its content replaces the records of ${session.world}.`, "Import it"))) return null;
  const failed = (error) => refused({ message: error.message, parameter: "file" });
  return change(act((found) => `Imported: ${found.webhook_requests} records.`, "PUT", "/state", file, { refused: failed }));
}

function seedFields() {
  return [
    { name: "scenario", type: "choice", value: "", options: [["", "none"], ...seed.scenario.enum] },
    { name: "count", type: "number", hint: `${seed.count.default}` },
    { name: "rejected", label: "share of rejected", type: "number", hint: `${seed.rejected.default}` },
    { name: "seed", type: "number", hint: "default" },
    { name: "entities", label: "entities (none: all)", type: "several", options: seed.entities.items.enum },
    { name: "add", label: "keep the present records", type: "check", value: false },
  ];
}

async function generate(values, refused) {
  const { add, ...spec } = values;
  const question = `Replace the records of ${session.world}?`;
  if (!add && !(await confirmed(question, "The present records are lost, unless they are in a snapshot.", "Replace them"))) return null;
  const said = (found) => `Generated: ${found.added} records.`;
  return change(act(said, "POST", "/seed", add ? values : spec, { refused }));
}
