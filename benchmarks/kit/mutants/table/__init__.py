"""The table of mutants: what is wrong with each, and which statements it breaks.

A row has the number of its set: each was written to tell whether what the sets before it had led
to is general.
"""

from importlib import import_module

from mutants.steps import ROWS

__all__ = ["ROWS"]

for part in (
    "effects", "identifiers", "filters", "lists", "fields", "views", "references", "access",
    "envelope",
):  # fmt: skip
    import_module(f"mutants.table.{part}")
