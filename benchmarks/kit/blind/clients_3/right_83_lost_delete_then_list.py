# RIGHT
# NAMED BY: nothing
# RELEASE: R9
# LOSES: delete
"""Delete rejected webhook requests of jobs; after a lost response, look whether it is gone."""

import os

import requests

BASE = os.environ["CRM_BASE"]
http = requests.Session()


class Refused(Exception):
    pass


def data(response):
    answer = response.json()
    status = answer["status"]
    if status["code"] != "OK":
        raise Refused(f"{status['code']}: {status.get('message')}")
    return answer.get("data")


def post(path, body):
    return data(http.post(f"{BASE}/{path}", json=body, timeout=3))


def jobs(token):
    query = {
        "token": token,
        "entity": "JOBS",
        "life_cycle_state": "REJECTED",
        "fields_set": "number,error_code",
    }
    rows = data(http.get(f"{BASE}/webhook_requests/list", params=query, timeout=3))
    return [row["number"] for row in rows or []]


def delete(token, number):
    """Repeats a delete whose response was lost only if the list still has its number."""
    for _ in range(2):
        try:
            body = {"token": token, "webhook_request_identifier": {"number": number}}
            post("webhook_requests/delete", body)
            return "deleted"
        except requests.RequestException as error:
            print(f"{number}: the response was lost ({type(error).__name__})")
        if number not in jobs(token):
            return "deleted, as the list says"
    return "unknown"


def main():
    login = {
        "username": os.environ["CRM_USER"],
        "password": os.environ["CRM_PASSWORD"],
        "organisation": os.environ["CRM_ORG"],
    }
    token = post("authentication/token", login)["token"]
    for number in jobs(token)[:3]:
        try:
            print(f"{number}: {delete(token, number)}")
        except Refused as error:
            print(f"{number}: {error}")
    print("left:", len(jobs(token)))


if __name__ == "__main__":
    try:
        main()
    except (Refused, requests.RequestException) as error:
        print("stopped:", error)
