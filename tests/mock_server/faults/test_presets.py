"""Faults that have a name, and faults that a call asks for itself."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from helpers.shells import RESEND, SHOW, Shell
from hypothesis import given, settings
from hypothesis import strategies as st

from crmcom_kit.mock_server.faults.presets import PRESETS, fault_of_header
from crmcom_kit.usage_errors import NotFound, UsageError


@pytest.fixture
def shell() -> Shell:
    return Shell()


def outcome(shell: Shell, call: Any, prefer: str = "") -> str:
    """The code of the response to a call, or its status, or that there was none."""
    seen = shell.call(call, prefer)
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


def test_a_preference_is_a_fault() -> None:
    for prefer, when, effect in (
        ("error=unknown_webhook_request", "before_commit", {"error": "unknown_webhook_request"}),
        (" status = 503 ", "before_commit", {"status": 503}),
        ("fault=drop", "before_commit", {"drop": True}),
        ("fault=lost_response", "after_commit", {"drop": True}),
        ("fault=lost_response,when=before_commit", "before_commit", {"drop": True}),
        ("status=503,when=after_commit", "after_commit", {"status": 503}),
        ("cut=12", "after_commit", {"cut": 12}),
        ("fault=cut", "after_commit", {"cut": 40}),
        ("delay=5, fault=malformed", "after_commit", {"delay": 5, "malformed": True}),
    ):
        fault = fault_of_header(prefer).as_json()
        assert (fault["id"], fault["when"], fault["effect"]) == ("prefer", when, effect)


def test_a_bad_preference_is_refused() -> None:
    for prefer, parameter, seen in (
        ("x", "X-Mock-Prefer", '"x"'),
        ("status=1,status=2", "X-Mock-Prefer", "status twice"),
        ("error=gone", "X-Mock-Prefer.error", '"gone"'),
        ("fault=fly", "X-Mock-Prefer.fault", '"fly"'),
        ("status=\u0665\u0660\u0663", "X-Mock-Prefer.status", '"\u0665\u0660\u0663"'),
        ("cut=5,when=before_commit", "X-Mock-Prefer.when", '"before_commit"'),
        ("fault=drop,status=503", "X-Mock-Prefer", "status and drop"),
    ):
        with pytest.raises(UsageError) as caught:
            fault_of_header(prefer)
        assert (caught.value.parameter, caught.value.seen) == (parameter, seen)


@settings(max_examples=50)
@given(st.text() | st.lists(st.sampled_from(["delay", "fault", "drop", "=", ","])).map("".join))
def test_any_preference_is_a_fault_or_refused(header: str) -> None:
    with suppress(UsageError):
        assert fault_of_header(header).name.isprintable()


def test_a_preference_goes_before_other_faults(shell: Shell) -> None:
    """A call that asks for a fault of its own is hit by that one, and counts for no other."""
    shell.world.faults.add({"effect": {"status": 500}})

    assert shell.call(SHOW, "status=418").status == "418 I'M A TEAPOT"
    assert shell.world.faults.all()[0].matched == 0
