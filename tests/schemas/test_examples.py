"""The examples: what was captured is kept, the rest fits, in every release."""

import json
from pathlib import Path
from typing import Any

import pytest

from crmcom_kit.schemas import resolve
from crmcom_kit.schemas.examples import examples

CAPTURED = Path(__file__).parents[1] / "captured"


def captured(name: str) -> Any:
    return json.loads((CAPTURED / f"{name}.json").read_bytes())


def contains(whole: Any, part: Any) -> bool:
    """Return whether everything in ``part`` is in ``whole``, at its place and as it is."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and contains(whole[key], value) for key, value in part.items())
    return bool(whole == part)


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("webhook_requests_show_r9", "show"),
        ("webhook_requests_resend_r9", "resend"),
        ("webhook_requests_delete_r9", "delete"),
        ("authentication_token_release_r10", "release"),
        ("authentication_token_pre_r12", "token"),
        ("authentication_web_api_key_token_r10", "web_api_key_token"),
    ],
)
def test_examples_contain_the_captured_response(name: str, example: str) -> None:
    (whole,) = examples(f"{example}_answer", resolve("R10")).values()

    assert contains(whole["value"], captured(name)["response"])


@pytest.mark.parametrize(
    ("name", "method", "invented"),
    [
        ("webhook_requests_resend_r9", "resend", set()),
        ("webhook_requests_delete_r9", "delete", set()),
        ("authentication_token_pre_r12", "token", {"password"}),
        ("authentication_web_api_key_token_r10", "web_api_key_token", set()),
    ],
)
def test_requests_keep_what_was_captured(name: str, method: str, invented: set[str]) -> None:
    known = captured(name)["request"]["body"]
    (whole,) = examples(f"{method}_request", resolve("R10")).values()

    assert whole["value"].keys() == known.keys()
    assert {key for key in known if whole["value"][key] != known[key]} == invented


def test_a_token_from_r12_on_holds_what_was_captured() -> None:
    import jwt

    known = captured("authentication_token_r12_jwt")
    (whole,) = examples("token_answer", resolve("R12")).values()
    token = whole["value"]["data"]["token"]

    assert whole["value"]["status"] == known["response"]["status"]
    assert jwt.get_unverified_header(token) == known["jwt_header"]
    claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
    assert claims == known["jwt_claims"]


@pytest.mark.parametrize("release", ["R9", "R13", "R18"])
def test_examples_in_the_document_fit(release: str, read: Any) -> None:
    """Each example is valid where it stands, and every operation shows one of each response."""
    document = read(release)
    shown = list(document.shown())

    for path, what, schema, value in shown:
        assert document.fits(schema, value), (path, what, value)
    assert {(path, what) for path, what, _, _ in shown} == {
        (path, what)
        for path, verb, _ in document.operations()
        for what in ("200", "default", *(["request"] if verb == "post" else []))
    }


def test_examples_in_the_query_fit(read: Any) -> None:
    document = read("R18")
    for path in ("webhook_requests/show", "webhook_requests/list"):
        for parameter in document.query(path).values():
            assert "example" in parameter or not parameter["required"]
            if "example" in parameter:
                assert document.fits(parameter["schema"], parameter["example"])


def test_success_and_error_exclude_each_other(read: Any) -> None:
    """With HTTP 200 comes either the method's response or an error, as the code says."""
    document = read("R18")
    for path, what, schema, value in document.shown():
        if what == "200":
            success, error = schema["oneOf"]
            assert document.fits(success, value) == (value["status"]["code"] == "OK"), path
            assert document.fits(error, value) == (value["status"]["code"] != "OK"), path
