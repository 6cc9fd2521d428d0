# MISTAKE: resend gets the number as a parameter of its own; webhook_request_identifier is missing
# NAMED BY: resend: mandatory parameter webhook_request_identifier is missing (number stands outside of it)
import os

import requests


class Crm:
    def __init__(self, base):
        self.base, self.session, self.token = base, requests.Session(), None

    def _data(self, response):
        answer = response.json()
        status = answer["status"]
        if status["code"] != "OK":
            print("  error", status["code"], "-", status["message"])
            return None
        return answer.get("data")

    def login(self):
        data = self._data(
            self.session.post(
                f"{self.base}/authentication/token",
                json={
                    "username": os.environ["CRM_USER"],
                    "password": os.environ["CRM_PASSWORD"],
                    "organisation": os.environ["CRM_ORG"],
                },
                timeout=20,
            )
        )
        self.token = data and data["token"]
        return bool(self.token)

    def rejected(self, entity):
        return (
            self._data(
                self.session.get(
                    f"{self.base}/webhook_requests/list",
                    params={"token": self.token, "entity": entity, "life_cycle_state": "REJECTED"},
                    timeout=20,
                )
            )
            or []
        )

    def show(self, number):
        return self._data(
            self.session.get(
                f"{self.base}/webhook_requests/show",
                params={"token": self.token, "webhook_request_identifier": f"number={number}"},
                timeout=20,
            )
        )

    def resend(self, number):
        return self._data(
            self.session.post(
                f"{self.base}/webhook_requests/resend",
                json={"token": self.token, "number": number},
                timeout=20,
            )
        )


def main():
    crm = Crm(os.environ["CRM_BASE"])
    if not crm.login():
        return
    for entity in ("ACTIVITIES", "JOBS"):
        for record in crm.rejected(entity)[:2]:
            now = crm.show(record["number"])
            if now and now["life_cycle_state"] == "REJECTED":
                print("resending", entity, now["number"], now["error_code"])
                print("  ok" if crm.resend(now["number"]) else "  failed")
    print(
        "left:", len(crm.rejected("ACTIVITIES")), "activities,", len(crm.rejected("JOBS")), "jobs"
    )


try:
    main()
except Exception as error:
    print("gave up:", repr(error))
