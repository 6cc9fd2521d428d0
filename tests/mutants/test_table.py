"""Every row of the table is wrong about something documented, and can be seen to be."""

from contextlib import suppress
from dataclasses import replace

import pytest

from crmcom_kit.schemas.statements import statements
from mutants.script import LoginRefused, is_equivalent
from mutants.table import ROWS

PARTS = 8


def test_every_checked_statement_has_a_mutant() -> None:
    """What the kit says that it checks is broken by a row, and rows break nothing else."""
    nearest = {row.statements[0] for row in ROWS.values()}
    assert {each.id for each in statements() if each.unchecked is None} <= nearest
    broken = {statement for row in ROWS.values() for statement in row.statements}
    assert broken <= {each.id for each in statements()}


@pytest.mark.parametrize("part", range(PARTS))
def test_rows_answer_otherwise(part: int) -> None:
    """Each mutant answers the script in another way than the sound server with its choices."""
    alike = []
    for row in [*ROWS.values()][part::PARTS]:
        choices = replace(row.choices, key_order="plain")  # another order of members is quick
        app = row.server_class(choices, row.release)
        with suppress(LoginRefused):  # which the sound server does not
            if is_equivalent(app, choices, row.release):
                alike.append(row.id)
    assert alike == []
