// RIGHT
// NAMED BY: nothing
// RELEASE: R15
// Read the pages of rejected activities first (four at most), then resend some and delete one.
const base = process.env.CRM_BASE.replace(/\/+$/, "");

async function call(method, { query, body } = {}) {
  const url = new URL(`${base}/${method}`);
  for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, String(value));
  const response = await fetch(url, body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => null);
  if (!answer) throw new Error(`${method}: HTTP ${response.status}, no JSON`);
  if (answer.status.code !== "OK") throw new Error(`${method}: ${answer.status.code}`);
  return answer.data;
}

async function rejected(token) {
  const numbers = new Set();
  let offset = 0;
  for (let page = 0; page < 4; page += 1) {
    const rows = (await call("webhook_requests/list", {
      query: { token, entity: "ACTIVITIES", life_cycle_state: "REJECTED", fields_set: "number", number_of_results: 10, offset },
    })) ?? [];
    const before = numbers.size;
    rows.forEach((row) => numbers.add(row.number));
    if (!rows.length || numbers.size === before) break;
    offset += rows.length;
  }
  return [...numbers];
}

async function main() {
  const { token } = await call("authentication/token", {
    body: { username: process.env.CRM_USER, password: process.env.CRM_PASSWORD, organisation: process.env.CRM_ORG },
  });
  const numbers = await rejected(token);
  console.log(numbers.length, "found");
  for (const number of numbers.slice(0, 3)) {
    const body = { token, webhook_request_identifier: { number }, fields_set: "number,life_cycle_state" };
    try {
      const sent = await call("webhook_requests/resend", { body });
      console.log(number, sent.life_cycle_state);
    } catch (error) {
      console.log(number, "not sent:", error.message);
    }
  }
  const last = numbers.slice(3).at(-1);
  if (last) {
    await call("webhook_requests/delete", { body: { token, webhook_request_identifier: { number: last } } });
    console.log(last, "deleted");
  }
}

main().catch((error) => console.log("stopped:", error.message));
