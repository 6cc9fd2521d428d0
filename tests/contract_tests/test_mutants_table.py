"""The table of mutants breaks every statement that the kit checks."""

from mutants.table import ROWS

from crmcom_kit.schemas.statements import statements


def test_every_checked_statement_has_a_mutant() -> None:
    nearest = {row.statements[0] for row in ROWS.values()}
    assert {statement.id for statement in statements() if statement.unchecked is None} <= nearest
    broken = {statement for row in ROWS.values() for statement in row.statements}
    assert broken <= {statement.id for statement in statements()}
