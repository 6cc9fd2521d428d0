"""The envelope of responses, and the errors, of a dialect."""

from collections.abc import Mapping, Sequence
from typing import Any

from crmcom_kit.schemas.dial_tables import EMPTY_DATA, SUCCESS, parts_of, success_facts
from crmcom_kit.schemas.dialect import Dialect
from crmcom_kit.schemas.members import filled, has_placeholder
from crmcom_kit.schemas.releases import Release
from crmcom_kit.schemas.rendering import Object, Renderer

_ONE_EMPTY_TEXT_SINCE = "R12.0.0"
#: The text of a case that means null.
NULL = "{null}"
#: Facts of a success that depend on its data.
_OF_DATA = ("results", "state")


class Envelopes:
    """Puts data into the envelope of one dialect in one release."""

    def __init__(self, dialect: Dialect, release: Release, renderer: Renderer) -> None:
        """Read the dials of the envelope's form."""
        self._dialect = dialect
        self._renderer = renderer
        self._cases = dialect["envelope.cases"]
        self._blank = "" if dialect["envelope.empty_text"] == "empty" else None
        self._login_blank = self._blank
        if not release.at_least(_ONE_EMPTY_TEXT_SINCE):
            is_empty = dialect["envelope.login_empty_text"] == "empty"
            self._login_blank = "" if is_empty else None

    def depends_on_data(self, method: str) -> bool:
        """Return True if the texts of a success of ``method`` depend on its data."""
        return any(
            case["kind"] == SUCCESS and case.get("method", method) == method
            and (any(fact in case for fact in _OF_DATA) or _has_placeholder(case))
            for case in self._cases
        )  # fmt: skip

    def success(self, data: Any, method: str = "show", content: Mapping[str, Any] = {}) -> Object:
        """Return a success of ``method`` with ``data``.

        Its texts may name members of ``content``, which ``success_facts`` describes.
        """
        envelope = {"status": self._success_status(method, content), "data": data}
        return self._renderer.sort_members("envelope", envelope)

    def listing(self, records: Sequence[Any], matches: int | None = None) -> Object:
        """Return a success with a list of records; the dialect has the form of an empty list.

        ``matches`` is the number on all pages, by default that of ``records``.
        """
        results = len(records)
        content = {"results": results, "matches": results if matches is None else matches}
        if records:
            return self.success(list(records), "list", content)
        if self._dialect["list.empty"] == "absent":
            return {"status": self._success_status("list", content)}
        return self.success(EMPTY_DATA[self._dialect["list.empty"]], "list", content)

    def refusal(self, details: str = "", **facts: str) -> tuple[int, Object]:
        """Return HTTP status and envelope of an error; ``details`` is the mistake in one phrase.

        ``facts`` are its kind, and other facts that select cases of the dial envelope.cases.
        """
        dialect, kind = self._dialect, f"errors.{facts['kind']}"
        parts = parts_of(self._cases, facts)
        sentence = dialect[f"{kind}.message"]
        values = {"message": sentence, "details": details}
        message, description = (
            _text(parts[part], values) if part in parts else default
            for part, default in (
                ("message", self._message(f"{sentence} {details}".strip())),
                ("description", self._description(details)),
            )
        )
        status, code = (parts.get(part, dialect[f"{kind}.{part}"]) for part in ("status", "code"))
        return status, self._error(code, message, description, parts.get("data"))

    def failure(self, code: str, text: str) -> Object:
        """Return the envelope of an error with this code and text, in the usual form."""
        return self._error(code, self._message(text), self._description(""))

    def _message(self, text: str) -> str | None:
        return {"text": text, "empty": "", "null": None}[self._dialect["errors.message_form"]]

    def _description(self, details: str) -> str | None:
        return {"empty": "", "null": None, "detail": details}[self._dialect["errors.description"]]

    def _error(
        self, code: str, message: str | None, description: str | None, data: str | None = None
    ) -> Object:
        envelope: Object = {"status": self._status(code, message, description)}
        data = data or self._dialect["errors.data"]
        if data != "absent":
            envelope["data"] = EMPTY_DATA[data]
        return self._renderer.sort_members("envelope", envelope)

    def _success_status(self, method: str, content: Mapping[str, Any]) -> Object:
        parts = parts_of(self._cases, success_facts(method, content))
        blank = self._login_blank if method == "token" else self._blank
        message, description = (
            _text(parts[part], content) if part in parts else blank
            for part in ("message", "description")
        )
        return self._status("OK", message, description)

    def _status(self, code: str, message: str | None, description: str | None) -> Object:
        status = {"code": code, "message": message, "description": description}
        return self._renderer.sort_members("status", status)


def _text(text: str, values: Mapping[str, Any]) -> str | None:
    """Return a text of a case with values in place of its placeholders."""
    return None if text == NULL else filled(text, values)


def _has_placeholder(case: Mapping[str, Any]) -> bool:
    return any(has_placeholder(case.get(part, "")) for part in ("message", "description"))
