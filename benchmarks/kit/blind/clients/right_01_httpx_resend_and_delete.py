# RIGHT
# NAMED BY: nothing (login, list of each entity, show, resend, delete in R9)
import os

import httpx

ENTITIES = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")


class Crm:
    def __init__(self, http):
        self.http, self.token, self.logins = http, None, 0

    def read(self, response):
        try:
            answer = response.json()
            return answer["status"]["code"], answer.get("data")
        except (ValueError, KeyError, TypeError):
            return f"HTTP {response.status_code}, no JSON", None

    def login(self):
        self.logins += 1
        names = {"username": "CRM_USER", "password": "CRM_PASSWORD", "organisation": "CRM_ORG"}
        login = {key: os.environ[name] for key, name in names.items()}
        code, data = self.read(self.http.post("authentication/token", json=login))
        self.token = data["token"] if code == "OK" else None
        return self.token

    def call(self, verb, method, **parameters):
        while True:
            where = "params" if verb == "GET" else "json"
            code, data = self.read(
                self.http.request(verb, method, **{where: {"token": self.token, **parameters}})
            )
            if code == "OK":
                return data
            print(f"  {method}: {code}")
            # the token may have ended: log in again, once, and repeat what was refused
            if "no JSON" in code or self.logins > 1 or not self.login():
                return None


def main():
    with httpx.Client(base_url=os.environ["CRM_BASE"].rstrip("/") + "/", timeout=30) as http:
        crm, rejected = Crm(http), []
        if not crm.login():
            return print("login refused")
        for entity in ENTITIES:
            rejected += (
                crm.call(
                    "GET",
                    "webhook_requests/list",
                    entity=entity,
                    life_cycle_state="REJECTED",
                    fields_set="number,error_code",
                )
                or []
            )
        print(len(rejected), "rejected")
        for number in [record["number"] for record in rejected[:3]]:
            shown = crm.call(
                "GET", "webhook_requests/show", webhook_request_identifier=f"number={number}"
            )
            if shown and shown["life_cycle_state"] == "REJECTED":
                sent = crm.call(
                    "POST", "webhook_requests/resend", webhook_request_identifier={"number": number}
                )
                print(number, shown["error_code"], "->", sent and sent["life_cycle_state"])
                if sent and sent["life_cycle_state"] == "SUCCESSFUL":
                    crm.call(
                        "POST",
                        "webhook_requests/delete",
                        webhook_request_identifier={"number": number},
                    )


try:
    main()
except Exception as error:
    print("failed:", repr(error))
