"""Discover the webhook requests of a target: by its scope, and by a list of each entity."""

from collections.abc import Iterator
from typing import Any

from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.errors import ResponseTooLong, Unreachable
from crmcom_kit.contract_tests.oracle.parsing import IDENTIFIER, STATES

Parameters = dict[str, Any]

#: The number of results of a page, if a whole list is too long.
PAGE = 50


def discover(session: Session) -> list[Parameters]:
    """Look for webhook requests, and return the parameters of each list that shows some.

    Those that may be changed come first. Raises Unreachable if the run can read no list, since each
    is too long.
    """
    lists: list[Parameters] = []
    for number in sorted(session.scene.scope.numbers):
        session.call("show", {IDENTIFIER: {"number": number}})
    was_read, too_long = False, ""
    for parameters in _lists(session):
        for filters in _narrowed(session, parameters):
            try:
                records = session.call("list", filters).records
            except ResponseTooLong as error:
                too_long = str(error)
                continue  # a narrower list may be short enough
            was_read = True
            lists += [filters] if records else []
            if filters is parameters:
                break
    if too_long and not was_read:
        msg = f"no list could be read: {too_long}"
        raise Unreachable(msg)
    return lists


def _lists(session: Session) -> Iterator[Parameters]:
    if (definition := session.scene.scope.definition) is not None:
        yield {"webhook_definition_identifier": {"name": definition}}
    for entity in session.scene.release.entities:
        yield {"entity": entity}


def _narrowed(session: Session, parameters: Parameters) -> Iterator[Parameters]:
    """Yield the parameters of a list, and narrower ones in case it is too long."""
    yield parameters
    page = {"number_of_results": str(PAGE)} if session.scene.can_page() else {}
    for state in STATES:
        yield {**parameters, "life_cycle_state": state, **page}
