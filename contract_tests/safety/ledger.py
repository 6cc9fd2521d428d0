"""The ledger: saves each webhook request to disk before the run changes it."""

import json
import os
from pathlib import Path

from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.client.errors import TargetDown
from crmcom_kit.contract_tests.client.targets import Target
from crmcom_kit.machine_time import utc_now
from crmcom_kit.output import open_private


class LedgerFailed(TargetDown):
    """The ledger cannot be written: the run ends as if the target did not respond."""


class Ledger:
    """A JSON Lines file with a line for each webhook request: time, target, method, whole record.

    Secrets in URLs have the same placeholders as in the reports of the run.
    """

    def __init__(self, path: Path, target: Target) -> None:
        """Append to the file at ``path``.

        Args:
            path: the file; a new one is for its owner alone.
            target: the server, whose base URL each line has.
        """
        self._path = path
        self._target = target

    def open(self) -> None:
        """Check that the file can be written, before anything is sent. Raises LedgerFailed."""
        self._write("")

    def note(self, record: Record, method: str) -> None:
        """Append ``record`` before ``method`` changes it. Raises LedgerFailed."""
        time = f"{utc_now():%Y-%m-%dT%H:%M:%SZ}"
        line = {"time": time, "target": self._target.base_url, "method": method, "record": record}
        self._write(self._target.urls.hide(json.dumps(line, ensure_ascii=False)) + "\n")

    def _write(self, text: str) -> None:
        try:
            # Half of a surrogate pair is written as JSON's escape for it.
            with open(
                self._path, "a", encoding="utf-8", errors="backslashreplace", opener=open_private
            ) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except (OSError, ValueError) as error:  # ValueError: no path can be so
            why = getattr(error, "strerror", None) or error
            msg = f"--ledger: {self._path} cannot be written: {why}"
            raise LedgerFailed(msg) from None
