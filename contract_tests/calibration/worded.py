"""How a server words its responses: status, code, texts and data, by kind and by case.

Most responses of a kind have the same words. The others are *cases*, if facts explain them: the
method, in which way a value is wrong, or that a list is empty.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.calibration.decision_tree import (
    OUTWEIGHS,
    Outcome,
    best_tree,
    cases_of,
)
from crmcom_kit.contract_tests.calibration.learned import Grade, Learned, of_counts
from crmcom_kit.contract_tests.calibration.texts import template_of
from crmcom_kit.contract_tests.client.exchanges import LOGINS, Exchange
from crmcom_kit.contract_tests.client.targets import MockReply
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.schemas.dial_tables import (
    CASE_FACTS,
    EMPTY_DATA,
    MAX_CASES,
    SUCCESS,
    is_text,
    parts_of,
    success_facts,
)
from crmcom_kit.schemas.dialect import dials, error_kinds
from crmcom_kit.schemas.envelopes import NULL
from crmcom_kit.schemas.members import ABSENT, members_of
from crmcom_kit.schemas.releases import Release

#: The facts that cases of a kind may depend on, the preferred ones first.
_OF_ERRORS, _OF_SUCCESSES = ("seen", "method", "parameter"), ("method", "results", "state")
#: The parts of a case for errors with a text, if errors usually have none.
_TEXTS = {"message": "{message} {details}", "description": "{details}"}
#: The dials for the usual form of a part of an error.
_FORM_DIALS = {
    "message": "errors.message_form",
    "description": "errors.description",
    "data": "errors.data",
}
_MAX_LENGTH = 500  # of a text


class Worded(NamedTuple):
    """The words of a response. The mock's response is of the same kind."""

    facts: Mapping[str, str]  # that a case in envelope.cases may select it by
    parts: Mapping[str, Any]  # as a case has them
    about: Mapping[str, Any]  # values that its texts may have

    @property
    def is_served_error(self) -> bool:
        """Whether the server serves what the mock refuses."""
        return bool(self.parts.get("served", "no") != "no")


def worded(exchange: Exchange, reply: MockReply) -> Worded | None:
    """Return the words of a response; None if no case can have them."""
    status, call = exchange.envelope["status"], exchange.call
    if exchange.ok and reply.kind:
        return _served(exchange, reply)
    texts = {name: status.get(name) for name in ("message", "description")}
    if not exchange.ok:
        forms = (name for name, data in EMPTY_DATA.items() if exchange.data == data)
        form = next(forms, "object") if "data" in exchange.envelope else "absent"
        parts = {**dict(zip(("status", "code"), exchange.wording, strict=True)), "data": form}
        parts |= {n: _TEXTS[n] if text else _blank(text) for n, text in texts.items()}
        return Worded(reply.facts, {**parts, "served": "no"}, {})
    about: Mapping[str, Any] = {}
    if call.method == "list":
        results = len(exchange.records)
        about = {"results": results, "matches": max(results, reply.matches or 0)}
    elif call.method not in LOGINS and isinstance(exchange.data, dict):
        about = exchange.data
    is_cut = "fields_set" in call.parameters and call.method != "list"
    are_texts = all(not t or (is_text(t) and len(t) <= _MAX_LENGTH) for t in texts.values())
    if is_cut or not are_texts:
        return None
    parts = {name: text or _blank(text) for name, text in texts.items()}
    return Worded(success_facts(call.method, about), parts, about)


def _served(exchange: Exchange, reply: MockReply) -> Worded | None:
    """Return how a server serves what the mock refuses; None if no case can say so."""
    method, parameter = exchange.call.method, reply.facts["parameter"]
    if parameter == "fields_set" or (method in ("list", "token") and parameter != "token"):
        served = "empty" if method == "list" and not exchange.records else "without"
    elif method == "token_release":
        served = "empty"
    else:
        return None
    parts = dict.fromkeys(("status", "code", *_FORM_DIALS))
    return Worded(reply.facts, {**parts, "served": served}, {})


def _blank(text: Any) -> str:
    return NULL if text is None else ""


def learned_words(responses: Sequence[Worded], release: Release) -> dict[str, Learned]:
    """Return the dials of errors and of texts that responses show."""
    usual_forms = _UsualForms(responses, release)
    by_kind = defaultdict[str, list[Worded]](list)
    for response in responses:
        by_kind[response.facts["kind"]].append(usual_forms.without(response))
    learned = usual_forms.learned()
    cases: Cases = []
    has_siblings = False
    for kind, group in by_kind.items():
        seen_cases = _cases(group, usual_forms)
        cases += (all_cases := _with_siblings(seen_cases, group))
        has_siblings |= len(all_cases) > len(seen_cases)
        special_cases = [case for case in seen_cases if len(case.keys() & {*CASE_FACTS}) > 1]
        usual_group = [
            response for response in group if not parts_of(special_cases, response.facts)
        ]
        for part in ("status", "code") if kind != SUCCESS else ():
            dial = dials()[f"errors.{kind}.{part}"]
            values = Counter(response.parts[part] for response in usual_group)
            counts = Counter({value: n for value, n in values.items() if dial.accepts(value)})
            if counts:
                learned[dial.key] = of_counts(counts)
    if cases:
        count = sum(bool(parts_of(cases, response.facts)) for response in responses)
        siblings = "; resend and delete as show" if has_siblings else ""
        reason = f"{counted(count, 'response')}{siblings}"
        learned["envelope.cases"] = Learned([cases[:MAX_CASES]], Grade.OBSERVED, reason)
    return learned | _derived(learned, by_kind)


class _UsualForms:
    """The forms that most errors have, and the empty text of most successes."""

    def __init__(self, responses: Sequence[Worded], release: Release) -> None:
        """Count the forms of responses of a release."""
        self._has_own_login = not release.at_least("R12.0.0")
        self._counts = defaultdict[str, Counter[str]](Counter)  # by dial
        for facts, parts, _ in responses:
            for part, value in parts.items():
                dial, form = self._dial(facts, part), _form(part, value)
                if (
                    dial
                    and value is not None
                    and (facts["kind"] != SUCCESS or form in ("null", "empty"))
                ):
                    self._counts[dial][form] += 1

    def learned(self) -> dict[str, Learned]:
        """Return the dials of usual forms."""
        return {
            dial: Learned([form], Grade.OBSERVED, f"{n} of {counted(counts.total(), 'time')}")
            for dial, counts in self._counts.items() for form, n in counts.most_common(1)
        }  # fmt: skip

    def without(self, response: Worded) -> Worded:
        """Return a response with None in place of the parts that have the usual form."""
        facts, parts, about = response
        unusual_parts = {
            part: None if value is None or self._usual(facts, part) == _form(part, value) else value
            for part, value in parts.items()
        }
        return Worded(facts, unusual_parts, about)

    def value_of(self, facts: Mapping[str, str], part: str, value: Any) -> Any:
        """Return the value of a part in a case; None stands for the usual form."""
        form = self._usual(facts, part)
        if value is not None or part not in _TEXTS:
            return form if value is None else value
        return {"null": NULL, "empty": ""}.get(form, _TEXTS[part])

    def _usual(self, facts: Mapping[str, str], part: str) -> str:
        if part == "served":
            return "no"
        counts = self._counts.get(self._dial(facts, part))
        return counts.most_common(1)[0][0] if counts else ""

    def _dial(self, facts: Mapping[str, str], part: str) -> str:
        """Return the dial for the usual form of a part; "" if there is none."""
        if facts["kind"] == SUCCESS:
            is_login = facts.get("method") == "token" and self._has_own_login
            return "envelope.login_empty_text" if is_login else "envelope.empty_text"
        return _FORM_DIALS.get(part, "")


def _form(part: str, value: Any) -> str:
    """Return the form of a part, as its dial calls it."""
    if part not in _TEXTS or value not in ("", NULL):
        return {"message": "text", "description": "detail"}.get(part, str(value))
    return "null" if value == NULL else "empty"


Cases = list[dict[str, Any]]


def _cases(responses: Sequence[Worded], usual_forms: _UsualForms) -> Cases:
    """Return the cases of one kind, special ones first. A case without a fact is for all others."""
    kind = {"kind": responses[0].facts["kind"]}
    names = _OF_SUCCESSES if kind["kind"] == SUCCESS else _OF_ERRORS
    samples = [({name: r.facts.get(name, "") for name in names}, r) for r in responses]
    explanation = best_tree(samples, _outcome, weight=OUTWEIGHS)
    usual = explanation.value
    general_case = {
        part: usual[part] for part in (*_FORM_DIALS, "served") if usual.get(part) is not None
    }  # fmt: skip
    cases = [kind | general_case] if general_case else []
    for case_facts, outcome in reversed([*cases_of(explanation)]):  # from what is general on
        facts = kind | case_facts
        rivals = [
            case for case in cases
            if all(facts.get(name, case[name]) == case[name] for name in names if name in case)
        ]  # fmt: skip
        parts = {}
        for part, value in outcome.value.items():
            other_values = {usual_forms.value_of(facts, part, usual[part])}
            other_values |= {case[part] for case in rivals if part in case}
            case_value = usual_forms.value_of(facts, part, value)
            if other_values != {case_value} and not (value is None and part in ("status", "code")):
                parts[part] = case_value
        if dials()["envelope.cases"].accepts([facts | parts]):
            cases.insert(0, facts | parts)
    return cases


def _with_siblings(cases: Cases, responses: Sequence[Worded]) -> Cases:
    """Return cases, and those of errors of show also for resend and delete if these were unseen."""
    seen_methods = {response.facts["method"] for response in responses}
    unseen_methods = [method for method in ("resend", "delete") if method not in seen_methods]
    all_cases = []
    for case in cases:
        is_of_show = case.get("method") == "show" and case["kind"] != SUCCESS
        all_cases += [case, *({**case, "method": name} for name in unseen_methods if is_of_show)]
    return all_cases


def _outcome(responses: Sequence[Worded]) -> Outcome:
    """Return the words that explain all responses, or else those of most."""
    abouts = [response.about for response in responses]
    shared_parts = {
        name: _shared([response.parts[name] for response in responses], abouts)
        for name in responses[0].parts
    }
    if ABSENT not in shared_parts.values():
        return Outcome(shared_parts)
    counts = Counter(tuple(response.parts.items()) for response in responses)
    ((parts, n),) = counts.most_common(1)
    return Outcome(dict(parts), len(responses) - n)


def _shared(values: Sequence[Any], abouts: Sequence[Mapping[str, Any]]) -> Any:
    """Return the value that all have, or the text that all are filled from, or ABSENT."""
    is_one = len({*values}) == 1
    if not (is_one and len(values) > 1) and any(abouts) and all(map(is_text, values)):
        members = [dict(members_of(about)) for about in abouts]
        text = template_of(values, members)
        return ABSENT if text is None else text
    return values[0] if is_one else ABSENT


def _derived(learned: Mapping[str, Learned], kinds: Mapping[str, Any]) -> dict[str, Learned]:
    """Return status and code of kinds that were not seen: those of the nearest seen neighbor."""
    derived_dials = {}
    for kind, error in error_kinds().items():
        neighbor_kind = next((name for name in error["neighbors"] if name in kinds), None)
        for part in ("status", "code") if kind not in kinds else ():
            if neighbor := learned.get(f"errors.{neighbor_kind}.{part}"):
                reason = f"as {neighbor_kind}, its neighbor"
                result = Learned(neighbor.values[:1], Grade.DERIVED, reason)
                derived_dials[f"errors.{kind}.{part}"] = result
    return derived_dials
