// MISTAKE: writes the identifier as in a query ("number=7") in the JSON body of resend, where it must be an object
// NAMED BY: resend: webhook_request_identifier is a string; in a POST body it must be an object such as {"number": "7"}
// Job: resend the newest rejected webhook requests of service requests and activities.
const base = process.env.CRM_BASE;
const identifier = (record) => `number=${record.number}`;

async function call(method, parameters, verb = "GET") {
  const response = verb === "GET"
    ? await fetch(`${base}/${method}?${new URLSearchParams(parameters)}`)
    : await fetch(`${base}/${method}`, {
        method: verb,
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(parameters),
      });
  const { status, data } = await response.json();
  if (status.code !== "OK") throw new Error(`${method}: ${status.code} ${status.message}`);
  return data;
}

try {
  const { token } = await call("authentication/token", {
    username: process.env.CRM_USER,
    password: process.env.CRM_PASSWORD,
    organisation: process.env.CRM_ORG,
  }, "POST");

  const rejected = [];
  for (const entity of ["SERVICEREQUESTS", "ACTIVITIES"]) {
    const records = await call("webhook_requests/list", { token, entity, life_cycle_state: "REJECTED" });
    console.log(`${entity}: ${records?.length ?? 0} rejected`);
    rejected.push(...(records ?? []).slice(0, 2));
  }

  for (const record of rejected) {
    const shown = await call("webhook_requests/show", {
      token, webhook_request_identifier: identifier(record), fields_set: "number,life_cycle_state,error_code",
    });
    console.log("about to resend", shown.number, shown.error_code);
    try {
      const after = await call("webhook_requests/resend", {
        token, webhook_request_identifier: identifier(record),
      }, "POST");
      console.log(after.number, "is now", after.life_cycle_state);
    } catch (error) {
      console.log("not resent:", error.message);
    }
  }
} catch (error) {
  console.log("stopped:", error.message);
}
