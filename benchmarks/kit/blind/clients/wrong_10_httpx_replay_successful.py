# MISTAKE: replays webhook requests that are already SUCCESSFUL by resend
# NAMED BY: resend: only a REJECTED webhook request can be sent again, these are SUCCESSFUL
"""The data warehouse lost a day: replay the webhooks that it had got."""

import os

import httpx


class ApiError(Exception):
    pass


class Crm(httpx.Client):
    token = ""

    def data(self, response):
        body = response.json()
        if body["status"]["code"] != "OK":
            raise ApiError(body["status"]["code"])
        return body.get("data")

    def login(self):
        self.token = self.data(
            self.post(
                "authentication/token",
                json={
                    "username": os.environ["CRM_USER"],
                    "password": os.environ["CRM_PASSWORD"],
                    "organisation": os.environ["CRM_ORG"],
                },
            )
        )["token"]

    def delivered(self, entity):
        return (
            self.data(
                self.get(
                    "webhook_requests/list",
                    params={
                        "token": self.token,
                        "entity": entity,
                        "life_cycle_state": "SUCCESSFUL",
                        "fields_set": "id,number,entity_id",
                    },
                )
            )
            or []
        )

    def resend(self, record):
        return self.data(
            self.post(
                "webhook_requests/resend",
                json={"token": self.token, "webhook_request_identifier": {"id": record["id"]}},
            )
        )


def main():
    with Crm(base_url=os.environ["CRM_BASE"] + "/", timeout=20) as crm:
        crm.login()
        for entity in ("ACTIVITIES", "JOBS", "SUBSCRIPTIONS"):
            records = crm.delivered(entity)
            print(entity, len(records), "delivered earlier")
            for record in records[:2]:
                try:
                    crm.resend(record)
                    print("  replayed", record["number"])
                except ApiError as error:
                    print("  not replayed", record["number"], error)


try:
    main()
except (ApiError, httpx.HTTPError, ValueError, KeyError) as error:
    print("stopped:", repr(error))
