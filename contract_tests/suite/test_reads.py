"""Reads with values beyond the kit's fixed tables: Hypothesis draws and shrinks them.

They are ordinary Hypothesis tests: its pytest options, profiles, statistics and database apply.
They change nothing.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.discovery import discover
from crmcom_kit.contract_tests.campaign.drawing import IGNORED_CHECKS, DrawnReads
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.errors import BudgetSpent
from crmcom_kit.contract_tests.client.exchanges import Call
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


class Reads:
    """Draws requests and sends them to the target."""

    def __init__(self, session: Session, reads: DrawnReads) -> None:
        """Draw from what is known of the target now."""
        self._session, self._reads = session, reads
        self._scene = session.scene.frozen()

    def __repr__(self) -> str:
        """Show nothing of the target: Hypothesis prints the arguments of a test."""
        return "<Reads>"

    def calls(self, method: str) -> SearchStrategy[Call]:
        """Return a strategy of requests of a method."""
        reads = [
            template
            for template in all_templates()
            if template.layer in READ_LAYERS and template.method == method
        ]
        return open_calls(self._scene, reads)

    def check(self, call: Call) -> None:
        """Send a request; skip the test if no more may be sent. Raises Broken."""
        try:
            violation = self._reads.violation(call)
        except BudgetSpent as error:
            pytest.skip(str(error))
        if violation is not None:
            raise exception(violation, violation.calls, self._session)


@pytest.fixture(scope="module")
def reads(request: pytest.FixtureRequest) -> Iterator[Reads]:
    """Draws reads of the target, and sends them."""
    values = given_options(request.config)
    if values["from_har"]:
        pytest.skip("a recording takes no requests")
    if values["only"] != DEFAULTS["only"]:
        pytest.skip("--crmcom-only names the statements that are tested")
    session: Session = request.getfixturevalue("target").session
    path = values["deviations"]
    deviations = read_deviations(Path(path)).deviations if path else ()
    discover(session)
    yield Reads(session, DrawnReads(Campaign(session), deviations=deviations))
    session.queue.clear()  # suspicions left over by confirmations


@pytest.mark.parametrize("method", ["show", "list"])
@_SETTINGS
@given(data=st.data())
def test_reads(method: str, reads: Reads, data: st.DataObject) -> None:
    """The server keeps the contract for any values of a read."""
    reads.check(data.draw(reads.calls(method)))
