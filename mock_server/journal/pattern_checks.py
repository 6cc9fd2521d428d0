"""Members of a call that have few values: a pattern that asks for another would never fit.

Such a pattern is a mistyped one, and "it was not called" would hold of it whatever was called.
"""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.schemas import resolve
from crmcom_kit.schemas.dialect import error_kinds
from crmcom_kit.schemas.methods import methods
from crmcom_kit.schemas.releases import entities_since, release_names
from crmcom_kit.schemas.statements import statements

#: The states of a webhook request that answers show.
SHOWN_STATES = ("SUCCESSFUL", "REJECTED")
_MAX_NAMED = 40  # of a longer list, the nearest ones
_FORMS = {
    "identifier": (
        re.compile(r"(id|number)=.*", re.DOTALL),
        'number=… or id=…, or {"number": "7"}',
    ),
    "status": (re.compile("[1-9][0-9]{2}"), "an HTTP status"),
}


@cache
def _operations() -> tuple[str, ...]:
    """Return the methods of all releases; a pattern does not know whose calls it is for."""
    found = (
        each.name for release in release_names() for each in methods(resolve(release)).values()
    )
    return tuple(dict.fromkeys(found))


_SETS: Mapping[str, Callable[[], tuple[str, ...]]] = {
    "operation": _operations,
    "statement": lambda: tuple(each.id for each in statements()),
    "errorKind": lambda: tuple(error_kinds()),
    "stateBefore": lambda: SHOWN_STATES,
    "stateAfter": lambda: SHOWN_STATES,
}
#: The members of a webhook request that are like this.
RECORD_SETS: Mapping[str, Callable[[], tuple[str, ...]]] = {
    "life_cycle_state": lambda: SHOWN_STATES,
    "entity": lambda: tuple(entities_since()),
}


def check_asked(name: str, asked: Any) -> None:
    """Refuse a value that the member ``name`` of no call has. Raises UsageError.

    Args:
        name: a member of a pattern.
        asked: what is asked of it: a value, or an object of operators, of which equality counts.
    """
    if isinstance(asked, Mapping):
        if "equalTo" not in asked or asked.get("caseInsensitive"):
            return
        asked = asked["equalTo"]
    if name in _SETS:
        check_one_of(name, asked, _SETS[name]())
    elif name in _FORMS:
        form, allowed = _FORMS[name]
        if not form.fullmatch(str(asked)):
            raise UsageError(name, seen=quoted(asked), allowed=allowed)


def check_one_of(name: str, asked: object, known: tuple[str, ...]) -> None:
    """Refuse a value that is not in ``known``, naming the nearest. Raises UsageError."""
    if asked in known:
        return
    near = get_close_matches(str(asked), known, n=3, cutoff=0.4) or known[:3]
    few = len(known) <= _MAX_NAMED
    allowed = f"one of {', '.join(known)}" if few else f"an id such as {', '.join(near)}"
    if name == "stateAfter":
        allowed += '; of a deleted webhook request {"absent": true}'
    raise UsageError(name, seen=quoted(asked), allowed=allowed)
