"""Reads with values beyond the kit's fixed tables: Hypothesis draws and shrinks them.

They are ordinary Hypothesis tests: its pytest options, profiles, statistics and database apply.
They change nothing.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.discovery import discover
from crmcom_kit.contract_tests.campaign.drawing import IGNORED_CHECKS, DrawnReads
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.errors import BudgetSpent
from crmcom_kit.contract_tests.options.deviations import read_deviations
from crmcom_kit.contract_tests.options.options import DEFAULTS
from crmcom_kit.contract_tests.plugin import given_options
from crmcom_kit.contract_tests.reports.exceptions import exception
from crmcom_kit.contract_tests.strategies import open_calls
from crmcom_kit.contract_tests.templates import all_templates
from crmcom_kit.contract_tests.templates.table import READ_LAYERS

pytest_plugins = ["crmcom_kit.contract_tests.pytest_fixtures"]

#: The settings of the profile, except deadlines and the explain phase: a server may be slow, and
#: explaining takes many more requests than shrinking.
_SETTINGS = settings(
    deadline=None,
    phases=[phase for phase in settings().phases if phase is not Phase.explain],
    suppress_health_check=[*settings().suppress_health_check, *IGNORED_CHECKS],
)


@pytest.fixture(scope="module")
def reads(request: pytest.FixtureRequest) -> Iterator[DrawnReads]:
    """Sends drawn reads to the target."""
    values = given_options(request.config)
    if values["from_har"]:
        pytest.skip("a recording takes no requests")
    if values["only"] != DEFAULTS["only"]:
        pytest.skip("--crmcom-only names the statements that are tested")
    session: Session = request.getfixturevalue("target").session
    path = values["deviations"]
    deviations = read_deviations(Path(path)).deviations if path else ()
    discover(session)
    yield DrawnReads(Campaign(session), deviations=deviations)
    session.queue.clear()  # suspicions left over by confirmations


@pytest.mark.parametrize("method", ["show", "list"])
@_SETTINGS
@given(data=st.data())
def test_reads(method: str, reads: DrawnReads, data: st.DataObject) -> None:
    """The server keeps the contract for any values of a read."""
    templates = [
        template
        for template in all_templates()
        if template.layer in READ_LAYERS and template.method == method
    ]
    try:
        violation = reads.violation(data.draw(open_calls(reads.scene, templates)))
    except BudgetSpent as error:
        pytest.skip(str(error))
    if violation is not None:
        raise exception(violation, violation.calls, reads.session)
