# MISTAKE: the second sweep deletes by id a webhook request that the first deleted by number.
# NAMED BY: delete; deleted
# RELEASE: R11
"""Two sweeps: the newest of activities, and what belongs to the first one's activity."""

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request


class Refused(Exception):
    pass


def send(request):
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            content = response.read()
    except urllib.error.HTTPError as error:
        content = error.read()
    except (OSError, http.client.HTTPException) as error:
        raise Refused(f"no response: {error}") from error
    try:
        answer = json.loads(content)
    except ValueError:
        raise Refused("no JSON") from None
    if answer["status"]["code"] != "OK":
        raise Refused(f"{answer['status']['code']}: {answer['status'].get('message')}")
    return answer.get("data")


def url(path):
    return os.environ["CRM_BASE"] + "/" + path


def post(path, body):
    head = {"Content-Type": "application/json"}
    return send(urllib.request.Request(url(path), json.dumps(body).encode(), head))


def find(token, **filters):
    query = {"token": token, "entity": "ACTIVITIES", "fields_set": "id,number,entity_id"}
    query = urllib.parse.urlencode(query | filters)
    return send(urllib.request.Request(url("webhook_requests/list?" + query))) or []


def delete(token, field, row):
    body = {"token": token, "webhook_request_identifier": {field: row[field]}}
    try:
        gone = post("webhook_requests/delete", body)
        print(f"deleted {gone['number']}")
    except Refused as error:
        print(f"{field} {row[field]} was not deleted: {error}")


def main():
    login = {
        "username": os.environ["CRM_USER"],
        "password": os.environ["CRM_PASSWORD"],
        "organisation": os.environ["CRM_ORG"],
    }
    token = post("authentication/token", login)["token"]
    newest = find(token, life_cycle_state="REJECTED")[:2]
    if not newest:
        print("nothing to delete")
        return
    related = find(token, entity_id=newest[0]["entity_id"])
    print(f"{len(newest)} of the newest, {len(related)} of one activity")
    for row in newest:
        delete(token, "number", row)
    for row in related:
        delete(token, "id", row)


try:
    main()
except Refused as error:
    print("stopped:", error)
