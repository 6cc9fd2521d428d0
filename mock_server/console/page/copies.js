// A request of the journal, written anew: as a line for a shell, and ready to be sent once more.

import { call, curl, parts, secret, send, urlOf } from "./api.js";

const HIDDEN = "***"; // what the journal shows instead of a secret
// What HTTP clients add by themselves, and the console's own token.
const OF_CLIENTS = new RegExp(
  "^(host|connection|content-length|transfer-encoding|te|upgrade.*|user-agent|accept(-.*)?|origin|referer|cookie|sec-.*|" +
    "priority|cache-control|pragma|dnt|x-mock-admin-token)$",
  "i",
);

const variable = (name) => name.replace(/\W+/g, "_").toUpperCase();

/** What was sent: {verb, path, query, headers, body}. Query and headers are pairs; `secret` stands for what the journal hides. */
export function asSent(call) {
  const { method, url, headers, body } = call.request;
  const [, path, query] = /^([^?]*)\??(.*)$/s.exec(url);
  const authorization = call.operation === "web_api_key_token" ? secret("AUTHORIZATION") : `Bearer ${secret("TOKEN")}`;
  const found = {
    verb: method,
    path,
    query: query.split("&").filter(Boolean).map((part) => /^([^=]*)=?(.*)$/s.exec(part).slice(1)),
    headers: Object.entries(headers).filter(([name]) => !OF_CLIENTS.test(name)),
    body: unhidden(body).replace(/(?<![\w.-])([\w.-]+)=\*\*\*/g, (_, name) => `${name}=${secret(variable(name))}`),
  };
  found.query = found.query.map(([name, value]) => [name, value === HIDDEN ? secret(variable(name)) : value]);
  const shown = (name) => (name === "Authorization" ? authorization : secret(variable(name)));
  found.headers = found.headers.map(([name, value]) => [name, value === HIDDEN ? shown(name) : value]);
  if (body && !found.headers.some(([name]) => name === "Content-Type")) found.headers.push(["Content-Type", ""]);
  // The journal has no more of such a body than how long it is.
  if (/^(\*\*\* )?\((more than )?\d+ bytes[^)]*\)$/.test(body)) found.lost = body;
  return found;
}

/** JSON in which each hidden value is a secret, named for its member. */
function unhidden(json) {
  return json.replace(/("([^"\\]*)"\s*:\s*)?"\*\*\*"/g, (_, before = "", name = "token") => `${before}"${secret(variable(name))}"`);
}

/** A JSON object; undefined if the text is none. */
export function parsed(text) {
  try {
    const found = JSON.parse(text);
    return found && typeof found === "object" && !Array.isArray(found) ? found : undefined;
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

/** Send a request, with a new token for the hidden one. Returns status and body; null if no response came. */
export async function sent(request) {
  const TOKEN = secretsOf(request).length ? (await call("POST", "/tokens")).token : "";
  const fill = (text) => parts(text).map((part, at) => (at % 2 ? TOKEN : part)).join("");
  const headers = request.headers.filter(([, value]) => value).map((pair) => pair.map(fill));
  return send(request.verb, fill(target(request)), fill(request.body), headers).catch(() => null);
}

/** The request as a line for a shell, with the secrets from the environment. */
export const asCurl = (request) => curl(request.verb, urlOf(target(request)), request.body, request.headers);
