# RIGHT
# NAMED BY: nothing
# RELEASE: R11
"""Log in by API key, delete two successful webhook requests of jobs, log out."""

import os

import httpx

BASE = os.environ["CRM_BASE"].rstrip("/") + "/"


def unpack(response):
    try:
        answer = response.json()
    except ValueError:
        raise RuntimeError(f"HTTP {response.status_code} without JSON") from None
    if answer["status"]["code"] != "OK":
        raise RuntimeError(answer["status"]["code"])
    return answer.get("data")


def clean(http, token):
    rows = (
        unpack(
            http.get(
                "webhook_requests/list",
                params={
                    "token": token,
                    "entity": "JOBS",
                    "life_cycle_state": "SUCCESSFUL",
                    "fields_set": "id,number,entity_id",
                },
            )
        )
        or []
    )
    for row in rows[:2]:
        try:
            record = unpack(
                http.get(
                    "webhook_requests/show",
                    params={"token": token, "webhook_request_identifier": f"id={row['id']}"},
                )
            )
            gone = unpack(
                http.post(
                    "webhook_requests/delete",
                    json={
                        "token": token,
                        "webhook_request_identifier": {"id": record["id"]},
                        "fields_set": "number,life_cycle_state",
                    },
                )
            )
            print("deleted", gone["number"], gone["life_cycle_state"])
        except RuntimeError as refusal:
            print("kept", row["number"], refusal)
    if rows:
        left = (
            unpack(
                http.get(
                    "webhook_requests/list",
                    params={
                        "token": token,
                        "entity": "JOBS",
                        "entity_id": rows[0]["entity_id"],
                        "fields_set": "number",
                    },
                )
            )
            or []
        )
        print("of the same job:", [row["number"] for row in left])


def main():
    with httpx.Client(base_url=BASE, timeout=20) as http:
        token = unpack(
            http.post(
                "authentication/web_api_key/token", auth=(os.environ["CRM_API_KEY"], ""), json={}
            )
        )["token"]
        try:
            clean(http, token)
        finally:
            unpack(http.post("authentication/token/release", json={"token": token}))


try:
    main()
except Exception as error:
    print("stopped:", error)
