"""The captured examples fit the schemas, as far as their text goes.

``_open`` in a captured file names the places of its response at which the text was cut; whatever
holds such a place may lack members, and nothing else is forgiven.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jsonschema import ValidationError

from crmcom_kit.schemas.formats import parse_date_time
from crmcom_kit.schemas.loader import Profile, load_schema, validator

FOLDER = Path(__file__).parents[1] / "captured"
CAPTURED: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.json"))
}
Steps = tuple[str | int, ...]


class Piece(NamedTuple):
    """A part of a captured file that a schema describes."""

    file: str
    pointer: str
    schema: str
    release: str


_SHOWN, _LOG = "access_tokens_show_2015_log_information", "/response/data/log_information"
_RESET = "access_tokens_reset_verification_r12"
_USERS = "/response/data/authorised_users_set"
PIECES = [
    Piece("webhook_requests_show_r9", "/response", "show_answer", "R9"),
    Piece("webhook_requests_show_r9", "/response/data", "webhook_request", "R9"),
    Piece("webhook_requests_show_r9", _LOG, "log_information", "R9"),
    Piece("webhook_requests_show_r9", f"{_LOG}/created_by_unit", "unit", "R9"),
    Piece("webhook_requests_resend_r9", "/request/body", "resend_parameters", "R9"),
    Piece("webhook_requests_resend_r9", "/response", "resend_answer", "R9"),
    Piece("webhook_requests_resend_r9", "/response/data", "webhook_request", "R9"),
    Piece("webhook_requests_resend_r9", _LOG, "log_information", "R9"),
    Piece("webhook_requests_delete_r9", "/request/body", "delete_parameters", "R9"),
    Piece("webhook_requests_delete_r9", "/response", "delete_answer", "R9"),
    Piece("webhook_requests_delete_r9", "/response/data", "webhook_request", "R9"),
    Piece("webhook_requests_delete_r9", _LOG, "log_information", "R9"),
    Piece("authentication_token_pre_r12", "/request/body", "token_parameters", "R9"),
    Piece("authentication_token_pre_r12", "/response", "token_answer", "R9"),
    Piece("authentication_token_r12_jwt", "/response", "token_answer", "R12"),
    Piece("authentication_token_release_r10", "/request/body", "token_release_parameters", "R10"),
    Piece("authentication_token_release_r10", "/response", "release_answer", "R10"),
    Piece(
        "authentication_web_api_key_token_r10",
        "/request/body",
        "web_api_key_token_parameters",
        "R10",
    ),
    Piece("authentication_web_api_key_token_r10", "/response", "token_answer", "R10"),
    Piece("access_tokens_change_pass_code_r16", "/response", "release_answer", "R16"),
    Piece(_SHOWN, _LOG, "log_information", "R9"),
    Piece(_SHOWN, f"{_LOG}/created_by_unit", "unit", "R9"),
    Piece(_SHOWN, f"{_LOG}/updated_by_unit", "unit", "R9"),
    Piece(_SHOWN, f"{_LOG}/created_by_user", "user", "R9"),
    Piece(_SHOWN, f"{_LOG}/updated_by_user", "user", "R9"),
    Piece(_RESET, _LOG, "log_information", "R12"),
    Piece(_RESET, f"{_LOG}/created_by_unit", "unit", "R12"),
    Piece(_RESET, f"{_LOG}/updated_by_unit", "unit", "R12"),
    Piece(_RESET, f"{_LOG}/updated_by_user", "user", "R12"),
    Piece("alerts_show_r9", _LOG, "log_information", "R9"),
    Piece("alerts_show_r9", f"{_LOG}/updated_by_unit", "unit", "R9"),
    Piece("alerts_show_r9", f"{_LOG}/updated_by_user", "user", "R9"),
    Piece("workflow_rules_show_r9", _LOG, "log_information", "R9"),
    Piece("workflow_rules_show_r9", f"{_LOG}/created_by_unit", "unit", "R9"),
    Piece("workflow_rules_show_r9", f"{_LOG}/updated_by_unit", "unit", "R9"),
    Piece("workflow_rules_show_r9", f"{_LOG}/created_by_user", "user", "R9"),
    Piece("workflow_rules_show_r9", f"{_LOG}/updated_by_user", "user", "R9"),
    Piece("workflow_rules_list_r9", "/response/data/0/log_information", "log_information", "R9"),
    Piece("approval_requests_show_r9_users", f"{_USERS}/0", "user", "R9"),
    Piece("approval_requests_show_r9_users", f"{_USERS}/1", "user", "R9"),
    *(Piece(file, "/response", "envelope", "R18") for file in CAPTURED),
    *(
        Piece(file, "/response/status", "status", "R18")
        for file, captured in CAPTURED.items()
        if "status" in captured["response"]
    ),
]
EACH_PIECE = pytest.mark.parametrize(
    "piece", [pytest.param(p, id=f"{p.file}{p.pointer}-{p.schema}") for p in PIECES]
)
EACH_PROFILE = pytest.mark.parametrize("profile", ["core", "strict"])


def _steps(pointer: str) -> Steps:
    return tuple(int(part) if part.isdigit() else part for part in pointer.split("/")[1:])


def _at(value: Any, path: Steps) -> Any:
    for step in path:
        value = value[step]
    return value


def _value(piece: Piece) -> Any:
    return deepcopy(_at(CAPTURED[piece.file], _steps(piece.pointer)))


def _open(piece: Piece) -> list[Steps]:
    """Return the places inside the piece at which the text was cut."""
    whole = [_steps(f"/response{pointer}") for pointer in CAPTURED[piece.file]["_open"]]
    base = _steps(piece.pointer)
    return [path[len(base) :] for path in whole if path[: len(base)] == base]


def _is_excused(error: ValidationError, cuts: list[Steps]) -> bool:
    """Whether ``error`` is only that a member is missing around a cut.

    A choice is excused where everything that one of its branches finds is.
    """
    if error.validator == "required":
        path = tuple(error.absolute_path)
        return any(cut[: len(path)] == path for cut in cuts)
    if error.validator != "anyOf":
        return False
    branches: dict[str | int, list[ValidationError]] = {}
    for cause in error.context or ():
        branches.setdefault(cause.relative_schema_path[0], []).append(cause)
    return any(all(_is_excused(e, cuts) for e in found) for found in branches.values())


def _faults(piece: Piece, profile: Profile, value: Any) -> list[str]:
    """Return what is wrong with ``value`` in the place of the piece, cuts left aside."""
    judge, cuts = validator(piece.schema, profile, piece.release), _open(piece)
    return [e.message for e in judge.iter_errors(value) if not _is_excused(e, cuts)]


def _places(value: Any, path: Steps = ()) -> Iterator[Steps]:
    """Yield the path of ``value`` and of everything inside it."""
    yield path
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for step, piece in inner:
            yield from _places(piece, (*path, step))


def _replaced(value: Any, path: Steps, new: Any) -> Any:
    """Return a copy of ``value`` with ``new`` at ``path``."""
    if not path:
        return new
    changed = deepcopy(value)
    _at(changed, path[:-1])[path[-1]] = new
    return changed


def _judged(piece: Piece) -> Iterator[Steps]:
    """Yield the paths inside the piece that its schema has a say in."""
    for path in _places(_value(piece)):
        if piece.schema != "envelope" or path[:1] != ("data",):
            yield path


def _complete_within(piece: Piece) -> Iterator[Piece]:
    """Yield the pieces inside ``piece`` that it has a say in and that were not cut."""
    for inner in PIECES:
        same = inner.file == piece.file and inner.pointer.startswith(piece.pointer)
        judged = piece.schema != "envelope" or inner.schema in {"envelope", "status"}
        if same and judged and not _open(inner):
            yield inner


@pytest.mark.parametrize("file", CAPTURED)
def test_a_captured_file_says_where_it_was_cut(file: str) -> None:
    """A file that was cut, and no other, names places that its response has."""
    captured = CAPTURED[file]
    assert bool(captured["_open"]) is ("_truncated" in captured)
    for pointer in captured["_open"]:
        _at(captured["response"], _steps(pointer))


def test_every_relevant_example_is_judged() -> None:
    """Every captured answer of webhook_requests and authentication has a schema of its own."""
    judged = {p.file for p in PIECES if p.pointer == "/response" and p.schema != "envelope"}
    own = ("webhook_requests_", "authentication_")
    assert {file for file in CAPTURED if file.startswith(own)} <= judged


def test_every_captured_log_information_is_judged() -> None:
    """No log_information in a captured answer is left out."""
    found = {
        (file, path)
        for file, captured in CAPTURED.items()
        for path in _places(captured)
        if path[-1:] == ("log_information",)
    }
    assert found == {(p.file, _steps(p.pointer)) for p in PIECES if p.schema == "log_information"}


@EACH_PROFILE
@EACH_PIECE
def test_a_captured_example_fits_its_schema(piece: Piece, profile: Profile) -> None:
    """What is visible of an example is valid in both profiles."""
    assert _faults(piece, profile, _value(piece)) == []


@EACH_PROFILE
@EACH_PIECE
def test_a_wrong_type_in_an_example_is_caught(piece: Piece, profile: Profile) -> None:
    """Being cut excuses no value of a wrong type, wherever in the example it stands."""
    value = _value(piece)
    for path in _judged(piece):
        wrong = 0 if isinstance(_at(value, path), list) else [0]
        assert _faults(piece, profile, _replaced(value, path, wrong)), path


@EACH_PIECE
def test_an_unknown_member_in_an_example_is_drift(piece: Piece) -> None:
    """An unknown member in any object of an example fails strict and passes core."""
    value = _value(piece)
    for path in _judged(piece):
        here = _at(value, path)
        if not isinstance(here, dict) or path[-1:] == ("webhook_request_identifier",):
            continue
        odd = _replaced(value, path, {**here, "odd": 0})
        assert _faults(piece, "strict", odd), path
        no_members = piece.schema == "release_answer" and path == ("data",)
        assert bool(_faults(piece, "core", odd)) is no_members, path


@EACH_PROFILE
@EACH_PIECE
def test_a_missing_member_is_caught_away_from_the_cut(piece: Piece, profile: Profile) -> None:
    """A required member is missed in every object of an example that is complete."""
    depth = len(_steps(piece.pointer))
    for inner in _complete_within(piece):
        path = _steps(inner.pointer)[depth:]
        for name in load_schema(inner.schema).get("required", ()):
            rest = {key: member for key, member in _value(inner).items() if key != name}
            assert _faults(piece, profile, _replaced(_value(piece), path, rest)), (path, name)


def test_a_recorded_jwt_has_the_claims_that_are_known() -> None:
    """A token of R12 names user, organisation and unit and lives two hours; all claims are text."""
    captured = CAPTURED["authentication_token_r12_jwt"]
    claims = captured["jwt_claims"]
    assert captured["jwt_header"] == {"typ": "JWT", "alg": "HS256"}
    assert claims.keys() == {"usr", "org", "oun", "exp", "iat", "jti"}
    assert all(isinstance(claim, str) for claim in claims.values())
    assert int(claims["exp"]) - int(claims["iat"]) == 7200
    assert len(claims["jti"]) == 32
    assert set(claims["jti"]) <= set("0123456789ABCDEF")


def test_every_captured_date_is_of_the_form_of_the_schemas() -> None:
    """Dates of the examples are local date-times without zone and fraction, in order."""
    for piece in PIECES:
        if piece.schema == "log_information":
            log = _value(piece)
            dates = [log[name] for name in ("created_date", "updated_date") if name in log]
            assert sorted(dates, key=parse_date_time) == dates
