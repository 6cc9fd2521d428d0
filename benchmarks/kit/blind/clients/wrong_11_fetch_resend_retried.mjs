// MISTAKE: sends a resend again when its response was lost, without a look at the record first
// NAMED BY: resend repeated after its response was lost (it may have been done: show the record first; only REJECTED can be resent)
// LOSES: resend
// Job: resend the rejected webhook requests of jobs and activities, robustly.
const base = process.env.CRM_BASE;

async function withRetries(url, options = {}, attempts = 3) {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(url, { ...options, signal: AbortSignal.timeout(5000) });
      if (response.status >= 500) throw new Error(`HTTP ${response.status}`);
      return await response.json();
    } catch (error) {
      console.log(`attempt ${attempt} failed: ${error.message}`);
      if (attempt === attempts) throw error;
    }
  }
}

const get = (method, query) => withRetries(`${base}/${method}?${new URLSearchParams(query)}`);
const post = (method, body) => withRetries(`${base}/${method}`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

async function main() {
  const login = await post("authentication/token", {
    username: process.env.CRM_USER,
    password: process.env.CRM_PASSWORD,
    organisation: process.env.CRM_ORG,
  });
  const token = login.data?.token;
  if (!token) return console.log("login refused:", login.status.code);

  for (const entity of ["JOBS", "ACTIVITIES"]) {
    const listed = await get("webhook_requests/list", {
      token, entity, life_cycle_state: "REJECTED", fields_set: "number,error_code",
    });
    const records = listed.data ?? [];
    console.log(`${entity}: ${listed.status.code}, ${records.length} rejected`);
    for (const { number, error_code } of records.slice(0, 2)) {
      const { status, data } = await post("webhook_requests/resend", {
        token, webhook_request_identifier: { number },
      });
      console.log(`${number} (${error_code}): ${status.code} ${data?.life_cycle_state ?? status.message}`);
    }
  }
}

main().catch((error) => console.log("gave up:", error.message));
