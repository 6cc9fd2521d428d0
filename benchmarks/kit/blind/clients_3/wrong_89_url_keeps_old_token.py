# MISTAKE: after a refusal it logs in, but repeats the old URL, which has the refused token in it.
# NAMED BY: list; token, refused
# RELEASE: R9
import http.client
import json
import os
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

BASE = os.environ["CRM_BASE"]


class Session:
    """Goes on with the token of the last run, which may have ended."""

    def __init__(self, saved_token):
        self.token = saved_token

    def _open(self, url, body=None):
        headers = {"Accept": "application/json"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode("utf-8")
        try:
            with urlopen(Request(url, data, headers), timeout=4) as response:
                content = response.read()
        except HTTPError as error:
            content = error.read()
        except (OSError, http.client.HTTPException) as error:
            return "NO RESPONSE", str(error)
        try:
            answer = json.loads(content)
            code = answer["status"]["code"]
        except (ValueError, KeyError, TypeError):
            return "NO JSON", content[:60]
        return code, answer.get("data") if code == "OK" else answer["status"].get("message")

    def log_in(self):
        code, data = self._open(
            BASE + "/authentication/token",
            {
                "username": os.environ["CRM_USER"],
                "password": os.environ["CRM_PASSWORD"],
                "organisation": os.environ["CRM_ORG"],
            },
        )
        if code == "OK":
            self.token = data["token"]
        else:
            print("login:", code, data)

    def rejected(self, entity):
        query = {"token": self.token, "entity": entity, "life_cycle_state": "REJECTED"}
        url = BASE + "/webhook_requests/list?" + urlencode(query)
        code, data = self._open(url)
        if code != "OK":  # the token has probably ended: log in, and try once more
            print(entity, code, data)
            self.log_in()
            code, data = self._open(url)
        if code != "OK":
            print(entity, code, data)
            return []
        return data or []


def main():
    session = Session(saved_token="7C1E40B95D2F4A86A3D07F62E9B815C4")
    for entity in ("ACTIVITIES", "JOBS"):
        rows = session.rejected(entity)
        print(entity, ":", ", ".join(row["number"] for row in rows[:10]) or "none")


if __name__ == "__main__":
    main()
