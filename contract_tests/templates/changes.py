"""Requests that change webhook requests: resend and delete."""

from collections.abc import Sequence

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.oracle.sense import IDENTIFIER
from crmcom_kit.contract_tests.templates.table import Parameters, Scene, template

Variant = tuple[str, str | None]  # the field that names it, and fields_set
_FIELDS = ("number", "url,error_code,life_cycle_state", "id,log_information")


def _plain_first(scene: Scene, method: str) -> Sequence[Variant]:
    fields = _FIELDS if "fields_set" in scene.methods[method].parameters else ()
    named = [(form, each) for each in fields for form in ("id", "number")]
    return [("id", None), ("number", None), *named[:2], ("id", None), ("number", None), *named[2:]]


def _parameters(variant: Variant, record: Record) -> Parameters:
    form, fields = variant
    return {IDENTIFIER: {form: record[form]}, "fields_set": fields}


@template(
    "resend", "resend", lambda scene: _plain_first(scene, "resend"), state="REJECTED", first=8,
    weight=6, spends=True,
)  # fmt: skip
def a_rejected_one(_: Scene, variant: Variant, record: Record) -> Parameters:
    """Send a rejected webhook request again."""
    return _parameters(variant, record)


FORMS = ("number", "id")


@template("resend", "resend", FORMS, state="SUCCESSFUL", first=8, weight=3)
def a_successful_one(_: Scene, form: str, record: Record) -> Parameters:
    """Send a successful webhook request again, which is to be refused."""
    return {IDENTIFIER: {form: record[form]}}


@template("resend", "resend", FORMS, among=Scene.resent, first=3, weight=2, spends=True)
def one_that_was_resent(_: Scene, form: str, record: Record) -> Parameters:
    """Send a webhook request a third time: after a success it is to be refused."""
    return {IDENTIFIER: {form: record[form]}}


@template("delete", "delete", FORMS, among=Scene.resent, first=2, weight=2, spends=True)
def a_resent_one(_: Scene, form: str, record: Record) -> Parameters:
    """Delete a webhook request that was sent again."""
    return {IDENTIFIER: {form: record[form]}}


def _is_named_like_others(every: Sequence[Record], how: str, record: Record) -> bool:
    """Whether an id is another one's number, a number another one's id, or a part of a number."""
    others = (each for each in every if each["id"] != record["id"])
    if how == "part":
        return any(record["number"] in each["number"] for each in others)
    other = "id" if how == "number" else "number"
    return any(record[how] == each[other] for each in others)


_LIKE = ("part", "number", "id")


def _named_like_others(scene: Scene, records: list[Record]) -> list[Record]:
    """Return those that are named like others in some way; most are not, of thousands perhaps."""
    every = scene.records()
    ids, numbers = {each["id"] for each in every}, [each["number"] for each in every]
    known, text = {*numbers}, "\n".join(numbers)
    likely = [
        each
        for each in scene.fresh(records)
        if each["number"] in ids or each["id"] in known or text.count(each["number"]) > 1
    ]
    return [e for e in likely if any(_is_named_like_others(every, how, e) for how in _LIKE)]


for _method, _state in (("resend", "REJECTED"), ("delete", "")):

    @template(
        _method, _method, _LIKE, state=_state, among=_named_like_others, first=4, spends=True
    )  # fmt: skip
    def one_named_like_others(scene: Scene, how: str, record: Record) -> Parameters | None:
        """Change a webhook request, and not others whose names are its own, or nearly."""
        if not _is_named_like_others(scene.records(), how, record):
            return None
        form = "number" if how == "part" else how
        return {IDENTIFIER: {form: record[form]}}


for _state in ("SUCCESSFUL", "REJECTED"):

    @template(
        "delete", "delete", lambda scene: _plain_first(scene, "delete"), state=_state, first=4,
        weight=3, spends=True,
    )  # fmt: skip
    def one_of_each_state(_: Scene, variant: Variant, record: Record) -> Parameters:
        """Delete a webhook request."""
        return _parameters(variant, record)


def _deleted(scene: Scene) -> Sequence[tuple[str, str]]:
    gone = [each.record for each in scene.belief.known.values() if not each.exists]
    gone = [each for each in gone if isinstance(each.get("number"), str)]
    return [(form, each[form]) for each in reversed(gone) for form in ("id", "number")]


for _method in ("show", "resend", "delete"):

    @template("delete", _method, _deleted, about=False, first=4, weight=2)
    def a_deleted_one(_: Scene, variant: tuple[str, str], _record: Record) -> Parameters:
        """Name a webhook request that was deleted."""
        return {IDENTIFIER: dict([variant])}
