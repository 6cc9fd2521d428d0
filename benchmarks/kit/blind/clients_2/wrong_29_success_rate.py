# MISTAKE: it lists life_cycle_state FAILED, which does not exist: a webhook request is SUCCESSFUL or REJECTED
# NAMED BY: life_cycle_state of list: FAILED (must be SUCCESSFUL or REJECTED)
"""Success rate of webhooks by entity, for the monitoring."""

import asyncio
import os

import httpx

BASE = os.environ["CRM_BASE"].rstrip("/") + "/"
STATES = ("SUCCESSFUL", "FAILED")


async def listed(http, token, entity, state):
    response = await http.get(
        "webhook_requests/list",
        params={
            "token": token,
            "entity": entity,
            "life_cycle_state": state,
            "fields_set": "number",
        },
    )
    answer = response.json()
    if answer["status"]["code"] != "OK":
        print(entity, state, answer["status"]["message"])
        return []
    return answer.get("data") or []


async def main():
    async with httpx.AsyncClient(base_url=BASE, timeout=15) as http:
        answer = (
            await http.post(
                "authentication/token",
                json={
                    "username": os.environ["CRM_USER"],
                    "password": os.environ["CRM_PASSWORD"],
                    "organisation": os.environ["CRM_ORG"],
                },
            )
        ).json()
        if answer["status"]["code"] != "OK":
            print("login refused:", answer["status"]["message"])
            return
        token = answer["data"]["token"]
        for entity in ("ACTIVITIES", "JOBS", "SUBSCRIPTIONS"):
            good, bad = [await listed(http, token, entity, state) for state in STATES]
            total = len(good) + len(bad)
            print(entity, f"{100 * len(good) / total:.1f} %" if total else "no webhooks")
            for record in bad[:1]:
                await http.post(
                    "webhook_requests/resend",
                    json={
                        "token": token,
                        "webhook_request_identifier": {"number": record["number"]},
                    },
                )
            for record in good[:1]:
                shown = (
                    await http.get(
                        "webhook_requests/show",
                        params={
                            "token": token,
                            "webhook_request_identifier": "number=" + record["number"],
                            "fields_set": "number,url,log_information",
                        },
                    )
                ).json()
                print("  for example", (shown.get("data") or {}).get("url"))


try:
    asyncio.run(main())
except Exception as error:
    print("no rates:", repr(error))
