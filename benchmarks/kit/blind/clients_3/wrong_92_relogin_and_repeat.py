# MISTAKE: after a lost response it logs in and repeats the resend, without a look in between.
# NAMED BY: resend; twice
# RELEASE: R10
# LOSES: resend
import functools
import os
import time

import requests

BASE = os.environ["CRM_BASE"]


class ApiError(Exception):
    pass


def retrying(method):
    """After a broken connection: a new session, a new token, and the same call again."""

    @functools.wraps(method)
    def wrapper(self, *args):
        for pause in (0.3, 0.9):
            try:
                return method(self, *args)
            except requests.RequestException as error:
                print(f"{method.__name__}: {type(error).__name__}, reconnecting")
                time.sleep(pause)
                self.connect()
        return method(self, *args)

    return wrapper


class Crm:
    def connect(self):
        self.session = requests.Session()
        body = {
            "username": os.environ["CRM_USER"],
            "password": os.environ["CRM_PASSWORD"],
            "organisation": os.environ["CRM_ORG"],
        }
        self.token = self._post("authentication/token", body)["token"]

    def _data(self, response):
        answer = response.json()
        if answer["status"]["code"] != "OK":
            raise ApiError(f"{answer['status']['code']}: {answer['status'].get('message')}")
        return answer.get("data")

    def _post(self, path, body):
        return self._data(self.session.post(f"{BASE}/{path}", json=body, timeout=3))

    @retrying
    def rejected(self, entity):
        query = {"token": self.token, "entity": entity, "life_cycle_state": "REJECTED"}
        url = f"{BASE}/webhook_requests/list"
        return self._data(self.session.get(url, params=query, timeout=3)) or []

    @retrying
    def resend(self, number):
        body = {"token": self.token, "webhook_request_identifier": {"number": number}}
        return self._post("webhook_requests/resend", body)


def main():
    crm = Crm()
    crm.connect()
    for row in crm.rejected("ACTIVITIES")[:2]:
        try:
            print(row["number"], crm.resend(row["number"])["life_cycle_state"])
        except ApiError as error:
            print(row["number"], error)


if __name__ == "__main__":
    try:
        main()
    except (ApiError, requests.RequestException) as error:
        print("stopped:", error)
