// MISTAKE: it lists the webhook requests of LEADS, an entity that appears in R14.0.0, on an instance of R13
// NAMED BY: entity of list: LEADS is not supported before R14.0.0
// RELEASE: R13
// Weekly overview of rejected webhooks by entity, page by page.
const base = process.env.CRM_BASE.replace(/\/$/, '');
const PAGE = 20;

async function call(method, params, verb = 'GET') {
  const response = verb === 'GET'
    ? await fetch(`${base}/${method}?${new URLSearchParams(params)}`)
    : await fetch(`${base}/${method}`, {
      method: verb,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(params),
    });
  const answer = await response.json();
  if (answer.status.code !== 'OK') throw new Error(`${answer.status.code} ${answer.status.message}`);
  return answer.data;
}

async function rejectedOf(token, entity) {
  const seen = new Set();
  for (let offset = 0, pages = 0; pages < 3; pages++) {
    const page = (await call('webhook_requests/list', {
      token, entity, life_cycle_state: 'REJECTED', fields_set: 'number',
      number_of_results: PAGE, offset,
    })) ?? [];
    const fresh = page.filter((record) => !seen.has(record.number));
    if (fresh.length === 0) break;
    fresh.forEach((record) => seen.add(record.number));
    offset += page.length;
  }
  return [...seen];
}

async function main() {
  const { token } = await call('authentication/token', {
    username: process.env.CRM_USER,
    password: process.env.CRM_PASSWORD,
    organisation: process.env.CRM_ORG,
  }, 'POST');
  for (const entity of ['ACTIVITIES', 'SERVICEREQUESTS', 'LEADS', 'SUBSCRIPTIONS']) {
    try {
      const numbers = await rejectedOf(token, entity);
      console.log(entity, numbers.length);
      if (numbers.length === 0) continue;
      const example = await call('webhook_requests/show',
        { token, webhook_request_identifier: `number=${numbers[0]}`, fields_set: 'number,error_code,url' });
      console.log('  for example', example.number, example.error_code, example.url);
    } catch (error) {
      console.log(entity, 'not available:', error.message);
    }
  }
}

await main().catch((error) => console.log('no overview:', error.message));
