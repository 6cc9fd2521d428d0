"""Legal oddities that a server has beside the mock's dials: what it answers, and how."""

import json
from dataclasses import replace
from typing import Any

from odd_servers.oddity import odd
from odd_servers.tokens import jwt, with_other_tokens
from odd_servers.toolkit import (
    RECORD_METHODS,
    Answer,
    Asked,
    Forward,
    Memory,
    Record,
)


def _with_status(answer: Answer, **members: Any) -> Answer:
    envelope = answer.json
    return answer.saying({**envelope, "status": {**envelope["status"], **members}})


@odd
def errors_are_http_errors(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """What stands before the methods refuses with 4xx, and the methods with 500, each of them."""
    answer = forward(asked)
    if answer.ok:
        return answer
    upholds = answer.upholds or ""
    status = "401 UNAUTHORIZED" if upholds.startswith("token.") else "422 UNPROCESSABLE ENTITY"
    before = upholds.startswith(("token.", "token_release.", "login.", "methods."))
    return replace(answer, status=status if before else "500 INTERNAL SERVER ERROR")


@odd
def error_codes_are_short(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """The codes of errors are short texts."""
    answer = forward(asked)
    return answer if answer.ok else _with_status(answer, code="E17")


@odd
def error_data_is_null(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Data of an error is null."""
    answer = forward(asked)
    return answer if answer.ok else answer.saying({**answer.json, "data": None})


@odd
def error_data_is_an_object(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Data of an error is an empty object."""
    answer = forward(asked)
    return answer if answer.ok else answer.saying({**answer.json, "data": {}})


@odd
def error_fields_are_left_out(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """error_code and error_description are left out where they are unset."""

    def shorten(record: Record) -> Record:
        unset = ("error_code", "error_description")
        return {n: v for n, v in record.items() if n not in unset or v is not None}

    return forward(asked).each(shorten)


@odd
def unset_fields_are_left_out(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Every field without a value is left out."""

    def shorten(record: Record) -> Record:
        return {name: value for name, value in record.items() if value is not None}

    return forward(asked).each(shorten)


@odd
def numbers_have_a_prefix(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Numbers of webhook requests are texts such as WR/7."""
    number = asked.identifier.get("number")
    call = asked
    if isinstance(number, str):
        bare = number.removeprefix("WR/") if number.startswith("WR/") else f"x{number}"
        call = asked.naming(**{**asked.identifier, "number": bare})

    def prefix(record: Record) -> None:
        if record.get("number") is not None:
            record["number"] = f"WR/{record['number']}"

    return forward(call).each(prefix)


@odd
def ids_are_long_and_small(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Ids of webhook requests are texts such as wr-4f8a…, in small letters."""
    record_id = asked.identifier.get("id")
    call = asked
    if isinstance(record_id, str):
        known = record_id.startswith("wr-") and record_id == record_id.lower()
        bare = record_id.removeprefix("wr-").upper() if known else f"x{record_id}"
        call = asked.naming(**{**asked.identifier, "id": bare})

    def lengthen(record: Record) -> None:
        if record.get("id") is not None:
            record["id"] = f"wr-{record['id'].lower()}"

    return forward(call).each(lengthen)


@odd
def extra_members_everywhere(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Every object of an answer has members that no page names."""

    def more(value: Any) -> Any:
        if isinstance(value, list):
            return [more(each) for each in value]
        if isinstance(value, dict):
            return {"x_new": 1, **{name: more(each) for name, each in value.items()}, "zz": None}
        return value

    answer = forward(asked)
    if asked.method == "token_release":  # its data is an empty object, which is stated
        return answer
    return answer.saying(more(answer.json))


@odd
def a_new_etag_each_time(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Webhook requests have a member that no page names, with another value in each answer."""
    memory["answers"] = memory.get("answers", 0) + 1
    answer = forward(asked)
    if asked.method not in RECORD_METHODS:
        return answer
    return answer.each(lambda record: {**record, "etag": memory["answers"]})


@odd
def pretty_printed(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """The JSON is written over many lines, with letters beyond ASCII as escapes."""
    answer = forward(asked)
    pretty = json.dumps(answer.json, indent=2, ensure_ascii=True) + "\n"
    return answer.holding(pretty.encode())


@odd
def members_in_reverse(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """The members of every object come in another order."""

    def reverse(value: Any) -> Any:
        if isinstance(value, list):
            return [reverse(each) for each in value]
        if isinstance(value, dict):
            return {name: reverse(value[name]) for name in reversed(value)}
        return value

    answer = forward(asked)
    return answer.saying(reverse(answer.json))


@odd
def headers_of_all_kinds(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Answers have a charset, cookies, and headers of a proxy, and not those of the mock."""
    answer = forward(asked)
    headers = (
        ("Content-Type", "application/json; charset=utf-8"),
        ("Set-Cookie", "JSESSIONID=1; Path=/"),
        ("Server", "Apache-Coyote/1.1"),
        ("Cache-Control", "no-store"),
        ("X-Frame-Options", "DENY"),
        *((name, value) for name, value in answer.headers if name.startswith("X-Mock-")),
    )
    return replace(answer, headers=headers)


@odd
def message_of_success(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """The message of a success is a sentence, its description null."""
    answer = forward(asked)
    if not answer.ok:
        return answer
    return _with_status(answer, message="Done as asked.", description=None)


@odd
def lists_are_sorted_by_id(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List returns its results in the order of their ids."""
    answer = forward(asked)
    if asked.method != "list" or not answer.records:
        return answer
    whole = sorted(_all_pages(asked, forward), key=lambda record: str(record["id"]))
    count = len(answer.records)
    skipped = asked.parameters.get("offset", "")
    begin = int(skipped) if skipped.isdigit() and count < len(whole) else 0
    page = whole[begin:][:count]
    if "fields_set" in asked.parameters:
        names = asked.parameters["fields_set"].split(",")
        shown = {*map(str.strip, names), *(name for each in answer.records for name in each)}
        page = [{n: v for n, v in each.items() if n in shown} for each in page]
    return answer.with_data(page)


def _all_pages(asked: Asked, forward: Forward) -> list[Record]:
    """Return all that a list would return, however few come at once."""
    found: dict[str, Record] = {}
    bare = asked.given(fields_set=None, number_of_results=None, offset=None)
    page = forward(bare).records
    while page and page[0]["id"] not in found:
        found.update({record["id"]: record for record in page})
        page = forward(bare.given(offset=str(len(found)))).records
    return list(found.values())


@odd
def definitions_are_long(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """webhook_definition and workflow_rule have more members, their names alone of the usual."""

    def lengthen(record: Record) -> None:
        for member in ("webhook_definition", "workflow_rule"):
            if isinstance(record.get(member), dict):
                record[member] = {
                    **record[member],
                    "description": None,
                    "life_cycle_state": "EFFECTIVE",
                }

    return forward(asked).each(lengthen)


@odd
def queued_resends(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Resend answers with the webhook request as it is, REJECTED; it is sent two calls later."""
    due: list[tuple[int, Asked]] = memory.setdefault("due", [])
    memory["calls"] = memory.get("calls", 0) + 1
    for call in [call for when, call in due if when <= memory["calls"]]:
        forward(call)
    due[:] = [(when, call) for when, call in due if when > memory["calls"]]
    if asked.method != "resend" or asked.verb != "POST" or len(asked.identifier) != 1:
        return forward(asked)
    shown = forward(asked.to("show", webhook_request_identifier=asked.identifier))
    if not shown.ok or shown.records[0]["life_cycle_state"] != "REJECTED":
        return forward(asked)
    names = asked.parameters.get("fields_set")
    selected = {} if names is None else {"fields_set": names}
    answer = forward(asked.to("show", webhook_request_identifier=asked.identifier, **selected))
    if answer.ok:
        due.append((memory["calls"] + 2, asked))
    return answer


@odd
def error_message_is_empty(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """The message of an error is empty."""
    answer = forward(asked)
    return answer if answer.ok else _with_status(answer, message="")


@odd
def error_message_is_null(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """The message and the description of an error are null."""
    answer = forward(asked)
    return answer if answer.ok else _with_status(answer, message=None, description=None)


@odd
def dates_have_a_zone(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Dates in log_information end in Z; created_date may be written so, too."""

    def lengthen(record: Record) -> None:
        log = record.get("log_information")
        for name in ("created_date", "updated_date"):
            if isinstance(log, dict) and isinstance(log.get(name), str):
                log[name] += "" if "Z" in log[name] or "+" in log[name] else "Z"

    date = asked.parameters.get("created_date")
    if isinstance(date, str) and date.endswith("Z"):
        asked = asked.given(created_date=date.removesuffix("Z"))
    return forward(asked).each(lengthen)


@odd
def token_times_are_numbers(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """From R12 on the claims exp and iat of a token are numbers."""
    return _with_number_times(asked, forward, memory)


_with_number_times = with_other_tokens(
    lambda header, claims: jwt(
        header, {**claims, "exp": int(claims["exp"]), "iat": int(claims["iat"])}
    )
)
