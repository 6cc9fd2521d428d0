# MISTAKE: the first page is asked for with offset=None, since urlencode writes the default None as a word; offset is a number.
# NAMED BY: list; offset, None
# RELEASE: R18
import json
import os
import urllib.error
import urllib.parse
import urllib.request

base = os.environ["CRM_BASE"].rstrip("/")


def fetch(request):
    try:
        with urllib.request.urlopen(request, timeout=5) as f:
            raw = f.read()
    except urllib.error.HTTPError as e:
        raw = e.read()
    except OSError as e:
        print("  network:", e)
        return None
    try:
        doc = json.loads(raw)
    except ValueError:
        print("  no JSON:", raw[:60])
        return None
    if not isinstance(doc, dict) or doc.get("status", {}).get("code") != "OK":
        print("  refused:", doc)
        return None
    return doc.get("data") or []


def log_in():
    body = json.dumps(
        {
            "username": os.environ["CRM_USER"],
            "password": os.environ["CRM_PASSWORD"],
            "organisation": os.environ["CRM_ORG"],
        }
    ).encode()
    data = fetch(
        urllib.request.Request(
            base + "/authentication/token", data=body, headers={"Content-Type": "application/json"}
        )
    )
    return data["token"] if data else None


def page_of(token, entity, size=25, offset=None):
    query = urllib.parse.urlencode(
        {
            "token": token,
            "entity": entity,
            "fields_set": "number,life_cycle_state,log_information",
            "number_of_results": size,
            "offset": offset,
        }
    )
    return fetch(base + "/webhook_requests/list?" + query)


def everything(token, entity):
    seen = {}
    page = page_of(token, entity)
    for _ in range(20):
        if not page:
            break
        new = [r for r in page if r["number"] not in seen]
        if not new:
            break
        seen.update((r["number"], r) for r in new)
        page = page_of(token, entity, offset=len(seen))
    return list(seen.values())


token = log_in()
if token:
    for entity in ("LEADS", "WALLETS", "JOBS"):
        print(entity)
        rows = everything(token, entity)
        bad = [r["number"] for r in rows if r["life_cycle_state"] == "REJECTED"]
        print(f"  {len(rows)} read, {len(bad)} rejected: {' '.join(bad[:10])}")

    plain = urllib.parse.urlencode(
        {"token": token, "entity": "CREDITNOTES", "fields_set": "number"}
    )
    print("CREDITNOTES", len(fetch(base + "/webhook_requests/list?" + plain) or []))
