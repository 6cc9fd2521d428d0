# MISTAKE: the second login, which renews the token between two phases, leaves out the mandatory organisation.
# NAMED BY: authentication/token; organisation
# RELEASE: R12
from __future__ import annotations

import asyncio
import os

import httpx

BASE = os.environ["CRM_BASE"]
FIELDS = "number,life_cycle_state,error_code"


def data_of(response: httpx.Response) -> tuple[object, str | None]:
    try:
        body = response.json()
    except ValueError:
        return None, f"HTTP {response.status_code}: no JSON"
    status = body.get("status") or {}
    if status.get("code") != "OK":
        return None, f"{status.get('code')} {status.get('message')}"
    return body.get("data"), None


class Session:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.credentials = {
            "username": os.environ["CRM_USER"],
            "password": os.environ["CRM_PASSWORD"],
        }
        self.token: str | None = None

    async def open(self) -> bool:
        return await self._take({**self.credentials, "organisation": os.environ["CRM_ORG"]})

    async def refresh(self) -> bool:
        """Get a new token before the long part, so that it cannot end in the middle."""
        return await self._take(self.credentials)

    async def _take(self, body: dict[str, str]) -> bool:
        data, error = data_of(await self.http.post(f"{BASE}/authentication/token", json=body))
        if error:
            print("login:", error)
            return False
        self.token = data["token"]
        return True

    async def rejected(self, entity: str) -> list[dict]:
        params = {
            "token": self.token,
            "entity": entity,
            "life_cycle_state": "REJECTED",
            "fields_set": FIELDS,
        }
        data, error = data_of(await self.http.get(f"{BASE}/webhook_requests/list", params=params))
        if error:
            print(entity, error)
        return data or []

    async def resend(self, number: str) -> None:
        body = {
            "token": self.token,
            "webhook_request_identifier": {"number": number},
            "fields_set": FIELDS,
        }
        data, error = data_of(await self.http.post(f"{BASE}/webhook_requests/resend", json=body))
        print(number, error or data["life_cycle_state"])


async def main() -> None:
    async with httpx.AsyncClient(timeout=5) as http:
        session = Session(http)
        if not await session.open():
            return
        lists = await asyncio.gather(*(session.rejected(e) for e in ("JOBS", "SERVICEREQUESTS")))
        queue = [row["number"] for rows in lists for row in rows]
        print(len(queue), "to send again, three of them today")

        if not await session.refresh():
            print("going on with the token of before")
        for number in queue[:3]:
            await session.resend(number)


try:
    asyncio.run(main())
except httpx.HTTPError as problem:
    print("network:", repr(problem))
