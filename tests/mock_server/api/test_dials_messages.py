"""Each dial of the message to a third party does what it says."""

import json
from typing import Any

import pytest

from crmcom_kit.schemas import Dialect, dials
from crmcom_kit.schemas.third_party import Message, ThirdPartyMessages

DATA = {"b": "Ω", "a": 1}
CODE = "C0DE"
#: What of a message a dial decides.
SEEN: dict[str, Any] = {
    "message.method": lambda message: message.method,
    "message.content_type": lambda message: dict(message.headers)["Content-Type"],
    "message.wrapper": lambda message: sorted(json.loads(message.body)),
    "message.code_place": lambda message: (CODE in str(message.body), CODE in str(message.headers)),
    "message.code_name": lambda message: next(iter(json.loads(message.body))),
    "message.code_header": lambda message: message.headers[-1],
    "message.data_form": lambda message: message.body[message.body.index(b'"data":') + 7 : -1],
}
IN_HEADER = {"message.code_place": "header"}
SPACED = {"signing.canonical_form": "spaced", "signing.charset": "ascii"}
#: A dial and its value, what is seen then, and other dials that it needs.
CASES: list[tuple[str, Any, Any, dict[str, Any]]] = [
    *(("message.method", verb, verb, {}) for verb in ("POST", "PUT")),
    *(
        ("message.content_type", value, value, {})
        for value in dials()["message.content_type"].choices
    ),
    ("message.wrapper", "object", ["authentication_code", "data"], {}),
    ("message.wrapper", "none", ["a", "b"], {}),
    ("message.code_place", "body", (True, False), {}),
    ("message.code_place", "header", (False, True), {}),
    ("message.code_place", "both", (True, True), {}),
    *(("message.code_name", name, name, {}) for name in ("authentication_code", "access_key")),
    *(("message.code_header", name, (name, CODE), IN_HEADER) for name in ("X-Signature", "hmac")),
    ("message.data_form", "as_signed", b'{"b": "\\u03a9", "a": 1}', SPACED),
    ("message.data_form", "compact", '{"b":"Ω","a":1}'.encode(), SPACED),
]


def test_every_dial_is_tried_at_every_choice() -> None:
    """No dial of messages, and none of its choices, is left out."""
    assert sorted(SEEN) == sorted(key for key in dials() if key.startswith("message."))
    tried = {(key, value) for key, value, *_ in CASES}
    choices = {key: dials()[key].choices for key in SEEN if dials()[key].type != "pattern"}
    assert {(key, value) for key in choices for value in choices[key]} <= tried


@pytest.mark.parametrize(("key", "value", "seen", "besides"), CASES)
def test_a_dial_does_what_it_says(key: str, value: Any, seen: Any, besides: Any) -> None:
    """Set to each of its values, a dial makes its difference."""
    messages = ThirdPartyMessages(Dialect("probe", {**besides, key: value}))
    message: Message = messages.written(DATA, CODE)

    assert SEEN[key](message) == seen
