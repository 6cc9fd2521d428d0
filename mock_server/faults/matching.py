"""How a fault sees a request: method, named record, parameters, token.

Only what a fault asks for is read, and errors are ignored: a value that cannot be read is absent.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from crmcom_kit.mock_server.faults.model import Fault, Spec
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER, Given
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.store.records import Key, Record, key_of

#: Finds a record by id or number.
FindRecord = Callable[[Key, str], Record | None]


class RequestView:
    """A request as faults see it."""

    def __init__(self, config: Config, find_record: FindRecord, request: Request) -> None:
        """Look at ``request``; ``find_record`` finds the record that it names."""
        self._parameters = config.parameters
        self._find_record = find_record
        self._request = request
        self._method = config.methods.get(request.path)

    @property
    def operation(self) -> str | None:
        """The name of the requested method; None if there is none at that path."""
        return None if self._method is None else self._method.name

    @cached_property
    def _given(self) -> Given | None:
        if self._method is None:
            return None
        try:
            return self._parameters.collect(self._method, self._request)
        except VendorError:
            return None

    @cached_property
    def values(self) -> dict[str, str]:
        """The parameters as a query spells them: an identifier is ``field=value``."""
        given = {} if self._given is None else self._given.values
        found = {name: _spelled(value) for name, value in given.items()}
        return {name: text for name, text in found.items() if text is not None}

    @cached_property
    def token(self) -> str | None:
        """The token in the request."""
        if self._given is None:
            return None
        try:
            return self._parameters.token(self._given, self._request.authorization)
        except VendorError:
            return None

    @cached_property
    def record(self) -> Record | None:
        """The webhook request that the request names, if it exists."""
        field, equals, value = self.values.get(REQUEST_IDENTIFIER, "").partition("=")
        if not equals or field not in ("id", "number"):
            return None
        return self._find_record(key_of(field), value)

    def matches(self, fault: Fault) -> bool:
        """Whether ``fault`` matches the request and its effect is possible."""
        match, effect = fault.match, fault.effect
        if "operation" in match and self.operation not in match["operation"]:
            return False
        if "expireToken" in effect and self.token is None:
            return False
        if "deleteRecord" in effect and self.record is None:
            return False
        if not all(self._names(*one) for one in match.get("identifier", {}).items()):
            return False
        conditions = match.get("parameters", {})
        return all(_holds(one, self.values.get(name)) for name, one in conditions.items())

    def _names(self, field: str, value: str) -> bool:
        """Whether the request names that webhook request, by either of its identifiers."""
        record = self.record
        if record is None:  # deleted, or it never existed
            return self.values.get(REQUEST_IDENTIFIER) == f"{field}={value}"
        return value == (record.number if field == "number" else record.id)


def _holds(condition: Spec, value: str | None) -> bool:
    """Whether a value fits; None means that the request has no such parameter."""
    ((kind, wanted),) = condition.items()
    if kind == "absent" or value is None:
        return bool(kind == "absent" and value is None)
    if kind == "equals":
        return bool(value == wanted)
    return value in wanted if kind == "oneOf" else wanted in value


def _spelled(value: Any) -> str | None:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if abs(value) < 10**18 else None
        case Mapping() if len(value) == 1:
            ((field, inner),) = value.items()
            text = None if isinstance(inner, Mapping) else _spelled(inner)
            return None if text is None else f"{field}={text}"
        case _:
            return None
