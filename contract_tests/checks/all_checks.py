"""Judges: what every answer must keep, whichever call it answers.

A judge sees every exchange of a run, those of errors too. The envelope is judged first; of an
answer without a sound one, the others say nothing.
"""

from crmcom_kit.contract_tests.checks.answers import judge_answers
from crmcom_kit.contract_tests.checks.envelope import judge_envelope
from crmcom_kit.contract_tests.checks.logins import judge_logins
from crmcom_kit.contract_tests.session import Judge

JUDGES: tuple[Judge, ...] = (judge_envelope, judge_logins, judge_answers)
