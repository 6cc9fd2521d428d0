"""Set up a run: its target and configuration from the options, its session and guard."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crmcom_kit.contract_tests.checks.sense import read
from crmcom_kit.contract_tests.client.http import Client, Limits
from crmcom_kit.contract_tests.client.recording import Recording, read_recording
from crmcom_kit.contract_tests.config import RunConfig
from crmcom_kit.contract_tests.deviations import Deviations, read_deviations
from crmcom_kit.contract_tests.extensions import load_extensions
from crmcom_kit.contract_tests.login import log_in
from crmcom_kit.contract_tests.options import (
    allowed_changes,
    check_values,
    command_line,
    is_scoped,
    nondefault_options,
    resolve_seed,
    secret_keys,
)
from crmcom_kit.contract_tests.safety.ledger import Ledger
from crmcom_kit.contract_tests.safety.scope import EVERYTHING, Guard, Scope
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.targets import MOCK_HEADER, Login, Target, own_mock
from crmcom_kit.redaction import redact_url
from crmcom_kit.schemas.releases import resolve

#: The methods that change webhook requests.
CHANGING = frozenset(("resend", "delete"))


def prepared(values: Mapping[str, Any], *, now: dt.datetime) -> tuple[Target, RunConfig]:
    """Return what to check and how.

    Args:
        values: a value for each of ``options.OPTIONS``, by its key.
        now: the present moment; a world that is made for the run is named after it.

    Raises:
        OptionsError, DeviationsError, UnknownRelease, DialectError: an option cannot be followed.
    """
    load_extensions()
    check_values(values)
    recording = _recording(values)
    target = _target(values) if recording is None else _recorded_target(values, recording)
    listed = read_deviations(Path(values["deviations"])) if values["deviations"] else ()
    limits = Limits(
        max_requests=values["max_requests"], rate=values["rate"], timeout=values["timeout"]
    )
    seed = resolve_seed(values, now.timestamp())
    config = RunConfig(
        seed=seed,
        limits=limits,
        allowed=None if values["allow"] is None else allowed_changes(values),
        scope=_scope(values),
        only=values["only"],
        profile=values["profile"],
        max_examples=values["max_examples"],
        deviations=Deviations(listed, today=now.date()),
        ledger=Path(values["ledger"]) if values["ledger"] else None,
        secret_keys=secret_keys(values),
        dry_run=values["dry_run"],
        recording=recording,
        options=nondefault_options(values),
        command=command_line({**values, "seed": seed}),
        began=now.isoformat(timespec="seconds"),
        world=f"check-{now:%Y%m%d-%H%M%S-%f}",
        admin_token=values["admin_token"] or None,
    )
    return target, config


def _target(values: Mapping[str, Any]) -> Target:
    if values["base_url"] is None:
        return own_mock(values["release"], values["dialect"])
    base = values["base_url"].rstrip("/")
    names = ("token", "username", "password", "organisation", "unit", "api_key")
    return Target(
        name=redact_url(base),
        base_url=base,
        release=resolve(values["release"]),
        login=Login(**{name: values[name] or None for name in names}),
    )


def _recording(values: Mapping[str, Any]) -> Recording | None:
    if not values["from_har"]:
        return None
    release, base = resolve(values["release"]), values["base_url"]
    return read_recording(
        [Path(each) for each in values["from_har"]],
        release,
        lambda call: read(call, release).given,
        base.rstrip("/") if base else None,
    )


def _recorded_target(values: Mapping[str, Any], recording: Recording) -> Target:
    first, *others = values["from_har"]
    more = f" and {len(others)} more" if others else ""
    return Target(
        name=f"the recording {first}{more}",
        base_url=recording.base_url,
        release=resolve(values["release"]),
        login=Login(),
    )


def _scope(values: Mapping[str, Any]) -> Scope | None:
    if not is_scoped(values):
        return None
    return Scope(
        definition=values["only_definition"],
        entity_id=values["only_entity_id"],
        numbers=frozenset(values["only_number"]),
        everything=values["all_records"],
    )


def new_session(
    target: Target, config: RunConfig, *, may_find_more: bool = False
) -> tuple[Session, Guard]:
    """Return a session for ``target`` that has sent nothing yet, and its guard of changes.

    ``may_find_more``: see ``Guard``.
    """
    session = Session(Client(target, config.limits))
    session.secret_keys, session.stop = config.secret_keys, config.stop
    guard = session.guard = Guard(session, _ledger(target, config), may_find_more=may_find_more)
    _permit(session, config, ours=target.own)
    return session, guard


def enter(session: Session, config: RunConfig) -> None:
    """Log in; on a mock of ours anything may be changed from then on, if nothing else is said.

    That it is one is believed only of what is near, whatever a server elsewhere says of itself.

    Raises:
        TargetDown, Unreachable: see ``log_in``.
        LedgerFailed: it cannot be written; then nothing is sent.
    """
    ledger = _ledger(session.target, config)
    if ledger is not None:
        ledger.open()
    log_in(session)
    if session.target.near and any(
        exchange.header(MOCK_HEADER) for exchange in session.client.history
    ):
        _permit(session, config, ours=True)


def _ledger(target: Target, config: RunConfig) -> Ledger | None:
    return Ledger(config.ledger, target.base_url) if config.ledger is not None else None


def _permit(session: Session, config: RunConfig, *, ours: bool) -> None:
    """Say what may be changed. A mock that this process made is at its mercy in any case."""
    allowed, scope = config.allowed, config.scope
    if ours:
        allowed = CHANGING if allowed is None or session.target.own else allowed
        scope = EVERYTHING if scope is None or session.target.own else scope
    session.allowed = allowed or frozenset()
    session.pool.may_change = scope or (lambda _: False)
