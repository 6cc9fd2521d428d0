// RIGHT
// NAMED BY: nothing
// RELEASE: R18
//
// Reads all pages of what is rejected, and only then sends the oldest ones again.

const { CRM_BASE, CRM_USER, CRM_PASSWORD, CRM_ORG } = process.env;
const PAGE = 6;
const JSON_TYPE = { 'Content-Type': 'application/json' };

class Crm {
  #token = '';

  async #send(path, init = {}) {
    const url = `${CRM_BASE}/${path}`;
    const res = await fetch(url, { ...init, signal: AbortSignal.timeout(5000) });
    const text = await res.text();
    let answer;
    try {
      answer = JSON.parse(text);
    } catch {
      throw new Error(`HTTP ${res.status}, no JSON`);
    }
    if (answer.status?.code === 'OK') return answer.data;
    throw new Error(`${answer.status?.code}: ${answer.status?.message}`);
  }

  #post(path, body) {
    return this.#send(path, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) });
  }

  async login(username, password, organisation) {
    const data = await this.#post('authentication/token', { username, password, organisation });
    this.#token = data.token;
  }

  async *rejected(entity) {
    const seen = new Set();
    for (let pages = 0; pages < 30; pages++) {
      const query = new URLSearchParams({
        token: this.#token,
        entity,
        life_cycle_state: 'REJECTED',
        fields_set: 'number,entity,error_code',
        number_of_results: PAGE,
      });
      if (seen.size) query.set('offset', seen.size);
      const rows = (await this.#send(`webhook_requests/list?${query}`)) ?? [];
      const fresh = rows.filter((row) => !seen.has(row.number));
      if (!fresh.length) return;
      for (const row of fresh) seen.add(row.number);
      yield* fresh;
    }
  }

  resend(number) {
    return this.#post('webhook_requests/resend', {
      token: this.#token,
      webhook_request_identifier: { number },
      fields_set: 'number,life_cycle_state,error_code',
    });
  }
}

try {
  const crm = new Crm();
  await crm.login(CRM_USER, CRM_PASSWORD, CRM_ORG);
  const found = [];
  for (const entity of ['INVOICES', 'WALLETTRANSACTIONS', 'JOBS']) {
    for await (const row of crm.rejected(entity)) found.push(row);
  }
  console.log(`${found.length} are rejected`);
  found.sort((a, b) => Number(a.number) - Number(b.number));
  for (const { number } of found.slice(0, 3)) {
    const record = await crm.resend(number).catch((e) => ({ life_cycle_state: e.message }));
    console.log(number, record.life_cycle_state, record.error_code ?? '');
  }
} catch (e) {
  console.log('stopped:', e.message);
}
