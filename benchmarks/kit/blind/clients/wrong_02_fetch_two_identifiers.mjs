// MISTAKE: names the webhook request to delete by id and number at once
// NAMED BY: delete: webhook_request_identifier has two fields (id and number); exactly one is allowed
// Job: tidy up old successful webhook requests of subscriptions and jobs.
const { CRM_BASE, CRM_USER, CRM_PASSWORD, CRM_ORG } = process.env;

async function get(method, query) {
  const response = await fetch(`${CRM_BASE}/${method}?${new URLSearchParams(query)}`);
  return unwrap(method, await response.json());
}

async function post(method, body) {
  const response = await fetch(`${CRM_BASE}/${method}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return unwrap(method, await response.json());
}

function unwrap(method, { status, data }) {
  if (status.code !== "OK") {
    console.log(`${method} refused: ${status.code} ${status.message}`);
    return null;
  }
  return data;
}

async function main() {
  const login = await post("authentication/token", {
    username: CRM_USER, password: CRM_PASSWORD, organisation: CRM_ORG,
  });
  if (!login) return;
  const token = login.token;
  const done = [];
  for (const entity of ["SUBSCRIPTIONS", "JOBS", "ACTIVITIES"]) {
    const found = await get("webhook_requests/list", {
      token, entity, life_cycle_state: "SUCCESSFUL", fields_set: "id,number,entity_id",
    });
    console.log(entity, found?.length ?? 0, "successful");
    done.push(...(found ?? []));
  }
  for (const { id, number } of done.slice(0, 3)) {
    const record = await get("webhook_requests/show", { token, webhook_request_identifier: `id=${id}` });
    if (record?.life_cycle_state !== "SUCCESSFUL") continue;
    const gone = await post("webhook_requests/delete", {
      token, webhook_request_identifier: { id, number },
    });
    console.log(number, gone ? "deleted" : "kept");
  }
}

main().catch((error) => console.log("failed:", error.message));
