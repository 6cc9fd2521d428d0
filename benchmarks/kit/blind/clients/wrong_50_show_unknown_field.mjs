// MISTAKE: asks show for a field that a webhook request does not have (error_message; it is error_description)
// NAMED BY: show; fields_set names a field that does not exist, error_message (bad_fields_set)
// Ticket writer: one ticket for each rejected job, with the reason.
const base = process.env.CRM_BASE.replace(/\/+$/, "");

class Refused extends Error {}

async function request(method, { query, body } = {}) {
  const url = new URL(`${base}/${method}`);
  for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
  const response = await fetch(url, body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (answer.status.code !== "OK") throw new Refused(`${method}: ${answer.status.code}`);
  return answer.data;
}

async function main() {
  const { token } = await request("authentication/token", {
    body: {
      username: process.env.CRM_USER,
      password: process.env.CRM_PASSWORD,
      organisation: process.env.CRM_ORG,
    },
  });
  const rows = (await request("webhook_requests/list", {
    query: { token, entity: "JOBS", life_cycle_state: "REJECTED", fields_set: "number,entity_id" },
  })) ?? [];
  for (const row of rows.slice(0, 3)) {
    let reason = "unknown";
    try {
      const record = await request("webhook_requests/show", {
        query: {
          token,
          webhook_request_identifier: `number=${row.number}`,
          fields_set: "number,url,error_code,error_message",
        },
      });
      reason = record.error_message ?? record.error_code;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      console.log(error.message);
    }
    console.log(`ticket: webhook ${row.number} of job ${row.entity_id}: ${reason}`);
  }
}

main().catch((error) => console.log("stopped:", error.message));
