"""Makes the target and the plan of a run from its options."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.config import Plan
from crmcom_kit.contract_tests.deviations import Deviations, read_deviations
from crmcom_kit.contract_tests.options import (
    allowed_changes,
    check_values,
    command_line,
    is_scoped,
    secret_keys,
    shown,
)
from crmcom_kit.contract_tests.safety.scope import Scope
from crmcom_kit.contract_tests.targets import Login, Target, own_mock
from crmcom_kit.redaction import redact_url
from crmcom_kit.schemas.releases import resolve


def prepared(values: Mapping[str, Any], *, now: dt.datetime) -> tuple[Target, Plan]:
    """Return what to check and how.

    Args:
        values: a value for each of ``options.OPTIONS``, by its key.
        now: the present moment.

    Raises:
        OptionsError, DeviationsError, UnknownRelease, DialectError: an option cannot be followed.
    """
    check_values(values)
    target = _target(values)
    listed = read_deviations(Path(values["deviations"])) if values["deviations"] else ()
    limits = Limits(
        max_requests=values["max_requests"], rate=values["rate"], timeout=values["timeout"]
    )
    plan = Plan(
        seed=values["seed"],
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
        options=shown(values),
        command=command_line(values),
        began=now.isoformat(timespec="seconds"),
    )
    return target, plan


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


def _scope(values: Mapping[str, Any]) -> Scope | None:
    if not is_scoped(values):
        return None
    return Scope(
        definition=values["only_definition"],
        entity_id=values["only_entity_id"],
        numbers=frozenset(values["only_number"]),
        everything=values["all_records"],
    )
