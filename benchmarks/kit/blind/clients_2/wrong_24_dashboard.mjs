// MISTAKE: the dashboard keeps numbers as JavaScript numbers, and resend and delete send {"number": 7} instead of {"number": "7"}
// NAMED BY: webhook_request_identifier of resend and delete: number is a string, not a JSON number
// Backend of a small dashboard: rejected webhooks sorted by number; retry the newest, drop the oldest.
const { CRM_BASE, CRM_USER, CRM_PASSWORD, CRM_ORG } = process.env;

async function unpack(response) {
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`no JSON, HTTP ${response.status}`);
  }
  if (answer.status.code !== 'OK') throw new Error(`${answer.status.code}: ${answer.status.message}`);
  return answer.data;
}

const get = async (method, params) =>
  unpack(await fetch(`${CRM_BASE}/${method}?${new URLSearchParams(params)}`));

const post = async (method, body) =>
  unpack(await fetch(`${CRM_BASE}/${method}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  }));

async function attempt(label, action) {
  try {
    console.log(label, (await action())?.life_cycle_state);
  } catch (error) {
    console.log(label, 'failed:', error.message);
  }
}

try {
  const { token } = await post('authentication/token',
    { username: CRM_USER, password: CRM_PASSWORD, organisation: CRM_ORG });
  const rows = [];
  for (const entity of ['ACTIVITIES', 'JOBS']) {
    const found = await get('webhook_requests/list',
      { token, entity, life_cycle_state: 'REJECTED', fields_set: 'number,error_code' });
    for (const record of found ?? []) rows.push({ ...record, entity, number: Number(record.number) });
  }
  rows.sort((a, b) => b.number - a.number);
  console.table(rows.slice(0, 5));
  for (const { number } of rows.slice(0, 3)) {
    await attempt(`show ${number}`, () =>
      get('webhook_requests/show', { token, webhook_request_identifier: `number=${number}` }));
    await attempt(`resend ${number}`, () =>
      post('webhook_requests/resend', { token, webhook_request_identifier: { number } }));
  }
  for (const { number } of rows.slice(3).slice(-1)) {
    await attempt(`delete ${number}`, () =>
      post('webhook_requests/delete', { token, webhook_request_identifier: { number } }));
  }
} catch (error) {
  console.log('dashboard not updated:', error.message);
}
