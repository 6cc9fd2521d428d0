# RIGHT
# NAMED BY: nothing
# RELEASE: R10
"""Log in with a Web API key, delete one webhook request, look for it, release the token."""

import contextlib
import os
from urllib.parse import quote

import httpx


class Problem(Exception):
    pass


def result(response):
    try:
        answer = response.json()
    except ValueError:
        raise Problem(f"HTTP {response.status_code}: no JSON") from None
    if answer["status"]["code"] != "OK":
        raise Problem(f"{answer['status']['code']}: {answer['status'].get('message')}")
    return answer.get("data")


@contextlib.contextmanager
def token_of(http, key):
    login = http.post("authentication/web_api_key/token", auth=(key, ""), json={})
    token = result(login)["token"]
    try:
        yield token
    finally:
        released = http.post("authentication/token/release", json={"token": token})
        print("released:", released.status_code)


def numbers(http, token, entity):
    query = {"token": token, "entity": entity, "life_cycle_state": "SUCCESSFUL"}
    query["fields_set"] = "number,entity_id"
    rows = result(http.get("webhook_requests/list", params=query)) or []
    return sorted((row["number"] for row in rows), key=int)


def show(http, token, number):
    query = f"token={quote(token, safe='')}&webhook_request_identifier=number={quote(number)}"
    return result(http.get(f"webhook_requests/show?{query}&fields_set=id,number,url"))


def delete(http, token, record_id):
    body = {
        "token": token,
        "webhook_request_identifier": {"id": record_id},
        "fields_set": "id,number,life_cycle_state",
    }
    return result(http.post("webhook_requests/delete", json=body))


def main():
    base = os.environ["CRM_BASE"].rstrip("/") + "/"
    with httpx.Client(base_url=base, timeout=4) as http:
        with token_of(http, os.environ["CRM_API_KEY"]) as token:
            before = numbers(http, token, "SERVICEREQUESTS")
            if not before:
                print("nothing to delete")
                return
            oldest = show(http, token, before[0])
            print("delete", oldest["number"], "which went to", oldest["url"])
            print("deleted", delete(http, token, oldest["id"]))
            after = numbers(http, token, "SERVICEREQUESTS")
            print("gone:", oldest["number"] not in after, len(before), len(after))


if __name__ == "__main__":
    try:
        main()
    except (Problem, httpx.HTTPError) as error:
        print("stopped:", error)
