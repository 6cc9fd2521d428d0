// RIGHT
// NAMED BY: nothing (after a lost response of resend, it shows the record before it decides)
// LOSES: resend
const { CRM_BASE, CRM_USER, CRM_PASSWORD, CRM_ORG } = process.env;
let token;

async function call(method, parameters, verb = "GET") {
  const get = verb === "GET";
  const url = `${CRM_BASE}/${method}` + (get ? `?${new URLSearchParams({ token, ...parameters })}` : "");
  const response = await fetch(url, {
    method: verb,
    signal: AbortSignal.timeout(10000),
    ...(get ? {} : {
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token, ...parameters }),
    }),
  });
  const { status, data } = await response.json(); // throws if a gateway returned HTML
  if (status.code === "OK") return data;
  console.log(`${method} refused: ${status.code}`);
  return undefined;
}

const show = (number) => call("webhook_requests/show", { webhook_request_identifier: `number=${number}` });

async function resend(number) {
  const body = { webhook_request_identifier: { number } };
  try {
    return await call("webhook_requests/resend", body, "POST");
  } catch (error) {
    console.log(`${number}: response lost (${error.message}), looking at the record`);
    const now = await show(number);
    return now?.life_cycle_state === "REJECTED" ? call("webhook_requests/resend", body, "POST") : now;
  }
}

async function main() {
  const login = { username: CRM_USER, password: CRM_PASSWORD, organisation: CRM_ORG };
  token = (await call("authentication/token", login, "POST"))?.token;
  if (!token) return;
  for (const entity of ["JOBS", "ACTIVITIES"]) {
    const records = (await call("webhook_requests/list", { entity, life_cycle_state: "REJECTED" })) ?? [];
    console.log(`${entity}: ${records.length} rejected`);
    if (!records.length) continue;
    const [{ number, entity_id, log_information }] = records;
    const created_date = log_information?.created_date?.slice(0, 10);
    const sameDay = created_date && (await call("webhook_requests/list", { entity, created_date }));
    console.log(`  ${sameDay?.length ?? "?"} were created on ${created_date}`);
    const sent = await resend(number);
    console.log(`  ${number}: ${sent?.life_cycle_state}`);
    const others = (await call("webhook_requests/list", { entity_id, fields_set: "number,life_cycle_state" })) ?? [];
    console.log(`  webhooks of ${entity_id}: ${others.map((record) => record.number)}`);
    if (sent?.life_cycle_state !== "SUCCESSFUL") continue;
    const gone = await call("webhook_requests/delete", { webhook_request_identifier: { number } }, "POST");
    console.log(`  ${number}: ${gone ? "deleted" : "kept"}`);
  }
}
main().catch((error) => console.log("failed:", error.message));
