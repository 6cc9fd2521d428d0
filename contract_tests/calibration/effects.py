"""Learn the effects of resend and delete on webhook requests, as ``schemas.effects`` has them.

An effect is learned from all changes of one kind together. A value that is the same after all of
them is the effect itself. For values that differ, the effect says how they are made.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

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
#: A text that is drawn, or computed: no two webhook requests have the same one.
_OPAQUE = re.compile(r"(?=.*[0-9])[A-Za-z0-9+/_=-]{16,}")
#: A record seen within this many requests of its resend shows the resend's effect.
AT_ONCE = 2
#: Members that a resend keeps.
_LASTING = ("id", "number", "entity_id", "url")
#: If two members are always equal, the one that comes first here is new, and the other a copy.
_FIRST = ("request", "response", *_LASTING)
#: Members that an effect may depend on, tried before all others.
_PREFERRED_FACTS = (
    "webhook_definition.id", "entity", "error_code", "workflow_rule.id", "fields_set",
)  # fmt: skip
#: Last parts of names of members that no effect depends on: their values are unique.
_UNIQUE_NAMES = (*_LASTING, "person_name", "username", "email")

#: Members that a delivery sets; what the form of a response may depend on, with its fact.
_DECIDED = ("life_cycle_state", "error_code", "error_description", "response")
_DECISIVE = {"webhook_definition": "webhook_definition.id", "entity": "entity"}
_CODE = "authentication_code"  # unset if an error of the server left no message to sign
_UNKNOWN = "?"  # the value of a member before


@dataclass(frozen=True, eq=False)
class Change:
    """A webhook request before and after a change."""

    kind: str
    before: Record
    after: Record

    @cached_property
    def sources(self) -> dict[str, str | int]:
        """The texts and numbers after the change, by dotted name."""
        names = dict.fromkeys((*_FIRST, *(name for name, _ in members_of(self.after))))
        values = {name: member_at(self.after, name) for name in names}
        return {n: v for n, v in values.items() if isinstance(v, str | int) and v != ""}


def learned_effects(
    exchanges: Sequence[Exchange], unsteady: frozenset[str], guess: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the effects of each kind of change that was seen, by member.

    Args:
        exchanges: those of a run, in their order.
        unsteady: the ids of webhook requests that others may have changed meanwhile.
        guess: of ``guessed_resend``. It says what a resend makes of an unset authentication code,
            if none was unset.
    """
    by_kind = defaultdict[str, list[Change]](list)
    for change in changes_of(exchanges, unsteady):
        by_kind[change.kind].append(change)
    effects = {kind: _effects(changes) for kind, changes in by_kind.items()}
    resends = by_kind["resend"]
    if resends and _CODE in guess and all(change.before.get(_CODE) for change in resends):
        effects["resend"].setdefault(_CODE, guess[_CODE])
    return effects


def dials_of(effects: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the dials that follow from effects: new webhook requests of a mock depend on them."""
    values: dict[str, Any] = {}
    for kind in ("resend", "delete"):
        if kind in effects:
            values[f"{kind}.updates_log"] = any(name.startswith(LOG) for name in effects[kind])
    if "resend" in effects:
        resend_effects = effects["resend"]
        values["resend.request"] = "renewed" if "request" in resend_effects else "kept"
        response = resend_effects.get("response", _KEPT)
        is_same = response == {"$": "same", "as": "request"}
        values["resend.response"] = (
            "kept" if response == _KEPT else "null" if response is None
            else "renewed" if is_same else "own"
        )  # fmt: skip
    return values


def changes_of(exchanges: Sequence[Exchange], unsteady: frozenset[str]) -> Iterator[Change]:
    """Yield the changes of a run.

    The effect of a resend is in the next response that shows the record otherwise: the response to
    the resend may show the record as it was before, if the server sends later. A refused resend may
    have changed the record, too, if the delivery failed. A change seen within AT_ONCE requests is
    attributed to the resend, not to another user.
    """
    latest_records = dict[str, Record]()  # by id
    pending_resends = dict[str, tuple[Record, int]]()  # the record before it, and its position
    refusals = (exchange for exchange in exchanges if not exchange.ok)
    other_refusals = (refusal for refusal in refusals if changing_method(refusal.call) != "resend")
    #: Wordings of all other refusals; one that only resends get means a failed delivery.
    other_wordings = {refusal.wording for refusal in other_refusals}
    for at, exchange in enumerate(exchanges):
        method = changing_method(exchange.call)
        before = _named(exchange, latest_records) if method == "resend" else None
        if before is not None and before.get("life_cycle_state") == "REJECTED":
            pending_resends[before["id"]] = before, at
        if not exchange.ok or "fields_set" in exchange.call.parameters:
            continue
        for key, record in exchange.by_id.items():
            if method == "delete":
                pending_resends.pop(key, None)
                if key in latest_records and key not in unsteady:
                    yield Change("delete", latest_records.pop(key), record)
                continue
            latest_records[key] = record
            if key in pending_resends and (method != "resend" or record != pending_resends[key][0]):
                before, since = pending_resends.pop(key)
                resend = exchanges[since]
                has_failed = not (resend.ok or resend.wording in other_wordings)
                is_own = key not in unsteady or at - since <= AT_ONCE
                if is_own and (record != before or has_failed):
                    is_sent = record.get("life_cycle_state") == "SUCCESSFUL"
                    yield Change("resend" if is_sent else "failed_resend", before, record)


def _named(exchange: Exchange, records: Mapping[str, Record]) -> Record | None:
    """Return the webhook request that a change names, as it was last seen."""
    identifier = exchange.call.parameters.get(IDENTIFIER)
    if not isinstance(identifier, Mapping) or len(identifier) != 1:
        return None
    ((field, text),) = identifier.items()
    if field == "id":
        return records.get(text)
    return next((record for record in records.values() if record.get(field) == text), None)


def _effects(changes: Sequence[Change]) -> dict[str, Any]:
    """Return the effects of changes of one kind."""
    flat_pairs = [(flat(change.before), flat(change.after)) for change in changes]
    effects = {}
    for name in dict.fromkeys(name for pair in flat_pairs for record in pair for name in record):
        samples = [
            Sample(before.get(name, _ABSENT), after.get(name, _ABSENT), change)
            for (before, after), change in zip(flat_pairs, changes, strict=True)
        ]
        if (effect := _effect(name, samples)) != _KEPT:
            effects[name] = effect
    return effects


def flat(record: Record) -> Record:
    """Return a webhook request with dotted names for the members of log_information."""
    log = record.get(LOG)
    if not (isinstance(log, dict) and log):
        return record
    members = {name: value for name, value in record.items() if name != LOG}
    return members | {f"{LOG}.{name}": value for name, value in log.items()}


class Sample(NamedTuple):
    """A value before and after a change."""

    before: Any
    after: Any
    change: Change


class _Member:
    """The values of one member before and after several changes."""

    def __init__(self, name: str, samples: Sequence[Sample]) -> None:
        """Read its values."""
        self.name, self.samples = name, samples
        self.befores = [sample.before for sample in samples]
        self.afters = [sample.after for sample in samples]
        value = self.afters[0]
        self.is_constant = all(v == value and type(v) is type(value) for v in self.afters)
        self.is_repeated = len(samples) > 1 and self.is_constant
        self.is_always_new = all(before != after for before, after, _ in samples)

    def are_all(self, kind: type) -> bool:
        """Return whether the values after the changes have a type."""
        return all(type(after) is kind for after in self.afters)

    def part_effect(self, key: Any) -> Any:
        """Return the effect for a member of its objects, or for an item of its arrays."""
        return _effect(self.name, [
            Sample(_part(before, key), after[key], change) for before, after, change in self.samples
        ])  # fmt: skip

    @cached_property
    def sources(self) -> list[dict[str, Any]]:
        """The members that it may be made of, by dotted name, for each change.

        These are members that come first, or that no change has changed. If all changes leave the
        same value, only members that all of them have changed count.
        """
        changes = [sample.change for sample in self.samples]
        order = dict.fromkeys((*_FIRST, *changes[0].after))
        places = {name: place for place, name in enumerate(order)}
        place = places.get(self.name.partition(".")[0], len(places))

        def is_source(name: str) -> bool:
            if name == self.name or not all(name in change.sources for change in changes):
                return False
            are_kept = [
                change.sources[name] == member_at(change.before, name) for change in changes
            ]
            is_first = places[name.partition(".")[0]] < place
            return (is_first or all(are_kept)) and not (any(are_kept) and self.is_repeated)

        names = [name for name in changes[0].sources if is_source(name)]
        return [{name: change.sources[name] for name in names} for change in changes]


def _part(value: Any, key: Any) -> Any:
    """Return a member of an object, or an item of an array, if there is one."""
    if isinstance(value, dict):
        return value.get(key, _ABSENT)
    is_item = isinstance(value, list) and isinstance(key, int) and key < len(value)
    return value[key] if is_item else _ABSENT


def _effect(name: str, samples: Sequence[Sample]) -> Any:
    """Return the effect that explains most values. It may depend on another member."""

    def outcome(group: Sequence[Sample]) -> Outcome:
        if (effect := _ruled(_Member(name, group))) is not _UNEXPLAINED:
            return Outcome(effect)
        usual = _most_common([sample.after for sample in group])
        return Outcome(usual, sum(sample.after != usual for sample in group))

    facts = _facts([sample.change.before for sample in samples])
    return _by_facts(best_tree(list(zip(facts, samples, strict=True)), outcome, depth=1))


def _by_facts(outcome: Outcome) -> Any:
    """Return an effect that depends on facts as an outcome does."""
    if outcome.usual is None:
        return outcome.value
    cases = [[value, _by_facts(case)] for value, case in outcome.cases.items()]
    return {"$": "by", "of": outcome.fact, "cases": cases, "usual": _by_facts(outcome.usual)}


def _facts(befores: Sequence[Record]) -> list[dict[str, str]]:
    """Return the facts of webhook requests before a change: their members, and forms of some."""
    names = dict.fromkeys(name for before in befores for name, _ in members_of(before))
    member_facts = [name for name in names if name.rpartition(".")[2] not in _UNIQUE_NAMES]
    forms = (f"{name}:form" for name in ("request", "response", _CODE))
    facts = dict.fromkeys((*_PREFERRED_FACTS, *member_facts, *forms))
    return [{name: fact_of(before, name) for name in facts} for before in befores]


def _most_common(values: Sequence[Any]) -> Any:
    """Return the value that was seen most often."""
    texts = Counter(orjson.dumps(value, option=orjson.OPT_SORT_KEYS) for value in values)
    return orjson.loads(texts.most_common(1)[0][0])


# Rules. Each returns the effect that explains all values of a member, or None.

_UNEXPLAINED: Any = object()  # None is an effect: null


def _ruled(member: _Member) -> Any:
    """Return the effect by the first rule that has one, or the value that all changes leave."""
    if member.befores == member.afters:
        return _KEPT
    structures = () if member.is_repeated else (_new, _object, _array)
    for rule in (_caller, _filled, _now, _counted, _same, _text, *structures):
        if (effect := rule(member)) is not None:
            return effect
    return member.afters[0] if member.is_constant else _UNEXPLAINED


_CALLERS = {
    f"{LOG}.updated_by_user": "user",
    f"{LOG}.updated_by_unit": "unit",
    f"{LOG}.updated_by_business_unit": "unit",
}


def _caller(member: _Member) -> Any:
    """Return the effect for the user, or the unit, of the change."""
    is_caller = member.name in _CALLERS and member.are_all(dict)
    return {"$": _CALLERS[member.name]} if is_caller else None


def _filled(member: _Member) -> Any:
    """Return the effect for a member that changes only if it is unset."""
    unset_samples = [sample for sample in member.samples if sample.before in _UNSET]
    is_kept = all(before in _UNSET or before == after for before, after, _ in member.samples)
    if not (unset_samples and is_kept and len(unset_samples) < len(member.samples)):
        return None
    return {"$": "fill", "value": _effect(member.name, unset_samples)}


def _now(member: _Member) -> Any:
    """Return the effect for the time; two changes may have the same time."""
    first_value = member.afters[0]
    if member.is_always_new and all(map(is_moment, member.afters)):
        return {"$": "now", "like": 1000 if first_value > MAX_SECONDS else 1}
    if not all(map(_is_time, member.afters)):
        return None
    new_values = [after for before, after, _ in member.samples if before != after]
    is_now = all(before != after or after >= min(new_values) for before, after, _ in member.samples)
    return {"$": "now", "like": _shape(first_value)} if is_now else None


def _is_time(value: Any) -> bool:
    if not isinstance(value, str) or len(value) < len("yyyy-MM-ddTHH:mm"):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _counted(member: _Member) -> Any:
    """Return the effect for a number that grows by one."""
    is_number = member.are_all(int) and all(type(before) is int for before in member.befores)
    is_next = is_number and all(after == before + 1 for before, after, _ in member.samples)
    return {"$": "more", "by": 1} if is_next else None


def _same(member: _Member) -> Any:
    """Return the effect for a text, or a number, that is that of another member."""
    is_number = member.are_all(int)
    if not is_number and not (member.are_all(str) and all(member.afters)):
        return None
    for name in member.sources[0]:
        values = [source[name] for source in member.sources]
        if values == member.afters and [*map(type, values)] == [*map(type, member.afters)]:
            return {"$": "same", "as": name}
        if is_number and values == [*map(str, member.afters)]:
            return {"$": "same", "as": name, "is_number": True}
    return None


def _text(member: _Member) -> Any:
    """Return the effect for a text that has values of other members in it."""
    if not member.are_all(str):
        return None
    sources, texts = member.sources, member.afters
    if member.is_repeated:
        sources = sources[:1] if all(source == sources[0] for source in sources) else [{}]
        texts = texts[:1]
    text = template_of(texts, sources)
    return None if text is None or not has_placeholder(text) else {"$": "text", "of": text}


def _new(member: _Member) -> Any:
    """Return the effect for a text that is drawn, or computed."""
    is_unique = len({*map(str, member.afters)}) == len(member.afters)
    is_new = is_unique and member.is_always_new and all(map(_is_opaque, member.afters))
    return {"$": "new", "like": _shape(member.afters[0])} if is_new else None


def _is_opaque(value: Any) -> bool:
    """Return whether a value is a text that is drawn, or computed."""
    return isinstance(value, str) and _OPAQUE.fullmatch(value) is not None


def _shape(text: str) -> str:
    """Return the text that stands for all texts of the same form.

    Digits are 0, hexadecimal digits a or A, and letters and digits of other texts z.
    """
    if _is_time(text):
        return re.sub(r"[0-9]", "0", text)
    is_hex = re.fullmatch(r"[0-9A-F]*|[0-9a-f]*", text) is not None
    letter = "0" if text.isdecimal() else "z" if not is_hex else "A" if text.isupper() else "a"
    return re.sub(r"[0-9A-Za-z]", letter, text)


def _object(member: _Member) -> Any:
    """Return an object of effects, if all objects have the same members."""
    if not member.are_all(dict) or any("$" in after for after in member.afters):
        return None
    if len({frozenset(after) for after in member.afters}) != 1:
        return None
    return {key: member.part_effect(key) for key in member.afters[0]}


def _array(member: _Member) -> Any:
    """Return the effect for an array that grew, or an array of effects for its items."""
    if not member.are_all(list):
        return None
    bases = [before if isinstance(before, list) else [] for before in member.befores]
    pairs = list(zip(bases, member.samples, strict=True))
    counts = {len(after) - len(base) for base, (_, after, _) in pairs}
    is_longer = len(counts) == 1 and min(counts) > 0 and any(bases)
    if is_longer and all(after[: len(base)] == base for base, (_, after, _) in pairs):
        tails = [Sample(_ABSENT, after[len(base) :], change) for base, (_, after, change) in pairs]
        items = _Member(member.name, tails)
        return {"$": "append", "items": [items.part_effect(at) for at in range(min(counts))]}
    if len({len(after) for after in member.afters}) != 1:
        return None
    return [member.part_effect(at) for at in range(len(member.afters[0]))]


# What was not seen: a guess.


def guessed_resend(records: Collection[Record], release: Release) -> dict[str, Any]:
    """Return a guess of a resend's effects, by member, from webhook requests that were sent."""
    sent_records = [record for record in records if record["life_cycle_state"] == "SUCCESSFUL"]
    if not sent_records:
        return {}
    effects = {name: _guess(sent_records, name) for name in _DECIDED}
    if all(_is_opaque(record.get("request")) for record in sent_records):
        effects["request"] = _guess(sent_records, "request")  # a reference, no copy of it
    if any(record.get(_CODE) is None for record in records):
        effects[_CODE] = {"$": "fill", "value": _guess(sent_records, _CODE)}
    created_date = member_at(sent_records[0], f"{LOG}.created_date")
    if isinstance(created_date, str):  # see the dial resend.updates_log
        effects[f"{LOG}.updated_date"] = {"$": "now", "like": _shape(created_date)}
        updaters = (f"{LOG}.{name}" for name in ("updated_by_user", *units(release.name)))
        effects |= {name: {"$": _CALLERS[name]} for name in updaters if name in _CALLERS}
    return effects


def _guess(records: Sequence[Record], name: str) -> Any:
    """Return the effect that explains a member of all sent webhook requests."""
    forms = [fact_of(record, f"{name}:form") for record in records]
    deciding_members = [
        member for member, fact in _DECISIVE.items() if _decides(fact, records, forms)
    ]
    facts = (*_LASTING, *(deciding_members[:1] if len(set(forms)) > 1 else ()))
    samples = []
    for record in records:
        change = Change("resend", {fact: record.get(fact) for fact in facts}, record)
        samples.append(Sample(_UNKNOWN, record.get(name, _ABSENT), change))
    effect = _effect(name, samples)
    return {"$": "new", "like": _shape(effect)} if _is_opaque(effect) else effect


def _decides(fact: str, records: Sequence[Record], forms: Sequence[str]) -> bool:
    """Return whether webhook requests with the same fact always have the same form."""
    pairs = {(fact_of(record, fact), form) for record, form in zip(records, forms, strict=True)}
    return len(pairs) == len({value for value, _ in pairs})
