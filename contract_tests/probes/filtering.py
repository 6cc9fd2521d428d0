"""Call list with filters; the checks compare what it returns with what is known."""

from collections.abc import Mapping
from typing import Any

from crmcom_kit.contract_tests.checks.interpretations import Interpretation, Named
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.probes.helpers import whole_list
from crmcom_kit.contract_tests.session import Session

Filters = Mapping[str, Any]


def filtered(session: Session, filters: Filters, *, raw: bool = False) -> Exchange:
    """Call list with ``filters``, page by page; return the first exchange.

    Args:
        session: the run's.
        filters: parameters of list; identifiers as ``Named``.
        raw: see ``calls.written``.
    """
    given = {
        name: {value.field: value.value} if isinstance(value, Named) else value
        for name, value in filters.items()
    }
    exchanges, _ = whole_list(session, given, raw=raw)
    return exchanges[0]


def possible(session: Session) -> list[Interpretation]:
    """Return the interpretations that explain every list so far."""
    return session.checker.lists.left
