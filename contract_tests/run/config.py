"""The configuration of a run, and how it is made of the options."""

import datetime as dt
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crmcom_kit.contract_tests.campaign.stopping import Stop
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.logins import LoginCount
from crmcom_kit.contract_tests.client.targets import Login, Target, own_mock
from crmcom_kit.contract_tests.options.deviations import (
    Deviation,
    ExpectedRefusal,
    Listed,
    NotSeen,
    read_deviations,
)
from crmcom_kit.contract_tests.options.options import (
    FEW_LOGINS,
    allowed_changes,
    check_only,
    check_values,
    command_line,
    scope_of,
    secret_keys,
)
from crmcom_kit.contract_tests.options.scope import Scope
from crmcom_kit.contract_tests.recorded.reading import Recording, read_recording
from crmcom_kit.redaction import redact_url
from crmcom_kit.schemas.releases import resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What a run is about, and how far it may go."""

    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    #: The maximum number of logins, beside the one needed, to a server that the run did not make.
    max_logins: float = FEW_LOGINS
    #: The number of logins to that server so far; runs of one configuration share it.
    login_count: LoginCount = field(default_factory=LoginCount, compare=False, repr=False)
    #: Which of resend and delete may be used; None: both on a crmcom-kit mock, else neither.
    allowed: frozenset[str] | None = None
    #: The webhook requests that may be changed; None: all on a crmcom-kit mock, else none.
    scope: Scope | None = None
    only: str = "*"  # a glob of statement ids
    deviations: tuple[Deviation, ...] = ()
    not_seen: tuple[NotSeen, ...] = ()
    expected_refusals: tuple[ExpectedRefusal, ...] = ()  # of the client of a recording
    side: str = "both"  # of a recording: client, server or both
    command: str = "crmcom-kit check"
    began: str = ""  # ISO 8601, for the reports
    world: str = "check"  # the name of a world that is made for the run
    ledger: Path | None = None  # gets webhook requests before they are changed
    secret_keys: Mapping[str, str] = field(default_factory=dict, repr=False)  # by definition id
    recording: Recording | None = field(default=None, repr=False)  # checked instead of a server
    progress: Callable[[str], None] = lambda _: None  # gets a line on what comes next
    stop: Stop = field(default_factory=Stop, compare=False)  # asked before each request
    kept_time: float = 0.0  # seconds of the time limit that are kept for what follows the run
    is_check: bool = True  # whether it looks for violations
    remedy: str = "give --release {}"  # if the mock serves another release, which replaces {}
    now: Callable[[], float] = field(default=time.monotonic, compare=False)  # never goes back
    sleep: Callable[[float], None] = field(default=time.sleep, compare=False)


def prepared(values: Mapping[str, Any], *, now: dt.datetime) -> tuple[Target, RunConfig]:
    """Return the target and the configuration of a run.

    Args:
        values: a value for each of ``options.RUN_OPTIONS``, by its key.
        now: the current time, which is part of the name of a world that is made for the run.

    Raises:
        OptionsError: an option has a value that is not allowed.
    """
    check_values(values)
    target, recording = _target(values)
    check_only(values["only"], target.release.name)
    is_usual = target.release == resolve()  # else a recording may have chosen it
    release = values["release"] or (None if is_usual else target.release.name.removesuffix(".0.0"))
    path = values["deviations"]
    listed = read_deviations(Path(path)) if path else Listed()
    names = ("max_requests", "max_time", "rate")
    config = RunConfig(
        seed=values["seed"],
        limits=Limits(**{name: values[name] for name in names}),
        max_logins=values["logins"],
        allowed=None if values["allow"] is None else allowed_changes(values),
        scope=scope_of(values),
        deviations=listed.deviations,
        not_seen=listed.not_seen,
        expected_refusals=listed.expected_refusals,
        side=values["side"],
        ledger=Path(values["ledger"]) if values["ledger"] else None,
        secret_keys=secret_keys(values),
        recording=recording,
        command=command_line({**values, "release": release}),
        began=now.isoformat(timespec="seconds"),
        world=f"check-{now:%Y%m%d-%H%M%S-%f}",
        only=values["only"],
    )
    return target, config


def _target(values: Mapping[str, Any]) -> tuple[Target, Recording | None]:
    """Return the target, and the recording if one is checked."""
    release = resolve(values["release"]) if values["release"] else None
    base = values["base_url"].strip().rstrip("/") if values["base_url"] else None
    if values["from_har"]:
        recording = read_recording([Path(name) for name in values["from_har"]], release, base)
        path, *others = values["from_har"]
        name = f"the recording {path}" + (f" and {len(others)} more" if others else "")
        url = recording.base_url
        release = recording.release
        target = Target(name=name, base_url=url, release=release, login=Login(), is_recorded=True)
        return target, recording
    if base is None:
        return own_mock(values["release"] or "R9"), None
    names = ("token", "username", "password", "organisation", "unit", "api_key", "expired_token")
    login = Login(**{name: values[name] or None for name in names})
    target = Target(name=redact_url(base), base_url=base, release=release or resolve(), login=login)
    return replace(target, admin_token=values["admin_token"] or None), None
