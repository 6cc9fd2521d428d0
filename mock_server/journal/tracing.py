"""The steps that a call goes through, and where one ended: which rule decided, and how sure it is.

Derived from the answer when somebody asks. The order is that of ``answering`` and the methods.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.schemas.dialect import dials, error_kinds
from crmcom_kit.schemas.statements import UnknownStatement, statement

HELD, BROKEN, SKIPPED = "held", "broken", "skipped"
_LOGINS = frozenset({"token", "token_release", "web_api_key_token"})
_RECORD = frozenset({"show", "resend", "delete"})


class Step(NamedTuple):
    """One step of a call."""

    step: str
    outcome: str  # held, broken or skipped
    statement: str | None  # what governs it, where the documents do
    evidence: str | None  # how sure anyone is of it
    dials: dict[str, Any]  # the dials that govern it, and what they are set to

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return self._asdict()


class _Rule(NamedTuple):
    step: str
    statement: str
    dials: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    methods: frozenset[str] | None = None  # None for all


def _kinds(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TOKEN = (
    _Rule(
        "token",
        "token.from_login",
        ("requests.token_in_header", "tokens.hour_before_r12"),
        _kinds("missing_token invalid_token expired_token released_token"),
        _RECORD | {"list", "token_release"},
    ),
)
_PARAMETERS = (
    _Rule(
        "parameter names",
        "parameters.known",
        ("requests.unknown_parameters",),
        _kinds("unknown_parameter"),
    ),
    _Rule(
        "identifiers",
        "{method}.identifier.exactly_one",
        ("identifiers.json_number", "identifiers.unknown_field"),
        _kinds("no_identifier several_identifiers unknown_identifier_field"),
        _RECORD | {"list"},
    ),
    _Rule(
        "parameter values",
        "parameters.values",
        (),
        _kinds(
            "missing_parameter duplicate_parameter empty_value wrong_type invalid_value"
            " unsupported_entity bad_life_cycle_state bad_date bad_fields_set bad_paging"
        ),
    ),
)
_IN_FORCE = _Rule(
    "method in force",
    "deprecation.webhook_requests",
    ("requests.deprecated_methods",),
    _kinds("method_withdrawn"),
    _RECORD | {"list"},
)
_BEFORE = (
    _Rule("path", "methods.known", (), _kinds("unknown_method")),
    _IN_FORCE,
    _Rule("verb", "methods.verb", (), _kinds("wrong_verb")),
    _Rule(
        "reading",
        "parameters.place",
        ("requests.query_on_post", "requests.body_on_get"),
        _kinds("bad_body bad_charset body_too_large misplaced_parameter"),
    ),
)
_AFTER = (
    _Rule(
        "credentials",
        "login.credentials",
        ("login.basic_without_colon", "login.basic_any_case"),
        _kinds("wrong_credentials"),
        frozenset({"token", "web_api_key_token"}),
    ),
    _Rule(
        "unit",
        "login.unit",
        ("login.unit_by_name",),
        _kinds("unknown_unit"),
        frozenset({"token", "web_api_key_token"}),
    ),
    _Rule(
        "selection",
        "list.semi_optional.at_least_one",
        ("list.entity_id_alone", "list.combine"),
        _kinds("no_semi_optional"),
        frozenset({"list"}),
    ),
    _Rule(
        "references",
        "list.identifier.known",
        ("list.unknown_reference",),
        _kinds("unknown_webhook_definition unknown_workflow_rule"),
        frozenset({"list"}),
    ),
    _Rule("record", "{method}.identifier.known", (), _kinds("unknown_webhook_request"), _RECORD),
    _Rule(
        "state",
        "resend.only_rejected",
        (),
        _kinds("not_rejected resend_under_way"),
        frozenset({"resend"}),
    ),
    _Rule(
        "definition",
        "resend.sends_again",
        ("resend.definition_not_effective",),
        _kinds("definition_not_effective"),
        frozenset({"resend"}),
    ),
    _Rule(
        "delivery",
        "resend.sends_again",
        ("resend.failed", "resend.destination"),
        _kinds("delivery_failed"),
        frozenset({"resend"}),
    ),
    _Rule(
        "rendering",
        "{method}.fields_set.selects",
        ("fields_set.always_id", "record.unset_dates"),
        methods=_RECORD | {"list"},
    ),
    _Rule("envelope", "envelope.json", ("envelope.key_order", "envelope.content_type")),
)


def trace(
    config: Config, method: str | None, answer: Response, *, hit: bool = False, reached: bool = True
) -> tuple[Step, ...]:
    """Return the steps of the call that got ``answer``, in order.

    Args:
        config: how the world answers.
        method: the API method's name; None where the path has none.
        answer: what it was answered.
        hit: whether a fault hit it.
        reached: whether it reached the API at all, and no fault answered in its place.
    """
    first = (Step("fault", BROKEN, None, None, {}),) if hit else ()
    # An error without a statement is a fault's: the call broke nothing.
    kind = None if answer.error is None or answer.statement is None else answer.error.kind
    table = list(_of(config, method))
    at: int | None = None
    if kind is not None:
        at = next((i for i, rule in enumerate(table) if kind in rule.kinds), None)
    if not reached:
        return (*first, *(_step(config, rule, method, SKIPPED) for rule in table))
    steps = []
    for i, rule in enumerate(table):
        outcome = HELD if at is None or i < at else BROKEN if i == at else SKIPPED
        decided = answer.statement if i == at else None
        # An error answer is in an envelope, too.
        steps.append(
            _step(config, rule, method, HELD if rule.step == "envelope" else outcome, decided, kind)
        )
    return (*first, *steps)


def _table(config: Config) -> Iterable[_Rule]:
    if config.dialect["errors.token_first"]:
        return (*_BEFORE, *_TOKEN, *_PARAMETERS, *_AFTER)
    return (*_BEFORE, *_PARAMETERS, *_TOKEN, *_AFTER)


def _of(config: Config, method: str | None) -> Iterator[_Rule]:
    for rule in _table(config):
        if rule is _IN_FORCE and not statement(rule.statement).in_force(config.release):
            continue
        if method is None and rule.step not in ("path", "envelope"):
            continue
        if rule.methods is None or method in rule.methods:
            yield rule


def _step(
    config: Config,
    rule: _Rule,
    method: str | None,
    outcome: str,
    decided: str | None = None,
    kind: str | None = None,
) -> Step:
    name = decided or rule.statement.replace("{method}", method or "")
    try:
        found = statement(name)
        governing: str | None = found.id if found.in_force(config.release) else None
        evidence: str | None = found.evidence
    except UnknownStatement:
        governing = evidence = None
    settings = {key: config.dialect[key] for key in rule.dials}
    if outcome == BROKEN and kind in error_kinds():
        settings[f"errors.status.{kind}"] = config.dialect[f"errors.status.{kind}"]
    if governing is None:
        evidence = dials()[rule.dials[0]].evidence if rule.dials else None
    return Step(rule.step, outcome, governing, evidence, settings)
