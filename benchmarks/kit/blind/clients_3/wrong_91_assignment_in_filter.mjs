// MISTAKE: "=" instead of "===" in a filter, so SUCCESSFUL webhook requests are sent again.
// NAMED BY: resend; SUCCESSFUL, REJECTED
// RELEASE: R13

const env = process.env;
const AT_MOST = 4;

async function json(path, options) {
  const response = await fetch(env.CRM_BASE + path, {
    ...options,
    signal: AbortSignal.timeout(4000),
  });
  const answer = await response.json().catch(() => null);
  return answer ?? { status: { code: `HTTP ${response.status}`, message: 'no JSON' } };
}

const post = (path, body) =>
  json(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });

const get = (path, query) => json(`${path}?${new URLSearchParams(query)}`);

function ok(what, answer) {
  if (answer.status.code === 'OK') return true;
  console.log(`${what}: ${answer.status.code} ${answer.status.message ?? ''}`);
  return false;
}

async function run() {
  const login = await post('/authentication/token', {
    username: env.CRM_USER,
    password: env.CRM_PASSWORD,
    organisation: env.CRM_ORG,
  });
  if (!ok('login', login)) return;
  const token = login.data.token;

  const all = await get('/webhook_requests/list', {
    token,
    entity: 'SUBSCRIPTIONS',
    fields_set: 'number,life_cycle_state,error_code',
  });
  if (!ok('list', all)) return;

  // The same errors together: they have the same cause.
  const sorted = (all.data ?? []).sort((a, b) =>
    (a.error_code ?? '').localeCompare(b.error_code ?? ''),
  );
  const rejected = sorted.filter((row) => (row.life_cycle_state = 'REJECTED'));
  console.log(`${rejected.length} of ${sorted.length} are rejected`);

  for (const { number, error_code } of rejected.slice(0, AT_MOST)) {
    const answer = await post('/webhook_requests/resend', {
      token,
      webhook_request_identifier: { number },
      fields_set: 'number,life_cycle_state',
    });
    if (ok(`resend ${number} (${error_code})`, answer)) {
      console.log(`resend ${number}: ${answer.data.life_cycle_state}`);
    }
  }
}

run().catch((e) => console.log('stopped:', e.message));
