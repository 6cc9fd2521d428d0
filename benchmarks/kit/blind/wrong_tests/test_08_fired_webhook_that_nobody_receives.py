"""The mistake: nothing serves the receiver, and the mock does not really send; SUCCESSFUL is a default.

MUST NAME: http://127.0.0.1:5002/hook

The receiver under test refuses every message (it reads the wrong member), and is never called. A
good tool says: fire() sent nothing to http://127.0.0.1:5002/hook, since this mock does not really
deliver; start it with deliver="http", or script the delivery to say that its end is made up.
"""

from flask import Flask, request

from crmcom_kit.mock_server import MockWorld

app = Flask(__name__)


@app.post("/hook")
def hook() -> tuple[str, int]:
    message = request.get_json()
    if "signature" not in message:  # it is called authentication_code
        return "who are you?", 401
    return "thanks", 200


def test_our_receiver_accepts_a_new_activity(crmcom_mock: MockWorld) -> None:
    activity = {"id": "A1", "number": "ACT000001"}
    fired = crmcom_mock.fire("ACTIVITIES", "ACT CREATE", activity, url="http://127.0.0.1:5002/hook")
    assert fired.record.state == "SUCCESSFUL"
