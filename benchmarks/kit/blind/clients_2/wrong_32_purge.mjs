// MISTAKE: a delete whose response was lost is sent again without looking whether the record still exists
// NAMED BY: delete: repeated for a webhook request that the first delete already deleted (it no longer exists)
// LOSES: delete
// Purges old successful webhook requests, a few each night.
const base = process.env.CRM_BASE.replace(/\/+$/, '');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function withRetry(url, options, attempts = 3) {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(url, { ...options, signal: AbortSignal.timeout(10000) });
      return JSON.parse(await response.text());
    } catch (error) {
      if (attempt === attempts) throw error;
      console.log(`attempt ${attempt} failed (${error.message}), retrying`);
      await sleep(200 * attempt);
    }
  }
}

const get = (method, params) => withRetry(`${base}/${method}?${new URLSearchParams(params)}`);
const post = (method, body) => withRetry(`${base}/${method}`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});

async function main() {
  const login = await post('authentication/token', {
    username: process.env.CRM_USER,
    password: process.env.CRM_PASSWORD,
    organisation: process.env.CRM_ORG,
  });
  if (login.status.code !== 'OK') return console.log('login:', login.status.message);
  const { token } = login.data;
  for (const entity of ['JOBS', 'ACTIVITIES']) {
    const answer = await get('webhook_requests/list',
      { token, entity, life_cycle_state: 'SUCCESSFUL', fields_set: 'number,log_information' });
    const records = answer.data ?? [];
    const age = (record) => record.log_information?.created_date ?? '';
    records.sort((a, b) => age(a).localeCompare(age(b)));
    let purged = 0;
    for (const { number } of records.slice(0, 3)) {
      const deleted = await post('webhook_requests/delete',
        { token, webhook_request_identifier: { number } });
      if (deleted.status.code === 'OK') purged++;
      else console.log(`could not delete ${number}:`, deleted.status.message);
    }
    console.log(`${entity}: purged ${purged} of ${records.length}`);
  }
}

main().catch((error) => console.log('purge aborted:', error.message));
