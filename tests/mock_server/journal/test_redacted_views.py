"""No view of a request shows a secret, wherever and however it was sent."""

import base64
import json
from functools import cache
from typing import Any
from urllib.parse import unquote

import pytest

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.journal.entry_view import archive
from crmcom_kit.mock_server.journal.verification import verify
from crmcom_kit.mock_server.protocol.config import Credentials
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import API_PATH

SECRET = "Zx81SecretQuiteSecret"  # under a secret's name
KNOWN = "Known-Token.of_the-World9"  # a token of the world: a secret wherever it stands
PASSWORD = "Pass-Word.Of_This-Mock7"
API_KEY = "0A1B2C3D4E5F60718293A4B5C6D7E8F9"
ENCODED_KEY = base64.b64encode(API_KEY.encode()).decode()
LOGIN = {"username": "mpadministrator", "password": PASSWORD, "organisation": "CRMDEMO"}


@pytest.fixture(scope="module", name="world")
def _world() -> World:
    credentials = Credentials("mpadministrator", PASSWORD, "CRMDEMO", API_KEY)
    return make_world(release="R13", tokens=[KNOWN], credentials=credentials)


def percent(text: str, layers: int = 1) -> str:
    """Percent-encode every character of a text, more than once."""
    for _ in range(layers):
        text = "".join(f"%{byte:02X}" for byte in text.encode())
    return text


@cache
def client_of(world: World) -> Any:
    return create_app(world).test_client()


def send(world: World, verb: str, path: str, **more: Any) -> None:
    world.reset()
    client_of(world).open(f"{API_PATH}/{path}", method=verb, **more).get_data()


def hold_secret(world: World) -> None:
    """Fail if a view of an entry in the journal shows a secret, in any form."""
    reader = world.reader
    calls = reader.views()
    parameters = {"fields_set": {"absent": True}, "entity": f"token={SECRET}"}
    asked = {"operation": {"absent": False}, "parameters": parameters, "times": 99}
    shown: list[Any] = [archive(calls, "http://localhost", "R9.0.0"), verify(reader, asked).facts()]
    shown += [(call.as_json(), str(call)) for call in calls]
    plain = json.dumps(shown, ensure_ascii=False)
    for _ in range(4):
        for secret in (SECRET, KNOWN, PASSWORD, API_KEY, ENCODED_KEY):
            assert secret not in plain, plain[max(0, plain.find(secret) - 300) :][:400]
        plain = unquote(plain.replace("\\", ""))


@pytest.mark.parametrize(
    "query",
    [
        f"token={SECRET}&PassWord={SECRET}&api-key={SECRET}&entity=JOBS",
        f"{percent('token', 2)}={percent(SECRET)}&token%3D{SECRET}",
        f"odd=token={SECRET}&{percent(KNOWN)}=1",
        f"webhook_request_identifier=number=token%3D{SECRET}",
        f"webhook_request_identifier=number={KNOWN}&url={percent(PASSWORD, 3)}",
        f"token={KNOWN}&webhook_request_identifier=number=7&life_cycle_state={KNOWN}",
    ],
)
def test_no_secret_of_a_query_is_shown(world: World, query: str) -> None:
    """Under a secret's name, or known: as a name, a value, a part of a value, or encoded."""
    for verb in ("GET", "PUT"):
        for path in ("webhook_requests/show", "webhook_requests/list", "x"):
            send(world, verb, f"{path}?{query}")
            hold_secret(world)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"odd": {"token": [SECRET, {"x": SECRET}]}, "api_key": {KNOWN: SECRET}}),
        json.dumps({"odd": json.dumps({"token": SECRET})}),
        json.dumps({"tokn": KNOWN, "webhook_request_identifier": {"number": KNOWN}}),
        json.dumps({KNOWN: 1, "token": {KNOWN: 2}}),
        json.dumps(LOGIN),
        json.dumps({**LOGIN, "username": PASSWORD, "organisation": KNOWN}),
        f'{{"\\u0074oken": "{SECRET}", "token": "{SECRET}"}}',
        f'{{"token": "{SECRET}"',
        f"token={SECRET}&x=y",
        f"<token>{SECRET}</token>",
    ],
)
def test_no_secret_of_a_body_is_shown(world: World, body: str) -> None:
    """Nested, in a text, as a name, repeated, escaped, in broken JSON, and in no JSON at all."""
    for charset in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le"):
        for path in ("webhook_requests/resend", "authentication/token"):
            send(world, "POST", path, data=body.encode(charset))
            hold_secret(world)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", f"Bearer {SECRET}"),
        ("Authorization", f"Basic {ENCODED_KEY}"),
        ("X-Mock-Admin-Token", SECRET),
        ("Cookie", f"session={SECRET}"),
        ("Referer", f"http://localhost/?token={SECRET}"),
        ("X-Odd", f"it is {KNOWN}"),
    ],
)
def test_no_secret_of_a_header_is_shown(world: World, name: str, value: str) -> None:
    """Nor in the response that quotes it. Paths are shown as they were sent."""
    send(world, "POST", "authentication/web_api_key/token", headers={name: value})
    hold_secret(world)


@pytest.mark.parametrize("release", ["R9", "R13"])
def test_a_login_s_token_is_not_shown(release: str) -> None:
    """The token that a login returns is hidden in its response and in every request that has it."""
    world = make_world(release=release)
    client = create_app(world).test_client()
    login = {**LOGIN, "password": "crmcom-kit"}
    token = client.post(f"{API_PATH}/authentication/token", json=login).json["data"]["token"]  # type: ignore[index]
    client.get(f"{API_PATH}/webhook_requests/show?tokn={token}&x=a{token}")
    client.get(f"{API_PATH}/webhook_requests/show?token={token}&webhook_request_identifier={token}")
    shown = json.dumps([call.as_json() for call in world.reader.views()])
    assert token not in shown.replace(f"a{token}", "")
    response = json.loads(world.reader.views()[0].response["body"])  # type: ignore[index]
    assert response["data"] == {"token": "***"}


def test_what_is_no_secret_is_shown(world: World) -> None:
    """The rest stays as it was: names, other values, and bodies without secrets."""
    query = f"token={KNOWN}&entity=JOBS&life_cycle_state=REJECTED"
    send(world, "GET", f"webhook_requests/list?{query}")
    (listed,) = world.reader.views()
    assert listed.url.endswith("?token=***&entity=JOBS&life_cycle_state=REJECTED")
    shown = {"token": "***", "entity": "JOBS", "life_cycle_state": "REJECTED"}
    assert listed.parameters == shown

    body = b'{ "webhook_request_identifier" : {"number": "7"}, "odd":"\\u00e9" }'
    send(world, "POST", "webhook_requests/resend", data=body)
    (sent,) = world.reader.views()
    assert sent.request["body"] == body.decode()
    assert sent.near_miss["suggestion"] == 'add "token": "..." from POST authentication/token'  # type: ignore[index]
    assert "A token is mandatory." in sent.response["body"]  # type: ignore[index]


def test_any_json_makes_a_valid_entry(world: World) -> None:
    """Half of a surrogate pair, and a number without end, make no entry that cannot be written."""
    body = b'{"x": "\\ud800", "\\udfff": 1, "n": ' + b"9" * 300 + b', "i": -1e999}'
    send(world, "POST", "webhook_requests/resend", data=body)
    (call,) = world.reader.views()
    text = json.dumps(call.as_json(), allow_nan=False)
    assert "\\ud800" not in text.replace("\\\\ud800", "")


def test_a_fault_of_any_name_is_shown(world: World) -> None:
    """What looks like a user before a host within its JSON is none in its name."""
    world.reset()
    world.faults.add({"name": "\\\n@", "effect": {"delay": 0}})
    create_app(world).test_client().get(f"{API_PATH}/webhook_requests/list")
    (call,) = world.reader.views()
    assert call.as_json()["fault"]["name"] == "\\\n@"  # type: ignore[index]
