"""What goes wrong on purpose with deliveries: sent twice, late, wrongly signed, or cut."""

import threading
from dataclasses import dataclass, replace
from typing import Any

import orjson

from crmcom_kit.mock_server.deliveries.senders import Attempt
from crmcom_kit.mock_server.usage_errors import LimitExceeded
from crmcom_kit.schemas.exchanges import Exchanges
from crmcom_kit.schemas.formats import id_of

KINDS = ("duplicate", "delay", "wrong_signature", "old_key", "cut_body")
MAX_FAULTS = 100


def old_key(key: str) -> str:
    """Return the key that a secret key has been before: one that nothing is signed with by now."""
    return id_of(f"old key/{key}")


@dataclass(slots=True, kw_only=True)
class DeliveryFault:
    """One thing that goes wrong with deliveries."""

    fault: str  # one of KINDS
    times: int | None = 1  # how many deliveries it hits; None for all
    seconds: float = 1.0  # how late, of a delay: the world's time
    copies: int = 1  # how many more, of a duplicate
    definition: str | None = None  # id, name or alternative code; None for any
    number: str | None = None  # of the webhook request; None for any
    hits: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it as the control API shows it."""
        return {name: getattr(self, name) for name in self.__slots__}

    def fits(self, number: str, names: frozenset[str]) -> bool:
        """Whether it hits a delivery of a webhook request, by its number and definition's names."""
        if self.times is not None and self.hits >= self.times:
            return False
        by_number = self.number is None or self.number == number
        return by_number and (self.definition is None or self.definition in names)

    def changed(self, attempt: Attempt, exchanges: Exchanges, key: str | None) -> Attempt:
        """Return what goes out in the place of ``attempt``."""
        match self.fault:
            case "cut_body":
                return attempt._replace(cut=True)
            case "wrong_signature":
                code = attempt.authentication_code
                return attempt._replace(authentication_code=code and _another(code))
            case "old_key":
                data = None if attempt.data is None else orjson.loads(attempt.data)
                code = None if key is None else exchanges.code(data, old_key(key), None)
                return attempt._replace(authentication_code=code)
            case _:
                return attempt


def _another(code: str) -> str:
    """Return a code of the same form that is wrong."""
    first = code[0]
    return ("1" if first == "0" else "0") + code[1:]


class DeliveryFaults:
    """The delivery faults of one world; a delivery is hit by the first that fits."""

    def __init__(self) -> None:
        """Start without any."""
        self._lock = threading.Lock()
        self._faults: list[DeliveryFault] = []

    @property
    def has_active(self) -> bool:
        """Whether there is any."""
        return bool(self._faults)

    def all(self) -> list[DeliveryFault]:
        """Return them, in their order."""
        with self._lock:
            return [replace(one) for one in self._faults]

    def put(self, faults: list[DeliveryFault]) -> None:
        """Have these from now on, and no other. Raises LimitExceeded."""
        if len(faults) > MAX_FAULTS:
            raise LimitExceeded("faults", seen=f"{len(faults)}", allowed=f"at most {MAX_FAULTS}")
        with self._lock:
            self._faults = [replace(one) for one in faults]

    def next(self, number: str, names: frozenset[str]) -> DeliveryFault | None:
        """Return the fault that hits a delivery."""
        with self._lock:
            found = next((one for one in self._faults if one.fits(number, names)), None)
            if found is not None:
                found.hits += 1
            return found
