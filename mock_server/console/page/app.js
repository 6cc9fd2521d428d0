// The shell: header, navigation, the open panel, the stream of events, keys.

import { html, nothing, render } from "./lit-html/lit-html.js";
import { live } from "./lit-html/directives/live.js";
import { Refused, call, events, session } from "./api.js";
import { addressOf, changed, close, drawWith, go, readAddress, say, shell } from "./shell.js";
import { copyButton, mark } from "./widgets.js";
import { contract } from "./contract.js";
import { deliveries } from "./deliveries.js";
import { faults } from "./faults.js";
import { icon } from "./icons.js";
import { records } from "./records.js";
import { requests } from "./requests.js";
import { worlds as worldsPanel } from "./worlds.js";

/**
 * A panel:
 *   id, title         its address, and its entry in the navigation; `short` if there is little room for the title
 *   open()            its address was opened or has changed (shell.route), or the content of the world was replaced
 *   reset()           another world or server: all that it knew is of the past
 *   main(), details() its two parts; details only if the address names an object
 *   event(name, data) the stream has brought something
 *   step(by)          the address of the next row, for j and k
 */
const PANELS = [requests, records, deliveries, faults, worldsPanel, contract];
const PATIENCE_MS = 15_000; // the stream brings something every second

const panel = () => PANELS.find((one) => one.id === shell.route.panel) ?? PANELS[0];
const narrow = matchMedia("(max-width: 700px)");
let stream = new AbortController();
let worlds = [];
let stepped = false; // by a key, so that the focus follows
let heard = 0; // when the stream has brought something

// The page.

function page() {
  if (shell.connection === "login") return login();
  const details = shell.route.id === "" ? undefined : panel().details?.();
  return html`
    <a class="skip" href="#main" @click=${skip}>Skip to the list</a>
    <header>${head()}</header>
    <nav aria-label="Panels">${PANELS.map(entry)}
      <button class="keys" @click=${help}><span aria-hidden="true">?</span> Keys</button></nav>
    <main id="main" tabindex="-1" class=${details ? "with-details" : ""} aria-label=${panel().title}>${panel().main()}</main>
    ${details ? html`${divider()}<aside tabindex="-1" aria-label="Details">${back()}${details}</aside>` : nothing}
    <div class="message" role="status">${shell.message ? message(shell.message) : nothing}</div>`;
}

function entry(one) {
  const current = one === panel() ? "page" : nothing;
  return html`<a href=${addressOf(one.id)} aria-current=${current}>${icon(one.id)}<span class="wide-name">${one.title}</span>
    <span class="short-name" aria-hidden="true">${one.short ?? one.title.split(" ")[0]}</span></a>`;
}

function back() {
  const { title, id } = panel();
  return html`<a class="back" href=${addressOf(id, "", shell.route.query)} aria-label="Close the details">
    <span aria-hidden="true">✕</span><span aria-hidden="true">← ${title}</span></a>`;
}

const CONNECTIONS = {
  live: ["good", "live"],
  connecting: ["open", "connecting"],
  lost: ["failed", "no connection"],
};

function head() {
  const { status, connection } = shell;
  const faults = status ? status.faults + status.delivery_faults : 0;
  const time = status && `${status.clock.now.slice(0, 19).replace("T", " ")}${status.clock.mode === "real" ? "" : ` ${status.clock.mode}`}`;
  const hits = faults ? mark("fault", faults === 1 ? "1 fault" : `${faults} faults`) : html`<span class="wide">no faults</span>`;
  return html`<h1>crmcom-kit</h1>
    <span class="connection" role="status">${mark(...CONNECTIONS[connection])}</span>
    <label class="choice"><span>World</span><select .value=${live(session.world)} @change=${(event) => switchWorld(event.target.value)} @focus=${loadWorlds}>
      ${[...new Set([...worlds, session.world])].map((name) => html`<option ?selected=${name === session.world}>${name}</option>`)}
    </select></label>
    ${status
      ? html`<span class="wide" title="Release and dialect that the mock was started with">${status.release} · ${status.dialect}</span>
          <a class="clock" href=${addressOf("faults")} title="The world's clock">${time}</a>
          <a href=${addressOf("faults")}>${hits}</a>`
      : nothing}
    ${session.token ? html`<button class="small" @click=${logOut}>Log out</button>` : nothing}`;
}

function message({ ok, text, curl }) {
  return html`<p>${mark(ok ? "good" : "failed", text)}</p>
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

function logOut() {
  session.token = "";
  PANELS.forEach((one) => one.reset?.());
  Object.assign(shell, { status: null, message: null });
  listen();
}

/** The line between list and details: drag it, or move it with the arrow keys. */
function divider() {
  const width = () => document.querySelector("aside").offsetWidth;
  const set = (pixels) => {
    document.body.style.setProperty("--details", `${Math.max(280, Math.min(pixels, innerWidth - 420))}px`);
    document.querySelector(".divider").ariaValueNow = Math.round((100 * width()) / innerWidth);
  };
  const drag = (event) => {
    event.target.setPointerCapture(event.pointerId);
    event.target.onpointermove = (moved) => set(innerWidth - moved.clientX);
    event.target.onpointerup = () => (event.target.onpointermove = null);
  };
  const key = (event) => {
    const step = { ArrowLeft: 20, ArrowRight: -20 }[event.key];
    if (step) set(width() + step);
  };
  return html`<div class="divider" role="separator" aria-label="Width of the details, in percent" aria-orientation="vertical"
    aria-valuenow="44" tabindex="0" @pointerdown=${drag} @keydown=${key}></div>`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

// Worlds, and what the mock tells.

async function loadWorlds() {
  worlds = (await call("GET", "/worlds", undefined, "default")).worlds.map((one) => one.name);
  changed();
}

function switchWorld(name) {
  location.hash = `#/w/${encodeURIComponent(name)}/${panel().id}`;
}

/** Follow the stream of the current world, for as long as the page shows it. */
async function listen() {
  stream.abort();
  const { signal } = (stream = new AbortController());
  const { world } = session;
  let [lost, made, seconds] = [false, false, 0.5];
  shell.connection = "connecting";
  changed();
  while (!signal.aborted) {
    try {
      if (!shell.status) made = await isNew(world);
      for await (const { event, data } of events(signal)) {
        heard = performance.now();
        if (event === "world") {
          const { connection, status } = shell;
          shell.status = data;
          if (connection !== "live") begin();
          else if (status?.epoch !== data.epoch) panel().open?.();
          if (made) say(true, `There was no world “${world}”: the mock has made it, with the initial content.`);
          if (lost) say(true, "Connected again. The page shows what the mock knows now.");
          [lost, made, seconds] = [false, false, 0.5];
        }
        PANELS.forEach((one) => one.event?.(event, data));
        changed();
      }
      shell.connection = "connecting"; // a reset ends the stream, and so does a server that stops
    } catch (error) {
      if (signal.aborted) return;
      lost = true;
      shell.connection = error.status === 401 ? "login" : "lost";
      if (shell.connection === "login") return changed();
      if (error.status) say(false, error.message);
    }
    changed();
    await new Promise((resolve) => setTimeout(resolve, lost ? seconds * 1000 : 50));
    seconds = Math.min(seconds * 2, 5);
  }
}

/** Whether the mock makes the world as soon as it is asked for. */
async function isNew(world) {
  if (world === "default") return false;
  await loadWorlds();
  return !worlds.includes(world);
}

/** The stream has begun, so the mock answers: what panels knew may be of another server. */
function begin() {
  shell.connection = "live";
  PANELS.forEach((one) => one.reset?.());
  panel().open?.();
}

// A mock that hangs, or a machine that slept: the stream has not ended, and nothing comes.
setInterval(() => shell.connection === "live" && performance.now() - heard > PATIENCE_MS && listen(), 5000);

addEventListener("hashchange", ({ oldURL }) => {
  const before = shell.route;
  if (readAddress()) {
    shell.status = null;
    listen();
  } else panel().open?.();
  if (shell.route.panel !== before.panel && shell.message?.ok === false) close(); // it was about the other panel
  title();
  changed();
  requestAnimationFrame(() => moveFocus(before, new URL(oldURL).hash)); // it is drawn by then
});

function title() {
  const { id } = shell.route;
  document.title = `${id && `${id} · `}${panel().title} · ${session.world} · crmcom-kit`;
}

/** On a phone, details take the place of the list; when they are closed, focus returns to their row. */
function moveFocus(before, address) {
  if (shell.route.panel !== before.panel) return;
  if (stepped) document.querySelector('main tr[aria-selected="true"] a')?.focus({ preventScroll: true });
  stepped = false;
  if (shell.route.id && narrow.matches) document.querySelector("aside")?.focus();
  if (!shell.route.id && before.id) document.querySelector(`main a[href="${CSS.escape(address)}"]`)?.focus();
}

// What goes wrong in an action without a handler of its own.
addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof Refused)) return;
  event.preventDefault();
  if (event.reason.status !== 401) return say(false, event.reason.message);
  listen();
});

// Keys.

const KEYS = [
  ["/", "search"],
  ["j, k", "next and previous row"],
  ["Enter", "to the details"],
  ["Esc", "close the details"],
  ["?", "this list"],
];

function help() {
  const dialog = document.createElement("dialog");
  render(
    html`<form method="dialog"><h2>Keys</h2><dl class="facts">${KEYS.map(([key, text]) => html`<dt><kbd>${key}</kbd></dt><dd>${text}</dd>`)}</dl>
      <button class="main" autofocus>Close</button></form>`,
    dialog,
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function showRow(address) {
  if (!address) return;
  stepped = true;
  location.hash = address;
}

const ON_KEY = {
  "/": () => document.querySelector("main input[type=search]")?.focus(),
  j: () => showRow(panel().step?.(1)),
  k: () => showRow(panel().step?.(-1)),
  "?": help,
  Escape: () => (shell.route.id ? go(panel().id, "", shell.route.query) : close()),
};

/** Enter opens the row that has the focus, as on any link; if it is open, the focus goes to its details. */
function enter(event) {
  if (!shell.route.id || !event.target.matches('body, tr[aria-selected="true"] a')) return;
  event.preventDefault();
  document.querySelector("aside")?.focus();
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open], .login")) return;
  const typing = event.target.closest("input, textarea, select");
  if (typing && event.key === "Escape") return event.target.blur();
  if (event.key === "Enter") return enter(event);
  if (typing || !ON_KEY[event.key]) return;
  event.preventDefault();
  ON_KEY[event.key]();
});

document.querySelector("noscript").remove();
drawWith(() => {
  render(page(), document.body);
  document.querySelectorAll(".table").forEach((box) => box.table.drawn(box));
});
readAddress();
title();
listen();
