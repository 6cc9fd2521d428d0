// A request of the journal as a line for a shell, and ready to be sent again.

import { call, curl, parts, secret, send, urlOf } from "./api.js";

const HIDDEN = "***"; // what the journal shows instead of a secret
const OWN = "X-Console-Request"; // the header by which the console finds what it has sent
// What HTTP clients add by themselves, and the console's own token.
const OF_CLIENTS = new RegExp(
  "^(host|connection|content-length|transfer-encoding|te|upgrade.*|user-agent|accept(-.*)?|origin|referer|cookie|sec-.*|" +
    "priority|cache-control|pragma|dnt|x-mock-admin-token|x-console-request)$",
  "i",
);

const variable = (name) => name.replace(/\W+/g, "_").toUpperCase();

/** What was sent: {verb, path, query, headers, body}. Query and headers are pairs; `secret` stands for what the journal hides. */
export function asSent(call) {
  const { method, url, headers, body } = call.request;
  const authorization = call.operation === "web_api_key_token" ? secret("AUTHORIZATION") : `Bearer ${secret("TOKEN")}`;
  const copy = {
    verb: method,
    ...split(url),
    headers: Object.entries(headers).filter(([name]) => !OF_CLIENTS.test(name)),
    body: unhidden(body).replace(/(?<![\w.-])([\w.-]+)=\*\*\*/g, (_, name) => `${name}=${secret(variable(name))}`),
  };
  const shown = (name) => (name === "Authorization" ? authorization : secret(variable(name)));
  const unhide = (pairs) => pairs.map(([name, value]) => [name, value === HIDDEN ? shown(name) : value]);
  Object.assign(copy, { query: unhide(copy.query), headers: unhide(copy.headers) });
  if (body && !copy.headers.some(([name]) => name === "Content-Type")) copy.headers.push(["Content-Type", ""]);
  // The journal has only the length of this body.
  if (/^(\*\*\* )?\((more than )?\d+ bytes[^)]*\)$/.test(body)) copy.lost = body;
  return copy;
}

/** The path and the query of a target: the query as pairs. */
export function split(target) {
  const [, path, query] = /^([^?]*)\??(.*)$/s.exec(target);
  return { path, query: query.split("&").filter(Boolean).map((part) => /^([^=]*)=?(.*)$/s.exec(part).slice(1)) };
}

/** JSON in which each hidden value is a secret, named for its member. */
function unhidden(json) {
  return json.replace(/("([^"\\]*)"\s*:\s*)?"\*\*\*"/g, (_, before = "", name = "token") => `${before}"${secret(variable(name))}"`);
}

/** A JSON object; undefined if the text is none. */
export function parsed(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The path with the query, as in the first line of a request. */
export function target({ path, query }) {
  return path + (query.length ? `?${query.map((pair) => pair.join("=")).join("&")}` : "");
}

/** The names of the environment variables that stand for the request's secrets. */
export function secretsOf(request) {
  const text = [target(request), request.body, ...request.headers.flat()].join("\n");
  return [...new Set([...text.matchAll(/\ue000(\w+)\ue001/g)].map(([, name]) => name))];
}

/** Send a request, with a new token for the hidden one. Returns its entry in the journal; undefined if that has none. */
export async function sent(request) {
  const TOKEN = secretsOf(request).length ? (await call("POST", "/tokens")).token : "";
  const fill = (text) => parts(text).map((part, at) => (at % 2 ? TOKEN : part)).join("");
  const own = `${Date.now()}-${Math.random()}`; // others may send the same at the same time
  const headers = [...request.headers.filter(([, value]) => value).map((pair) => pair.map(fill)), [OWN, own]];
  const [last] = (await call("GET", "/requests?limit=1")).requests;
  await send(request.verb, fill(target(request)), fill(request.body), headers).catch(() => null); // a fault may drop the response
  const { requests } = await call("GET", `/requests${last ? `?since=${last.id}` : ""}`);
  for (const { id } of requests.filter(({ method, url }) => method === request.verb && url.split("?")[0] === request.path)) {
    const entry = await call("GET", `/requests/${id}`);
    if (entry.request.headers[OWN] === own) return entry;
  }
}

/** The request with what a suggestion of the mock says; null if there is none, or it cannot be filled in. */
export function corrected(request, suggestion) {
  const [, verb = request.verb, method] = /^use (GET|POST)(?:,| (\S+)$)/.exec(suggestion) ?? [];
  const [, name, value] = /^(?:use|add) (\w+)=(.+?)(?: from .*)?$/.exec(suggestion) ?? [];
  const members = /^(?:use|add) (".*["}])/.exec(suggestion)?.[1];
  if (!(verb !== request.verb || method || name || members || /^(move|send) /.test(suggestion))) return null;
  const previous = parsed(request.body) ?? Object.fromEntries(new URLSearchParams(request.body));
  const changes = members ? parsed(`{${members}}`) : name ? { [name]: value } : {};
  if (/\btoken\b/.test(suggestion)) previous.token ??= secret("TOKEN");
  const path = method ? request.path.replace(/(\/v2\/).*/, `$1${method}`) : request.path;
  const headers = request.headers.filter(([name]) => !/^(content-type|authorization)$/i.test(name));
  const query = Object.fromEntries(new URLSearchParams(target({ path: "", query: request.query }).slice(1)));
  const all = Object.entries({ ...query, ...previous, ...changes }).map(([name, value]) => [name, value === "..." ? secret(variable(name)) : value]);
  if (verb === "GET") return { verb, path, query: all.map(([name, value]) => [name, inQuery(value)]), headers, body: "" };
  const body = JSON.stringify(Object.fromEntries(all.map(([name, value]) => [name, inBody(name, value)])));
  return { verb, path, query: [], headers: [...headers, ["Content-Type", "application/json"]], body };
}

/** A value in a query, where an identifier is a field, an equals sign and a text. */
function inQuery(value) {
  const text = value && typeof value === "object" ? Object.entries(value).map((pair) => pair.join("=")).join() : String(value);
  const encoded = (part) => encodeURIComponent(part).replaceAll("%3D", "=");
  return parts(text).map((part, at) => (at % 2 ? secret(part) : encoded(part))).join("");
}

/** A value in a body, where an identifier is an object. */
function inBody(name, value) {
  const [, field, text] = (name.endsWith("_identifier") && /^(\w+)=(.*)$/s.exec(value)) || [];
  return field ? { [field]: text } : value;
}

/** The request as a line for a shell, with the secrets from the environment. */
export const asCurl = (request) => curl(request.verb, urlOf(target(request)), request.body, request.headers);
