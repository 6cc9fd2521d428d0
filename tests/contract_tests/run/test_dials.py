"""What the documents leave open fails no server: the mock passes, however its dials are turned."""

from collections.abc import Sequence
from typing import Any

import pytest
from helpers.sound_servers import alarms

from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.targets import own_mock
from crmcom_kit.contract_tests.run.config import RunConfig
from crmcom_kit.contract_tests.run.run import run
from crmcom_kit.schemas import dials, load_dialect
from crmcom_kit.schemas.dialect import Dial

#: Other values than the default, of dials that do not list theirs.
VALUES: dict[str, Sequence[Any]] = {
    "dates.utc_offset": ("+13:45", "-05:00"),
    "paging.default_results": (7, 5),
    "paging.maximum_results": (0, 5),
    "delivery.script": ("2*http_503, success", "http_500", "timeout"),
    "tokens.live_at_once": (2, 1),
    "record.definition_members": (["id"], ["name"]),
    "record.rule_members": (["name"], ["alternative_code"]),
}
#: If every method is withdrawn, nothing is left to check.
LEFT_OUT = ("requests.deprecated_methods",)


def others(dial: Dial) -> Sequence[Any]:
    """Return the values of a dial besides its default, as far as responses may show them."""
    if dial.key in LEFT_OUT:
        return ()
    match dial.type:
        case "choice":
            return [choice for choice in dial.choices if choice != dial.default]
        case "boolean":
            return (not dial.default,)
        case "status":
            return (400, 500, 200)
        case "code":
            return ("E17", dial.key.upper())
        case "text":
            return ("", "No.")
    return VALUES.get(dial.key, ())


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("part", range(3))
def test_no_choice_of_a_dial_is_accused(at: int, part: int) -> None:
    """Every third dial has another value than its default.

    Of statuses all have or none: HTTP 500 for only some errors is an error of the server.
    """
    statuses = [dial for dial in dials().values() if dial.type == "status"]
    rest = [dial for dial in dials().values() if dial.type != "status"]
    turned = {
        dial.key: values[at % len(values)]
        for dial in (*rest[part::3], *(statuses if part == 0 else ()))
        if (values := others(dial))
    }
    dialect = load_dialect("default").changed(turned)
    release = ("R9", "R15", "R18")[(at + part) % 3]

    results = run(own_mock(release, dialect=dialect), RunConfig(limits=Limits(max_requests=150)))

    assert alarms(results) == []
    assert results.achieved > 60
