# MISTAKE: the filter by day is called create_date, where the parameter of list is created_date.
# NAMED BY: list; create_date, created_date
# RELEASE: R9
"""How many webhooks failed on the last day that has any?"""

import json
import os
from urllib import error, parse, request

API = os.environ["CRM_BASE"]


class Refused(Exception):
    """The API has answered with another code than OK, or with something else than an answer."""


def _open(req):
    try:
        with request.urlopen(req, timeout=6) as answer:
            content = answer.read()
    except error.HTTPError as e:
        content = e.read()
    except OSError as e:
        raise Refused(f"no connection: {e}")
    try:
        decoded = json.loads(content)
        code = decoded["status"]["code"]
    except (ValueError, LookupError, TypeError):
        raise Refused("unreadable answer")
    if code != "OK":
        raise Refused(f"{code} ({decoded['status'].get('message')})")
    return decoded.get("data")


def get(method, query):
    # an identifier keeps its = sign, as in the examples of the API
    return _open(f"{API}/webhook_requests/{method}?{parse.urlencode(query, safe='=,:')}")


def login():
    account = {
        "username": os.environ["CRM_USER"],
        "password": os.environ["CRM_PASSWORD"],
        "organisation": os.environ["CRM_ORG"],
    }
    return _open(
        request.Request(
            f"{API}/authentication/token",
            json.dumps(account).encode(),
            {"Content-Type": "application/json"},
        )
    )["token"]


def last_day(token, entity):
    rows = (
        get("list", {"token": token, "entity": entity, "fields_set": "number,log_information"})
        or []
    )
    dates = [(row.get("log_information") or {}).get("created_date") for row in rows]
    return max((d[:10] for d in dates if d), default="2015-11-02")


def report(token, entity):
    day = last_day(token, entity)
    query = {
        "token": token,
        "entity": entity,
        "create_date": day,
        "life_cycle_state": "REJECTED",
        "fields_set": "number,error_code",
    }
    rows = get("list", query) or []
    print(f"{entity}: {len(rows)} rejected on {day}")
    for row in rows[:1]:
        one = get(
            "show",
            {
                "token": token,
                "webhook_request_identifier": "number=" + row["number"],
                "fields_set": "number,error_code,error_description",
            },
        )
        print("   for instance", one)


if __name__ == "__main__":
    try:
        token = login()
        for entity in ("ACTIVITIES", "SUBSCRIPTIONS"):
            report(token, entity)
    except Refused as e:
        print("stopped:", e)
