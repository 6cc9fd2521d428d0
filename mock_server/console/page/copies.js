// A request of the journal, written anew: corrected, as code, and ready to be sent once more.

import { curl, parts, secret, urlOf } from "./api.js";

const HIDDEN = "***"; // what the journal shows instead of a secret
const YOURS = "..."; // what a suggestion has for a value that only the caller knows
// What HTTP clients add by themselves, what names the world (the URL does), and the console's own token.
const OF_CLIENTS = new RegExp(
  "^(host|connection|content-length|transfer-encoding|te|upgrade.*|user-agent|accept(-.*)?|origin|referer|cookie|sec-.*|" +
    "priority|cache-control|pragma|dnt|x-mock-world|x-mock-admin-token)$",
  "i",
);

/** A text with its plain parts and the names of its secrets written in other ways. */
const each = (text, write, writeSecret) => parts(text).map((part, at) => (at % 2 ? writeSecret(part) : write(part))).join("");

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
    body: unhidden(body).replace(/([\w.-]+)=\*\*\*/g, (_, name) => `${name}=${secret(variable(name))}`),
  };
  found.query = found.query.map(([name, value]) => [name, value === HIDDEN ? secret(variable(decoded(name))) : value]);
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

/** A refused request with its suggestion's changes made. */
export function corrected(call) {
  return call.nearMiss.changes.reduce(changed, asSent(call));
}

function changed(request, { action, parameter, value }) {
  switch (action) {
    case "verb":
      return moved(request, value);
    case "path":
      return { ...request, path: `${request.path.slice(0, request.path.indexOf("/v2/"))}/v2/${value}` };
    case "body":
      return withBody(request, value);
    case "header":
      return { ...request, headers: [...request.headers.filter(([name]) => name !== parameter), [parameter, value]] };
    case "leave out":
      if (parameter === "query") return { ...request, query: [] };
      if (parameter === "body") return withBody(request, undefined);
      return withParameter(request, parameter, undefined);
    default:
      return withParameter(request, parameter, value === YOURS ? secret(variable(parameter)) : value);
  }
}

/** The same parameters by another verb: in the query, or in a JSON body. */
function moved(request, verb) {
  const body = members(request);
  if (verb === "GET") {
    const bare = withBody({ ...request, verb }, undefined);
    return Object.entries(body).reduce((found, [name, value]) => withParameter(found, name, value), bare);
  }
  for (const [name, value] of request.query.map((pair) => pair.map(decoded))) {
    const [, field, text] = /^(id|number)=(.*)$/s.exec(value) ?? [];
    body[name] = field ? { [field]: text } : value;
  }
  return withBody({ ...request, verb, query: [] }, body);
}

function withBody(request, value) {
  const headers = request.headers.filter(([name]) => name !== "Content-Type");
  if (value === undefined) return { ...request, headers, body: "", lost: undefined };
  const body = unhidden(JSON.stringify(value));
  return { ...request, headers: [...headers, ["Content-Type", "application/json"]], body, lost: undefined };
}

function withParameter(request, name, value) {
  if (request.verb !== "GET") {
    const { [name]: _, ...others } = members(request);
    return withBody(request, value === undefined ? others : { ...others, [name]: value });
  }
  const query = request.query.filter(([one]) => decoded(one) !== name);
  const text = typeof value === "object" ? Object.entries(value).map((pair) => pair.join("=")).join() : value;
  return { ...request, query: value === undefined ? query : [...query, [name, encoded(text)]] };
}

const members = ({ body }) => parsed(body) ?? {};
const encoded = (text) => each(String(text), (part) => encodeURIComponent(part).replaceAll("%3D", "="), secret);

function decoded(text) {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

/** A JSON object; undefined if the text is none. */
function parsed(text) {
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

/** The text with the secrets put in. */
export const filled = (text, secrets) => each(text, (part) => part, (name) => secrets[name]);

// As code. Secrets are read from the environment.

const url = (request) => urlOf(target(request));

export const asCurl = (request) => curl(request.verb, url(request), request.body, request.headers);

const inside = (part) => JSON.stringify(part).slice(1, -1);
const LONE = /^\ue000(\w+)\ue001$/;

function pythonText(text) {
  if (LONE.test(text)) return `os.environ["${parts(text)[1]}"]`;
  if (parts(text).length === 1) return JSON.stringify(text);
  return `f"${each(text, (part) => inside(part).replace(/[{}]/g, "$&$&"), (name) => `{os.environ['${name}']}`)}"`;
}

function scriptText(text) {
  if (LONE.test(text)) return `process.env.${parts(text)[1]}`;
  if (parts(text).length === 1) return JSON.stringify(text);
  return `\`${each(text, (part) => inside(part).replace(/`|\$\{/g, "\\$&"), (name) => `\${process.env.${name}}`)}\``;
}

/** The body as a literal; undefined if its text would not come out of that as it was. */
function literal({ body }, text, indent, words) {
  const compact = body.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
  const value = parsed(body);
  if (!value || JSON.stringify(value) !== compact) return undefined;
  const lines = JSON.stringify(value, null, indent).replaceAll("\n", `\n${" ".repeat(indent)}`);
  return lines.replace(/"(?:[^"\\]|\\.)*"|\b(?:true|false|null)\b/g, (one) => (one[0] === '"' ? text(JSON.parse(one)) : (words[one] ?? one)));
}

/** Headers that are to be written, as an object; `made` are those that the library adds for such a body. */
function headers(request, text, made) {
  const shown = request.headers.filter(([name, value]) => value && !(made && `${name}: ${value}` === "Content-Type: application/json"));
  return shown.length ? `{${shown.map(([name, value]) => `${JSON.stringify(name)}: ${text(value)}`).join(", ")}}` : "";
}

export function asHttpx(request) {
  const json = literal(request, pythonText, 4, { true: "True", false: "False", null: "None" });
  const head = headers(request, pythonText, json);
  const lines = [
    `response = httpx.request(\n    "${request.verb}",\n    ${pythonText(url(request))},`,
    head && `    headers=${head},`,
    json ? `    json=${json},` : request.body && `    content=${pythonText(request.body)},`,
    ")\nprint(response.status_code, response.text)\n",
  ];
  return `${secretsOf(request).length ? "import os\n\n" : ""}import httpx\n\n${lines.filter(Boolean).join("\n")}`;
}

export function asFetch(request) {
  const json = literal(request, scriptText, 2, {});
  const head = headers(request, scriptText);
  const lines = [
    `const response = await fetch(${scriptText(url(request))}, {\n  method: "${request.verb}",`,
    head && `  headers: ${head},`,
    json ? `  body: JSON.stringify(${json}),` : request.body && `  body: ${scriptText(request.body)},`,
    "});\nconsole.log(response.status, await response.text());\n",
  ];
  return lines.filter(Boolean).join("\n");
}
