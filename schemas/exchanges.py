"""The members of a record about its delivery: authentication code, request and response."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from crmcom_kit.schemas.dialect import Dialect, delivery_outcomes
from crmcom_kit.schemas.formats import derived_id
from crmcom_kit.schemas.signing import canonical_bytes, signature, signed_form
from crmcom_kit.schemas.third_party import ThirdPartyMessages

# Large and small numbers, which Python's json may write differently from orjson.
_ODD_NUMBER = re.compile(rb"[:,\[]-?(?:[0-9]{16}|0\.000|[0-9.]+[eE])")


class Exchanges:
    """Makes the members of a record about its delivery, in the form of a dialect."""

    def __init__(self, dialect: Dialect) -> None:
        """Read the dials of their form."""
        self._form: str = dialect["record.exchange_form"]
        self._code_on_failure = dialect["record.code_on_internal_failure"] == "code"
        self._internal: str = delivery_outcomes()["internal"]["error_code"]
        self._algorithm: str = dialect["signing.algorithm"]
        self._encoding: str = dialect["signing.encoding"]
        self._signed_form = signed_form(dialect)
        #: The messages that the receiver gets.
        self.messages = ThirdPartyMessages(dialect)
        #: True if the shortest JSON in UTF-8 is signed.
        self.signs_compact = self._signed_form == {"canonical_form": "compact", "charset": "utf-8"}

    @property
    def tells_status(self) -> bool:
        """True if request and response have the content of the exchange, not a reference to it."""
        return self._form in ("object", "text")

    def signed_of(self, text: bytes) -> bytes | None:
        """Return the signed bytes of a data object that orjson wrote as ``text``.

        None if the bytes alone are not enough.
        """
        is_same = self.signs_compact and _ODD_NUMBER.search(text) is None
        return text if is_same else None

    def signed_bytes(self, data: Mapping[str, Any]) -> bytes:
        """Return the bytes of a data object that are signed."""
        return canonical_bytes(data, **self._signed_form)

    def code(self, data: Any, key: str | None, error_code: str | None) -> str | None:
        """Return the authentication code of a data object, or of its bytes.

        None without a data object or key, and by dial if sending failed before the code was made.
        """
        if data is None or key is None:
            return None
        if not isinstance(data, bytes):
            data = self.signed_bytes(data)
        return self.code_after(signature(data, key, self._algorithm, self._encoding), error_code)

    def code_after(self, code: str | None, error_code: str | None) -> str | None:
        """Return the authentication code that a record has after an attempt with ``error_code``."""
        is_unsigned = error_code == self._internal and not self._code_on_failure
        return None if is_unsigned else code

    def request(self, data: Any, code: str | None, reference: str) -> Any:
        """Return the record's ``request``: the message, or a reference to it."""
        if self._form == "reference":
            return reference
        return self._in_form(self.messages.body(data, code))

    def response(self, outcome_status: int | None, reference: str) -> Any:
        """Return the record's ``response``: the receiver's response, or a reference to it."""
        if self._form == "reference":
            return reference
        content = None if outcome_status is None else {"status": outcome_status}
        return self._in_form(content)

    def _in_form(self, value: Any) -> Any:
        if self._form == "text":
            return None if value is None else orjson.dumps(value).decode()
        return value if self._form == "object" else None


def reference_of(seed: int, record_id: str) -> str:
    """Return the reference to the exchange of a record that was never resent."""
    return derived_id(f"{seed}/exchange/{record_id}")


def status_of(record: Mapping[str, Any]) -> int | None:
    """Return the HTTP status of the receiver's response to a stored record.

    None without a response, or if the record's error members do not give the status.
    """
    for name, entry in delivery_outcomes().items():
        is_same = entry["error_code"] == record["error_code"] and _reason(entry) == _reason(record)
        if is_same and (name == "success") == (record["life_cycle_state"] == "SUCCESSFUL"):
            return None if entry["status"] is None else int(entry["status"])
    return None


def _reason(entry: Mapping[str, Any]) -> str | None:
    """Return the first line of an error description; the lines after it are a trace."""
    text: str | None = entry["error_description"]
    return text and text.partition("\n")[0]
