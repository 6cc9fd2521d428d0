"""An injected failure, and the requests that it matches: their method, record and token.

A value of a request is read when a fault needs it; a value that cannot be read counts as absent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER, RawParameters
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.store.records import Key, Record, key_of

#: Effects of which a fault has one at most: those that replace the API's response, and those that
#: damage it.
INSTEAD = ("status", "error", "respond", "drop")
DAMAGES = ("cut", "malformed")


class FixedResponse(NamedTuple):
    """A response that replaces the API's response to every request."""

    status: int
    content_type: str | None  # that of the dialect by default
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One injected failure; ``validation.fault_of`` makes it from a ``FaultSpec``."""

    id: str = ""
    name: str  # shown in the journal
    operations: tuple[str, ...] = ()  # the methods that it hits; any by default
    record: str | None = None  # number or id of the webhook request that they name
    nth: tuple[int, ...] = ()  # positions among the matching requests, from 1; any by default
    after: int = 0  # the matching requests that pass first
    times: int | None = None  # the maximum number of hits; None for any number
    lifetime: float | None = None  # seconds of the world's clock
    after_commit: bool  # True: a request that it hits is carried out first
    effect: Mapping[str, Any]  # as in the specification
    fixed: FixedResponse | None = None  # of the effect ``respond``

    @property
    def replaces_response(self) -> bool:
        """True if the caller does not get the API's response."""
        return not self.effect.keys().isdisjoint(INSTEAD)

    def without_body(self) -> "Fault":
        """Return a copy without the fixed response, which may be long."""
        return self if self.fixed is None else replace(self, fixed=None)

    def as_json(self) -> dict[str, Any]:
        """Return its id and its specification."""
        match: dict[str, Any] = {
            "operation": list(self.operations),
            "record": self.record,
            "nth": list(self.nth),
            "after": self.after,
        }
        members = {
            "id": self.id,
            "name": self.name,
            "match": {name: value for name, value in match.items() if value},
            "effect": dict(self.effect),
            "when": "after_commit" if self.after_commit else "before_commit",
            "times": self.times,
            "lifetime": self.lifetime,
        }
        return {name: value for name, value in members.items() if value is not None}


#: Finds a record by id or number.
FindRecord = Callable[[Key, str], Record | None]


class RequestView:
    """The method, record and token of a request."""

    def __init__(self, config: Config, find_record: FindRecord, request: Request) -> None:
        """View ``request``; ``find_record`` finds the record that it names."""
        self._parameters = config.parameters
        self._find_record = find_record
        self._request = request
        self._method = config.methods.get(request.path)

    @property
    def operation(self) -> str | None:
        """The name of the requested method; None if the path has none."""
        return None if self._method is None else self._method.name

    @cached_property
    def _raw(self) -> RawParameters | None:
        if self._method is None:
            return None
        try:
            return self._parameters.collect(self._method, self._request)
        except VendorError:
            return None

    @cached_property
    def identifier(self) -> tuple[str, str] | None:
        """The field and value that name a webhook request, in the query or in the body."""
        value = None if self._raw is None else self._raw.values.get(REQUEST_IDENTIFIER)
        if isinstance(value, str):
            field, equals, text = value.partition("=")
            return (field, text) if equals else None
        if isinstance(value, Mapping) and len(value) == 1:
            ((field, member),) = value.items()
            return (field, str(member)) if isinstance(member, str | int) else None
        return None

    @cached_property
    def token(self) -> str | None:
        """The token in the request."""
        if self._raw is None:
            return None
        try:
            return self._parameters.token(self._raw, self._request.authorization)
        except VendorError:
            return None

    @cached_property
    def record(self) -> Record | None:
        """The webhook request that the request names, if it exists."""
        if self.identifier is None or self.identifier[0] not in ("id", "number"):
            return None
        field, value = self.identifier
        return self._find_record(key_of(field), value)

    def matches(self, fault: Fault) -> bool:
        """Return True if ``fault`` matches the request and its effect is possible."""
        if "expire_token" in fault.effect and self.token is None:
            return False
        if "delete_record" in fault.effect and self.record is None:
            return False
        return self.is_about(fault.operations, fault.record)

    def is_about(self, operations: Sequence[str], record: str | None) -> bool:
        """Return True if it is one of the operations, and names the record, if they are given."""
        if operations and self.operation not in operations:
            return False
        return record is None or self._names(record)

    def _names(self, record_key: str) -> bool:
        """Return True if the request names the record with this id or number."""
        record = self.record
        if record is None:  # deleted, or it never existed
            return self.identifier in (("number", record_key), ("id", record_key))
        return record_key in (record.number, record.id)
