// The shell: header, navigation, the open panel, the stream of events, keys.

import { html, nothing, render } from "./lit-html/lit-html.js";
import { call, events, session } from "./api.js";
import { addressOf, changed, drawWith, go, readAddress, shell } from "./shell.js";
import { copyButton, mark } from "./widgets.js";
import { contract } from "./contract.js";
import { deliveries } from "./deliveries.js";
import { faults } from "./faults.js";
import { records } from "./records.js";
import { requests } from "./requests.js";
import { worlds as worldsPanel } from "./worlds.js";

/**
 * A panel:
 *   id, title, icon   its address, and its entry in the navigation
 *   open()            its address was opened or has changed (shell.route), or the content of the world was replaced
 *   reset()           another world or server: all that it knew is of the past
 *   main(), details() its two parts; details only if the address names an object
 *   event(name, data) the stream has brought something
 *   step(by)          the address of the next row, for j and k
 */
const PANELS = [requests, records, deliveries, faults, worldsPanel, contract];

const panel = () => PANELS.find((one) => one.id === shell.route.panel) ?? PANELS[0];
let stream = new AbortController();
let worlds = [];

// The page.

function page() {
  const { id } = shell.route;
  const details = id === "" ? undefined : panel().details?.();
  return html`
    <a class="skip" href="#main" @click=${skip}>Skip to the list</a>
    <header>${head()}</header>
    <nav aria-label="Panels">${PANELS.map(entry)}
      <button class="keys" @click=${help}><span aria-hidden="true">?</span> Keys</button></nav>
    <main id="main" tabindex="-1" class=${details ? "with-details" : ""} aria-label=${panel().title}>${panel().main()}</main>
    ${details ? html`${divider()}<aside aria-label="Details"><a class="back" href=${addressOf(panel().id)}>← ${panel().title}</a>${details}</aside>` : nothing}
    <div class="message" role="status">${shell.message ? message(shell.message) : nothing}</div>
    ${shell.connection === "login" ? login() : nothing}`;
}

function entry(one) {
  const current = one === panel() ? "page" : nothing;
  return html`<a href=${addressOf(one.id)} aria-current=${current}><span aria-hidden="true">${one.icon}</span> ${one.title}</a>`;
}

const CONNECTIONS = {
  live: ["good", "live"],
  connecting: ["open", "connecting"],
  lost: ["failed", "no connection"],
  login: ["refused", "locked"],
};

function head() {
  const { status, connection } = shell;
  const faults = status ? status.faults + status.delivery_faults : 0;
  return html`<h1>crmcom-kit</h1>
    <span class="connection">${mark(...CONNECTIONS[connection])}</span>
    <label class="choice"><span>World</span><select @change=${(event) => switchWorld(event.target.value)} @focus=${loadWorlds}>
      ${[...new Set([session.world, ...worlds])].map((name) => html`<option ?selected=${name === session.world}>${name}</option>`)}
    </select></label>
    ${status
      ? html`<span class="wide" title="Release and dialect that the mock was started with">${status.release} · ${status.dialect}</span>
          <a class="clock" href=${addressOf("faults")} title="The world's clock">◷ ${status.clock.now.slice(0, 19).replace("T", " ")}
            <span class="wide">${status.clock.mode === "real" ? "" : status.clock.mode}</span></a>
          <a class=${faults ? "mark fault" : "wide"} href=${addressOf("faults")}><span aria-hidden="true">⚡</span> ${faults} ${faults === 1 ? "fault" : "faults"}</a>`
      : nothing}`;
}

function message({ ok, text, curl }) {
  const close = () => {
    shell.message = null;
    changed();
  };
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
  return html`<div class="login"><form @submit=${enter}>
    <h2>This mock has an admin token</h2>
    <p>It was started with <code>--admin-token</code>.</p>
    <label>Admin token <input name="token" type="password" autocomplete="off" required></label>
    ${session.token ? html`<p role="alert">${mark("failed", "The mock does not accept this token.")}</p>` : nothing}
    <button class="main">Open the console</button></form></div>`;
}

/** The line between list and details: drag it, or move it with the arrow keys. */
function divider() {
  const set = (pixels) => document.body.style.setProperty("--details", `${Math.max(280, Math.min(pixels, innerWidth - 420))}px`);
  const width = () => document.querySelector("aside").offsetWidth;
  const drag = (event) => {
    event.target.setPointerCapture(event.pointerId);
    event.target.onpointermove = (moved) => set(innerWidth - moved.clientX);
    event.target.onpointerup = () => (event.target.onpointermove = null);
  };
  const key = (event) => {
    const step = { ArrowLeft: 20, ArrowRight: -20 }[event.key];
    if (step) set(width() + step);
  };
  return html`<div class="divider" role="separator" aria-label="Width of the details" aria-orientation="vertical" tabindex="0" @pointerdown=${drag} @keydown=${key}></div>`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

// Worlds, and what the mock tells.

async function loadWorlds() {
  worlds = (await call("GET", "/worlds")).worlds.map((one) => one.name);
  changed();
}

function switchWorld(name) {
  session.world = name;
  go(panel().id);
}

/** Follow the stream of the current world, for as long as the page shows it. */
async function listen() {
  stream.abort();
  const { signal } = (stream = new AbortController());
  for (let seconds = 0.5; !signal.aborted; seconds = Math.min(seconds * 2, 5)) {
    try {
      for await (const { event, data } of events(signal)) {
        if (event === "world") {
          const { connection, status } = shell;
          shell.status = data;
          if (connection !== "live") begin();
          else if (status?.epoch !== data.epoch) panel().open?.();
          seconds = 0.25;
        }
        PANELS.forEach((one) => one.event?.(event, data));
        changed();
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 401) {
        shell.connection = "login";
        return changed();
      }
    }
    if (signal.aborted) return;
    shell.connection = "lost";
    changed();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

/** The stream has begun, so the mock answers: what panels knew may be of another server. */
function begin() {
  shell.connection = "live";
  PANELS.forEach((one) => one.reset?.());
  panel().open?.();
}

addEventListener("hashchange", () => {
  if (readAddress()) {
    shell.status = null;
    shell.connection = "connecting";
    listen();
  } else panel().open?.();
  document.title = `${panel().title} – crmcom-kit console`;
  changed();
});

// Keys.

const KEYS = [
  ["/", "search"],
  ["j, k", "next and previous row"],
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
  location.hash = address;
  requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector('tr[aria-selected="true"]')?.scrollIntoView({ block: "nearest" })));
}

const ON_KEY = {
  "/": () => document.querySelector("main input[type=search]")?.focus(),
  j: () => showRow(panel().step?.(1)),
  k: () => showRow(panel().step?.(-1)),
  "?": help,
  Escape: () => shell.route.id && go(panel().id),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const typing = event.target.closest("input, textarea, select");
  if (typing && event.key === "Escape") return event.target.blur();
  if (typing || !ON_KEY[event.key]) return;
  event.preventDefault();
  ON_KEY[event.key]();
});

document.querySelector("noscript").remove();
drawWith(() => render(page(), document.body));
readAddress();
changed();
listen();
