"""What resend and delete did to webhook requests: the effects that a profile has.

An effect is learned from all changes of one kind together: what is the same in all of them is kept
as it was seen, and what differs is told by how it came about (see ``schemas.effects``).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

from crmcom_kit.contract_tests.belief.knowledge import units
from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.calibration.decision_tree import Outcome, best_tree
from crmcom_kit.contract_tests.calibration.texts import template_of
from crmcom_kit.contract_tests.client.calls import changing_method
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.oracle.parsing import IDENTIFIER
from crmcom_kit.schemas.effects import LOG, MAX_SECONDS, is_moment
from crmcom_kit.schemas.members import fact_of, has_placeholder, member_at, members_of
from crmcom_kit.schemas.releases import Release

_ABSENT = {"$": "absent"}
_KEPT = {"$": "kept"}
_UNSET = (None, "", _ABSENT)
#: A text like this is drawn, or computed: no two webhook requests have the same one.
_OPAQUE = re.compile(r"(?=.*[0-9])[A-Za-z0-9+/_=-]{16,}")
#: So many requests after a resend, what it did is seen at once.
AT_ONCE = 2
#: Members that a resend keeps.
_LASTING = ("id", "number", "entity_id", "url")
#: Members that others are the same as, if they are the same: these come first.
_FIRST = ("request", "response", *_LASTING)
#: Members that an effect may depend on, tried before all others.
_PREFERRED_FACTS = (
    "webhook_definition.id", "entity", "error_code", "workflow_rule.id", "fields_set",
)  # fmt: skip
#: Last parts of names whose values are unique to one webhook request or person: no effect depends
#: on them.
_UNIQUE_NAMES = (*_LASTING, "person_name", "username", "email")

#: What a delivery decides; what the form of a response may depend on.
_DECIDED = ("life_cycle_state", "error_code", "error_description", "response")
_DECISIVE = {"webhook_definition": "webhook_definition.id", "entity": "entity"}
_UNKNOWN = "?"  # what a member was before


@dataclass(frozen=True, eq=False)
class Change:
    """A webhook request before and after a change."""

    kind: str
    before: Record
    after: Record

    @cached_property
    def sources(self) -> dict[str, str | int]:
        """What other members may be made of, by dotted name: texts and numbers."""
        names = dict.fromkeys((*_FIRST, *(name for name, _ in members_of(self.after))))
        values = {name: member_at(self.after, name) for name in names}
        return {n: v for n, v in values.items() if isinstance(v, str | int) and v != ""}


def learned_effects(
    exchanges: Sequence[Exchange], unsteady: frozenset[str]
) -> dict[str, dict[str, Any]]:
    """Return the effects of each kind of change that was seen, by member."""
    by_kind = defaultdict[str, list[Change]](list)
    for change in changes(exchanges, unsteady):
        by_kind[change.kind].append(change)
    return {kind: _effects(alike) for kind, alike in by_kind.items()}


def dials_of(effects: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the dials that effects decide: they are for webhook requests that a mock makes."""
    values: dict[str, Any] = {}
    for kind in ("resend", "delete"):
        if kind in effects:
            values[f"{kind}.updates_log"] = any(name.startswith(LOG) for name in effects[kind])
    if "resend" in effects:
        made = effects["resend"]
        values["resend.request"] = "renewed" if "request" in made else "kept"
        response = made.get("response", _KEPT)
        is_same = response == {"$": "same", "as": "request"}
        values["resend.response"] = (
            "kept" if response == _KEPT else "null" if response is None
            else "renewed" if is_same else "own"
        )  # fmt: skip
    return values


def changes(exchanges: Sequence[Exchange], unsteady: frozenset[str]) -> Iterator[Change]:
    """Yield the changes of a run; what a resend did shows where the record is seen next.

    The response may show the record as it was: a server may send later. A refused resend counts as
    well: the delivery may have failed. What is seen at once is no change by somebody else.
    """
    latest = dict[str, Record]()  # by id
    waiting = dict[str, tuple[Record, int]]()  # before a resend, and where that is
    #: How other requests are refused: what only resends are refused like is a failed delivery.
    others = {e.wording for e in exchanges if not e.ok and changing_method(e.call) != "resend"}
    for at, exchange in enumerate(exchanges):
        method = changing_method(exchange.call)
        before = _named(exchange, latest) if method == "resend" else None
        if before is not None and before.get("life_cycle_state") == "REJECTED":
            waiting[before["id"]] = before, at
        if not exchange.ok or "fields_set" in exchange.call.parameters:
            continue
        for key, record in exchange.by_id.items():
            if method == "delete":
                waiting.pop(key, None)
                if key in latest and key not in unsteady:
                    yield Change("delete", latest.pop(key), record)
                continue
            latest[key] = record
            if key in waiting and (method != "resend" or record != waiting[key][0]):
                before, since = waiting.pop(key)
                resend = exchanges[since]
                has_failed = not (resend.ok or resend.wording in others)
                is_own = key not in unsteady or at - since <= AT_ONCE
                if is_own and (record != before or has_failed):
                    is_sent = record.get("life_cycle_state") == "SUCCESSFUL"
                    yield Change("resend" if is_sent else "failed_resend", before, record)


def _named(exchange: Exchange, latest: Mapping[str, Record]) -> Record | None:
    """Return the webhook request that a change names, as it was last seen."""
    named = exchange.call.parameters.get(IDENTIFIER)
    if not isinstance(named, Mapping) or len(named) != 1:
        return None
    ((field, text),) = named.items()
    if field == "id":
        return latest.get(text)
    return next((record for record in latest.values() if record.get(field) == text), None)


def _effects(alike: Sequence[Change]) -> dict[str, Any]:
    """Return the effects of changes of one kind."""
    flat_pairs = [(flat(change.before), flat(change.after)) for change in alike]
    effects = {}
    for name in dict.fromkeys(name for pair in flat_pairs for record in pair for name in record):
        seen = [
            (before.get(name, _ABSENT), after.get(name, _ABSENT), change)
            for (before, after), change in zip(flat_pairs, alike, strict=True)
        ]
        if (effect := _effect(seen, name)) != _KEPT:
            effects[name] = effect
    return effects


def flat(record: Record) -> Record:
    """Return a webhook request with the members of log_information beside its own."""
    log = record.get(LOG)
    inside = log if isinstance(log, dict) else {}
    own = {name: value for name, value in record.items() if name != LOG or not inside}
    return own | {f"{LOG}.{name}": value for name, value in inside.items()}


Seen = Sequence[tuple[Any, Any, Change]]  # a value before and after, and of which change


def _effect(seen: Seen, name: str) -> Any:
    """Return the effect that explains what became of a value.

    It may depend on what a member was before.
    """

    def outcome(some: Seen) -> Outcome:
        if (effect := _ruled(some, name)) is not None:
            return Outcome(effect[0])
        usual = _most([after for _, after, _ in some])
        return Outcome(usual, sum(after != usual for _, after, _ in some))

    facts = _facts([change.before for _, _, change in seen])
    return _by_facts(best_tree(list(zip(facts, seen, strict=True)), outcome, depth=1))


def _by_facts(outcome: Outcome) -> Any:
    """Return an effect that depends on facts as an outcome does."""
    if outcome.usual is None:
        return outcome.value
    cases = [[value, _by_facts(case)] for value, case in outcome.cases.items()]
    return {"$": "by", "of": outcome.fact, "cases": cases, "usual": _by_facts(outcome.usual)}


def _facts(befores: Sequence[Record]) -> list[dict[str, str]]:
    """Return what webhook requests may be told apart by, as they were: members and forms."""
    names = dict.fromkeys(name for before in befores for name, _ in members_of(before))
    telling = [name for name in names if name.rpartition(".")[2] not in _UNIQUE_NAMES]
    forms = (f"{name}:form" for name in ("request", "response", "authentication_code"))
    facts = dict.fromkeys((*_PREFERRED_FACTS, *telling, *forms))
    return [{name: fact_of(before, name) for name in facts} for before in befores]


def _ruled(seen: Seen, name: str) -> tuple[Any] | None:
    """Return the effect that some rule gives for all values, in a tuple; None if none does."""
    befores, afters = [value[0] for value in seen], [value[1] for value in seen]
    if befores == afters:
        return (_KEPT,)
    if name in _CALLERS and all(isinstance(after, dict) for after in afters):
        return ({"$": _CALLERS[name]},)
    was_set = [value for value in seen if value[0] not in _UNSET]
    filled = [value for value in seen if value[0] in _UNSET]
    if was_set and filled and all(before == after for before, after, _ in was_set):
        return ({"$": "fill", "value": _effect(filled, name)},)
    for rule in (_now, _counted, _same, _text):
        if (effect := rule(seen, name)) is not None:
            return (effect,)
    for rule in () if _is_repeated(seen) else (_new, _object, _array):
        if (effect := rule(seen, name)) is not None:
            return (effect,)
    return (afters[0],) if _is_constant(seen) else None


_CALLERS = {
    f"{LOG}.updated_by_user": "user",
    f"{LOG}.updated_by_unit": "unit",
    f"{LOG}.updated_by_business_unit": "unit",
}


def _now(seen: Seen, _: str) -> Any:
    """Return that a value is the time; what was changed just before may have the same one."""
    if all(is_moment(after) and before != after for before, after, _ in seen):
        return {"$": "now", "like": 1000 if seen[0][1] > MAX_SECONDS else 1}
    if not all(_is_time(after) for _, after, _ in seen):
        return None
    new = [after for before, after, _ in seen if before != after]
    is_now = all(before != after or after >= min(new) for before, after, _ in seen)
    return {"$": "now", "like": _shape(seen[0][1])} if is_now else None


def _is_time(value: Any) -> bool:
    if not isinstance(value, str) or len(value) < len("yyyy-MM-ddTHH:mm"):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _same(seen: Seen, name: str) -> Any:
    """Return that a text, or a number, is that of another member."""
    afters = [after for _, after, _ in seen]
    is_number = all(type(after) is int for after in afters)
    if not is_number and not all(isinstance(after, str) and after for after in afters):
        return None
    sources = _sources(seen, name)
    for other in sources[0]:
        values = [source[other] for source in sources]
        if values == afters and [*map(type, values)] == [*map(type, afters)]:
            return {"$": "same", "as": other}
        if is_number and values == [*map(str, afters)]:
            return {"$": "same", "as": other, "is_number": True}
    return None


def _sources(seen: Seen, name: str) -> list[dict[str, Any]]:
    """Return the members that a member may be made of, by dotted name, for each change.

    They come first, or are kept: of two that are the same, the first one is new. What is the same
    after all changes may only be made of what all of them have changed.
    """
    changes_seen = [change for _, _, change in seen]
    places = {path: at for at, path in enumerate(dict.fromkeys((*_FIRST, *changes_seen[0].after)))}
    place = places.get(name.partition(".")[0], len(places))

    def is_source(path: str) -> bool:
        if path == name or not all(path in change.sources for change in changes_seen):
            return False
        kept = [change.sources[path] == member_at(change.before, path) for change in changes_seen]
        is_first = places[path.partition(".")[0]] < place
        return (is_first or all(kept)) and not (any(kept) and _is_repeated(seen))

    paths = [path for path in changes_seen[0].sources if is_source(path)]
    return [{path: change.sources[path] for path in paths} for change in changes_seen]


def _new(seen: Seen, _: str) -> Any:
    afters = [after for _, after, _ in seen]
    is_fresh = len({*map(str, afters)}) == len(seen) and all(b != a for b, a, _ in seen)
    is_new = is_fresh and all(map(_is_opaque, afters))
    return {"$": "new", "like": _shape(afters[0])} if is_new else None


def _is_opaque(value: Any) -> bool:
    """Whether a value is a text that is drawn, or computed."""
    return isinstance(value, str) and _OPAQUE.fullmatch(value) is not None


def _shape(text: str) -> str:
    """Return a text of the same form that says nothing: one for all texts of that form.

    Digits are 0, hexadecimal ones a or A, and letters and digits of other texts z.
    """
    if _is_time(text):
        return re.sub(r"[0-9]", "0", text)
    is_hex = re.fullmatch(r"[0-9A-F]*|[0-9a-f]*", text) is not None
    letter = "0" if text.isdecimal() else "z" if not is_hex else "A" if text.isupper() else "a"
    return re.sub(r"[0-9A-Za-z]", letter, text)


def _is_repeated(seen: Seen) -> bool:
    return len(seen) > 1 and _is_constant(seen)


def _is_constant(seen: Seen) -> bool:
    first = seen[0][1]
    return all(after == first and type(after) is type(first) for _, after, _ in seen)


def _text(seen: Seen, name: str) -> Any:
    """Return a text that differs only in what other members are then."""
    if not all(isinstance(after, str) for _, after, _ in seen):
        return None
    sources, texts = _sources(seen, name), [after for _, after, _ in seen]
    if _is_repeated(seen):
        sources = sources[:1] if all(source == sources[0] for source in sources) else [{}]
        texts = texts[:1]
    text = template_of(texts, sources)
    return None if text is None or not has_placeholder(text) else {"$": "text", "of": text}


def _counted(seen: Seen, _: str) -> Any:
    """Return that a number is one more than before."""
    if not all(type(value) is int for pair in seen for value in pair[:2]):
        return None
    is_next = all(after == before + 1 for before, after, _ in seen)
    return {"$": "more", "by": 1} if is_next else None


def _object(seen: Seen, name: str) -> Any:
    """Return an object of effects, if all are objects of the same members."""
    afters = [after for _, after, _ in seen]
    if not all(isinstance(after, dict) and "$" not in after for after in afters):
        return None
    if len({frozenset(after) for after in afters}) != 1:
        return None
    return {
        inner: _effect([
            (before.get(inner, _ABSENT) if isinstance(before, dict) else _ABSENT, after[inner], of)
            for before, after, of in seen
        ], name)
        for inner in afters[0]
    }  # fmt: skip


def _array(seen: Seen, name: str) -> Any:
    """Return an array that got items, or whose items have effects."""
    if not all(isinstance(after, list) for _, after, _ in seen):
        return None
    olds = [before if isinstance(before, list) else [] for before, _, _ in seen]
    more = {len(after) - len(old) for old, (_, after, _) in zip(olds, seen, strict=True)}
    is_longer = len(more) == 1 and min(more) > 0 and any(olds)
    if is_longer and all(seen[n][1][: len(old)] == old for n, old in enumerate(olds)):
        added = [
            (after[len(old) :], change) for old, (_, after, change) in zip(olds, seen, strict=True)
        ]
        items = [
            _effect([(_ABSENT, items[at], change) for items, change in added], name)
            for at in range(min(more))
        ]
        return {"$": "append", "items": items}
    if len({len(after) for _, after, _ in seen}) != 1:
        return None
    return [
        _effect([(_at(before, at), after[at], change) for before, after, change in seen], name)
        for at in range(len(seen[0][1]))
    ]


def _at(value: Any, at: int) -> Any:
    return value[at] if isinstance(value, list) and at < len(value) else _ABSENT


def _most(afters: Sequence[Any]) -> Any:
    """Return the value that was seen most often."""
    texts = Counter(orjson.dumps(after, option=orjson.OPT_SORT_KEYS) for after in afters)
    return orjson.loads(texts.most_common(1)[0][0])


# What was not seen: a guess.


def guessed_resend(records: Collection[Record], release: Release) -> dict[str, Any]:
    """Return the effects of a resend that succeeds, by member; none if no success was seen."""
    sent = [record for record in records if record["life_cycle_state"] == "SUCCESSFUL"]
    if not sent:
        return {}
    effects = {name: _guess(sent, name) for name in _DECIDED}
    if all(_is_opaque(record.get("request")) for record in sent):
        effects["request"] = _guess(sent, "request")  # refers to a message, and is no copy of it
    if any(record.get("authentication_code") is None for record in records):
        value = _guess(sent, "authentication_code")
        effects["authentication_code"] = {"$": "fill", "value": value}
    created = member_at(sent[0], f"{LOG}.created_date")
    if isinstance(created, str):  # see the dial resend.updates_log
        effects[f"{LOG}.updated_date"] = {"$": "now", "like": _shape(created)}
        updaters = (f"{LOG}.{name}" for name in ("updated_by_user", *units(release.name)))
        effects |= {name: {"$": _CALLERS[name]} for name in updaters if name in _CALLERS}
    return effects


def _guess(sent: Sequence[Record], name: str) -> Any:
    """Return the effect that explains a member of all that were sent, whatever it was before."""
    forms = [fact_of(record, f"{name}:form") for record in sent]
    telling = [member for member, fact in _DECISIVE.items() if _tells(fact, sent, forms)]
    facts = (*_LASTING, *(telling[:1] if len(set(forms)) > 1 else ()))
    changes = [Change("resend", {own: record.get(own) for own in facts}, record) for record in sent]
    effect = _effect([(_UNKNOWN, c.after.get(name, _ABSENT), c) for c in changes], name)
    return {"$": "new", "like": _shape(effect)} if _is_opaque(effect) else effect


def _tells(fact: str, sent: Sequence[Record], forms: Sequence[str]) -> bool:
    """Whether all that have a fact in common have a member of the same form."""
    seen = {(fact_of(record, fact), form) for record, form in zip(sent, forms, strict=True)}
    return len(seen) == len({own for own, _ in seen})
