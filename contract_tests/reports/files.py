"""The files of reports: whether they can be written, and their writing."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from crmcom_kit.config_file import Refused
from crmcom_kit.contract_tests.reports import draft, har, html, junit
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.output import OutputError, opened

#: Functions that make the reports, by the names of their options.
Writers = dict[str, Callable[[], str | Iterable[str]]]


def check_files(files: Mapping[str, Path], ledger: str | None, recordings: Iterable[str]) -> None:
    """Check that files can be written, and are different ones. Raises Refused."""
    owners = {os.path.realpath(path): "from-har" for path in recordings}
    if ledger:
        owners[os.path.realpath(ledger)] = "ledger"
    for name, path in files.items():
        if path.is_dir():
            msg = f"--{name}: {path} cannot be written: it is a folder"
            raise Refused(msg)
        if path.exists() and not path.is_file():
            continue  # a device or a pipe may get several reports
        if not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
            msg = f"--{name}: {path} cannot be written: its folder is missing or not writable"
            raise Refused(msg)
        owner = owners.setdefault(os.path.realpath(path), name)
        if owner != name:
            verb = "reads" if owner == "from-har" else "writes"
            msg = f"--{name}: {path} is the file that --{owner} {verb}; name another one"
            raise Refused(msg)


def write(makers: Writers, files: Mapping[str, Path]) -> list[str]:
    """Write all files that can be written; return a line for each that cannot."""
    failures = []
    # The archive comes last: it takes longest, and Ctrl-C then costs no other report.
    for name, path in sorted(files.items(), key=lambda item: item[0] == "har"):
        try:
            content = makers[name]()
            with opened(path, private=True) as file:
                for piece in [content] if isinstance(content, str) else content:
                    file.write(piece.encode("utf-8", "replace"))
        except (OutputError, OSError) as error:
            failures.append(f"--{name}: {error}")
        except Exception as error:  # noqa: BLE001 - the other reports are written all the same
            failures.append(f"--{name}: no report: {type(error).__name__}: {error}")
    return failures


def writers(report: Report) -> Writers:
    """Return the functions that make the reports, by the names of their options."""
    return {
        "junit": lambda: junit.render(report),
        "json": report.as_json,
        "html": lambda: html.render(report),
        "har": lambda: har.render(report),
        "write-deviations": lambda: draft.render(report),
    }
