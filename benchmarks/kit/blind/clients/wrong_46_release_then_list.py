# MISTAKE: releases its token, and then lists with the released token
# NAMED BY: token_release; a released token no longer works (released_token, at the second list)
# RELEASE: R11
"""Resend rejected jobs, log out, and report what is left."""

import os

import httpx

BASE = os.environ["CRM_BASE"].rstrip("/") + "/"


class Crm:
    def __init__(self):
        self.http = httpx.Client(base_url=BASE, timeout=15)
        self.token = None

    def __enter__(self):
        self.token = self.check(
            self.http.post(
                "authentication/token",
                json={
                    "username": os.environ["CRM_USER"],
                    "password": os.environ["CRM_PASSWORD"],
                    "organisation": os.environ["CRM_ORG"],
                },
            )
        )["token"]
        return self

    def __exit__(self, *_):
        self.http.post("authentication/token/release", json={"token": self.token})

    def check(self, response):
        answer = response.json()
        if answer["status"]["code"] != "OK":
            print("refused:", answer["status"]["code"])
            return {}
        return answer.get("data") or {}

    def rejected(self):
        return (
            self.check(
                self.http.get(
                    "webhook_requests/list",
                    params={
                        "token": self.token,
                        "entity": "JOBS",
                        "life_cycle_state": "REJECTED",
                        "fields_set": "number,error_code",
                    },
                )
            )
            or []
        )

    def resend(self, number):
        return self.check(
            self.http.post(
                "webhook_requests/resend",
                json={"token": self.token, "webhook_request_identifier": {"number": number}},
            )
        )


def main():
    with Crm() as crm:
        for row in crm.rejected()[:3]:
            print(row["number"], crm.resend(row["number"]).get("life_cycle_state"))
    left = crm.rejected()
    print("left:", len(left))


try:
    main()
except Exception as error:
    print("stopped:", error)
