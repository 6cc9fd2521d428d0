"""How the kit finds webhook requests, and the world that it makes where it may."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from crmcom_kit.contract_tests.login import log_in
from crmcom_kit.contract_tests.safety.discovery import NEEDS, discover, needs
from crmcom_kit.contract_tests.session import Session

from crmcom_kit.contract_tests.client.http import Client, Limits
from crmcom_kit.contract_tests.client.made_up import NO_TOKEN
from crmcom_kit.contract_tests.own_world import definitions, entries, not_effective, signed, units
from crmcom_kit.contract_tests.safety.scope import EVERYTHING, Scope
from crmcom_kit.contract_tests.targets import own_mock
from crmcom_kit.schemas import release_names, resolve, validator

BOTH = frozenset(("resend", "delete"))


def kit_for(release: str, scope: Any = None, *, own: bool = False) -> Session:
    """A session that has logged in at a mock, which it takes for somebody's server by default."""
    target = replace(own_mock(release), own=own)
    session = Session(Client(target, Limits()), allowed=BOTH if scope else frozenset())
    session.pool.may_change = scope or (lambda _: False)
    log_in(session)
    return session


def lists(session: Session) -> list[dict[str, Any]]:
    """The parameters of each list that was called, without the token."""
    calls = (e.call.parameters for e in session.client.history if e.call.method == "list")
    mine = (each for each in calls if each["token"] != NO_TOKEN)
    return [{n: v for n, v in each.items() if n != "token"} for each in mine]


@pytest.mark.parametrize("release", release_names()[::2])
def test_the_world_is_valid_and_has_every_case(release: str) -> None:
    """Both states for every entity of the release, and each odd case that checks need."""
    known = resolve(release)
    world = entries(known)

    check = validator("world_entry", "strict")
    assert not [str(e) for entry in world for e in check.iter_errors(entry)]
    records = [each["webhook_request"]["record"] for each in world if "webhook_request" in each]
    states = Counter((each["entity"], each["life_cycle_state"]) for each in records)
    assert {entity for entity, _ in states} == set(known.entities)
    assert min(states.values()) >= 2
    numbers, ids = ({each[name] for each in records} for name in ("number", "id"))
    assert len(numbers) == len(ids) == len(records)
    assert numbers & ids, "an id that is another's number"
    assert len(units(world)) > 1
    assert not_effective(world)
    assert {len(signed(world)) < len(records), len(signed(world)) > 0} == {True}
    assert any("=" in each["name"] and "&" in each["name"] for each in definitions(world))
    assert entries(known) == world


def test_on_a_mock_of_its_own_everything_is_found() -> None:
    """One list an entity."""
    session = kit_for("R15", EVERYTHING, own=True)

    found = discover(session, EVERYTHING)

    assert len(found) == len(session.release.entities)
    assert len(session.pool) == len(
        [each for each in session.target.entries if "webhook_request" in each]
    )


@pytest.mark.parametrize("release", ["R13", "R15", "R18"])
def test_elsewhere_lists_are_paged(release: str) -> None:
    """Each list asks for one page, and no more lists are called than needed."""
    session = kit_for(release)

    discover(session)

    assert all(set(each) >= {"number_of_results", "offset"} for each in lists(session))
    assert len(lists(session)) == 2
    assert {each["life_cycle_state"] for each in session.pool.known()} == {"REJECTED", "SUCCESSFUL"}


@pytest.mark.parametrize("release", ["R9", "R12"])
def test_below_r13_lists_are_narrow(release: str) -> None:
    """No list of a whole entity: state, and entity_id where one is known."""
    session = kit_for(release)

    discover(session)

    assert lists(session)
    assert all("life_cycle_state" in each for each in lists(session))
    assert any("entity_id" in each for each in lists(session))


def test_the_scope_says_where_to_look_first() -> None:
    """A definition's name and an entity_id are filters; numbers are shown."""
    scope = Scope(definition="New = changed & renewed, 100%")
    session = kit_for("R15", scope)
    discover(session, scope)
    assert lists(session)[0]["webhook_definition_identifier"] == {"name": scope.definition}
    assert all(map(scope, list(session.pool.known())[:4]))

    numbered = kit_for("R15", Scope(numbers=frozenset({"1", "2"})))
    discover(numbered, numbered.pool.may_change)
    shown = [e.call.parameters for e in numbered.client.history if e.call.method == "show"]
    wanted = [each["webhook_request_identifier"] for each in shown]
    assert wanted == [{"number": "1"}, {"number": "2"}]


def test_with_all_in_scope_it_goes_on_until_there_are_enough() -> None:
    """As many of each state as the layers work with."""
    session = kit_for("R15", EVERYTHING)

    discover(session, EVERYTHING)

    counts = Counter(each["life_cycle_state"] for each in session.pool.known())
    for state in ("REJECTED", "SUCCESSFUL"):
        wanted = sum(c for layer in BOTH for s, c, _ in NEEDS[layer] if s == state)
        assert counts[state] >= wanted


@pytest.mark.parametrize(
    ("allowed", "layers"),
    [((), {"read"}), (("resend",), {"read", "resend"}), (BOTH, {"read", "resend", "delete"})],
)
def test_it_says_what_it_needs(allowed: Iterable[str], layers: set[str]) -> None:
    """A line for each state that a layer works with."""
    assert {line.partition(":")[0] for line in needs(frozenset(allowed))} == layers


class TestScope:
    """What is in scope."""

    RECORD = {  # noqa: RUF012 - nobody changes it
        "id": "A",
        "number": "7",
        "entity_id": "E",
        "webhook_definition": {"id": "D", "name": "N"},
    }

    @pytest.mark.parametrize(
        ("scope", "fits"),
        [
            (Scope(), False),
            (Scope(everything=True), True),
            (Scope(definition="N"), True),
            (Scope(definition="D"), False),
            (Scope(entity_id="E"), True),
            (Scope(entity_id="e"), False),
            (Scope(numbers=frozenset({"7", "8"})), True),
            (Scope(numbers=frozenset({"8"})), False),
            (Scope(definition="N", entity_id="F"), False),
            (Scope(definition="N", everything=True), True),
        ],
    )
    def test_all_that_is_given_must_fit(self, scope: Scope, *, fits: bool) -> None:
        """Nothing is in scope unless something was given, and then what fits all of it."""
        assert scope(dict(self.RECORD)) is fits
