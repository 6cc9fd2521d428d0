"""A request as faults see it: method, named record, token.

A value is read when a fault needs it; a value that cannot be read counts as absent.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from crmcom_kit.mock_server.faults.model import Fault
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER, RawParameters
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.store.records import Key, Record, key_of

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
