"""Statements and probes of other packages: the entry points of the group ``crmcom_kit.statements``.

An entry names a module or an object. Its ``STATEMENTS`` are dicts with the members of
``schemas.statements.Statement``; its probes register themselves with ``@probe`` when it is loaded.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from crmcom_kit.contract_tests.options import OptionsError
from crmcom_kit.contract_tests.probes.registry import probes
from crmcom_kit.schemas.statements import add_statements, statements

GROUP = "crmcom_kit.statements"


class ExtensionError(OptionsError):
    """An entry that cannot be loaded; the text names it."""


@cache
def load_extensions() -> tuple[str, ...]:
    """Load every entry of the group, once a process, and return their names in order.

    Raises:
        ExtensionError: an entry cannot be loaded, or what it has cannot be used.
    """
    entries = sorted(entry_points(group=GROUP), key=lambda each: each.name)
    for entry in entries:
        try:
            _load(entry)
        except Exception as error:
            msg = f"the entry point {entry.name} = {entry.value} of {GROUP} cannot be used: "
            msg += f"{type(error).__name__}: {error}"
            raise ExtensionError(msg) from error
    return tuple(entry.name for entry in entries)


def _load(entry: EntryPoint) -> None:
    before = set(probes())
    loaded = entry.load()
    add_statements(getattr(loaded, "STATEMENTS", ()))
    known = {each.id for each in statements()}
    for probe in probes():
        unknown = [each for each in probe.statements if each not in known]
        if probe not in before and unknown:
            msg = f"the probe {probe.name} is of the statement {unknown[0]!r}, which does not exist"
            raise ValueError(msg)
