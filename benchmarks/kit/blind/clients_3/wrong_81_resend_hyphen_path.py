# MISTAKE: the resend is posted to webhook_requests/re_send, a path that no method has.
# NAMED BY: resend; re_send, webhook_requests/resend
# RELEASE: R12
"""Send the rejected webhooks of service requests again, standard library only."""

import http.client
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

BASE = os.environ["CRM_BASE"].rstrip("/")

# The documentation calls the action "re-send" throughout.
LOGIN_PATH = "authentication/token"
LIST_PATH = "webhook_requests/list"
RESEND_PATH = "webhook_requests/re_send"


def exchange(request):
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            raw = response.read()
    except urllib.error.HTTPError as error:
        raw = error.read()
    except (OSError, http.client.HTTPException) as error:
        return {"status": {"code": "NO_CONNECTION", "message": str(error)}}
    try:
        return json.loads(raw)
    except ValueError:
        return {"status": {"code": "NOT_JSON", "message": raw[:80].decode("latin-1")}}


def post(path, **body):
    return exchange(
        urllib.request.Request(
            f"{BASE}/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
    )


def get(path, **query):
    return exchange(urllib.request.Request(f"{BASE}/{path}?{urllib.parse.urlencode(query)}"))


def is_ok(answer):
    status = answer.get("status") or {}
    if status.get("code") == "OK":
        return True
    print("refused:", status.get("code"), status.get("message"), file=sys.stderr)
    return False


def main():
    answer = post(
        LOGIN_PATH,
        username=os.environ["CRM_USER"],
        password=os.environ["CRM_PASSWORD"],
        organisation=os.environ["CRM_ORG"],
    )
    if not is_ok(answer):
        return
    token = answer["data"]["token"]

    answer = get(
        LIST_PATH,
        token=token,
        entity="SERVICEREQUESTS",
        life_cycle_state="REJECTED",
        fields_set="number,error_code",
    )
    if not is_ok(answer):
        return
    for row in (answer.get("data") or [])[:2]:
        identifier = {"number": row["number"]}
        answer = post(RESEND_PATH, token=token, webhook_request_identifier=identifier)
        if is_ok(answer):
            print(row["number"], "is now", answer["data"]["life_cycle_state"])


if __name__ == "__main__":
    main()
