"""What a delivery leaves in a record: authentication code, request and response."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from crmcom_kit.schemas.dialect import Dialect, delivery_outcomes
from crmcom_kit.schemas.formats import id_of
from crmcom_kit.schemas.signing import canonical_bytes, signature, signed_form
from crmcom_kit.schemas.third_party import ThirdPartyMessages

# A number that Python's json may write differently from orjson: a large or a small one.
_ODD_NUMBER = re.compile(rb"[:,\[]-?(?:[0-9]{16}|0\.000|[0-9.]+[eE])")


class Exchanges:
    """Makes the parts of a record that come from sending it, in the form of a dialect."""

    def __init__(self, dialect: Dialect) -> None:
        """Read the dials that decide how they look."""
        self._form: str = dialect["record.exchange_form"]
        self._code_on_failure = dialect["record.code_on_internal_failure"] == "code"
        self._internal: str = delivery_outcomes()["internal"]["error_code"]
        self._algorithm: str = dialect["signing.algorithm"]
        self._encoding: str = dialect["signing.encoding"]
        self._signed_form = signed_form(dialect)
        #: The messages that the receiver gets.
        self.messages = ThirdPartyMessages(dialect)
        #: Whether what is signed is the shortest JSON in UTF-8.
        self.signs_compact = self._signed_form == {"canonical_form": "compact", "charset": "utf-8"}

    @property
    def tells_status(self) -> bool:
        """True if request and response show what was sent and received, not a reference to it."""
        return self._form in ("object", "text")

    def signed_of(self, text: bytes) -> bytes | None:
        """Return the signed bytes of a data object that orjson wrote as ``text``.

        None if the bytes alone are not enough.
        """
        same = self.signs_compact and _ODD_NUMBER.search(text) is None
        return text if same else None

    def signed_bytes(self, data: Mapping[str, Any]) -> bytes:
        """Return the bytes of a data object that are signed."""
        return canonical_bytes(data, **self._signed_form)

    def code(self, data: Any, key: str | None, error_code: str | None) -> str | None:
        """Return the authentication code of a data object, or of its bytes.

        None without a data object or key, and by dial if sending failed before it was made.
        """
        if data is None or key is None:
            return None
        if not isinstance(data, bytes):
            data = self.signed_bytes(data)
        return self.after(signature(data, key, self._algorithm, self._encoding), error_code)

    def after(self, code: str | None, error_code: str | None) -> str | None:
        """Return the authentication code that a record has after an attempt with ``error_code``."""
        failed_inside = error_code == self._internal and not self._code_on_failure
        return None if failed_inside else code

    def was_not_signed(self, error_code: str | None, record: Mapping[str, Any]) -> bool:
        """Whether a record has no code since its last attempt failed before there was one."""
        return error_code == self._internal and record.get("authentication_code") is None

    def request(self, data: Any, code: str | None, reference: str) -> Any:
        """Return the record's ``request``: what was sent, or a reference to it."""
        if self._form == "reference":
            return reference
        return self._in_form(self.messages.body(data, code))

    def response(self, outcome_status: int | None, reference: str) -> Any:
        """Return the record's ``response``: what was received, or a reference to it."""
        if self._form == "reference":
            return reference
        received = None if outcome_status is None else {"status": outcome_status}
        return self._in_form(received)

    def _in_form(self, value: Any) -> Any:
        if self._form == "text":
            return None if value is None else orjson.dumps(value).decode()
        return value if self._form == "object" else None


def reference_of(seed: int, record_id: str) -> str:
    """Return the reference to what was exchanged for a record that was never resent."""
    return id_of(f"{seed}/exchange/{record_id}")


def status_of(record: Mapping[str, Any]) -> int | None:
    """Return the HTTP status that the receiver of a stored record must have responded with.

    None if there was none, or the record's error fields do not say which.
    """
    for name, entry in delivery_outcomes().items():
        same = entry["error_code"] == record["error_code"] and _reason(entry) == _reason(record)
        if same and (name == "success") == (record["life_cycle_state"] == "SUCCESSFUL"):
            return None if entry["status"] is None else int(entry["status"])
    return None


def _reason(entry: Mapping[str, Any]) -> str | None:
    """Return the first line of an error description: the same error has different traces."""
    text: str | None = entry["error_description"]
    return text and text.partition("\n")[0]
