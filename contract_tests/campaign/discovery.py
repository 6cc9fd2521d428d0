"""Discover the webhook requests of a target: by its scope, and by list over the entities."""

from collections.abc import Iterator
from typing import Any

from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.errors import ResponseTooLong, Unreachable
from crmcom_kit.contract_tests.oracle.expectations import STATES
from crmcom_kit.contract_tests.oracle.sense import IDENTIFIER
from crmcom_kit.contract_tests.safety.scope import Scope

Parameters = dict[str, Any]

#: How many results a page has where a whole list is too long.
PAGE = 50


def discover(session: Session) -> list[Parameters]:
    """Look for webhook requests, and return the parameters of each list that found some.

    Those that may be changed come first. Raises Unreachable if every list is longer than the run
    may read.
    """
    found: list[Parameters] = []
    scope = session.scene.may_change
    if isinstance(scope, Scope):
        for number in sorted(scope.numbers):
            session.call("show", {IDENTIFIER: {"number": number}})
    was_read, too_long = False, ""
    for parameters in _lists(session):
        for narrowed in _narrowed(session, parameters):
            try:
                records = session.call("list", narrowed).records
            except ResponseTooLong as error:
                too_long = str(error)
                continue  # a narrower list may do
            was_read = True
            found += [narrowed] if records else []
            if narrowed is parameters:
                break
    if too_long and not was_read:
        msg = f"no list could be read: {too_long}"
        raise Unreachable(msg)
    return found


def _lists(session: Session) -> Iterator[Parameters]:
    scope = session.scene.may_change
    if isinstance(scope, Scope) and scope.filters:
        yield scope.filters
    for entity in session.scene.release.entities:
        yield {"entity": entity}


def _narrowed(session: Session, parameters: Parameters) -> Iterator[Parameters]:
    """Yield a list, and what to ask for if it is too long."""
    yield parameters
    page = {"number_of_results": str(PAGE)} if session.scene.can_page() else {}
    for state in STATES:
        yield {**parameters, "life_cycle_state": state, **page}
