// RIGHT
// NAMED BY: nothing (after a lost response of delete, a list tells whether the record still exists)
// LOSES: delete
// Shows a successful activity webhook, lists what its definition sent, and deletes two successful ones.
const { CRM_BASE, CRM_USER, CRM_PASSWORD, CRM_ORG } = process.env;

async function answerOf(method, options = {}, query = '') {
  const response = await fetch(`${CRM_BASE}/${method}${query}`, { ...options, signal: AbortSignal.timeout(10000) });
  return JSON.parse(await response.text());
}

class Refused extends Error {}

function dataOf({ status, data }) {
  if (status.code !== 'OK') throw new Refused(`${status.code} ${status.message}`);
  return data;
}

const get = async (method, params) => dataOf(await answerOf(method, {}, `?${new URLSearchParams(params)}`));
const post = async (method, body) => dataOf(await answerOf(method, {
  method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
}));

const filter = { entity: 'ACTIVITIES', life_cycle_state: 'SUCCESSFUL' };
const numbers = async (token) =>
  ((await get('webhook_requests/list', { token, ...filter, fields_set: 'number' })) ?? []).map((r) => r.number);

async function remove(token, number) {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      return await post('webhook_requests/delete', { token, webhook_request_identifier: { number } });
    } catch (error) {
      if (error instanceof Refused) throw error;
      console.log('response lost:', error.message);
      if (!(await numbers(token)).includes(number)) return { number };
    }
  }
  throw new Error(`${number} could not be deleted`);
}

try {
  const { token } = await post('authentication/token',
    { username: CRM_USER, password: CRM_PASSWORD, organisation: CRM_ORG });
  const found = await numbers(token);
  for (const number of found.slice(0, 1)) {
    const record = await get('webhook_requests/show', { token, webhook_request_identifier: `number=${number}` });
    console.log(record.number, record.url, record.log_information?.created_date);
    const id = record.webhook_definition?.id;
    const same = id ? await get('webhook_requests/list',
      { token, webhook_definition_identifier: `id=${id}`, fields_set: 'number,life_cycle_state' }) : [];
    console.log('same definition:', (same ?? []).length);
  }
  for (const number of found.slice(-2)) console.log('deleted', (await remove(token, number)).number);
  console.log('left:', (await numbers(token)).length);
} catch (error) {
  console.log('stopped:', error.message);
}
