"""The catalogue of statements is complete, well formed and distinct by release."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from crmcom_kit.schemas import files, load_schema
from crmcom_kit.schemas.dialect import statement_of_error
from crmcom_kit.schemas.methods import methods, response_fields
from crmcom_kit.schemas.releases import entities_since, release_names, resolve
from crmcom_kit.schemas.statements import (
    EVIDENCE,
    Statement,
    UnknownStatement,
    checked_statements,
    statement,
    statements,
)

SENTENCES: list[tuple[str, list[str]]] = json.loads(
    Path(__file__).with_name("specification_sentences.json").read_text("utf-8")
)
WEBHOOK_METHODS = ("show", "list", "resend", "delete")
METHODS = (*WEBHOOK_METHODS, "token", "token_release", "web_api_key_token")
ERROR_KINDS: list[dict[str, str]] = files.read_json("data/errors.json")["errors"]
KINDS_OF_IDENTIFIER = ("no_identifier", "several_identifiers", "unknown_identifier_field")
PARAMETER_SCHEMAS: dict[str, Any] = {
    method: load_schema(f"{method}_parameters") for method in METHODS
}


def ids(release: str | None = None) -> set[str]:
    return {statement.id for statement in statements(release)}


def speaks_of(statement: Statement, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", statement.text) is not None


def test_ids_are_unique_and_well_formed() -> None:
    written = [entry["id"] for entry in files.read_json("data/statements.json")["statements"]]
    assert len(set(written)) == len(written) == len(statements())
    for id_ in written:
        assert re.fullmatch(r"[a-z]\w*(\.[a-z]\w*)+", id_, re.ASCII), id_


def test_every_entry_is_legal() -> None:
    for entry in statements():
        assert entry.evidence in EVIDENCE, entry
        assert entry.methods, entry
        assert set(entry.methods) <= set(METHODS), entry
        assert entry.since in release_names(), entry
        assert entry.until is None or entry.until in release_names(), entry
        assert entry.until is None or resolve(entry.until).at_least(entry.since), entry
        assert entry.until != entry.since, entry
        assert all(resolve(since).at_least(entry.since) for since in entry.later.values()), entry
        assert set(entry.later) < set(entry.methods), entry
        assert entry.source, entry
        assert re.fullmatch(r"[^\n]{10,240}\.", entry.text), entry


def test_inferred_statements_are_marked_as_our_reading() -> None:
    """The sentence itself marks what no page or example shows."""
    ours = {f.id for f in statements() if f.evidence in ("inferred", "assumed")}
    assert {f.id for f in statements() if "our reading" in f.text} == ours


def test_every_error_names_a_statement() -> None:
    """Each vendor error breaks a statement of every method that can raise it."""
    for kind in ERROR_KINDS:
        assert statement(kind["statement"])
        of_several = kind["kind"] in ("bad_fields_set", *KINDS_OF_IDENTIFIER)
        for method in WEBHOOK_METHODS if of_several else ():
            assert method in statement(statement_of_error(kind["kind"], method)).methods, kind


def test_every_response_field_has_a_statement() -> None:
    """The documented type of each field is a statement of all four methods, from R9 on."""
    for name in response_fields():
        of_field = statement(f"response.{name}")
        assert of_field.methods == WEBHOOK_METHODS, name
        assert of_field in statements("R9"), name
        assert speaks_of(of_field, name), name


def test_every_parameter_has_a_statement() -> None:
    """Each parameter is named by a statement of its method, from the release that brought it."""
    mandatory = statement("parameters.mandatory")
    for method, schema in PARAMETER_SCHEMAS.items():
        for name, piece in schema["properties"].items():
            since = piece.get("x-since", schema["x-method"].get("since", "R9.0.0"))
            about = [f for f in statements(since) if method in f.methods and speaks_of(f, name)]
            assert about, f"{method}: {name}"
            if "x-since" in piece:
                firsts = {statement.later.get(method, statement.since) for statement in about}
                assert since in firsts, f"{method}: {name} came in {since}"
        for name in schema.get("required", ()):
            assert method in mandatory.methods
            assert speaks_of(mandatory, name), f"{method}: {name}"


def test_arrivals_and_deprecations_of_methods_are_stated() -> None:
    for method, schema in PARAMETER_SCHEMAS.items():
        about = schema["x-method"]
        own = [statement for statement in statements() if method in statement.methods]
        assert any(statement.since == about.get("since", "R9.0.0") for statement in own), method
        deprecated = {statement.since for statement in own if speaks_of(statement, "deprecated")}
        since = {about["deprecated_since"]} if "deprecated_since" in about else set()
        assert deprecated == since, method


def test_every_entity_has_a_statement() -> None:
    for entity, since in entities_since().items():
        about = [f for f in statements() if f.id.startswith("entities.") and speaks_of(f, entity)]
        assert [statement.since for statement in about] == [since], entity
        assert about[0].methods == WEBHOOK_METHODS, entity


def test_every_member_of_log_information_has_a_statement() -> None:
    """Dates, units and users are stated, for just the releases that have them."""
    about = [f for f in statements() if f.id.startswith("response.log_information.")]
    for schema in ("log_information", "unit", "user"):
        for name, piece in load_schema(schema)["properties"].items():
            wanted = (piece.get("x-since", "R9.0.0"), piece.get("x-until"))
            assert wanted in {(f.since, f.until) for f in about if speaks_of(f, name)}, name


def test_every_sentence_of_the_specification_has_statements() -> None:
    """Each sentence of the R9.0.0 pages is held by statements of the methods it speaks of."""
    in_force = statements("R9")
    for sentence, named in SENTENCES:
        methods_named, _, rest = sentence.partition(": ")
        found = [statement(id_) for id_ in named]
        assert rest, sentence
        assert found, sentence
        assert all(entry in in_force for entry in found), sentence
        assert set(methods_named.split(", ")) <= {m for entry in found for m in entry.methods}


def test_what_a_page_states_comes_from_a_sentence() -> None:
    """A statement with an R9.0.0 webhook_requests page as its source is on that page."""
    claimed = {
        statement.id
        for statement in statements()
        if statement.evidence == "documented"
        and re.search(r"webhook_requests\b.*\bR9\.0\.0", statement.source)
    }
    named = {id_ for _, ids_ in SENTENCES for id_ in ids_}
    assert claimed > set()
    assert claimed - named == set()


@pytest.mark.parametrize("release", ["R9", "R10", "R13", "R18"])
def test_a_statement_is_about_the_methods_of_a_release(release: str) -> None:
    """A method that a release lacks is left out, and so is one that takes fields_set later."""
    at = resolve(release)
    for entry in statements(release):
        assert set(entry.methods_in(at)) <= set(methods(at))
        assert entry.methods_in(at), entry.id
        if entry.id.startswith("fields_set."):
            takes = [
                name for name, method in methods(at).items() if "fields_set" in method.parameters
            ]
            assert sorted(entry.methods_in(at)) == sorted(takes)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("list.identifer.known", "list.identifier.known"),
        ("show.identifier.known", "identifier.known"),
        ("web_api_key_token.parameters.mandatory", "parameters.mandatory"),
    ],
)
def test_an_unknown_id_is_refused_with_near_ones(wrong: str, near: str) -> None:
    with pytest.raises(UnknownStatement) as caught:
        statement(wrong)
    message, _, nearest = str(caught.value).partition("; nearest: ")
    assert message == f"statement: there is no {wrong!r}"
    assert near in nearest.split(", ")


def test_only_what_requests_can_test_is_checked() -> None:
    """The statements of a run are those without a reason why no request can test them."""
    checked = checked_statements("R15")
    assert {statement.unchecked for statement in checked} == {None}
    assert set(ids("R15")) - {statement.id for statement in checked} > {
        "parameters.once",
        "methods.known",
    }
    assert [statement.id for statement in checked_statements("R9", "methods.k*")] == []
