"""Each dial of the message to a third party does what it says."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from crmcom_kit.schemas import Dialect, dials
from crmcom_kit.schemas.third_party import Message, ThirdPartyMessages

DATA = {"b": "Ω", "a": 1}
CODE = "C0DE"


class Probe(NamedTuple):
    """What of a message a dial decides, and what is seen for each of its values."""

    see: Callable[[Message], Any]
    seen: dict[Any, Any]
    besides: Mapping[str, Any] = MappingProxyType({})


def header(name: str) -> Callable[[Message], str | None]:
    """Return what sees one header."""
    return lambda message: dict(message.headers).get(name)


PROBES = {
    "message.method": Probe(lambda message: message.method, {"POST": "POST", "PUT": "PUT"}),
    "message.content_type": Probe(
        header("Content-Type"), {value: value for value in dials()["message.content_type"].choices}
    ),
    "message.wrapper": Probe(
        lambda message: sorted(json.loads(message.body)),
        {"object": ["authentication_code", "data"], "none": ["a", "b"]},
    ),
    "message.code_place": Probe(
        lambda message: [CODE in part for part in (str(message.body), str(message.headers))],
        {"body": [True, False], "header": [False, True], "both": [True, True]},
    ),
    "message.code_name": Probe(
        lambda message: next(iter(json.loads(message.body))),
        {"authentication_code": "authentication_code", "access_key": "access_key"},
    ),
    "message.code_header": Probe(
        lambda message: message.headers[-1],
        {name: (name, CODE) for name in ("X-Authentication-Code", "X-Signature", "hmac")},
        {"message.code_place": "header"},
    ),
    "message.data_form": Probe(
        lambda message: message.body[message.body.index(b'"data":') + 7 : -1],
        {"as_signed": b'{"b": "\\u03a9", "a": 1}', "compact": '{"b":"Ω","a":1}'.encode()},
        {"signing.canonical_form": "spaced", "signing.charset": "ascii"},
    ),
}


def mine() -> list[str]:
    """The dials that this file has to know."""
    return [key for key in dials() if key.startswith("message.")]


def test_every_dial_has_a_probe_that_knows_every_choice() -> None:
    """No dial of messages is without a probe, and a probe expects something else for each value."""
    assert sorted(PROBES) == sorted(mine())
    for key, probe in PROBES.items():
        assert set(dials()[key].choices or ()) <= set(probe.seen) or dials()[key].type == "pattern"
        assert all(map(dials()[key].accepts, probe.seen))
        assert len(set(map(str, probe.seen.values()))) == len(probe.seen) > 1


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, probe in PROBES.items() for value in probe.seen]
)
def test_a_dial_does_what_it_says(key: str, value: Any) -> None:
    """Set to each of its values, a dial makes the difference that the probe expects."""
    probe = PROBES[key]
    messages = ThirdPartyMessages(Dialect("probe", {**probe.besides, key: value}))

    assert probe.see(messages.written(DATA, CODE)) == probe.seen[value]
