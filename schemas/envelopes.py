"""The envelope of responses, and errors, as a dialect has them."""

from collections.abc import Sequence
from typing import Any

from crmcom_kit.schemas.dialect import Dialect
from crmcom_kit.schemas.releases import Release
from crmcom_kit.schemas.rendering import Object, Renderer

_ONE_EMPTY_TEXT_SINCE = "R12.0.0"


class Envelopes:
    """Puts data into the envelope of one dialect in one release."""

    def __init__(self, dialect: Dialect, release: Release, renderer: Renderer) -> None:
        """Read the dials that decide how envelopes look."""
        self._dialect = dialect
        self._renderer = renderer
        blank = "" if dialect["envelope.empty_text"] == "empty" else None
        login = blank
        if not release.at_least(_ONE_EMPTY_TEXT_SINCE):
            login = "" if dialect["envelope.login_empty_text"] == "empty" else None
        self._blank = {False: blank, True: login}

    def _status(self, code: str, message: str | None, description: str | None) -> Object:
        status = {"code": code, "message": message, "description": description}
        return self._renderer.ordered("status", status)

    def success(self, data: Any, *, login: bool = False) -> Object:
        """Return a success with ``data``; ``login`` for authentication/token."""
        text = self._blank[login]
        whole = {"status": self._status("OK", text, text), "data": data}
        return self._renderer.ordered("envelope", whole)

    def bare(self) -> Object:
        """Return a success without data."""
        return {"status": self._status("OK", self._blank[False], self._blank[False])}

    def listing(self, records: Sequence[Any]) -> Object:
        """Return a success with a list of records; an empty one as the dialect has it."""
        if not records and self._dialect["list.empty"] != "array":
            return self.success(None) if self._dialect["list.empty"] == "null" else self.bare()
        return self.success(list(records))

    def error(self, kind: str, details: str) -> Object:
        """Return the response to an error of ``kind``; ``details`` say what was wrong."""
        text = f"{self._dialect[f'errors.{kind}.message']} {details}".strip()
        form = self._dialect[f"errors.{kind}.description"]
        return self.failure(self._dialect[f"errors.{kind}.code"], text, details, form)

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
