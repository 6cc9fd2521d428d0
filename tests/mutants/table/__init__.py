"""The table of mutants: what is wrong with each, and which statements it breaks.

A row has the number of its set: each was written to tell whether what the sets before it had led
to is general.
"""

from importlib import import_module

from mutants.combinators import TABLE, Row

__all__ = ["ROWS", "Row"]

for part in (
    "resends", "deletes", "filters", "lists", "pages", "records", "views", "references", "access",
    "envelope", "plain_calls", "plain_records",
):  # fmt: skip
    import_module(f"mutants.table.{part}")

ROWS = dict(TABLE)
