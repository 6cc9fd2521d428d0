"""Delivery faults: a webhook is sent twice, late, wrongly signed, or cut."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from crmcom_kit.mock_server.deliveries.senders import OutgoingMessage
from crmcom_kit.mock_server.protocol.schema_errors import check, strict_validator
from crmcom_kit.schemas.exchanges import Exchanges
from crmcom_kit.schemas.formats import id_of
from crmcom_kit.usage_errors import LimitExceeded, UsageError

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

MAX_FAULTS = 100


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of a delivery fault, which the control API's document shows."""
    text = Path(__file__).with_name("fault_schema.json").read_bytes()
    found: dict[str, Any] = orjson.loads(text)
    return found


@cache
def _validator() -> "Draft202012Validator":
    return strict_validator(schema())


def delivery_fault(spec: Mapping[str, Any]) -> "DeliveryFault":
    """Return the delivery fault that a specification describes. Raises UsageError."""
    check(_validator(), spec, whole="fault")
    return DeliveryFault(**spec)


def old_key(key: str) -> str:
    """Return the key that preceded a secret key: nothing is signed with it any more."""
    return id_of(f"old key/{key}")


@dataclass(slots=True, kw_only=True)
class DeliveryFault:
    """One injected failure of deliveries."""

    fault: str  # what goes wrong, as in the schema
    times: int | None = 1  # how many deliveries it hits; None for all
    seconds: float = 1.0  # how late, of a delay: the world's time
    copies: int = 1  # how many more, of a duplicate
    definition: str | None = None  # id, name or alternative code; None for any
    number: str | None = None  # of the webhook request; None for any
    hits: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it as the control API shows it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def spent(self) -> bool:
        """Whether it has hit as many deliveries as it may."""
        return self.times is not None and self.hits >= self.times

    def matches(self, number: str, names: frozenset[str]) -> bool:
        """Whether it hits the delivery of a webhook request: its number, its definition's names."""
        by_number = self.number in (None, number)
        by_definition = self.definition is None or self.definition in names
        return by_number and by_definition and not self.spent

    def changed(
        self, message: OutgoingMessage, exchanges: Exchanges, key: str | None
    ) -> OutgoingMessage:
        """Return what is sent instead of ``message``."""
        match self.fault:
            case "cut_body":
                return message._replace(cut=True)
            case "wrong_signature":
                code = message.authentication_code
                if code:  # another one of the same form
                    code = ("1" if code[0] == "0" else "0") + code[1:]
                return message._replace(authentication_code=code)
            case "old_key":
                data = None if message.data is None else orjson.loads(message.data)
                code = None if key is None else exchanges.code(data, old_key(key), None)
                return message._replace(authentication_code=code)
            case _:
                return message


class DeliveryFaults:
    """The delivery faults of one world; a delivery is hit by the first that matches."""

    def __init__(self) -> None:
        """Start without faults."""
        self._lock = threading.Lock()
        self._faults: list[DeliveryFault] = []

    @property
    def has_active(self) -> bool:
        """Whether any of them may still hit a delivery."""
        return any(not one.spent for one in self._faults)

    def all(self) -> list[DeliveryFault]:
        """Return copies of the faults, in their order."""
        with self._lock:
            return [replace(one) for one in self._faults]

    def put(self, faults: list[DeliveryFault], *, sends: bool) -> None:
        """Replace the faults.

        If the mock does not really send (``sends``), there is no message that they could change.

        Raises:
            UsageError: a fault could do nothing.
            LimitExceeded: there are more faults than allowed.
        """
        for one in faults:
            if one.fault != "delay" and not sends:
                seen = f"{one.fault} with scripted deliveries"
                allowed = "delay; the other faults need a mock with --deliver http"
                raise UsageError("fault", seen=seen, allowed=allowed)
        if len(faults) > MAX_FAULTS:
            raise LimitExceeded("faults", seen=f"{len(faults)}", allowed=f"at most {MAX_FAULTS}")
        with self._lock:
            self._faults = [replace(one) for one in faults]

    def select(self, number: str, names: frozenset[str]) -> DeliveryFault | None:
        """Return the fault that hits a delivery, and count the hit."""
        with self._lock:
            found = next((one for one in self._faults if one.matches(number, names)), None)
            if found is not None:
                found.hits += 1
            return found
