# MISTAKE: asks for both states at once with life_cycle_state=SUCCESSFUL,REJECTED, which is not a state.
# NAMED BY: list; life_cycle_state, SUCCESSFUL or REJECTED
# RELEASE: R11
import os
from collections import Counter

import httpx

STATES = ["SUCCESSFUL", "REJECTED"]
ENTITIES = ["ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS"]


class CrmError(Exception):
    pass


class Crm:
    def __init__(self, base: str) -> None:
        self.http = httpx.Client(base_url=base.rstrip("/") + "/", timeout=5)
        self.token = ""

    def _unwrap(self, response: httpx.Response):
        try:
            body = response.json()
            code = body["status"]["code"]
        except (ValueError, KeyError, TypeError):
            raise CrmError(f"HTTP {response.status_code} without a status") from None
        if code != "OK":
            raise CrmError(f"{code}: {body['status'].get('message')}")
        return body.get("data")

    def login(self, username: str, password: str, organisation: str) -> None:
        body = {"username": username, "password": password, "organisation": organisation}
        self.token = self._unwrap(self.http.post("authentication/token", json=body))["token"]

    def logout(self) -> None:
        self._unwrap(self.http.post("authentication/token/release", json={"token": self.token}))

    def get(self, method: str, **params):
        return self._unwrap(
            self.http.get(f"webhook_requests/{method}", params={"token": self.token, **params})
        )

    def list(self, *, states=None, fields=None, **filters):
        if states:
            filters["life_cycle_state"] = ",".join(states)
        if fields:
            filters["fields_set"] = ",".join(fields)
        return self.get("list", **filters) or []


def main() -> None:
    crm = Crm(os.environ["CRM_BASE"])
    try:
        crm.login(os.environ["CRM_USER"], os.environ["CRM_PASSWORD"], os.environ["CRM_ORG"])
    except (CrmError, httpx.HTTPError) as error:
        print("login:", error)
        return

    for entity in ENTITIES:
        try:
            rows = crm.list(entity=entity, states=STATES, fields=["number", "life_cycle_state"])
            print(entity, dict(Counter(row["life_cycle_state"] for row in rows)))
        except (CrmError, httpx.HTTPError) as error:
            print(entity, error)

    try:
        worst = crm.list(entity="JOBS", states=["REJECTED"], fields=["number"])[:1]
        for row in worst:
            details = crm.get("show", webhook_request_identifier=f"number={row['number']}")
            print(details["number"], details.get("error_code"), details.get("error_description"))
    except (CrmError, httpx.HTTPError) as error:
        print("details:", error)

    try:
        crm.logout()
    except (CrmError, httpx.HTTPError) as error:
        print("logout:", error)


main()
