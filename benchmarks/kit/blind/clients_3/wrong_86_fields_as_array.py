# MISTAKE: fields_set of resend is a JSON array instead of a comma-separated string.
# NAMED BY: resend; fields_set, string
# RELEASE: R18
from __future__ import annotations

import asyncio
import os
from typing import Any

import httpx

FIELDS = ["number", "life_cycle_state", "error_code"]
ENTITIES = ("CREDITNOTES", "PAYMENTS", "ACTIVITIES")


def data_of(response: httpx.Response) -> Any:
    try:
        answer = response.json()
    except ValueError as error:
        raise RuntimeError(f"HTTP {response.status_code}: no JSON") from error
    if answer["status"]["code"] != "OK":
        raise RuntimeError(f"{answer['status']['code']}: {answer['status'].get('message')}")
    return answer.get("data")


async def login(http: httpx.AsyncClient) -> str:
    response = await http.post(
        "/authentication/token",
        json={
            "username": os.environ["CRM_USER"],
            "password": os.environ["CRM_PASSWORD"],
            "organisation": os.environ["CRM_ORG"],
        },
    )
    return data_of(response)["token"]


async def rejected(http: httpx.AsyncClient, token: str, entity: str) -> list[dict]:
    query = {
        "token": token,
        "entity": entity,
        "life_cycle_state": "REJECTED",
        "fields_set": ",".join(FIELDS),
    }
    return data_of(await http.get("/webhook_requests/list", params=query)) or []


async def resend(http: httpx.AsyncClient, token: str, number: str) -> dict:
    body = {
        "token": token,
        "webhook_request_identifier": {"number": number},
        "fields_set": FIELDS,
    }
    return data_of(await http.post("/webhook_requests/resend", json=body))


async def main() -> None:
    async with httpx.AsyncClient(base_url=os.environ["CRM_BASE"], timeout=4) as http:
        token = await login(http)
        for entity in ENTITIES:
            rows = await rejected(http, token, entity)
            print(entity, len(rows), "rejected")
            for row in rows[:1]:
                try:
                    result = await resend(http, token, row["number"])
                    print("  resent", result)
                except RuntimeError as error:
                    print("  not resent:", error)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (RuntimeError, httpx.HTTPError) as error:
        print("gave up:", error)
