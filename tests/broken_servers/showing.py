"""Wrong in show, and in what all methods that name one webhook request have in common."""

from typing import Any

from broken_servers.catalogue import broken
from broken_servers.toolkit import (
    Answer,
    Asked,
    Forward,
    Handle,
    Memory,
    another,
    everything,
    refused,
)

#: Which webhook requests the methods are for.
FIT: dict[str, dict[str, str]] = {
    "show": {},
    "resend": {"life_cycle_state": "REJECTED"},
    "delete": {},
}


def _enter(method: str, breaks: str, name: str, note: str, handle: Handle) -> None:
    def for_method(asked: Asked, forward: Forward, memory: Memory) -> Answer:
        return handle(asked, forward, memory) if asked.method == method else forward(asked)

    for_method.__name__, for_method.__doc__ = f"{method}_{name}", f"{method} {note}"
    broken(f"{method}.{breaks}")(for_method)


def _needs_no_identifier(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    if "webhook_request_identifier" in asked.parameters:
        return forward(asked)
    some = another(asked, forward, **FIT[asked.method])
    return forward(asked.naming(id=some.get("id", "")))


def _knows_no_number(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    return refused("number is no field.") if "number" in asked.identifier else forward(asked)


def _knows_no_id(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    return refused("id is no field.") if "id" in asked.identifier else forward(asked)


def _takes_an_empty_identifier(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    empty = "webhook_request_identifier" in asked.parameters and not asked.identifier
    if not empty:
        return forward(asked)
    some = another(asked, forward, **FIT[asked.method])
    return forward(asked.naming(id=some.get("id", "")))


def _takes_another(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    if len(asked.identifier) != 1:
        return forward(asked)
    named = everything(asked, forward, **FIT[asked.method])
    wanted = next(iter(asked.identifier.items()))
    if not any(record.get(wanted[0]) == wanted[1] for record in named):
        return forward(asked)
    some = another(asked, forward, asked.identifier.values(), **FIT[asked.method])
    return forward(asked.naming(id=some["id"])) if some else forward(asked)


def _takes_another_by_number(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    if "number" not in asked.identifier:
        return forward(asked)
    return _takes_another(asked, forward, memory)


for _method in FIT:
    for _breaks, _name, _note, _handle in (
        (
            "parameters.mandatory",
            "needs_no_identifier",
            "without webhook_request_identifier takes some webhook request.",
            _needs_no_identifier,
        ),
        ("identifier.fields", "knows_no_number", "refuses number.", _knows_no_number),
        ("identifier.fields", "knows_no_id", "refuses id.", _knows_no_id),
        (
            "identifier.mandatory",
            "takes_an_empty_identifier",
            "with a webhook_request_identifier that names no field takes some webhook request.",
            _takes_an_empty_identifier,
        ),
        (
            "identifier.selects",
            "takes_another",
            "takes another webhook request than the one that is named.",
            _takes_another,
        ),
        (
            "identifier.selects",
            "takes_another_by_number",
            "takes another webhook request where one is named by its number.",
            _takes_another_by_number,
        ),
    ):
        _enter(_method, _breaks, _name, _note, _handle)


@broken("show.single_result")
def show_answers_two(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Show returns another webhook request beside the one that is named."""
    answer = forward(asked)
    if asked.method != "show" or not answer.ok:
        return answer
    return answer.with_data([*answer.records, another(asked, forward, asked.identifier.values())])


def touched_by(method: str) -> Handle:
    """Make a server whose ``method`` moves updated_date of every webhook request it returns."""

    def handle(asked: Asked, forward: Forward, memory: Memory) -> Answer:
        times = memory.setdefault("times", {})

        def touch(record: dict[str, Any]) -> None:
            record_id, log = record.get("id"), record.get("log_information")
            if asked.method == method:
                times[record_id] = times.get(record_id, 0) + 1
            if record_id in times and isinstance(log, dict):
                log["updated_date"] = f"2031-01-01T00:{times[record_id] % 60:02d}:00"

        return forward(asked).each(touch)

    return handle


def removed_by(method: str) -> Handle:
    """Make a server whose ``method`` deletes some webhook request at every third call."""

    def handle(asked: Asked, forward: Forward, memory: Memory) -> Answer:
        answer = forward(asked)
        if asked.method == method and answer.ok:
            memory["calls"] = memory.get("calls", 0) + 1
            if memory["calls"] % 3 == 0:
                seen = [record.get("id") for record in answer.records]
                victim = another(asked, forward, seen)
                if victim:
                    forward(asked.to("delete", webhook_request_identifier={"id": victim["id"]}))
        return answer

    return handle


def _changes_something(method: str, name: str, note: str, handle: Handle) -> None:
    handle.__name__, handle.__doc__ = f"{method}_{name}", f"{method} {note}"
    broken(f"{method}.changes_nothing")(handle)


for _method in ("show", "list"):
    _changes_something(
        _method, "touches", "moves updated_date of what it returns.", touched_by(_method)
    )
    _changes_something(
        _method,
        "removes",
        "deletes some webhook request at every third call.",
        removed_by(_method),
    )
