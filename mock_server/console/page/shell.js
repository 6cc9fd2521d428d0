// What all panels share: the state of the shell, addresses, drawing, acting and reading.

import { controlCurl, call, session } from "./api.js";

/** What is shown now. `status` is the last event `world` of the stream. */
export const shell = {
  route: { panel: "requests", id: "", query: new URLSearchParams() },
  connection: "connecting", // live, lost, or login: an admin token is needed
  status: null,
  message: null, // what the last action did: {kind (of a mark), text, curl}
  draw: () => {}, // draws the page
  reopen: async () => {}, // lets the open panel read again what it shows
};

const SHOWN_MS = { good: 8000, other: 20_000 };
const PAUSE_MS = 500; // between two readings that news asks for
let wanted = false;

/** Draw the page in the next frame, once, however often this is called before. */
export function changed() {
  if (wanted) return;
  wanted = true;
  requestAnimationFrame(() => {
    wanted = false;
    shell.draw();
  });
}

/** The address of an object: every one has its own, which can be shared. */
export function addressOf(panel, id = "", query = {}) {
  const search = new URLSearchParams(query).toString();
  const path = ["w", session.world, panel, ...(id === "" ? [] : [id])].map(encodeURIComponent).join("/");
  return `#/${path}${search && `?${search}`}`;
}

/** Read the address bar. Returns whether the world has changed. */
export function readAddress() {
  const [, path, search] = /^#?([^?]*)\??(.*)$/s.exec(location.hash);
  const parts = path.split("/").map(decoded);
  const before = session.world;
  if (parts[1] === "w" && parts[2]) [, session.world] = parts.splice(1, 2);
  const panel = parts[1];
  shell.route = { panel: panel || "requests", id: parts[2] ?? "", query: new URLSearchParams(search) };
  return session.world !== before;
}

// Unlike decodeURIComponent, it takes what was typed by hand as it is.
const decoded = (part) => new URLSearchParams(`part=${part.replace(/[+&]/g, encodeURIComponent)}`).get("part");

export const go = (panel, id, query) => (location.hash = addressOf(panel, id, query));

/** What the address says of a filter; empty if nothing. */
export const param = (name) => shell.route.query.get(name) ?? "";

/** Change filters in the address; empty values take them away. The open object stays open. */
export function setParams(values) {
  const { panel, id, query } = shell.route;
  for (const [name, value] of Object.entries(values)) value ? query.set(name, value) : query.delete(name);
  location.replace(addressOf(panel, id, query));
}

/** Say what happened, until the next message; each goes by itself, unless it is pointed at. `kind` is that of a mark. */
export function say(kind, text, curl) {
  const message = { kind, text, curl };
  shell.message = message;
  changed();
  const wait = () => setTimeout(end, SHOWN_MS[kind] ?? SHOWN_MS.other);
  const end = () => shell.message === message && (document.querySelector(".message:is(:hover, :has(:focus-visible))") ? wait() : close());
  wait();
}

export function close() {
  shell.message = null;
  changed();
}

/**
 * Call the control API for the user; read again; say what was done, and how a script does the same. `text` is a text,
 * a function of what was found that returns one, or one that returns a kind and a text.
 * Throws Refused, which a form shows at its field, and the shell as a message.
 */
export async function act(text, verb, path, body, world) {
  const curl = controlCurl(verb, path, body, world);
  const result = await call(verb, path, body, world).catch((error) => {
    throw Object.assign(error, { curl });
  });
  await shell.reopen().catch(() => {}); // the act was carried out; without a connection the page says so
  const said = typeof text === "function" ? text(result) : text;
  say(...(Array.isArray(said) ? said : ["good", said]), curl); // last: who reads it may go on, and type
  return result;
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * What a panel has read: `content`, null before that. `now()` reads at once, throws Refused, and has no effect if a newer
 * reading has begun; `soon()` reads twice a second at most, and only while the panel is shown.
 */
export function reader(panel, read) {
  let turn = 0;
  let timer = 0;
  const reading = {
    content: null,
    async now() {
      const mine = ++turn;
      const content = await read();
      if (mine !== turn) return;
      reading.content = content;
      changed();
    },
    soon() {
      timer ||= setTimeout(() => {
        timer = 0;
        if (shell.route.panel === panel) reading.now().catch(() => {}); // without a connection the page says so
      }, PAUSE_MS);
    },
  };
  return reading;
}
