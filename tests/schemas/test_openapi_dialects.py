"""What a dialect changes in the OpenAPI document."""

import json
from typing import Any

import pytest

from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.exchanges import Exchanges
from crmcom_kit.schemas.third_party import ThirdPartyMessages

SHOW, LIST, RESEND = (f"webhook_requests/{name}" for name in ("show", "list", "resend"))


def test_a_dialect_with_statuses_lists_them(read: Any) -> None:
    """Where errors have statuses of their own, 200 is success alone and each status is listed."""
    for document in (read("R9", "http"), read("R18", "http")):
        resend = document.operation(RESEND)["responses"]
        assert set(resend) == {"200", "400", "401", "404", "409", "413", "415", "502", "default"}
        for path, _, _ in document.operations():
            assert "oneOf" not in document.response(path)["schema"]
        for path, what, schema, value in document.shown():
            assert document.fits(schema, value), (path, what, value)


def test_a_status_shows_its_errors(read: Any) -> None:
    conflicts = read("R9", "http").response(RESEND, "409")["examples"]

    assert set(conflicts) == {
        *("not_rejected", "resent_webhook_request"),
        *("resend_under_way", "definition_not_effective"),
    }
    shown = read("R9", "http").resolved(conflicts["not_rejected"])["value"]
    assert shown["status"]["code"] == "NOT_REJECTED"


def test_a_method_shows_only_errors_of_its_own(read: Any) -> None:
    document = read("R10")
    login = document.response("authentication/token")["examples"]
    show = document.response(SHOW)["examples"]
    listed = document.response("webhook_requests/list")["examples"]

    assert "wrong_credentials" in login
    assert "unknown_webhook_request" not in login
    assert "unknown_webhook_request" in show
    assert "missing_parameter" in show
    assert not {"missing_parameter", "unknown_webhook_request"} & listed.keys()
    assert "missing_parameter" not in document.response("authentication/token/release")["examples"]
    assert not {"not_rejected", "wrong_verb", "unknown_method", "method_withdrawn"} & show.keys()


@pytest.mark.parametrize(
    ("data", "written"), [("absent", {}), ("null", {"data": None}), ("object", {"data": {}})]
)
def test_errors_look_as_the_dialect_writes_them(data: str, written: Any, read_changed: Any) -> None:
    about = {"errors.bad_date.code": "E7", "errors.bad_date.message": "No."}
    document = read_changed("R9", {"errors.data": data, "errors.description": "null", **about})
    value = document.whole["components"]["examples"]["bad_date"]["value"]

    assert value == {"status": {"code": "E7", "message": "No.", "description": None}, **written}
    assert document.fits(document.schemas["ErrorAnswer"], value)


def test_reward_offers_can_come_early(read_changed: Any) -> None:
    changes = {"requests.rewardoffers_since": "R11.0.0"}

    assert "REWARDOFFERS" in read_changed("R11", changes).schemas["Entity"]["enum"]
    assert "REWARDOFFERS" not in read_changed("R10", changes).schemas["Entity"]["enum"]
    assert read_changed("R15", changes).schemas["Entity"]["enum"].count("REWARDOFFERS") == 1


def test_the_content_type_is_the_dialects(read_changed: Any) -> None:
    document = read_changed("R9", {"envelope.content_type": "text/plain;charset=UTF-8"})
    resend = document.operation(RESEND)

    assert list(resend["requestBody"]["content"]) == ["application/json"]
    for response in resend["responses"].values():
        assert list(response["content"]) == ["text/plain;charset=UTF-8"]


@pytest.mark.parametrize(
    ("wrapper", "place", "name", "success"),
    [
        ("object", "body", "access_key", "2xx"),
        ("object", "header", "access_key", "any"),
        ("object", "both", "access_key", "200"),
        ("none", "both", "authentication_code", "200"),
    ],
)
def test_a_third_party_gets_the_message_that_the_dialect_writes(
    wrapper: str, place: str, name: str, success: str, read_changed: Any
) -> None:
    """Body, header and expected response are the dialect's; the example's code verifies."""
    changes = {
        "message.wrapper": wrapper,
        "message.code_place": place,
        "message.code_name": name,
        "message.method": "PUT",
        "message.content_type": "text/plain;charset=UTF-8",
        "delivery.success": success,
        "signing.canonical_form": "spaced",
    }
    document = read_changed("R9", changes)
    operation = document.whole["webhooks"]["third_party_message"]["put"]
    content = operation["requestBody"]["content"]["text/plain;charset=UTF-8"]
    shown = content["examples"]["job"]

    assert not document.faults()
    assert document.fits(content["schema"], shown["value"])
    header = operation.get("parameters", [{}])[0].get("example")
    headers = {"x-authentication-code": header} if header else {}
    dialect = Dialect("changed", changes)
    arrived = ThirdPartyMessages(dialect).read(headers, json.dumps(shown["value"]).encode())
    key = shown["description"].split()[-1].rstrip(".")
    assert arrived.data is not None
    assert arrived.code == Exchanges(dialect).code(arrived.data, key, None)
    accepted = set() if success == "any" else {success.upper()}
    assert set(operation["responses"]) == {*accepted, "default"}
    if wrapper == "object":
        members = set(document.schemas["ThirdPartyMessage"]["properties"])
        assert members == ({"data"} if place == "header" else {name, "data"})
    else:
        assert "ThirdPartyMessage" not in document.schemas
