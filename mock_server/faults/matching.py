"""How a fault sees a request: method, named record, token.

Only what a fault asks for is read, and errors are ignored: a value that cannot be read is absent.
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
    def _raw(self) -> RawParameters | None:
        if self._method is None:
            return None
        try:
            return self._parameters.collect(self._method, self._request)
        except VendorError:
            return None

    @cached_property
    def identifier(self) -> tuple[str, str] | None:
        """Field and value that name a webhook request, in a query or in a body."""
        value = None if self._raw is None else self._raw.values.get(REQUEST_IDENTIFIER)
        if isinstance(value, str):
            field, equals, text = value.partition("=")
            return (field, text) if equals else None
        if isinstance(value, Mapping) and len(value) == 1:
            ((field, inner),) = value.items()
            return (field, str(inner)) if isinstance(inner, str | int) else None
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
        """Whether ``fault`` matches the request and its effect is possible."""
        if "expire_token" in fault.effect and self.token is None:
            return False
        if "delete_record" in fault.effect and self.record is None:
            return False
        return self.is_about(fault.operations, fault.record)

    def is_about(self, operations: Sequence[str], record: str | None) -> bool:
        """Whether it is one of the operations, and names the webhook request; or any of both."""
        if operations and self.operation not in operations:
            return False
        return record is None or self._names(record)

    def _names(self, asked: str) -> bool:
        """Whether the request names that webhook request, by either of its identifiers."""
        record = self.record
        if record is None:  # deleted, or it never existed
            return self.identifier in (("number", asked), ("id", asked))
        return asked in (record.number, record.id)
