"""The envelope of responses, and errors, as a dialect has them."""

from collections.abc import Sequence
from typing import Any

from crmcom_kit.schemas.dial_tables import ERROR_PARTS, case_of
from crmcom_kit.schemas.dialect import Dialect
from crmcom_kit.schemas.releases import Release
from crmcom_kit.schemas.rendering import Object, Renderer

_ONE_EMPTY_TEXT_SINCE = "R12.0.0"
#: What texts of a success may have in them, in braces.
PLACEHOLDERS = ("results", "id", "number")


class Envelopes:
    """Puts data into the envelope of one dialect in one release."""

    def __init__(self, dialect: Dialect, release: Release, renderer: Renderer) -> None:
        """Read the dials that decide how envelopes look."""
        self._dialect = dialect
        self._renderer = renderer
        self._blank = "" if dialect["envelope.empty_text"] == "empty" else None
        self._login_blank = self._blank
        if not release.at_least(_ONE_EMPTY_TEXT_SINCE):
            is_empty = dialect["envelope.login_empty_text"] == "empty"
            self._login_blank = "" if is_empty else None

    def has_placeholders(self, method: str) -> bool:
        """Whether a text of a success of ``method`` depends on its data."""
        texts = (self._text(dial, method, {}) or "" for dial in ("messages", "descriptions"))
        return any(f"{{{name}}}" in text for text in texts for name in PLACEHOLDERS)

    def success(self, data: Any, method: str = "show", **values: Any) -> Object:
        """Return a success of ``method`` with ``data``; ``values`` are those of placeholders."""
        whole = {"status": self._success_status(method, values), "data": data}
        return self._renderer.ordered("envelope", whole)

    def listing(self, records: Sequence[Any]) -> Object:
        """Return a success with a list of records; an empty one as the dialect has it."""
        results = len(records)
        if not records and self._dialect["list.empty"] == "null":
            return self.success(None, "list", results=results)
        if not records and self._dialect["list.empty"] == "absent":
            return {"status": self._success_status("list", {"results": results})}
        return self.success(list(records), "list", results=results)

    def refusal(self, details: str = "", **facts: str) -> tuple[int, Object]:
        """Return HTTP status and envelope of an error; ``details`` say what was wrong.

        ``facts`` are its kind, and what else the dial errors.cases may tell it by.
        """
        kind = f"errors.{facts['kind']}"
        parts = {part: self._dialect[f"{kind}.{part}"] for part in ERROR_PARTS}
        parts |= case_of(self._dialect["errors.cases"], facts)
        text = f"{parts['message']} {details}".strip()
        return parts["status"], self.failure(parts["code"], text, details, parts["description"])

    def failure(self, code: str, text: str, details: str, form: str = "usual") -> Object:
        """Return the response to an error with this code and these texts.

        ``form`` is that of the description, as the dial of a kind has it.
        """
        dialect = self._dialect
        message = {"text": text, "empty": "", "null": None}[dialect["errors.message_form"]]
        form = dialect["errors.description"] if form == "usual" else form
        description = {"empty": "", "null": None, "detail": details}[form]
        whole: Object = {"status": self._status(code, message, description)}
        if dialect["errors.data"] != "absent":
            whole["data"] = None if dialect["errors.data"] == "null" else {}
        return self._renderer.ordered("envelope", whole)

    def _success_status(self, method: str, values: Object) -> Object:
        message, description = (
            self._text(dial, method, values) for dial in ("messages", "descriptions")
        )
        return self._status("OK", message, description)

    def _text(self, dial: str, method: str, values: Object) -> str | None:
        """Return a text of a success, with values in place of its placeholders."""
        texts = self._dialect[f"envelope.{dial}"]
        text: str | None = texts.get(method)
        if text is None and method == "failed_resend":
            text = texts.get("resend")
        if not text:
            return self._login_blank if method == "token" else self._blank
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    def _status(self, code: str, message: str | None, description: str | None) -> Object:
        status = {"code": code, "message": message, "description": description}
        return self._renderer.ordered("status", status)
