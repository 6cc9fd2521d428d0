"""No view of a request shows a secret, wherever and however it was sent."""

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from hypothesis import given, settings
from hypothesis import strategies as st

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.journal.call_view import archive
from crmcom_kit.mock_server.journal.verification import verify
from crmcom_kit.schemas import API_PATH

SECRET = "Zx81SecretQuiteSecret"  # under a secret's name
KNOWN = "Known-Token.of_the-World9"  # a token of the world: a secret wherever it stands
PASSWORD = "Pass-Word.Of_This-Mock7"
API_KEY = "0A1B2C3D4E5F60718293A4B5C6D7E8F9"

WORLD = make_world(
    release="R13",
    tokens=[KNOWN],
    credentials=make_world().config.credentials.__class__(
        "mpadministrator", PASSWORD, "CRMDEMO", API_KEY
    ),
)
CLIENT = create_app(WORLD).test_client()

secret_names = st.sampled_from(
    ["token", "TOKEN", "Token", "access_token", "tokens[]", "password", "PassWord", "api_key",
     "apiKey", "api-key", "web api key", "authorization", "Authorization", "x_password_x"]
)  # fmt: skip
plain_names = st.sampled_from(
    ["entity", "webhook_request_identifier", "fields_set", "odd", "tokn", "url", "life_cycle_state"]
)
paths = st.sampled_from(
    ["webhook_requests/show", "webhook_requests/list", "webhook_requests/resend",
     "webhook_requests/delete", "authentication/token", "authentication/token/release",
     "authentication/web_api_key/token", "webhook_requests/token/{}", "x/password/{}", "{}"]
)  # fmt: skip
layers = st.integers(0, 3)


def encoded(text: str, times: int, *, plus: bool = False) -> str:
    """Percent-encode a text more than once, every character of it."""
    for _ in range(times):
        text = "".join(f"%{byte:02X}" for byte in text.encode()) if len(text) < 60 else quote(text)
    return quote_plus(text) if plus else text


def _pair(name: str, value: str, times: int, form: str) -> str:
    return f"{encoded(name, times, plus=form == 'plus')}={value}"


queries = st.lists(
    st.one_of(
        st.builds(_pair, secret_names, st.just(SECRET), layers, st.sampled_from(["plus", ""])),
        st.builds(_pair, plain_names, st.just(KNOWN), st.just(0), st.just("")),
        layers.map(lambda times: f"odd={encoded(PASSWORD, times)}"),
        layers.map(lambda times: f"{encoded(KNOWN, times)}=1"),
        secret_names.map(lambda name: f"{name}%3D{SECRET}"),
        secret_names.map(lambda name: f"odd={name}={SECRET}"),
        secret_names.map(lambda name: f"webhook_request_identifier=number={name}%3D{SECRET}"),
        st.sampled_from([f"token={KNOWN}", "token=x", "webhook_request_identifier=number=7"]),
    ),
    max_size=5,
).map("&".join)


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" for c in text)


def _member(name: str, spelling: str) -> str:
    return f'"{_escaped(name) if spelling == "escaped" else name}": "{SECRET}"'


spellings = st.sampled_from(["escaped", "plain"])


nested: st.SearchStrategy[Any] = st.recursive(
    st.builds(lambda name: {name: SECRET}, secret_names),
    lambda inner: st.one_of(
        st.builds(lambda name, part: {name: part}, plain_names, inner),
        st.lists(inner, min_size=1, max_size=2),
        st.builds(lambda name, part: {name: [part, SECRET]}, secret_names, inner),
    ),
    max_leaves=4,
)
bodies = st.one_of(
    nested.map(json.dumps),
    st.builds(lambda part: json.dumps({"odd": json.dumps(part)}), nested),
    st.lists(st.builds(_member, secret_names, spellings), min_size=1, max_size=3).map(
        lambda members: "{" + ", ".join(members) + "}"
    ),
    # broken on purpose: cut, or no JSON at all
    st.builds(lambda *of: "{" + _member(*of), secret_names, spellings),
    st.builds(lambda name: f"{name}={SECRET}&x=y", secret_names),
    st.builds(lambda name: f"<{name}>{SECRET}</{name}>", secret_names),
    st.just(json.dumps({"tokn": KNOWN, "webhook_request_identifier": {"number": KNOWN}})),
    st.just(json.dumps({"username": "mpadministrator", "password": PASSWORD,
                        "organisation": "CRMDEMO"})),
    st.just(json.dumps({KNOWN: 1, "token": {KNOWN: 2}})),
    st.just(json.dumps({"username": PASSWORD, "password": "x", "organisation": KNOWN})),
).map(str.encode)  # fmt: skip
bodies = st.one_of(
    bodies,
    bodies.map(lambda body: body.decode().encode("utf-16")),
    bodies.map(lambda body: body.decode().encode("utf-16-le")),
    bodies.map(lambda body: b"\xef\xbb\xbf" + body),
    bodies.map(lambda body: body + b"\xff"),
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Authorization": st.sampled_from(
            [f"Bearer {SECRET}", f"Basic {base64.b64encode(API_KEY.encode()).decode()}", SECRET]
        ),
        "X-Mock-Admin-Token": st.just(SECRET),
        "Cookie": st.just(f"session={SECRET}"),
        "X-Api-Key": st.just(SECRET),
        "Referer": st.just(f"http://localhost/?token={SECRET}"),
        "X-Odd": st.just(f"it is {KNOWN}"),
        "X-Mock-Prefer": st.sampled_from(["error=expired_token", f"token={SECRET}"]),
    },
)
ENCODED_KEY = base64.b64encode(API_KEY.encode()).decode()


def everything() -> str:
    """All views of the entries in the journal, in every form."""
    reader = WORLD.reader
    calls = reader.calls()
    parameters = {"fields_set": {"absent": True}, "entity": f"token={SECRET}"}
    asked = {"operation": {"absent": False}, "parameters": parameters, "times": 99}
    shown: list[Any] = [archive(calls, "http://localhost"), verify(reader, asked).facts()]
    shown += [(call.as_json(), str(call)) for call in calls]
    return json.dumps(shown, ensure_ascii=False)


def hold_secret(shown: str) -> None:
    """Fail if a secret is in ``shown``."""
    plain = shown
    for _ in range(3):
        for secret in (SECRET, KNOWN, PASSWORD, API_KEY, ENCODED_KEY):
            assert secret not in plain, plain[max(0, plain.find(secret) - 300) :][:400]
        plain = unquote(plain.replace("\\", ""))


@given(st.sampled_from(["GET", "POST", "PUT"]), paths, queries, st.none() | bodies, headers)
@settings(max_examples=150)
def test_no_secret_is_shown(
    verb: str, path: str, query: str, body: bytes | None, named: dict[str, str]
) -> None:
    """In query, body, path, headers and responses; encoded, repeated, nested, broken: never."""
    WORLD.reset()
    url = f"{API_PATH}/{path.format(SECRET)}"
    if path == "{}":
        url = f"{API_PATH}/token={SECRET}"
    CLIENT.open(f"{url}?{query}", method=verb, data=body, headers=named).get_data()
    hold_secret(everything())


def test_a_login_s_token_is_not_shown() -> None:
    """The token that a login returns is hidden in its response and in every request that has it."""
    for release in ("R9", "R13"):
        world = make_world(release=release)
        client = create_app(world).test_client()
        login = {"username": "mpadministrator", "password": "crmcom-kit", "organisation": "CRMDEMO"}
        token = client.post(f"{API_PATH}/authentication/token", json=login).json["data"]["token"]  # type: ignore[index]
        client.get(f"{API_PATH}/webhook_requests/show?tokn={token}&x=a{token}")
        client.get(
            f"{API_PATH}/webhook_requests/show?token={token}&webhook_request_identifier={token}"
        )
        told = json.dumps([call.as_json() for call in world.reader.calls()])
        assert token not in told.replace(f"a{token}", "")
        answer = json.loads(world.reader.calls()[0].response["body"])  # type: ignore[index]
        assert answer["data"] == {"token": "***"}


def test_what_is_no_secret_is_shown() -> None:
    """The rest stays as it was: names, other values, and bodies without secrets."""
    WORLD.reset()
    query = f"token={KNOWN}&entity=JOBS&life_cycle_state=REJECTED"
    CLIENT.get(f"{API_PATH}/webhook_requests/list?{query}", headers={"X-Mock-Prefer": ""})
    body = b'{ "webhook_request_identifier" : {"number": "7"}, "odd":"\\u00e9" }'
    CLIENT.post(f"{API_PATH}/webhook_requests/resend", data=body)
    listed, sent = WORLD.reader.calls()

    assert listed.url.endswith("?token=***&entity=JOBS&life_cycle_state=REJECTED")
    assert listed.parameters == {
        "token": "***", "entity": "JOBS", "life_cycle_state": "REJECTED"
    }  # fmt: skip
    assert sent.request["body"] == body.decode()
    assert sent.near_miss["suggestion"] == 'add "token": "..." from POST authentication/token'  # type: ignore[index]
    assert "A token is mandatory." in sent.response["body"]  # type: ignore[index]


def test_any_json_makes_a_valid_entry() -> None:
    """Half of a surrogate pair, and a number without end, make no entry that cannot be written."""
    WORLD.reset()
    body = b'{"x": "\\ud800", "\\udfff": 1, "n": ' + b"9" * 300 + b', "i": -1e999}'
    CLIENT.post(f"{API_PATH}/webhook_requests/resend", data=body)
    (call,) = WORLD.reader.calls()
    text = json.dumps(call.as_json(), allow_nan=False)
    assert "\\ud800" not in text.replace("\\\\ud800", "")
