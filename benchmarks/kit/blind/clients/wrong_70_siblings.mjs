// MISTAKE: the work list holds a request twice (itself, and among those of its entity_id), so it is resent after a resend answered SUCCESSFUL.
// NAMED BY: resend; SUCCESSFUL, REJECTED
// RELEASE: R15
//
// If one webhook about an activity failed, later ones about it are probably wrong, too: send all of them again.

const env = process.env;
const FIELDS = "number,life_cycle_state,entity_id";

const show = (...words) => console.log(new Date().toISOString(), ...words);

async function request(path, { query, body }) {
  const url = `${env.CRM_BASE}/${path}` + (query ? `?${new URLSearchParams(query)}` : "");
  const options = { signal: AbortSignal.timeout(5000) };
  if (body) {
    options.method = "POST";
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await (await fetch(url, options)).json();
  } catch (problem) {
    show(path, "failed:", problem.message);
    return null;
  }
  if (answer.status?.code !== "OK") {
    show(path, "refused:", answer.status?.code, answer.status?.message);
    return null;
  }
  return answer.data ?? [];
}

async function main() {
  const login = await request("authentication/token", {
    body: { username: env.CRM_USER, password: env.CRM_PASSWORD, organisation: env.CRM_ORG },
  });
  if (!login) return;
  const { token } = login;

  const failed = await request("webhook_requests/list", {
    query: { token, entity: "ACTIVITIES", life_cycle_state: "REJECTED", fields_set: FIELDS },
  }) ?? [];
  show(failed.length, "activities have failed; taking three");

  const work = [];
  for (const row of failed.slice(0, 3)) {
    const siblings = await request("webhook_requests/list", {
      query: { token, entity_id: row.entity_id, life_cycle_state: "REJECTED", fields_set: FIELDS },
    });
    show(`#${row.number} has`, siblings?.length ?? "unknown", "of the same activity");
    work.push(row, ...(siblings ?? []));
  }
  work.sort((a, b) => Number(a.number) - Number(b.number));

  let sent = 0;
  for (const { number } of work) {
    const now = await request("webhook_requests/resend", {
      body: { token, webhook_request_identifier: { number }, fields_set: "number,life_cycle_state" },
    });
    if (now?.life_cycle_state === "SUCCESSFUL") sent += 1;
    if (now) show(`#${number}`, now.life_cycle_state);
  }
  show(`${sent} of ${work.length} were delivered`);
}

await main();
