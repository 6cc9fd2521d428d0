# MISTAKE: resend names the webhook request by the entity_id of its job or activity, which identifies no webhook request
# NAMED BY: webhook_request_identifier of resend: its fields are id and number, not entity_id
"""Resyncs jobs and activities with the field service: for each with a rejected webhook, send it again."""

import os

import httpx

BASE = os.environ["CRM_BASE"].rstrip("/")


class Refused(Exception):
    pass


def data_of(response):
    answer = response.json()
    if answer["status"]["code"] != "OK":
        raise Refused(f"{answer['status']['code']} {answer['status']['message']}")
    return answer.get("data")


def login(http):
    return data_of(
        http.post(
            f"{BASE}/authentication/token",
            json={
                "username": os.environ["CRM_USER"],
                "password": os.environ["CRM_PASSWORD"],
                "organisation": os.environ["CRM_ORG"],
            },
        )
    )["token"]


def resync(http, token, job_id):
    try:
        history = (
            data_of(
                http.get(
                    f"{BASE}/webhook_requests/list",
                    params={
                        "token": token,
                        "entity_id": job_id,
                        "fields_set": "number,life_cycle_state",
                    },
                )
            )
            or []
        )
        print("record", job_id, "has", len(history), "webhook requests")
        result = data_of(
            http.post(
                f"{BASE}/webhook_requests/resend",
                json={"token": token, "webhook_request_identifier": {"entity_id": job_id}},
            )
        )
        print("record", job_id, "->", result["life_cycle_state"])
    except (Refused, ValueError) as error:
        print("record", job_id, "not resynced:", error)


def main():
    with httpx.Client(timeout=15) as http:
        token = login(http)
        rejected = []
        for entity in ("JOBS", "ACTIVITIES"):
            rejected += (
                data_of(
                    http.get(
                        f"{BASE}/webhook_requests/list",
                        params={
                            "token": token,
                            "entity": entity,
                            "life_cycle_state": "REJECTED",
                            "fields_set": "number,entity_id",
                        },
                    )
                )
                or []
            )
        jobs = list(dict.fromkeys(record["entity_id"] for record in rejected))
        for job_id in jobs[:4]:
            resync(http, token, job_id)


try:
    main()
except Exception as error:
    print("resync stopped:", repr(error))
