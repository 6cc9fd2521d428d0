// MISTAKE: lists without number, so that delete sends an identifier without any field: {}.
// NAMED BY: delete; webhook_request_identifier, number, id
// RELEASE: R10
import process from 'node:process';

const base = process.env.CRM_BASE.replace(/\/+$/, '');
const KEEP = 3;

class CrmError extends Error {}

async function call(method, path, { query, body } = {}) {
  const url = new URL(`${base}/${path}`);
  if (query) url.search = new URLSearchParams(query).toString();
  const res = await fetch(url, {
    method,
    headers: body ? { 'Content-Type': 'application/json' } : {},
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(5000),
  });
  const text = await res.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new CrmError(`HTTP ${res.status} without JSON`);
  }
  if (answer.status?.code !== 'OK') {
    throw new CrmError(`${answer.status?.code}: ${answer.status?.message}`);
  }
  return answer.data;
}

async function cleanUp(token) {
  const rows = await call('GET', 'webhook_requests/list', {
    query: {
      token,
      entity: 'SUBSCRIPTIONS',
      life_cycle_state: 'SUCCESSFUL',
      fields_set: 'id,log_information',
    },
  });
  const created = (row) => row.log_information?.created_date ?? '';
  const byAge = (rows ?? []).sort((a, b) => created(a).localeCompare(created(b)));
  const superfluous = byAge.slice(0, Math.max(1, byAge.length - KEEP)).slice(0, 2);

  for (const row of superfluous) {
    try {
      const gone = await call('POST', 'webhook_requests/delete', {
        body: { token, webhook_request_identifier: { number: row.number } },
      });
      console.log(`deleted ${gone.number} of ${created(row)}`);
    } catch (e) {
      if (!(e instanceof CrmError)) throw e;
      console.log(`not deleted (${created(row)}): ${e.message}`);
    }
  }
}

try {
  const { token } = await call('POST', 'authentication/token', {
    body: {
      username: process.env.CRM_USER,
      password: process.env.CRM_PASSWORD,
      organisation: process.env.CRM_ORG,
    },
  });
  await cleanUp(token);
} catch (e) {
  console.log(`stopped: ${e.message}`);
}
