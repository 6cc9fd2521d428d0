# MISTAKE: lists the entity LEADS, which the release (R13) does not have; it came with R14.
# NAMED BY: list; entity, LEADS
# RELEASE: R13
import os
from collections import Counter

import httpx

SALES = ("SUBSCRIPTIONS", "LEADS")
FIELD_SERVICE = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS")


class CrmError(Exception):
    pass


class Crm:
    def __init__(self, http):
        self.http = http
        self.token = None

    @staticmethod
    def _data(response):
        try:
            document = response.json()
        except ValueError:
            raise CrmError(f"HTTP {response.status_code}, no JSON") from None
        status = document.get("status") or {}
        if status.get("code") != "OK":
            raise CrmError(f"{status.get('code')}: {status.get('message')}")
        return document.get("data")

    def login(self, user, password, organisation):
        body = {"username": user, "password": password, "organisation": organisation}
        self.token = self._data(self.http.post("authentication/token", json=body))["token"]

    def rejected(self, entity, limit):
        query = {
            "token": self.token,
            "entity": entity,
            "life_cycle_state": "REJECTED",
            "number_of_results": limit,
            "fields_set": "number,entity,error_code,error_description",
        }
        return self._data(self.http.get("webhook_requests/list", params=query)) or []


def report(crm, team, entities):
    print(f"== {team}")
    for entity in entities:
        try:
            rows = crm.rejected(entity, 25)
        except CrmError as error:
            print(f"{entity}: cannot be listed ({error})")
            continue
        causes = Counter(row.get("error_code") or "?" for row in rows)
        print(f"{entity}: {len(rows)} rejected", dict(causes.most_common(3)))


def main():
    with httpx.Client(base_url=os.environ["CRM_BASE"].rstrip("/") + "/", timeout=4) as http:
        crm = Crm(http)
        try:
            crm.login(os.environ["CRM_USER"], os.environ["CRM_PASSWORD"], os.environ["CRM_ORG"])
            report(crm, "field service", FIELD_SERVICE)
            report(crm, "sales", SALES)
        except (CrmError, httpx.HTTPError) as error:
            print("stopped:", error)


if __name__ == "__main__":
    main()
