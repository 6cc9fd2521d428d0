"""The captured examples fit the schemas, as far as their text goes.

``_open`` in a captured file names the places of its response at which the text was cut; whatever
holds such a place may lack members, and nothing else is forgiven.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jsonschema import ValidationError

from crmcom_kit.schemas.loader import validator

FOLDER = Path(__file__).parents[1] / "captured"
CAPTURED: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.json"))
}
Steps = tuple[str | int, ...]

#: The schemas of request and response, and the release, of the files that show a method of ours.
EXCHANGES = {
    "webhook_requests_show_r9": (None, "show_answer", "R9"),
    "webhook_requests_resend_r9": ("resend_parameters", "resend_answer", "R9"),
    "webhook_requests_delete_r9": ("delete_parameters", "delete_answer", "R9"),
    "authentication_token_pre_r12": ("token_parameters", "token_answer", "R9"),
    "authentication_token_r12_jwt": (None, "token_answer", "R12"),
    "authentication_token_release_r10": ("token_release_parameters", "release_answer", "R10"),
    "authentication_web_api_key_token_r10": ("web_api_key_token_parameters", "token_answer", "R10"),
    "access_tokens_change_pass_code_r16": (None, "release_answer", "R16"),
}


class Piece(NamedTuple):
    file: str
    path: Steps
    schema: str
    release: str


def _places(value: Any, path: Steps = ()) -> Iterator[Steps]:
    """Yield the path of ``value`` and of everything inside it."""
    yield path
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(inner, (*path, step))


def _pieces() -> Iterator[Piece]:
    for file, captured in CAPTURED.items():
        request, response, release = EXCHANGES.get(file, (None, None, "R12"))
        if request:
            yield Piece(file, ("request", "body"), request, release)
        if response:
            yield Piece(file, ("response",), response, release)
        if response in ("show_answer", "resend_answer", "delete_answer"):
            yield Piece(file, ("response", "data"), "webhook_request", release)
        yield Piece(file, ("response",), "envelope", release)
        for path in _places(captured):
            if path[-1:] == ("log_information",):
                yield Piece(file, path, "log_information", release)
            if path[-2:-1] == ("authorised_users_set",):
                yield Piece(file, path, "user", release)


PIECES = list(_pieces())


def _at(value: Any, path: Steps) -> Any:
    for step in path:
        value = value[step]
    return value


def _cuts(piece: Piece) -> list[Steps]:
    """Return the places inside the piece at which the text was cut."""
    pointers = [f"/response{pointer}" for pointer in CAPTURED[piece.file]["_open"]]
    whole = [_steps(pointer) for pointer in pointers]
    size = len(piece.path)
    return [path[size:] for path in whole if path[:size] == piece.path]


def _steps(pointer: str) -> Steps:
    return tuple(int(part) if part.isdigit() else part for part in pointer.split("/")[1:])


def _is_excused(error: ValidationError, cuts: list[Steps]) -> bool:
    """Return True if ``error`` is only that a member is missing around a cut.

    An alternative is excused if everything that one of its branches finds is.
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


def _complaints(piece: Piece) -> list[str]:
    value = _at(CAPTURED[piece.file], piece.path)
    errors = validator(piece.schema, "strict", piece.release).iter_errors(value)
    cuts = _cuts(piece)
    return [error.message for error in errors if not _is_excused(error, cuts)]


def test_every_relevant_example_has_a_schema() -> None:
    own = {file for file in CAPTURED if file.startswith(("webhook_requests_", "authentication_"))}
    assert own <= EXCHANGES.keys() <= CAPTURED.keys()
    assert len(own) >= 7
    assert sum(piece.schema == "log_information" for piece in PIECES) >= 8


@pytest.mark.parametrize("file", CAPTURED)
def test_a_captured_example_fits_its_schemas(file: str) -> None:
    """What is visible of an example is valid in the strict profile, and so in core."""
    for piece in PIECES:
        if piece.file == file:
            assert _complaints(piece) == [], piece
