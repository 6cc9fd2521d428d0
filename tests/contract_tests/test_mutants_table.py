"""Every row of the table is wrong about something documented, and can be seen to be."""

import os
from random import Random

import pytest
from mutants.measure import answers_alike
from mutants.table import ROWS

from crmcom_kit.schemas.statements import statements

#: Chosen by a seed, as in ``test_sample``; ``make measure`` tries all rows.
PARTS, IN_PART = 4 if os.environ.get("CI") else 1, 30
CHOSEN = Random("rows 0").sample(sorted(ROWS), PARTS * IN_PART)


def test_every_checked_statement_has_a_mutant() -> None:
    """What the kit says that it checks is broken by a row, and rows break nothing else."""
    nearest = {row.statements[0] for row in ROWS.values()}
    assert {each.id for each in statements() if each.unchecked is None} <= nearest
    broken = {statement for row in ROWS.values() for statement in row.statements}
    assert broken <= {each.id for each in statements()}


@pytest.mark.parametrize("part", range(PARTS))
def test_rows_answer_otherwise(part: int) -> None:
    """Each mutant answers the script in another way than the sound server with its choices."""
    assert [name for name in CHOSEN[part::PARTS] if answers_alike(ROWS[name])] == []
