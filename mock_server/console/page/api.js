// Calls of the control API and its stream of events. Nothing else talks to the mock.

const root = document.querySelector('meta[name="mock-root"]').content;
const [, mount, rootWorld] = /^(.*?)(?:\/worlds\/([^/]+))?$/.exec(root);
const TOKEN = "crmcom-kit.admin-token";

/** The world that the console shows, and the admin token, which outlives a reload but not the tab. */
export const session = {
  world: rootWorld ?? "default",
  get token() {
    return sessionStorage.getItem(TOKEN) ?? "";
  },
  set token(text) {
    sessionStorage.setItem(TOKEN, text);
  },
};

/** A refusal, or a mock that cannot be reached (status 0). */
export class Refused extends Error {
  constructor(status, refusal) {
    super(refusal?.error ?? `the mock responded with status ${status}`);
    Object.assign(this, { status, parameter: refusal?.parameter });
  }
}

/** A name as a part of a path; browsers would take `..` away, and with it the part before. */
export const segment = (name) => encodeURIComponent(name).replace(/^\.+$/, "$&%00");

function inWorld(path, world = session.world) {
  return world === "default" ? `${mount}${path}` : `${mount}/worlds/${segment(world)}${path}`;
}

/** The response of an operation of the control API; a body may be a file. Throws Refused. */
export async function request(verb, path, body, world, signal) {
  const headers = {
    ...(session.token && { "X-Mock-Admin-Token": session.token }),
    ...(body !== undefined && { "Content-Type": "application/json" }),
  };
  const sent = typeof body === "string" || body instanceof Blob ? body : JSON.stringify(body);
  const response = await fetch(inWorld(`/__admin${path}`, world), { method: verb, headers, body: sent, signal }).catch((error) => {
    throw new Refused(0, { error: `the mock cannot be reached (${error.message})` });
  });
  if (!response.ok) throw new Refused(response.status, await response.json().catch(() => null));
  return response;
}

/** The JSON that an operation of the control API returns. Throws Refused. */
export async function call(verb, path, body, world) {
  return (await request(verb, path, body, world)).json().catch(() => null);
}

/** What several readings return, as one object with the members of all. A path is read; anything else may be a promise. */
export async function gather(...sources) {
  const readings = sources.map((source) => (typeof source === "string" ? call("GET", source) : source));
  return Object.assign({}, ...(await Promise.all(readings)));
}

/** Send a request to the API itself, as a client would. Returns its status and body. */
export async function send(verb, path, body, more) {
  // A Blob has no type of its own, so that a request without Content-Type goes without one.
  const response = await fetch(inWorld(path), { method: verb, headers: more, body: body ? new Blob([body]) : undefined });
  return { status: response.status, body: await response.text() };
}

/** The absolute URL of a path in the current world or another one. */
export function urlOf(path, world) {
  return location.origin + inWorld(path, world);
}

/** What stands for a secret in a text: the name of an environment variable, between two characters that no text has. */
export const secret = (name) => `\ue000${name}\ue001`;

/** The parts of a text; every second one is the name of a secret. */
export const parts = (text) => text.split(/\ue000(\w+)\ue001/);

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** One word for a shell, with variables for the secrets. */
function word(text) {
  const pieces = parts(text);
  if (pieces.length === 1) return quoted(text);
  if (!/["\\$`!]/.test(text)) return `"${pieces.map((part, at) => (at % 2 ? `\${${part}}` : part)).join("")}"`;
  return pieces.map((part, at) => (at % 2 ? `"$${part}"` : part && quoted(part))).join("");
}

/** A line for a shell that makes the same request. */
export function curl(verb, url, body, more = []) {
  const has = body !== undefined && body !== "";
  const line = ["curl", /[[\]{}]/.test(url) ? "-gs" : "-s", ...(verb === "GET" && !has ? [] : ["-X", verb]), word(url)];
  for (const [name, value] of more) line.push("-H", word(`${name}:${value && ` ${value}`}`));
  if (body instanceof Blob) line.push("--data-binary", word(`@${body.name}`));
  else if (has) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    line.push(text.startsWith("@") ? "--data-raw" : "-d", word(text));
  }
  return line.join(" ");
}

/** The same for a call of the control API. */
export function controlCurl(verb, path, body, world) {
  const token = session.token && { "X-Mock-Admin-Token": secret("CRMCOM_ADMIN_TOKEN") };
  const type = body !== undefined && { "Content-Type": "application/json" };
  return curl(verb, urlOf(`/__admin${path}`, world), body, Object.entries({ ...token, ...type }));
}

/** Yield the events of the current world, those of the journal first: {event, data}. Throws Refused. */
export async function* events(signal) {
  const { body } = await request("GET", "/events?since=0", undefined, undefined, signal);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (text + value).split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      const fields = Object.fromEntries(part.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
      if (fields.data) yield { event: fields.event, data: JSON.parse(fields.data) };
    }
  }
}
