"""The ledger: saves each webhook request to disk before the run changes it."""

import json
import os
import time
from pathlib import Path

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.client.errors import TargetDown
from crmcom_kit.contract_tests.client.targets import Target
from crmcom_kit.output import for_its_owner


class LedgerFailed(TargetDown):
    """The ledger cannot be written: the run ends as it does if no response comes."""


class Ledger:
    """A JSON Lines file, one line a webhook request: time, target, method and the whole record.

    Secrets in URLs have the placeholders that they have in the reports of the run.
    """

    def __init__(self, path: Path, target: Target) -> None:
        """Write to the file at ``path``, behind what it holds.

        Args:
            path: the file; if there is none it is made for its owner alone.
            target: its base URL stands in each line.
        """
        self._path = path
        self._target = target

    def open(self) -> None:
        """See before anything is sent that the file can be written. Raises LedgerFailed."""
        self._write("")

    def note(self, record: Record, method: str) -> None:
        """Write ``record`` down before ``method`` changes it. Raises LedgerFailed."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = {"time": now, "target": self._target.base_url, "method": method, "record": record}
        self._write(self._target.urls.hide(json.dumps(line, ensure_ascii=False)) + "\n")

    def _write(self, text: str) -> None:
        try:
            # Half of a surrogate pair is written as the escape that JSON has for it.
            with open(
                self._path, "a", encoding="utf-8", errors="backslashreplace", opener=for_its_owner
            ) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except (OSError, ValueError) as error:  # ValueError: a path that can be none
            why = getattr(error, "strerror", None) or error
            msg = f"--ledger: {self._path} cannot be written: {why}"
            raise LedgerFailed(msg) from None
