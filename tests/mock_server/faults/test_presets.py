"""Faults that have a name."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.shells import RESEND, SHOW, Shell

from crmcom_kit.mock_server.faults.presets import PRESETS
from crmcom_kit.usage_errors import NotFound, UsageError


@pytest.fixture
def shell() -> Shell:
    return Shell()


def outcome(shell: Shell, call: Any) -> str:
    """The code of the response to a call, or its status, or that there was none."""
    seen = shell.call(call)
    if seen.ended:
        return "dropped"
    is_json = seen.body.startswith(b"{")
    return str(json.loads(seen.body)["status"]["code"]) if is_json else seen.status[:3]


def code_of(shell: Shell, kind: str) -> str:
    return str(shell.world.config.dialect[f"errors.{kind}.code"])


@pytest.mark.parametrize(
    ("preset", "arguments", "expected"),
    [
        ("lost_response", {}, "OK dropped OK OK OK"),
        ("outage", {"seconds": 2.5}, "503 503 503 503 OK"),
        ("outage", {"seconds": 2.5, "drop": True}, "dropped dropped dropped dropped OK"),
        ("rate_limited", {"times": 2}, "429 429 OK OK OK"),
        ("slow_then_dead", {"requests": 2, "delay": 60}, "OK OK dropped dropped dropped"),
        ("token_expires", {"requests": 2}, "OK OK {expired} {expired} {expired}"),
        ("record_deleted", {}, "{unknown} {unknown} {unknown} {unknown} {unknown}"),
    ],
)
def test_what_a_preset_does(shell: Shell, preset: str, arguments: Any, expected: str) -> None:
    """To a show, a resend, two more shows, and one when 2.5 seconds have passed."""
    shell.world.clock.freeze()
    shell.world.faults.add_preset(preset, arguments)

    outcomes = [outcome(shell, call) for call in (SHOW, RESEND, SHOW, SHOW)]
    shell.world.clock.advance(2.5)
    outcomes.append(outcome(shell, SHOW))

    expired, unknown = code_of(shell, "expired_token"), code_of(shell, "unknown_webhook_request")
    assert outcomes == expected.format(expired=expired, unknown=unknown).split()


def test_arguments_become_effects(shell: Shell) -> None:
    """Seconds to come back in, and to hold a request back."""
    (limited,) = shell.world.faults.add_preset("rate_limited", {"seconds": 2.5})
    slow, dead = shell.world.faults.add_preset("slow_then_dead", {"delay": 60})

    assert limited.fault.effect == {"status": 429, "retry_after": 3}
    assert (slow.fault.effect, dead.fault.effect) == ({"delay": 60}, {"drop": True})


def test_a_bad_argument_is_refused(shell: Shell) -> None:
    for preset, arguments, parameter, seen in (
        ("nonsense", {}, "preset", '"nonsense"'),
        ("outage", {"times": 1}, "times", "with preset outage"),
        ("outage", {"seconds": 0}, "seconds", "0"),
        ("lost_response", {"record": {"x": 1}}, "record", "an object"),
        ("slow_then_dead", {"delay": -1}, "delay", "-1"),
    ):
        with pytest.raises(UsageError) as caught:
            shell.world.faults.add_preset(preset, arguments)

        assert (caught.value.parameter, caught.value.seen) == (parameter, seen)
        assert isinstance(caught.value, NotFound) == (preset == "nonsense")
        assert shell.world.faults.all() == ()


def test_each_preset_stands_in_the_how_to(project_root: Path) -> None:
    """Who looks for a fault by name finds it in docs/."""
    text = (project_root / "docs" / "how-to" / "faults.md").read_text("utf-8")

    assert [name for name in PRESETS if f"| `{name}` |" not in text] == []
