"""The run of a command that learns or compares: its results, and what is printed of them."""

from collections.abc import Callable
from typing import Any

from crmcom_kit.config_file import Refused
from crmcom_kit.contract_tests.campaign.stopping import Stop
from crmcom_kit.contract_tests.cli import leave_environment, run_with
from crmcom_kit.contract_tests.options.options import DEFAULTS
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.report import one_line
from crmcom_kit.contract_tests.run.results import Results
from crmcom_kit.machine_time import utc_now


def results_of(values: dict[str, Any], stop: Stop, **fields: Any) -> Results:
    """Run, or read a recording, as options say. Raises Refused if that fails, OptionsError.

    ``fields``: see ``RunConfig``.
    """
    leave_environment(values)
    results = run_with(DEFAULTS | values, utc_now(), stop, is_check=False, **fields)
    if results.trouble is not None:
        raise refusal(results, results.trouble)
    return results


def printable(results: Results) -> Callable[[str], str]:
    """Return what makes a text about a run fit to print: in one line, and without secrets.

    A server may repeat the password where it refuses a login.
    """
    redactor = ReportRedactor(results.target, results.history)
    return lambda text: one_line(redactor.text(text))


def refusal(results: Results, text: str) -> Refused:
    """Return the error of a run that ends for nothing, with what it may have changed."""
    if results.changed and not results.target.is_own:  # a mock of its own has gone with the run
        text += f"; webhook requests that it may have changed: {', '.join(results.changed)}"
    return Refused(printable(results)(text))
