# MISTAKE: delete gets field_set in its body, where the documents have fields_set.
# NAMED BY: delete; field_set, fields_set
# RELEASE: R15
"""Delete the webhook requests of payments that a third party has received."""

import logging
import os

import requests

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
log = logging.getLogger("purge")


class WebApi:
    def __init__(self, base):
        self.base = base
        self.session = requests.Session()
        self.token = ""

    def _result(self, response):
        try:
            answer = response.json()
        except requests.exceptions.JSONDecodeError:
            log.error("HTTP %s: no JSON", response.status_code)
            return None
        status = answer.get("status", {})
        if status.get("code") != "OK":
            log.error("%s %s", status.get("code"), status.get("message"))
            return None
        return answer.get("data") or {}

    def get(self, method, **parameters):
        url = f"{self.base}/webhook_requests/{method}"
        parameters = {"token": self.token} | parameters
        return self._result(self.session.get(url, params=parameters, timeout=5))

    def post(self, method, **parameters):
        url = f"{self.base}/webhook_requests/{method}"
        body = {"token": self.token} | parameters
        return self._result(self.session.post(url, json=body, timeout=5))

    def login(self, user, password, organisation):
        body = {"username": user, "password": password, "organisation": organisation}
        url = f"{self.base}/authentication/token"
        result = self._result(self.session.post(url, json=body, timeout=5))
        self.token = (result or {}).get("token", "")
        return bool(self.token)


def purge(api, entity, how_many):
    rows = api.get(
        "list",
        entity=entity,
        life_cycle_state="SUCCESSFUL",
        number_of_results=how_many,
        fields_set="number",
    )
    for row in rows or []:
        gone = api.post(
            "delete",
            webhook_request_identifier={"number": row["number"]},
            field_set="number,entity_id",
        )
        if gone:
            log.info("deleted %s (%s)", gone.get("number"), gone.get("entity_id"))


def main():
    api = WebApi(os.environ["CRM_BASE"])
    try:
        if api.login(os.environ["CRM_USER"], os.environ["CRM_PASSWORD"], os.environ["CRM_ORG"]):
            purge(api, "PAYMENTS", 2)
    except requests.RequestException as error:
        log.error("connection: %s", error)


main()
