"""The checks that look at every exchange of a run.

A check sees every exchange of a run, those of errors too. The envelope is checked first; of an
answer without a sound one, the others say nothing.
"""

from crmcom_kit.contract_tests.checks.answers import check_answers
from crmcom_kit.contract_tests.checks.envelope import check_envelope
from crmcom_kit.contract_tests.checks.logins import check_logins
from crmcom_kit.contract_tests.session import Check

CHECKS: tuple[Check, ...] = (check_envelope, check_logins, check_answers)
