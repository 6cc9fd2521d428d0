"""Write and read the message that a third party gets for a webhook request.

No page shows a message. The documents say that a data JSON object is sent together with its
authentication code (webhook_requests/show R9.0.0); the rest are the dials ``message.*``.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from crmcom_kit.schemas.dialect import Dialect
from crmcom_kit.schemas.signing import canonical_bytes, signed_form


class Message(NamedTuple):
    """An HTTP request to a third party."""

    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class ReadMessage(NamedTuple):
    """The content of a message, as a third party reads it."""

    code: str | None
    data: Mapping[str, Any] | None  # None if there is no data object


class ThirdPartyMessages:
    """Writes and reads messages in the form of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        """Read the dials of the form of messages."""
        self._has_wrapper = dialect["message.wrapper"] == "object"
        place = dialect["message.code_place"]
        self._in_body = self._has_wrapper and place != "header"
        #: True if a header has the authentication code.
        self.has_header = place != "body" or not self._has_wrapper
        self._name: str = dialect["message.code_name"]
        self._header: str = dialect["message.code_header"]
        self._method: str = dialect["message.method"]
        self._content_type: str = dialect["message.content_type"]
        self._form = signed_form(dialect)

    def body(self, data: Any, code: str | None) -> Any:
        """Return the message's body as a JSON value."""
        if not self._has_wrapper:
            return data
        return ({self._name: code} if self._in_body else {}) | {"data": data}

    def write(self, data: Mapping[str, Any], code: str | None) -> Message:
        """Return the message.

        Its body is that of ``body``, with exactly the bytes of the data that are signed.
        """
        data_json = canonical_bytes(data, **self._form)
        body = data_json
        if self._has_wrapper:
            start = b'{"%b":%b,' % (self._name.encode(), orjson.dumps(code))
            body = (start if self._in_body else b"{") + b'"data":' + data_json + b"}"
        headers = [("Content-Type", self._content_type), ("Accept", "application/json")]
        if self.has_header and code is not None:
            headers.append((self._header, code))
        return Message(self._method, tuple(headers), body)

    def read(self, headers: Mapping[str, str], body: bytes) -> ReadMessage:
        """Return the content of a message; None for parts of another form.

        Args:
            headers: by name in lower case.
            body: as it was received.
        """
        code = headers.get(self._header.lower()) if self.has_header else None
        try:
            value = orjson.loads(body)
        except ValueError:
            return ReadMessage(code, None)
        if not isinstance(value, dict):
            return ReadMessage(code, None)
        if not self._has_wrapper:
            return ReadMessage(code, value)
        if self._in_body and isinstance(value.get(self._name), str):
            code = value[self._name]
        data = value.get("data")
        return ReadMessage(code, data if isinstance(data, dict) else None)
