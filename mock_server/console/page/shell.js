// What all panels share: the state of the shell, addresses, drawing, and actions.

import { controlCurl, call, session } from "./api.js";

/** What is shown now. `status` is the last event `world` of the stream. */
export const shell = {
  route: { panel: "requests", id: "", query: new URLSearchParams() },
  connection: "connecting", // live, lost, or login: an admin token is needed
  status: null,
  message: null, // what the last action did: {ok, text, curl}
};

const SHOWN_MS = 8000;

let draw = () => {};
let wanted = false;

/** Let `function` draw the page. */
export function drawWith(found) {
  draw = found;
}

/** Draw the page anew in the next frame, however often this is called before. */
export function changed() {
  if (wanted) return;
  wanted = true;
  requestAnimationFrame(() => {
    wanted = false;
    draw();
  });
}

/** The address of an object: every one has its own, which can be shared. */
export function addressOf(panel, id = "", query = {}) {
  const path = ["#", "w", session.world, panel, ...(id === "" ? [] : [id])];
  const search = new URLSearchParams(query).toString();
  return path.map((part, at) => (at ? encodeURIComponent(part) : part)).join("/") + (search && `?${search}`);
}

/** Read the address bar. Returns whether the world has changed. */
export function readAddress() {
  const [path, search] = location.hash.slice(1).split("?", 2);
  const parts = path.split("/").map(decoded);
  const before = session.world;
  if (parts[1] === "w" && parts[2]) {
    session.world = parts[2];
    parts.splice(1, 2);
  }
  shell.route = { panel: parts[1] || "requests", id: parts[2] ?? "", query: new URLSearchParams(search) };
  return session.world !== before;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // typed by hand
  }
}

/** Go to an address. */
export function go(panel, id, query) {
  location.hash = addressOf(panel, id, query);
}

/** Go to an address while the user types: it replaces the one before, so Back skips half a word. */
export function goTyping(panel, id, query) {
  location.replace(addressOf(panel, id, query));
}

/** Say what happened; the newest message replaces the one before. Good news goes by itself. */
export function say(ok, text, line) {
  const message = { ok, text, curl: line };
  shell.message = message;
  changed();
  if (ok) setTimeout(() => shell.message === message && close(), SHOWN_MS);
}

export function close() {
  shell.message = null;
  changed();
}

/** Call the control API for the user: say what was done, and how a script does the same.
 * Returns the result, or null if it was refused; `refused` then gets the error and shows it. */
export async function act(text, verb, path, body, { world, refused } = {}) {
  const line = controlCurl(verb, path, body, world);
  try {
    const found = await call(verb, path, body, world);
    say(true, typeof text === "function" ? text(found) : text, line);
    return found;
  } catch (error) {
    say(false, refused ? "The mock refuses this." : error.message, line);
    refused?.(error);
    return null;
  }
}

/** Return a function that lets `look` run soon: at most once a second, and only while a panel is shown. */
export function refresher(panel, look) {
  let timer = 0;
  let ended = 0;
  let again = false; // asked for while it ran
  const run = async () => {
    again = false;
    if (shell.route.panel === panel) await look().catch(() => {}); // without a connection the page says so
    [timer, ended] = [0, Date.now()];
    if (again) soon();
  };
  const soon = () => {
    again = true;
    timer ||= setTimeout(run, Math.max(0, ended + 1000 - Date.now()));
  };
  return soon;
}
