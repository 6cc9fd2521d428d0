# MISTAKE: lists everything that is rejected, by state only; a list must have an entity, entity id, definition or rule
# NAMED BY: list: no semi-optional filter (none of webhook_definition_identifier, workflow_rule_identifier, entity, entity_id)
"""Morning check: what was rejected anywhere? Then the details of activities and jobs."""

import os

import httpx


def data_of(response):
    try:
        answer = response.json()
    except ValueError:
        print("no JSON: HTTP", response.status_code)
        return None
    if answer["status"]["code"] != "OK":
        print("error:", answer["status"]["code"])
        return None
    return answer.get("data")


def main():
    with httpx.Client(base_url=os.environ["CRM_BASE"].rstrip("/") + "/", timeout=15) as crm:
        login = data_of(
            crm.post(
                "authentication/token",
                json={
                    "username": os.environ["CRM_USER"],
                    "password": os.environ["CRM_PASSWORD"],
                    "organisation": os.environ["CRM_ORG"],
                },
            )
        )
        if login is None:
            return
        token = login["token"]

        everything = data_of(
            crm.get(
                "webhook_requests/list",
                params={
                    "token": token,
                    "life_cycle_state": "REJECTED",
                    "fields_set": "number,entity,error_code",
                },
            )
        )
        print("rejected in all:", "unknown" if everything is None else len(everything))

        for entity in ("ACTIVITIES", "JOBS"):
            records = (
                data_of(
                    crm.get(
                        "webhook_requests/list",
                        params={
                            "token": token,
                            "entity": entity,
                            "life_cycle_state": "REJECTED",
                            "fields_set": "number,error_code",
                        },
                    )
                )
                or []
            )
            print(entity, [record["number"] for record in records])
            for record in records[:2]:
                shown = data_of(
                    crm.get(
                        "webhook_requests/show",
                        params={
                            "token": token,
                            "webhook_request_identifier": f"number={record['number']}",
                        },
                    )
                )
                if shown:
                    print("  ", shown["number"], shown["url"], shown["error_description"])


try:
    main()
except (httpx.HTTPError, KeyError, TypeError) as error:
    print("check failed:", repr(error))
