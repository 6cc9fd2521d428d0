# MISTAKE: the token goes into an Authorization: Bearer header instead of the parameter token of each request
# NAMED BY: token: it is a parameter (in the query of GET, in the body of POST); a header is not read
"""Client class in the team's usual style: log in, then let the session authenticate every request."""

import os

import requests


class WebhookRequests:
    def __init__(self, base):
        self.base = base.rstrip("/")
        self.session = requests.Session()

    def _data(self, response):
        try:
            answer = response.json()
        except ValueError:
            print("HTTP", response.status_code, "without JSON")
            return None
        if answer["status"]["code"] != "OK":
            print(
                response.request.method,
                response.request.path_url,
                "->",
                answer["status"]["message"],
            )
            return None
        return answer.get("data")

    def login(self, username, password, organisation):
        data = self._data(
            self.session.post(
                f"{self.base}/authentication/token",
                timeout=15,
                json={"username": username, "password": password, "organisation": organisation},
            )
        )
        if data:
            self.session.headers["Authorization"] = f"Bearer {data['token']}"
        return data is not None

    def list(self, entity, state):
        return (
            self._data(
                self.session.get(
                    f"{self.base}/webhook_requests/list",
                    timeout=15,
                    params={
                        "entity": entity,
                        "life_cycle_state": state,
                        "fields_set": "number,url",
                    },
                )
            )
            or []
        )

    def resend(self, number):
        return self._data(
            self.session.post(
                f"{self.base}/webhook_requests/resend",
                timeout=15,
                json={"webhook_request_identifier": {"number": number}},
            )
        )

    def delete(self, number):
        return self._data(
            self.session.post(
                f"{self.base}/webhook_requests/delete",
                timeout=15,
                json={"webhook_request_identifier": {"number": number}},
            )
        )


try:
    api = WebhookRequests(os.environ["CRM_BASE"])
    if api.login(os.environ["CRM_USER"], os.environ["CRM_PASSWORD"], os.environ["CRM_ORG"]):
        for name in ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS"):
            for record in api.list(name, "REJECTED")[:1]:
                print(api.resend(record["number"]))
        for name in ("JOBS", "SUBSCRIPTIONS"):
            for record in api.list(name, "SUCCESSFUL")[:1]:
                print(api.delete(record["number"]))
except Exception as error:
    print("aborted:", repr(error))
