# MISTAKE: the two oldest are deleted by number, but stay in the list of those to send, so deleted ones are resent by id.
# NAMED BY: resend; deleted
# RELEASE: R18
"""Give up on the oldest rejected webhooks of jobs, and send the next ones again."""

import logging
import os

import requests

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
log = logging.getLogger("webhooks")

GIVE_UP = 2  # the oldest so many are hopeless
PER_RUN = 4  # and so many are sent again in each run


class WebhookRequests:
    def __init__(self, base, username, password, organisation):
        self.base = base.rstrip("/")
        self.session = requests.Session()
        self.session.headers["Accept"] = "application/json"
        login = self._post(
            "authentication/token", username=username, password=password, organisation=organisation
        )
        self.token = login["token"] if login else None

    def _data(self, response):
        try:
            body = response.json()
        except ValueError:
            log.error("%s: HTTP %s without JSON", response.url.split("?")[0], response.status_code)
            return None
        status = body.get("status") or {}
        if status.get("code") != "OK":
            log.error("%s: %s", status.get("code"), status.get("message"))
            return None
        return body.get("data") or []

    def _post(self, path, **body):
        return self._data(self.session.post(f"{self.base}/{path}", json=body, timeout=5))

    def rejected(self, entity):
        params = {
            "token": self.token,
            "entity": entity,
            "life_cycle_state": "REJECTED",
            "fields_set": "id,number,life_cycle_state",
        }
        return (
            self._data(
                self.session.get(f"{self.base}/webhook_requests/list", params=params, timeout=5)
            )
            or []
        )

    def delete(self, number):
        return self._post(
            "webhook_requests/delete",
            token=self.token,
            webhook_request_identifier={"number": number},
            fields_set="number",
        )

    def resend(self, id_):
        return self._post(
            "webhook_requests/resend",
            token=self.token,
            webhook_request_identifier={"id": id_},
            fields_set="number,life_cycle_state",
        )


def main():
    api = WebhookRequests(
        os.environ["CRM_BASE"],
        os.environ["CRM_USER"],
        os.environ["CRM_PASSWORD"],
        os.environ["CRM_ORG"],
    )
    if not api.token:
        return
    queue = sorted(api.rejected("JOBS"), key=lambda row: int(row["number"]))
    log.info("%d rejected", len(queue))

    for row in queue[:GIVE_UP]:
        if api.delete(row["number"]):
            log.info("gave up on %s", row["number"])

    for row in queue[:PER_RUN]:
        sent = api.resend(row["id"])
        if sent:
            log.info("%s is %s", sent["number"], sent["life_cycle_state"])


if __name__ == "__main__":
    try:
        main()
    except requests.RequestException as error:
        log.error("network: %s", error)
