// RIGHT
// NAMED BY: nothing
// RELEASE: R11
//
// Log in with a Web API key (or else the password), list by webhook definition, show by id, and release the token.

const base = process.env.CRM_BASE.replace(/\/$/, "");
const apiKey = process.env.CRM_API_KEY || "00000000000000000000000000C0FFEE";

async function call(path, init) {
  const response = await fetch(`${base}/${path}`, { signal: AbortSignal.timeout(5000), ...init });
  const text = await response.text();
  let parsed = null;
  try {
    parsed = JSON.parse(text);
  } catch { /* a gateway's page of HTML, perhaps */ }
  if (parsed?.status?.code !== "OK") {
    throw new Error(parsed?.status ? `${parsed.status.code} ${parsed.status.message}` : `HTTP ${response.status}`);
  }
  return parsed.data;
}

const get = (path, query) => call(`${path}?${new URLSearchParams(query)}`);

const post = (path, body, headers = {}) => call(path, {
  method: "POST",
  headers: { "Content-Type": "application/json", ...headers },
  body: JSON.stringify(body),
});

async function logIn() {
  try {
    const credentials = Buffer.from(`${apiKey}:`).toString("base64");
    const data = await post("authentication/web_api_key/token", {}, { Authorization: `Basic ${credentials}` });
    return data.token;
  } catch (error) {
    console.log("the key was refused:", error.message);
  }
  const { token } = await post("authentication/token", {
    username: process.env.CRM_USER,
    password: process.env.CRM_PASSWORD,
    organisation: process.env.CRM_ORG,
  });
  return token;
}

async function work(token) {
  const sample = await get("webhook_requests/list", {
    token, entity: "SERVICEREQUESTS", fields_set: "number,webhook_definition",
  }) ?? [];
  const ids = new Set(sample.map((row) => row.webhook_definition?.id).filter(Boolean));
  console.log(sample.length, "requests of", ids.size, "definitions");

  for (const id of [...ids].slice(0, 3)) {
    const rows = await get("webhook_requests/list", {
      token,
      webhook_definition_identifier: `id=${id}`,
      entity: "SERVICEREQUESTS",
      life_cycle_state: "REJECTED",
      fields_set: "id,number",
    }) ?? [];
    console.log(id, rows.map((row) => row.number).join(" ") || "none");
    if (rows.length) {
      console.log(await get("webhook_requests/show", {
        token, webhook_request_identifier: `id=${rows[0].id}`, fields_set: "number,error_code,url",
      }));
    }
  }
}

try {
  const token = await logIn();
  try {
    await work(token);
  } finally {
    await post("authentication/token/release", { token });
    console.log("released");
  }
} catch (error) {
  console.log("stopped:", error.message);
}
