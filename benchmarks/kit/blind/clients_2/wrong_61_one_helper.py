# MISTAKE: the helper sends everything but list as POST with a JSON body, so show goes out as POST instead of GET.
# NAMED BY: show; verb, POST, GET
# RELEASE: R15
"""Print why payments were not delivered, then give the first one another try."""

import json
import os
import sys
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

ROOT = os.environ["CRM_BASE"].rstrip("/")
BY_QUERY = {"webhook_requests/list"}


def call(method, **params):
    """Call a method; return (data, None) or (None, text of the error)."""
    url = f"{ROOT}/{method}"
    if method in BY_QUERY:
        request = Request(url + "?" + urlencode(params))
    else:
        request = Request(
            url,
            data=json.dumps(params).encode("utf-8"),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
    try:
        with urlopen(request, timeout=5) as response:
            text = response.read().decode("utf-8", "replace")
    except HTTPError as error:
        text = error.read().decode("utf-8", "replace")
    except (URLError, OSError) as error:
        return None, str(error)
    try:
        answer = json.loads(text)
        status = answer["status"]
    except (ValueError, KeyError, TypeError):
        return None, "not an answer of the API: " + text[:80]
    if status.get("code") != "OK":
        return None, f"{status.get('code')}: {status.get('message')}"
    return answer.get("data"), None


def main():
    login, error = call(
        "authentication/token",
        username=os.environ["CRM_USER"],
        password=os.environ["CRM_PASSWORD"],
        organisation=os.environ["CRM_ORG"],
    )
    if error:
        sys.exit(f"cannot log in: {error}")
    token = login["token"]

    rejected = []
    for entity in ("PAYMENTS", "INVOICES", "ACTIVITIES"):
        rows, error = call(
            "webhook_requests/list",
            token=token,
            entity=entity,
            life_cycle_state="REJECTED",
            fields_set="number,life_cycle_state",
        )
        print(entity, error or f"{len(rows or [])} rejected")
        rejected += [row["number"] for row in rows or []][:2]

    for number in rejected:
        details, error = call(
            "webhook_requests/show", token=token, webhook_request_identifier={"number": number}
        )
        if error:
            print(f"#{number}: {error}")
            continue
        print(f"#{number}: {details.get('error_code')} at {details.get('url')}")

    if rejected:
        result, error = call(
            "webhook_requests/resend",
            token=token,
            webhook_request_identifier={"number": rejected[0]},
            fields_set="number,life_cycle_state",
        )
        print("resend:", error or result)


if __name__ == "__main__":
    main()
