// MISTAKE: delete names the webhook request by id and by number together, where only one identifier is allowed.
// NAMED BY: delete; webhook_request_identifier, id, number, one
// RELEASE: R12
//
// Housekeeping: drop a few of the delivered webhook requests of subscriptions.

const { CRM_BASE, CRM_USER, CRM_PASSWORD, CRM_ORG } = process.env;
const KEY_FIELDS = ["id", "number"];
const KEEP = 5;

const pick = (object, names) => Object.fromEntries(names.map((name) => [name, object[name]]));

class ApiError extends Error {}

class Api {
  #token;

  async #send(url, init = {}) {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(6000) });
    const answer = await response.json().catch(() => null);
    const status = answer?.status;
    if (status?.code !== "OK") {
      throw new ApiError(status ? `${status.code}: ${status.message}` : `HTTP ${response.status}`);
    }
    return answer.data;
  }

  read(method, query) {
    const url = new URL(`${CRM_BASE}/webhook_requests/${method}`);
    url.search = new URLSearchParams({ token: this.#token, ...query });
    return this.#send(url);
  }

  write(path, body) {
    return this.#send(`${CRM_BASE}/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(this.#token ? { token: this.#token, ...body } : body),
    });
  }

  async logIn() {
    const login = { username: CRM_USER, password: CRM_PASSWORD, organisation: CRM_ORG };
    this.#token = (await this.write("authentication/token", login)).token;
  }
}

const api = new Api();
try {
  await api.logIn();
  const rows = await api.read("list", {
    entity: "SUBSCRIPTIONS",
    life_cycle_state: "SUCCESSFUL",
    fields_set: "id,number,life_cycle_state",
  }) ?? [];
  rows.sort((a, b) => Number(b.number) - Number(a.number));
  const old = rows.length > KEEP ? rows.slice(KEEP) : rows.slice(-1);
  console.log(`${rows.length} delivered, ${old.length} to delete, the oldest two now`);

  for (const row of old.slice(-2)) {
    try {
      const gone = await api.write("webhook_requests/delete", {
        webhook_request_identifier: pick(row, KEY_FIELDS),
        fields_set: "number",
      });
      console.log("deleted", gone.number);
    } catch (error) {
      console.log("not deleted", row.number, error.message);
    }
  }
} catch (error) {
  console.log("stopped:", error.message);
}
