# MISTAKE: sends the token of the POST method resend in the query instead of in the JSON body
# NAMED BY: resend: token is in the query; a POST method reads its parameters (the token too) from the JSON body
import json
import os
import urllib.error
import urllib.parse
import urllib.request


class Client:
    def __init__(self):
        self.base = os.environ["CRM_BASE"]
        self.token = None

    def request(self, method, query=None, body=None):
        query = dict(query or {})
        if self.token:
            query["token"] = self.token  # every call needs the token
        url = f"{self.base}/{method}"
        if query:
            url += "?" + urllib.parse.urlencode(query)
        request = urllib.request.Request(url)
        if body is not None:
            request.data = json.dumps(body).encode("utf-8")
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            return {"status": {"code": f"HTTP {error.code}", "message": error.reason}}
        return answer

    def login(self):
        answer = self.request(
            "authentication/token",
            body={
                "username": os.environ["CRM_USER"],
                "password": os.environ["CRM_PASSWORD"],
                "organisation": os.environ["CRM_ORG"],
            },
        )
        self.token = (answer.get("data") or {}).get("token")


def main():
    client = Client()
    client.login()
    if not client.token:
        return print("no login")
    for entity in ("JOBS", "SUBSCRIPTIONS", "ACTIVITIES"):
        answer = client.request(
            "webhook_requests/list", {"entity": entity, "life_cycle_state": "REJECTED"}
        )
        records = answer.get("data") or []
        print(entity, answer["status"]["code"], len(records))
        for record in records[:2]:
            answer = client.request(
                "webhook_requests/resend",
                body={"webhook_request_identifier": {"number": record["number"]}},
            )
            print(
                "  resend",
                record["number"],
                answer["status"]["code"],
                answer["status"].get("message"),
            )


try:
    main()
except Exception as error:
    print("failed:", repr(error))
