# RIGHT
# NAMED BY: nothing (a resend whose response was lost is looked up with show before it is repeated)
# LOSES: resend
"""Lists the rejected webhook requests of every entity of R9, then resends two of them."""

import os

import httpx

ENTITIES = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")


class Crm:
    def __init__(self):
        self.http = httpx.Client(base_url=os.environ["CRM_BASE"].rstrip("/") + "/", timeout=15)
        self.token, self.logins = self.login(), 1

    def login(self):
        answer = self.http.post(
            "authentication/token",
            json={
                "username": os.environ["CRM_USER"],
                "password": os.environ["CRM_PASSWORD"],
                "organisation": os.environ["CRM_ORG"],
            },
        ).json()
        if answer["status"]["code"] != "OK":
            raise SystemExit(print("login refused:", answer["status"]["message"]))
        return answer["data"]["token"]

    def call(self, verb, method, **params):
        params["token"] = self.token
        where = {"params": params} if verb == "GET" else {"json": params}
        answer = self.http.request(verb, "webhook_requests/" + method, **where).json()
        if answer["status"]["code"] == "OK":
            return answer.get("data")
        print(method, "refused:", answer["status"]["message"])
        if self.logins > 1:
            return None
        self.token, self.logins = (
            self.login(),
            2,
        )  # the token may have ended: try once with a new one
        return self.call(verb, method, **params)

    def resend(self, number):
        for _ in range(2):
            try:
                return self.call("POST", "resend", webhook_request_identifier={"number": number})
            except (httpx.TransportError, ValueError) as error:
                print("response lost:", repr(error))
                record = self.call("GET", "show", webhook_request_identifier=f"number={number}")
                if not record or record["life_cycle_state"] != "REJECTED":
                    return record
        return None


try:
    crm, rejected = Crm(), []
    for entity in ENTITIES:
        rejected += (
            crm.call(
                "GET",
                "list",
                entity=entity,
                life_cycle_state="REJECTED",
                fields_set="number,entity,error_code",
            )
            or []
        )
    for item in rejected[:2]:
        print(
            item["entity"],
            crm.call("GET", "show", webhook_request_identifier=f"number={item['number']}"),
        )
        result = crm.resend(item["number"])
        print(item["number"], "is", result["life_cycle_state"] if result else "unknown")
except Exception as error:
    print("stopped:", repr(error))
