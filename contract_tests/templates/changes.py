"""Requests that change webhook requests: resend and delete."""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass

from crmcom_kit.contract_tests.belief.interpretations import Identifier
from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.oracle.parsing import IDENTIFIER
from crmcom_kit.contract_tests.templates.reads import FORMS, Selection
from crmcom_kit.contract_tests.templates.table import Parameters, Scene, template

_FORMS = ("number", "id")
_FIELDS = ("number", "url,error_code,life_cycle_state", "id,log_information")


def _plain_first(scene: Scene, method: str) -> Sequence[Selection]:
    """Return selections without fields_set, and with it if the method has it; plain ones first."""
    fields_sets = _FIELDS if "fields_set" in scene.methods[method].parameters else ()
    selections = [Selection(None, form) for form in FORMS]
    with_fields = [Selection(fields, form) for fields in fields_sets for form in FORMS]
    return [*selections, *with_fields[:2], *selections, *with_fields[2:]]


@template(
    "resend", "resend", lambda scene: _plain_first(scene, "resend"), state="REJECTED", first=8,
    weight=6, uses_up=True,
)  # fmt: skip
def a_rejected_one(selection: Selection, record: Record) -> Parameters:
    """Resend a REJECTED webhook request."""
    return selection.parameters(record)


@template("resend", "resend", _FORMS, state="SUCCESSFUL", first=8, weight=3)
def a_successful_one(form: str, record: Record) -> Parameters:
    """Resend a SUCCESSFUL webhook request, which must be refused."""
    return {IDENTIFIER: {form: record[form]}}


@template("resend", "resend", _FORMS, select=Scene.resent, first=3, weight=2, uses_up=True)
def one_that_was_resent(form: str, record: Record) -> Parameters:
    """Resend a webhook request once more: after a success it must be refused."""
    return {IDENTIFIER: {form: record[form]}}


@template("delete", "delete", _FORMS, select=Scene.resent, first=2, weight=2, uses_up=True)
def a_resent_one(form: str, record: Record) -> Parameters:
    """Delete a webhook request that was resent."""
    return {IDENTIFIER: {form: record[form]}}


@dataclass(frozen=True, slots=True)
class _Names:
    """The ids and numbers of all webhook requests, and the parts of numbers."""

    ids: Set[str]
    numbers: Counter[str]
    parts: Set[str]

    def has_like(self, kind: str, record: Record) -> bool:
        """Return whether a name of the webhook request is like one of another.

        By ``kind``: the number is part of another number, the number is an id, the id is a number.
        """
        key: str = record["id"]
        number: str = record["number"]
        if kind == "part":
            return number in self.parts or self.numbers[number] > 1
        if kind == "number":
            return number in self.ids and number != key
        return self.numbers[key] > (key == number)


_LIKE = ("part", "number", "id")
#: The maximum length of a number whose parts are looked for.
MAX_DIGITS = 20


def _names(scene: Scene) -> _Names:
    """Return the names of what is known now."""

    def names() -> _Names:
        records = scene.records()
        numbers = Counter(record["number"] for record in records)
        lengths = sorted({len(number) for number in numbers if len(number) <= MAX_DIGITS})
        parts = {
            number[start : start + length]
            for number in numbers if len(number) <= MAX_DIGITS
            for length in lengths if length < len(number)
            for start in range(len(number) - length + 1)
        }  # fmt: skip
        return _Names({record["id"] for record in records}, numbers, parts)

    return scene.cached("names", names, scene.belief.records.names_version)


def _named_like_others(scene: Scene, records: Sequence[Record]) -> Sequence[Record]:
    """Return those that are named like others. A variant that tries each may miss these few."""
    names = _names(scene)
    fresh = scene.fresh(records)
    return [record for record in fresh if any(names.has_like(kind, record) for kind in _LIKE)]


@template("delete", "delete", _LIKE, select=_named_like_others, first=4, uses_up=True)
@template(
    "resend", "resend", _LIKE, state="REJECTED", select=_named_like_others, first=4, uses_up=True
)  # fmt: skip
def one_named_like_others(scene: Scene, kind: str, record: Record) -> Parameters | None:
    """Change a webhook request whose id or number is also part of what names another."""
    if not _names(scene).has_like(kind, record):
        return None
    form = "number" if kind == "part" else kind
    return {IDENTIFIER: {form: record[form]}}


def _plain_deletes(scene: Scene) -> Sequence[Selection]:
    return _plain_first(scene, "delete")


@template("delete", "delete", _plain_deletes, state="REJECTED", first=4, weight=3, uses_up=True)
@template("delete", "delete", _plain_deletes, state="SUCCESSFUL", first=4, weight=3, uses_up=True)
def one_of_each_state(selection: Selection, record: Record) -> Parameters:
    """Delete a webhook request."""
    return selection.parameters(record)


def _deleted(scene: Scene) -> Sequence[Identifier]:
    """Return each identifier of what was deleted, the last first."""

    def identifiers() -> Sequence[Identifier]:
        tracked_records = scene.belief.records.by_id.values()
        deleted_records = (record.condensed for record in tracked_records if not record.exists)
        records = [record for record in deleted_records if isinstance(record.get("number"), str)]
        return [Identifier(form, record[form]) for record in reversed(records) for form in FORMS]

    return scene.cached("deleted", identifiers, scene.belief.records.names_version)


@template("delete", "delete", _deleted, first=4, weight=2)
@template("delete", "resend", _deleted, first=4, weight=2)
@template("delete", "show", _deleted, first=4, weight=2)
def a_deleted_one(identifier: Identifier) -> Parameters:
    """Name a webhook request that was deleted."""
    return {IDENTIFIER: {identifier.field: identifier.value}}
