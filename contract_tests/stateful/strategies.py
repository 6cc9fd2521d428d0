"""Strategies for whole requests: valid, boundary and invalid ones.

Each call comes as a case, which says what it is about; see ``expectations``.
"""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from crmcom_kit.contract_tests.checks.interpretations import SEMI_OPTIONAL
from crmcom_kit.contract_tests.safety.pool import Record
from crmcom_kit.contract_tests.stateful import expectations
from crmcom_kit.contract_tests.stateful.cases import Case, Named
from crmcom_kit.contract_tests.stateful.model import Model
from crmcom_kit.contract_tests.stateful.strategies_values import (
    EMPTY_TEXTS,
    fields_sets,
    moments,
    odd_dates,
    odd_fields_sets,
    odd_numbers,
    pages,
    texts,
    wrong_tokens,
)
from crmcom_kit.schemas.releases import Release, entities_since

_OBJECTS = {
    "webhook_definition_identifier": "webhook_definition",
    "workflow_rule_identifier": "workflow_rule",
}
_STATES = ("SUCCESSFUL", "REJECTED")
_NO_STATES = ("PENDING", "SENDING", "FAILED", "DELETED", "NEW", "null", "0", "SUCCESSFULL")
_MOSTLY = st.sampled_from([True] * 9 + [False])
_NO_FIELDS = ("name", "alternative_code", "code", "entity_id", "url", "webhook_request_id")


class Calls:
    """Strategies over one model; its webhook requests must not be none."""

    def __init__(self, model: Model, release: Release, token: str | None) -> None:
        """Draw values from what ``model`` knows now."""
        self.release = release
        self.token = token
        self.records = [
            record for record in model.records.values()
            if isinstance(record.get("number"), str) and isinstance(record.get("id"), str)
        ]  # fmt: skip
        self.deleted = [r for r in model.deleted.values() if isinstance(r.get("number"), str)]
        self.values = {
            field: {record[field] for record in (*self.records, *self.deleted)}
            for field in ("id", "number")
        }
        self.moments = sorted({found for record in self.records if (found := _created(record))})
        self.paged = release.at_least("R13.0.0")

    def record(self) -> st.SearchStrategy[Record]:
        """A webhook request that exists."""
        return st.sampled_from(self.records)

    def is_known(self, value: str) -> bool:
        """Whether a value, or the part of it that may be read as one, is an id or a number."""
        parts = {value, *value.split(","), *value.split("="), value.strip(), value.lstrip("0")}
        return any(part in self.values[field] for part in parts for field in ("id", "number"))

    def shows(self) -> st.SearchStrategy[Case]:
        """Calls of show."""
        plain = _show_calls(self)
        return _mixed(
            (3, plain), (4, identifiers(self, "show")), (2, loose(self, plain)),
            (1, tokens(self, plain)),
        )  # fmt: skip

    def lists(self) -> st.SearchStrategy[Case]:
        """Calls of list."""
        plain = filtered(self)
        return _mixed(
            (14, plain), (2, odd_lists(self)), (2, loose(self, plain)), (1, tokens(self, plain))
        )

    def refused(self, method: str) -> st.SearchStrategy[Case]:
        """Calls of resend or delete that must be refused: nothing is changed by them."""
        whole = st.builds(
            expectations.known, st.just(method), self.record(), st.sampled_from(["id", "number"])
        )
        return st.one_of(identifiers(self, method), tokens(self, whole))


def _mixed(*parts: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Draw from several strategies, from each as often as its number says.

    ``one_of`` does not do it: it takes a strategy that is given several times as given once.
    """
    places = [at for at, (times, _) in enumerate(parts) for _ in range(times)]
    return st.sampled_from(places).flatmap(lambda at: parts[at][1])


def _created(record: Record) -> str | None:
    log = record.get("log_information")
    found = log.get("created_date") if isinstance(log, dict) else None
    fine = isinstance(found, str) and len(found) == 19 and found[10] == "T"
    return found if fine else None


def _show_calls(calls: Calls) -> st.SearchStrategy[Case]:
    return st.builds(
        expectations.known, st.just("show"), calls.record(), st.sampled_from(["id", "number"]),
        fields_sets(), raw=st.booleans(),
    )  # fmt: skip


@st.composite
def identifiers(draw: DrawFn, calls: Calls, method: str) -> Case:
    """A call whose identifier names no webhook request, or nothing at all."""
    record, raw = draw(calls.record()), draw(st.booleans())
    field = draw(st.sampled_from(["id", "number"]))
    kinds = ["near", "near", "stranger", "both", "field", "missing", "empty"]
    kind = draw(st.sampled_from([*kinds, "gone"] if calls.deleted else kinds))
    if kind == "gone":
        return expectations.gone(method, draw(st.sampled_from(calls.deleted)), field, raw=raw)
    if kind == "near":
        value = draw(st.sampled_from(_near(record, field)))
        if value not in calls.values[field]:
            return expectations.near(method, field, value)
        kind = "stranger"
    if kind == "stranger":
        value = draw(st.one_of(texts(), st.sampled_from(["", "99999999", "F" * 32])))
        return expectations.stranger(method, field, _strange(calls, value), raw=raw)
    if kind in ("missing", "empty"):
        return expectations.no_identifier(method, empty=kind == "empty")
    if kind == "both":
        other = draw(st.one_of(st.just(record), calls.record()))
        first = draw(st.booleans())
        return expectations.both_fields(method, record, other, number_first=first, raw=raw)
    name = draw(st.sampled_from(_NO_FIELDS))
    value = draw(st.sampled_from([record["number"], record["id"], "x"]))
    return expectations.other_field(method, name, value, raw=raw)


def _strange(calls: Calls, value: str) -> str:
    return "no such webhook request" if calls.is_known(value) else value


def _near(record: Record, field: str) -> list[str]:
    """Values that are almost the webhook request's; the other field's value is one."""
    own, other = record[field], record["number" if field == "id" else "id"]
    return [f"0{own}", f"00{own}", own[:-1] or f"{own}0", f"{own}0", f"{own}.0", other, other]


@st.composite
def loose(draw: DrawFn, calls: Calls, plain: st.SearchStrategy[Case]) -> Case:
    """A call with something beside it of which no page tells."""
    case = draw(plain)
    kind = draw(st.sampled_from(["fields", "unknown", "same", "other"]))
    if kind == "fields":
        return expectations.loosely(case, fields_set=draw(odd_fields_sets()))
    if kind == "unknown" or not case.parameters or case.sense is None:
        name = draw(st.sampled_from(["page", "sort", "TOKEN", "x", "language", "é"]))
        return expectations.loosely(case, **{name: draw(texts())})
    name = draw(st.sampled_from(sorted(case.parameters)))
    value = case.parameters[name]
    if kind == "other":
        value = {**value, "name": "x"} if isinstance(value, dict) else draw(texts())
    del calls
    return expectations.twice(case, name, value)


@st.composite
def tokens(draw: DrawFn, calls: Calls, plain: st.SearchStrategy[Case]) -> Case:
    """A call with a token that no login returned, or with none."""
    return expectations.wrong_token(draw(plain), draw(wrong_tokens(calls.token)))


@st.composite
def filtered(draw: DrawFn, calls: Calls) -> Case:
    """A list with some of the filters: each takes its value from a known record, or from none."""
    record = draw(calls.record())
    some = st.lists(st.sampled_from(SEMI_OPTIONAL), unique=True, min_size=1, max_size=3)
    optional = ["url", "life_cycle_state", "created_date"]
    chosen = draw(st.lists(st.sampled_from(optional), unique=True, max_size=2))
    if draw(_MOSTLY):  # without one of these the rest does not matter
        chosen = [*draw(some), *chosen]
    filters: dict[str, Any] = {}
    unknown = False
    for name in chosen:
        source = record if draw(_MOSTLY) else draw(calls.record())
        value = draw(_value(calls, name, source))
        if value is not None:
            filters[name] = value
        unknown |= value is not None and not _is_own(source, name, value)
    paged = calls.paged and draw(st.sampled_from([False, True, False]))
    limit, offset = draw(pages()) if paged else (None, None)
    fields = draw(_mixed((2, st.none()), (1, fields_sets())))
    return expectations.listing(
        filters, calls.release, fields=fields, limit=limit,
        offset=offset, raw=draw(st.booleans()), unknown=unknown,
    )  # fmt: skip


def _is_own(record: Record, name: str, value: Any) -> bool:
    """Whether a value is one that servers know; an odd one may be refused, no page says."""
    if isinstance(value, Named):
        inner = record.get(_OBJECTS[name])
        return isinstance(inner, dict) and inner.get(value.field) == value.value
    return name not in ("entity_id", "url") or record.get(name) == value


def _value(calls: Calls, name: str, record: Record) -> st.SearchStrategy[Any]:
    """Values for a filter: mostly those of ``record``, some that nothing has."""
    if name in _OBJECTS:
        inner = record.get(_OBJECTS[name])
        inner = inner if isinstance(inner, dict) else {}
        fields = ("id", "name", "alternative_code")
        found = [Named(each, inner[each]) for each in fields if inner.get(each)]
        strange = st.builds(Named, st.sampled_from(fields), texts())
        return _mixed((9, st.sampled_from(found)), (1, strange)) if found else strange
    if name == "created_date":
        return moments([_created(record) or calls.moments[0]]) if calls.moments else st.none()
    if name == "life_cycle_state":
        return st.sampled_from(_STATES)
    if name == "entity":
        return _mixed((4, st.just(record.get(name))), (1, st.sampled_from(calls.release.entities)))
    seen = record.get(name)
    if not isinstance(seen, str) or not seen:
        return texts()
    if name == "url":
        near = st.sampled_from([seen[:-1], seen[1:], f"{seen}/"])
        return _mixed((7, st.just(seen)), (2, near), (1, texts()))
    return _mixed((8, st.just(seen)), (1, st.sampled_from([seen[:8], seen[:-1]])), (1, texts()))


@st.composite
def odd_lists(draw: DrawFn, calls: Calls) -> Case:
    """A list that must be refused, or of which no page says how it is answered."""
    entity = draw(st.sampled_from(calls.release.entities))
    kind = draw(st.sampled_from(["entity", "state", "open", "open", "identifier"]))
    if kind == "entity":
        later = [name for name in entities_since() if name not in calls.release.entities]
        strange = texts().filter(lambda each: each.upper() not in entities_since())
        value = draw(st.one_of(st.sampled_from(later), strange) if later else strange)
        return expectations.unsupported_entity(value.split(",")[0] or "NONE", calls.release)
    if kind == "state":
        return expectations.unsupported_state(draw(st.sampled_from(_NO_STATES)), entity=entity)
    if kind == "identifier":
        name = draw(st.sampled_from(sorted(_OBJECTS)))
        given: list[dict[str, str]] = [{}, {"number": "1"}, {"id": "1", "name": "x"}]
        return expectations.open_list({name: draw(st.sampled_from(given))}, raw=draw(st.booleans()))
    odd: list[st.SearchStrategy[dict[str, Any]]] = [
        odd_dates(calls.moments).map(lambda each: {"created_date": each}),
        st.sampled_from(EMPTY_TEXTS).map(lambda each: {"entity_id": each}),
        st.sampled_from(EMPTY_TEXTS).map(lambda each: {"url": each}),
        st.sampled_from([entity.lower(), f"{entity},{entity}", f" {entity}"]).map(
            lambda each: {"entity": each}
        ),
        st.sampled_from(["rejected", "REJECTED,SUCCESSFUL", " REJECTED", ""]).map(
            lambda each: {"life_cycle_state": each}
        ),
    ]
    if calls.paged:
        names = st.sampled_from(["number_of_results", "offset"])
        odd.append(st.tuples(names, odd_numbers()).map(lambda pair: dict([pair])))
    return expectations.open_list({"entity": entity, **draw(st.one_of(odd))})
