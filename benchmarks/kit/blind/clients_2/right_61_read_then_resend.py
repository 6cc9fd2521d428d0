# RIGHT
# NAMED BY: nothing
# RELEASE: R15
"""Read all pages of some entities with a filter that stays as it is, then resend a few, by id; then list again."""

import os
from typing import Iterator

import httpx

PAGE = 7
FIELDS = "id,number,life_cycle_state,error_code"


class Failure(Exception):
    pass


def check(response: httpx.Response):
    try:
        body = response.json()
    except ValueError as e:
        raise Failure(f"HTTP {response.status_code} with no JSON") from e
    status = body.get("status") or {}
    if status.get("code") != "OK":
        raise Failure(f"{status.get('code')} / {status.get('message')}")
    return body.get("data")


def pages(http: httpx.Client, token: str, entity: str) -> Iterator[list[dict]]:
    """Yield what is new in each page. A short page need not be the last one."""
    seen: set[str] = set()
    offset = 0
    while offset < 400:
        rows = (
            check(
                http.get(
                    "webhook_requests/list",
                    params={
                        "token": token,
                        "entity": entity,
                        "fields_set": FIELDS,
                        "number_of_results": PAGE,
                        "offset": offset,
                    },
                )
            )
            or []
        )
        new = [row for row in rows if row["number"] not in seen]
        if not new:
            return
        seen.update(row["number"] for row in new)
        offset += len(rows)
        yield new


def main() -> None:
    with httpx.Client(base_url=os.environ["CRM_BASE"].rstrip("/") + "/", timeout=5) as http:
        token = check(
            http.post(
                "authentication/token",
                json={
                    "username": os.environ["CRM_USER"],
                    "password": os.environ["CRM_PASSWORD"],
                    "organisation": os.environ["CRM_ORG"],
                },
            )
        )["token"]

        for entity in ("INVOICECANCELLATIONS", "LEADS"):
            rows = [row for page in pages(http, token, entity) for row in page]
            rejected = {
                row["id"]: row["number"] for row in rows if row["life_cycle_state"] == "REJECTED"
            }
            print(entity, len(rows), "in all,", len(rejected), "rejected")

            for id_ in list(rejected)[:2]:
                try:
                    row = check(
                        http.post(
                            "webhook_requests/resend",
                            json={
                                "token": token,
                                "webhook_request_identifier": {"id": id_},
                                "fields_set": "number,life_cycle_state",
                            },
                        )
                    )
                    print("  resent", row)
                except Failure as failure:
                    print("  resend of", rejected[id_], failure)

            left = (
                check(
                    http.get(
                        "webhook_requests/list",
                        params={
                            "token": token,
                            "entity": entity,
                            "life_cycle_state": "REJECTED",
                            "fields_set": "number",
                            "number_of_results": 100,
                            "offset": 0,
                        },
                    )
                )
                or []
            )
            print("  still rejected:", [row["number"] for row in left])


try:
    main()
except (Failure, httpx.HTTPError) as error:
    print("stopped:", error)
