// MISTAKE: encodes the Web API key for HTTP Basic without the colon after it
// NAMED BY: web_api_key_token (authentication/web_api_key/token); the key is encoded together with a colon after it
// RELEASE: R15
// Dashboard: unpaid invoices' webhooks; by API key, else by the technical user.
const { CRM_BASE, CRM_API_KEY, CRM_USER, CRM_PASSWORD, CRM_ORG } = process.env;

async function call(path, options = {}) {
  const response = await fetch(`${CRM_BASE}/${path}`, options);
  const { status, data } = await response.json();
  if (status.code !== "OK") {
    console.log(path.split("?")[0], status.code);
    return undefined;
  }
  return data;
}

function json(body, headers = {}) {
  return {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}

async function login() {
  const basic = Buffer.from(CRM_API_KEY ?? "").toString("base64");
  const byKey = await call("authentication/web_api_key/token", json({}, { Authorization: `Basic ${basic}` }));
  if (byKey?.token) return byKey.token;
  const byUser = await call("authentication/token", json({
    username: CRM_USER, password: CRM_PASSWORD, organisation: CRM_ORG,
  }));
  return byUser?.token;
}

try {
  const token = await login();
  if (token) {
    for (const entity of ["INVOICES", "PAYMENTS", "ACTIVITIES"]) {
      const query = new URLSearchParams({
        token, entity, life_cycle_state: "REJECTED", number_of_results: "5", offset: "0", fields_set: "number,url",
      });
      const rows = (await call(`webhook_requests/list?${query}`)) ?? [];
      console.log(entity, rows.length);
      if (rows.length) {
        const one = new URLSearchParams({ token, webhook_request_identifier: `number=${rows[0].number}` });
        const record = await call(`webhook_requests/show?${one}`);
        console.log(rows[0].number, record?.error_code);
      }
    }
  }
} catch (error) {
  console.log("stopped:", error.message);
}
