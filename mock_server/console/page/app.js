// The shell: header, navigation, the open panel, the stream of events, keys.

import { html, nothing, render } from "./lit-html/lit-html.js";
import { live } from "./lit-html/directives/live.js";
import { Refused, call, events, session } from "./api.js";
import { addressOf, changed, close, go, pause, readAddress, say, shell } from "./shell.js";
import { copyButton, counted, dateTime, loading, mark } from "./widgets.js";
import { deliveries } from "./deliveries.js";
import { docsLinks, evidence } from "./evidence.js";
import { faults } from "./faults.js";
import { records } from "./records.js";
import { requests } from "./requests.js";
import { worlds as worldsPanel } from "./worlds.js";

/**
 * A panel:
 *   id, title, icon   its address, and its entry in the navigation; fonts do not have all icons, so it is a path
 *   reading           a reader of what it shows, for its address (shell.route)
 *   main(content), details(content)  its two parts, of what was read; details only if the address names an object
 *   event(name, data) the stream has brought something; what it says of the world need not be new
 *   reset()           another world or server: all that it knew is of the past
 */
const PANELS = [requests, records, deliveries, faults, worldsPanel, evidence];
const RETRY_MS = 1000;
const HIDDEN_MS = 60_000; // how long a hidden tab follows the stream

const panel = () => PANELS.find(({ id }) => id === shell.route.panel) ?? PANELS[0];
const narrow = matchMedia("(max-width: 700px)");
let stream = new AbortController();
let worlds = [];

// The page.

function page() {
  if (shell.connection === "login") return login();
  const { reading, main, details: detailsOf, title } = panel();
  const shown = (part) => (reading.content ? part(reading.content) : loading);
  const details = shell.route.id !== "" && detailsOf && shown(detailsOf);
  return html`
    <header>${head()}</header>
    <nav aria-label="Panels">${PANELS.map(entry)}
      <p class="keys"><span><kbd>/</kbd> search</span> <span><kbd>Esc</kbd> close</span> ${docsLinks()}</p></nav>
    <main tabindex="-1" class=${details ? "with-details" : ""} aria-label=${title}>${shown(main)}</main>
    ${details ? html`<aside tabindex="-1" aria-label="Details">${back()}${details}</aside>` : nothing}
    <div class="message" role="status">${shell.message ? message(shell.message) : nothing}</div>`;
}

function entry({ id, title, icon }) {
  const current = id === panel().id ? "page" : nothing;
  const [name, ...more] = title.split(" ");
  return html`<a href=${addressOf(id)} aria-current=${current}>
    <svg viewBox="0 0 16 16" aria-hidden="true"><path d=${icon} /></svg><span>${name}<span class="wide-name"> ${more.join(" ")}</span></span></a>`;
}

function back() {
  const { title, id } = panel();
  return html`<a class="back" href=${addressOf(id, "", shell.route.query)} aria-label="Close the details">
    <span aria-hidden="true">✕</span><span aria-hidden="true">← ${title}</span></a>`;
}

const CONNECTIONS = { live: ["good", "live"], connecting: ["open", "connecting"], lost: ["failed", "no connection"] };

function head() {
  const names = [...new Set([...worlds, session.world])];
  const show = (event) => showWorld(event.target.value);
  return html`<h1>crmcom-kit</h1>
    <span class="connection" role="status">${mark(...CONNECTIONS[shell.connection])}</span>
    <label class="choice"><span>World</span><select aria-label="World" .value=${live(session.world)} @change=${show} @focus=${loadWorlds}>
      ${names.map((name) => html`<option ?selected=${name === session.world}>${name}</option>`)}
    </select></label>
    ${shell.status ? headOfWorld(shell.status) : nothing}`;
}

function headOfWorld({ release, dialect, clock, faults: count }) {
  return html`<a class="wide" href=${addressOf("evidence")} title="Release and dialect that the mock was started with">${release} · ${dialect}</a>
    <span class="gap"></span>
    ${count ? html`<a href=${addressOf("faults")}>${mark("fault", counted(count, "fault"))}</a>` : nothing}
    <a class="clock ${clock.mode}" href=${addressOf("faults")} title="The world's clock">${dateTime(clock.now)} ${clock.mode === "real" ? nothing : clock.mode}</a>`;
}

function message({ kind, text, curl }) {
  return html`<p>${mark(kind, text)}</p>
    ${curl ? copyButton(curl, "Copy as curl") : nothing}
    <button class="small" aria-label="Close message" @click=${close}>✕</button>`;
}

function login() {
  const enter = (event) => {
    event.preventDefault();
    session.token = event.target.elements.token.value;
    listen();
  };
  return html`<main class="login"><form @submit=${enter}>
    <h1>This mock has an admin token</h1>
    <p>It was started with <code>--admin-token</code>. Enter the token to see what the mock does.</p>
    <label>Admin token <input name="token" type="password" autocomplete="off" required autofocus></label>
    ${session.token ? html`<p role="alert">${mark("failed", "The mock does not accept this token.")}</p>` : nothing}
    <button class="main">Open the console</button></form></main>`;
}

// Worlds, and the stream of what happens in the one that is shown.

async function loadWorlds() {
  worlds = (await call("GET", "/worlds", undefined, "default")).worlds.map(({ name }) => name);
  changed();
}

const showWorld = (name) => (location.hash = `#/w/${encodeURIComponent(name)}/${panel().id}`);

/** Follow the stream of the current world, for as long as the page shows it. */
async function listen() {
  stream.abort();
  const { signal } = (stream = new AbortController());
  const { world } = session;
  let [followed, lost] = [false, false];
  shell.connection = "connecting";
  changed();
  while (!signal.aborted) {
    try {
      if (world !== "default") await loadWorlds();
      const isNew = world !== "default" && !worlds.includes(world); // the stream makes it
      if (signal.aborted) return;
      if (isNew && followed && !lost) {
        // Another tab or program has ended it; to follow it would create it again.
        say("good", `The world “${world}” was ended.`);
        return showWorld("default");
      }
      for await (const { event, data } of events(signal)) {
        if (event === "world") {
          take(data);
          if (isNew && !followed) say("good", `There was no world “${world}”: the mock has made it, with the initial content.`);
          if (lost) say("good", "Connected again, and up to date.");
          [followed, lost] = [true, false];
        }
        PANELS.forEach((shown) => shown.event?.(event, data));
        changed();
      }
      shell.connection = "connecting"; // a reset ends the stream, and so does a server that stops
    } catch (error) {
      if (signal.aborted) return;
      lost = true;
      shell.connection = error.status === 401 ? "login" : "lost";
      if (shell.connection === "login") return changed();
      if (error.status) say("failed", error.message);
    }
    changed();
    await pause(lost ? RETRY_MS : 50);
  }
}

/** What the stream says of the world. When it begins, what panels knew may be of another server. */
function take(status) {
  const { connection, status: before } = shell;
  Object.assign(shell, { status, connection: "live" });
  if (connection !== "live") PANELS.forEach(forget);
  const content = (status) => JSON.stringify({ ...status, clock: undefined });
  if (connection !== "live" || content(before) !== content(status)) shell.reopen();
}

function forget({ reading, reset }) {
  reading.content = null;
  reset?.();
}

// All tabs of a browser share six connections to a server: one that nobody looks at gives its own back.
let leaving = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(leaving);
  if (document.hidden) leaving = setTimeout(() => stream.abort(), HIDDEN_MS);
  else if (stream.signal.aborted) listen();
});

addEventListener("hashchange", ({ oldURL }) => {
  const before = shell.route;
  const isOtherWorld = readAddress();
  if (shell.route.panel !== before.panel && shell.message?.kind !== "good") shell.message = null;
  if (isOtherWorld) {
    shell.status = null;
    listen();
  } else shell.reopen();
  changed();
  requestAnimationFrame(() => moveFocus(before, new URL(oldURL).hash)); // it is drawn by then
});

/** On a phone, details take the place of the list; when they are closed, focus returns to their row. */
function moveFocus(before, address) {
  if (shell.route.panel !== before.panel) return;
  if (shell.route.id && narrow.matches) document.querySelector("aside")?.focus();
  if (!shell.route.id && before.id) document.querySelector(`main a[href="${CSS.escape(address)}"]`)?.focus();
}

// What goes wrong in an action without a handler of its own. Without a connection, the header says so.
addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof Refused)) return;
  event.preventDefault();
  if (event.reason.status === 401) listen();
  else if (event.reason.status || event.reason.curl) say("failed", event.reason.message, event.reason.curl);
});

// Keys.

const ON_KEY = {
  "/": () => document.querySelector("main input[type=search]")?.focus(),
  Escape: () => (shell.route.id ? go(panel().id, "", shell.route.query) : close()),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open], .login")) return;
  const typing = event.target.closest("input, textarea, select");
  if (typing && event.key === "Escape") return event.target.blur();
  if (typing || !ON_KEY[event.key]) return;
  event.preventDefault();
  ON_KEY[event.key]();
});

document.querySelector("noscript").remove();
Object.assign(shell, {
  reopen: () => panel().reading.now(),
  draw() {
    const { id } = shell.route;
    document.title = `${id && `${id} · `}${panel().title} · ${session.world} · crmcom-kit`;
    render(page(), document.body);
  },
});
// Worlds that other programs have made are not in the stream.
addEventListener("focus", () => shell.connection === "live" && shell.reopen());
readAddress();
listen();
