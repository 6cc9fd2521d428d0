// MISTAKE: tries the Web API key login first, a method that R9 does not have yet (it came with R10).
// NAMED BY: authentication/web_api_key/token; R10, R9
// RELEASE: R9
//
// Nightly overview of rejected webhooks. Uses our Web API key where it works, the service account elsewhere.

const base = process.env.CRM_BASE.replace(/\/+$/, "");
const key = process.env.CRM_API_KEY ?? "00000000000000000000000000C0FFEE";

async function answerOf(response) {
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    return { error: `HTTP ${response.status}, no JSON: ${text.slice(0, 80)}` };
  }
  if (answer?.status?.code !== "OK") {
    return { error: `${answer?.status?.code} ${answer?.status?.message ?? ""}` };
  }
  return { data: answer.data };
}

async function post(path, body, headers = {}) {
  try {
    return await answerOf(await fetch(`${base}/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(5000),
    }));
  } catch (e) {
    return { error: String(e) };
  }
}

async function get(path, query) {
  try {
    const url = `${base}/${path}?${new URLSearchParams(query)}`;
    return await answerOf(await fetch(url, { signal: AbortSignal.timeout(5000) }));
  } catch (e) {
    return { error: String(e) };
  }
}

async function logIn() {
  const basic = Buffer.from(`${key}:`).toString("base64");
  const byKey = await post("authentication/web_api_key/token", {}, { Authorization: `Basic ${basic}` });
  if (!byKey.error) return byKey.data.token;
  console.log("no login by key:", byKey.error);

  const byPassword = await post("authentication/token", {
    username: process.env.CRM_USER,
    password: process.env.CRM_PASSWORD,
    organisation: process.env.CRM_ORG,
  });
  if (!byPassword.error) return byPassword.data.token;
  console.log("no login by password:", byPassword.error);
  return null;
}

const token = await logIn();
if (token) {
  for (const entity of ["ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS"]) {
    const { data, error } = await get("webhook_requests/list", {
      token, entity, life_cycle_state: "REJECTED", fields_set: "number,error_code",
    });
    if (error) {
      console.log(entity, error);
      continue;
    }
    const counts = {};
    for (const row of data ?? []) counts[row.error_code] = (counts[row.error_code] ?? 0) + 1;
    console.log(entity, counts);
  }
}
