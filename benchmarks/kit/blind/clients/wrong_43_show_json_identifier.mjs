// MISTAKE: sends show's identifier in the query as JSON ({"number":"7"}) instead of number=7
// NAMED BY: show; webhook_request_identifier of a GET method is written field=value, not as a JSON object
// Support desk: show the rejected service requests, and resend the first.
const base = process.env.CRM_BASE.replace(/\/$/, "");

async function read(response, what) {
  const answer = await response.json();
  if (answer.status.code !== "OK") {
    console.log(what, "refused:", answer.status.code);
    return null;
  }
  return answer.data ?? null;
}

const post = async (method, body) =>
  read(await fetch(`${base}/${method}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }), method);

const get = async (method, query) => {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    params.set(name, typeof value === "object" ? JSON.stringify(value) : value);
  }
  return read(await fetch(`${base}/${method}?${params}`), method);
};

async function main() {
  const login = await post("authentication/token", {
    username: process.env.CRM_USER,
    password: process.env.CRM_PASSWORD,
    organisation: process.env.CRM_ORG,
  });
  if (!login) return;
  const token = login.token;
  const rows = (await get("webhook_requests/list", {
    token, entity: "SERVICEREQUESTS", life_cycle_state: "REJECTED", fields_set: "number,error_code",
  })) ?? [];
  for (const { number } of rows.slice(0, 3)) {
    const record = await get("webhook_requests/show", { token, webhook_request_identifier: { number } });
    console.log(number, record?.error_description ?? "no details");
  }
  if (rows.length) {
    const { number } = rows[0];
    const sent = await post("webhook_requests/resend", { token, webhook_request_identifier: { number } });
    console.log(number, sent?.life_cycle_state);
  }
}

main().catch((error) => console.log("stopped:", error.message));
