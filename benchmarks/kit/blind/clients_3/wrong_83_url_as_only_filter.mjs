// MISTAKE: lists by url and life_cycle_state alone, without any of the semi-optional filters.
// NAMED BY: list; semi-optional, entity, entity_id
// RELEASE: R15
//
// Which webhooks did this receiver refuse? Finds one receiver, then asks for all it refused.

const { CRM_BASE, CRM_USER, CRM_PASSWORD, CRM_ORG } = process.env;

async function request(path, init = {}) {
  let text;
  try {
    const res = await fetch(`${CRM_BASE}/${path}`, { ...init, signal: AbortSignal.timeout(5000) });
    text = await res.text();
  } catch (e) {
    return { error: `no response: ${e.message}` };
  }
  try {
    const { status, data } = JSON.parse(text);
    return status?.code === 'OK' ? { data } : { error: `${status?.code} ${status?.message}` };
  } catch {
    return { error: `not JSON: ${text.slice(0, 60)}` };
  }
}

const login = () =>
  request('authentication/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: CRM_USER, password: CRM_PASSWORD, organisation: CRM_ORG }),
  });

/** Every filter that is set goes into the query. */
function list(token, filters) {
  const query = new URLSearchParams({ token });
  for (const [name, value] of Object.entries(filters)) {
    if (value !== undefined) query.set(name, value);
  }
  return request(`webhook_requests/list?${query}`);
}

async function main() {
  const session = await login();
  if (session.error) return console.log('login failed:', session.error);
  const { token } = session.data;

  const first = await list(token, {
    entity: 'INVOICES',
    life_cycle_state: 'REJECTED',
    number_of_results: 1,
    fields_set: 'number,url',
  });
  if (first.error) console.log('INVOICES:', first.error);
  const receiver = first.data?.[0]?.url ?? 'https://hooks.example.com/crm';
  console.log('receiver:', receiver);

  const refused = await list(token, {
    url: receiver,
    life_cycle_state: 'REJECTED',
    fields_set: 'number,entity,error_code',
  });
  if (refused.error) return console.log('list failed:', refused.error);
  for (const row of refused.data ?? []) {
    console.log(row.number.padStart(6), row.entity, row.error_code ?? '');
  }
}

await main();
