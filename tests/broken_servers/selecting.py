"""Wrong in fields_set."""

from broken_servers.catalogue import broken
from broken_servers.toolkit import RECORD_METHODS, Answer, Asked, Forward, Handle, Memory, refused
from crmcom_kit.schemas.methods import response_fields


def _names(asked: Asked) -> list[str]:
    """Return the names in fields_set, where all are response fields and none comes twice."""
    names = str(asked.parameters.get("fields_set", "")).split(",")
    good = set(names) <= set(response_fields()) and len(set(names)) == len(names)
    return names if good else []


def _is_ignored(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    return forward(asked.given(fields_set=None) if _names(asked) else asked)


def _loses_the_last(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    names = _names(asked)
    return forward(asked.given(fields_set=",".join(names[:-1])) if len(names) > 1 else asked)


def _wants_semicolons(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    names = str(asked.parameters.get("fields_set", ""))
    if "," in names:
        return refused(f"fields_set: {names} is no field.")
    return forward(asked.given(fields_set=names.replace(";", ",") or None))


def _knows_no_error_code(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    if "error_code" in str(asked.parameters.get("fields_set", "")).split(","):
        return refused("fields_set: error_code is no field.")
    return forward(asked)


def _is_short_by_default(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    if asked.parameters.get("fields_set") is None:
        return forward(asked.given(fields_set="id,number,life_cycle_state,entity,entity_id,url"))
    return forward(asked)


def _leaves_out_the_rule(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    answer = forward(asked)
    if "fields_set" in asked.parameters:
        return answer
    return answer.each(lambda record: {n: v for n, v in record.items() if n != "workflow_rule"})


def _enter(method: str, about: str, name: str, note: str, handle: Handle) -> None:
    def for_method(asked: Asked, forward: Forward, memory: Memory) -> Answer:
        return handle(asked, forward, memory) if asked.method == method else forward(asked)

    for_method.__name__ = f"{method}_fields_set_{name}"
    for_method.__doc__ = f"{method} {note}"
    broken(f"{method}.fields_set.{about}")(for_method)


for _method in RECORD_METHODS:
    for _about, _name, _note, _handle in (
        ("selects", "is_ignored", "returns every field whatever fields_set says.", _is_ignored),
        (
            "selects",
            "loses_the_last",
            "leaves the last field of fields_set out.",
            _loses_the_last,
        ),
        (
            "names",
            "wants_semicolons",
            "refuses commas in fields_set, and wants semicolons.",
            _wants_semicolons,
        ),
        (
            "names",
            "knows_no_error_code",
            "refuses error_code in fields_set.",
            _knows_no_error_code,
        ),
        (
            "default_all",
            "leaves_out_the_rule",
            "leaves workflow_rule out without fields_set.",
            _leaves_out_the_rule,
        ),
        (
            "default_all",
            "is_short_by_default",
            "returns six fields without fields_set.",
            _is_short_by_default,
        ),
    ):
        _enter(_method, _about, _name, _note, _handle)
