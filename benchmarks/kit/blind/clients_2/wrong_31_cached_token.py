# MISTAKE: after the cached token is refused it logs in, but goes on sending the old token, kept in the default parameters
# NAMED BY: token: the one that was refused as invalid is used again; the new one from the login never is
"""Starts with the token that the last run left in the cache, and logs in only if it is refused."""

import json
import os
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

CACHED = os.environ.get("CRM_CACHED_TOKEN", "9B51E07C2D3F4A68B0C4D7E1F2563A98")


class Client:
    def __init__(self):
        self.base = os.environ["CRM_BASE"].rstrip("/")
        self.token = CACHED
        self.defaults = {"token": self.token}

    def send(self, method, params, post):
        url, content = f"{self.base}/{method}", None
        if post:
            content = json.dumps(params).encode()
        else:
            url += "?" + urlencode(params)
        try:
            with urlopen(
                Request(url, content, {"Content-Type": "application/json"}), timeout=15
            ) as response:
                return json.load(response)
        except HTTPError as error:
            return json.loads(error.read())

    def login(self):
        answer = self.send(
            "authentication/token",
            {
                "username": os.environ["CRM_USER"],
                "password": os.environ["CRM_PASSWORD"],
                "organisation": os.environ["CRM_ORG"],
            },
            post=True,
        )
        self.token = (answer.get("data") or {}).get("token")

    def call(self, method, params, post=False):
        answer = self.send(method, {**self.defaults, **params}, post)
        if answer["status"]["code"] != "OK" and self.token == CACHED:
            print("refused, logging in again:", answer["status"]["message"])
            self.login()
            answer = self.send(method, {**self.defaults, **params}, post)
        print(method, answer["status"]["code"])
        return answer.get("data")


try:
    crm = Client()
    for entity in ("SUBSCRIPTIONS", "ACTIVITIES", "JOBS", "SERVICEREQUESTS"):
        found = crm.call(
            "webhook_requests/list", {"entity": entity, "life_cycle_state": "REJECTED"}
        )
        for record in (found or [])[:1]:
            crm.call(
                "webhook_requests/resend",
                {"webhook_request_identifier": {"number": record["number"]}},
                post=True,
            )
except Exception as error:
    print("failed:", repr(error))
