// A test as a TypeScript project would write it: the client's types come from the control API's document.
import assert from "node:assert/strict";
import { test } from "node:test";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

const MOCK = process.env["MOCK"];
const TOKEN = process.env["TOKEN"];

/** Return the control API and the API of a world, which its first use makes. */
function world(name: string) {
  const admin = createClient<paths>({ baseUrl: `${MOCK}/worlds/${name}/__admin` });
  const resend = (number: string) =>
    fetch(`${MOCK}/worlds/${name}/crmapi/rest/v2/webhook_requests/resend`, {
      method: "POST",
      body: JSON.stringify({ token: TOKEN, webhook_request_identifier: { number } }),
    });
  return { admin, resend };
}

type Admin = ReturnType<typeof world>["admin"];
type Members = components["schemas"]["RecordMembers"];

async function added(admin: Admin, record: Members): Promise<string> {
  const body = { webhook_request: [{ record }] };
  const { data, error } = await admin.POST("/records", { body });
  assert.equal(error, undefined);
  const number = data?.filled_in[0]?.record.number;
  assert.ok(number);
  return number;
}

async function state(admin: Admin, number: string) {
  const { data } = await admin.GET("/records/{record}", { params: { path: { record: number } } });
  return data?.record.life_cycle_state;
}

test("a lost response is carried out once", async () => {
  const { admin, resend } = world("lost-answer");
  const number = await added(admin, { entity: "JOBS", life_cycle_state: "REJECTED" });
  const { data: faults } = await admin.POST("/faults", {
    body: { preset: "lost_response", operation: "resend" },
  });
  assert.equal(faults?.faults.length, 1);

  await assert.rejects(resend(number));

  assert.equal(await state(admin, number), "SUCCESSFUL");
  const { data: verified } = await admin.POST("/verify", {
    body: { operation: "resend", record: number, times: 1 },
  });
  assert.equal(verified?.ok, true);
});

test("a script decides what becomes of one record", async () => {
  const { admin, resend } = world("script");
  const number = await added(admin, { life_cycle_state: "REJECTED" });
  const { data } = await admin.PUT("/deliveries/script", {
    body: { script: "timeout, success", record: number },
  });
  assert.deepEqual(data?.scripts.map((one) => one.record), [null, number]);

  await resend(number);
  assert.equal(await state(admin, number), "REJECTED");
  await resend(number);
  assert.equal(await state(admin, number), "SUCCESSFUL");
});

test("a record is changed and removed, a definition added", async () => {
  const { admin } = world("changes");
  const params = { path: { record: await added(admin, {}) } };
  const changed = await admin.PATCH("/records/{record}", {
    params,
    body: { record: { url: "http://127.0.0.1:1/" } },
  });
  assert.equal(changed.data?.record.url, "http://127.0.0.1:1/");
  const definition: components["schemas"]["Definition"] = { name: "Jobs", entity: "JOBS" };
  await admin.POST("/records", { body: { webhook_definition: [definition] } });
  const { data: kept } = await admin.GET("/definitions");
  assert.ok(kept?.definitions.at(-1)?.id);

  assert.equal((await admin.DELETE("/records/{record}", { params })).response.status, 200);
  const { error, response } = await admin.GET("/records/{record}", { params });
  assert.equal(response.status, 404);
  assert.equal(error?.parameter, "record");
});

test("the types know what is allowed", async () => {
  const { admin } = world("types");
  // @ts-expect-error: a script is a text
  const { error } = await admin.PUT("/deliveries/script", { body: { script: 5 } });
  assert.equal(error?.parameter, "script");
});
