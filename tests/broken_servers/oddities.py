"""Servers that differ from the mock where the documents are silent: none may alarm the kit."""

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from broken_servers.toolkit import (
    Answer,
    Asked,
    Forward,
    Handle,
    Memory,
    Record,
    WsgiApp,
    wrapped,
)
from crmcom_kit.schemas.releases import resolve


@dataclass(frozen=True, slots=True)
class Oddity:
    """One legal difference: a wrapping, or a choice of a dial, or both."""

    name: str
    note: str
    handle: Handle | None
    dials: tuple[tuple[str, Any], ...] = ()
    since: str = "R9.0.0"  # the first release in which it is legal

    def make(self, app: WsgiApp) -> WsgiApp:
        """Put this oddity around a WSGI application."""
        return app if self.handle is None else wrapped(self.handle)(app)


ODDITIES: dict[str, Oddity] = {}


def odd(handle: Handle) -> Handle:
    """Enter a function as a legal oddity."""
    note = (handle.__doc__ or "").splitlines()[0]
    ODDITIES[handle.__name__] = Oddity(handle.__name__, note, handle)
    return handle


def odd_dials(name: str, note: str, *, since: str = "R9.0.0", **dials: Any) -> None:
    """Enter choices of dials as a legal oddity; a double underscore stands for a dot."""
    chosen = tuple((key.replace("__", "."), value) for key, value in dials.items())
    ODDITIES[name] = Oddity(name, note, None, chosen, since)


def _with_status(answer: Answer, **members: Any) -> Answer:
    envelope = answer.json
    return answer.saying({**envelope, "status": {**envelope["status"], **members}})


@odd
def errors_are_http_errors(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Errors have an HTTP status of 4xx or 5xx."""
    answer = forward(asked)
    if answer.ok:
        return answer
    upholds = answer.upholds or ""
    status = "401 UNAUTHORIZED" if upholds.startswith("token.") else "422 UNPROCESSABLE ENTITY"
    return replace(answer, status="500 INTERNAL SERVER ERROR" if "known" in upholds else status)


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


odd_dials("list_is_null_when_empty", "data of a list without results is null.", list__empty="null")
odd_dials("list_has_no_data", "A list without results has no data.", list__empty="absent")
odd_dials("oldest_first", "Lists come oldest first.", list__order="oldest_first")
odd_dials("unknown_reference", "Unknown definitions select none.", list__unknown_reference="empty")
odd_dials(
    "strict_parameters",
    "Unknown parameters, bodies of GET and queries of POST are refused.",
    requests__unknown_parameters="strict",
    requests__body_on_get="error",
    requests__query_on_post="error",
)
odd_dials(
    "loose_parameters",
    "Unknown parameters are ignored, queries of POST are read.",
    requests__unknown_parameters="loose",
    requests__query_on_post="read",
)
odd_dials("short_units", "Units have four members.", record__unit_form="short")
odd_dials("short_users", "Users have no email.", record__user_form="short")
odd_dials("exchange_as_object", "request is an object.", record__exchange_form="object")
odd_dials("exchange_as_text", "request is JSON as text.", record__exchange_form="text")
odd_dials("no_exchange", "request and response are null.", record__exchange_form="null")
odd_dials(
    "definitions_are_short", "A definition has its id alone.",
    record__definition_members=["id"], record__rule_members=["name"],
)  # fmt: skip
odd_dials("resends_fail", "Every resend fails again.", delivery__script="http_500")
odd_dials(
    "resends_fail_as_error", "Every resend fails again, and is answered with an error.",
    delivery__script="timeout", resend__failed="error",
)  # fmt: skip
odd_dials(
    "resends_fail_at_first", "Two resends fail, the others do not.",
    delivery__script="2*http_503, success",
)  # fmt: skip
odd_dials("log_is_kept", "resend leaves log_information.", resend__updates_log=False)
odd_dials("any_filter", "Semi-optional filters: any of them.", list__combine="any")
odd_dials("any_case", "Entities in any case.", list__case_sensitive=False, list__comma_lists=True)
odd_dials("date_is_instant", "created_date is a second.", list__created_date__match="instant")
odd_dials("date_is_from", "created_date is a beginning.", list__created_date__match="from")
odd_dials("date_alone", "created_date has no time.", list__created_date__form="date")
odd_dials("date_with_time", "created_date has a time.", list__created_date__form="date_time")
odd_dials("url_prefix", "url selects by its beginning.", list__url__match="prefix")
odd_dials("url_contains", "url selects by a part.", list__url__match="contains")
odd_dials("other_zone", "Dates are written in another zone.", dates__utc_offset="+13:45")
odd_dials(
    "fields_set_otherwise", "fields_set takes nearly anything, and adds id.",
    fields_set__unknown_name="ignore", fields_set__always_id=True, fields_set__nested="select",
)  # fmt: skip
odd_dials(
    "fields_set_strictly", "fields_set is read strictly.",
    fields_set__spaces="keep", fields_set__duplicates="error", fields_set__empty="error",
    fields_set__array_in_body=False,
)  # fmt: skip
odd_dials(
    "few_by_default", "Seven results at most.", since="R13.0.0", paging__default_results=7,
)  # fmt: skip
odd_dials(
    "small_pages", "At most five results, more is refused.", since="R13.0.0",
    paging__default_results=5, paging__maximum_results=5, paging__over_maximum="error",
)  # fmt: skip
odd_dials("zero_is_all", "number_of_results 0: all.", paging__zero="all")
odd_dials(
    "zero_is_wrong", "number_of_results 0: an error; negative ones are ignored.",
    paging__zero="error", paging__negative="ignore",
)  # fmt: skip
odd_dials("few_tokens", "Two tokens of a user live at once.", tokens__live_at_once=2)
odd_dials("release_ignored", "Release does nothing.", tokens__release_from_r12="ignored")
odd_dials("login_by_get", "Logins answer GET.", login__get=True, login__unit_by_name=True)
odd_dials("key_without_colon", "A key needs no colon.", login__basic_without_colon=True)
odd_dials("bearer", "The token may come in a header.", requests__token_in_header=True)
odd_dials(
    "lenient_identifiers", "Identifiers may be numbers, unknown fields are ignored.",
    identifiers__json_number=True, identifiers__unknown_field="ignore",
)  # fmt: skip
odd_dials(
    "signed_otherwise", "Codes are MD5 in base64.",
    signing__algorithm="md5", signing__encoding="base64", signing__canonical_form="sorted",
)  # fmt: skip
odd_dials("signed_in_capitals", "Codes in capitals.", signing__encoding="hex_upper")
odd_dials("unset_dates", "Unset dates are left out.", record__unset_dates="absent")
odd_dials("emptied_names", "Names are emptied.", record__emptied_names="null")
odd_dials("absent_names", "Names are left out.", record__emptied_names="absent")
odd_dials("token_last", "Parameters are checked first.", errors__token_first=False)
odd_dials("description_has_it", "Details in description.", errors__description="detail")
odd_dials("as_text", "Content type is text.", envelope__content_type="text/plain;charset=UTF-8")
odd_dials("withdrawn_release", "No release from R12.", tokens__release_from_r12="withdrawn")
odd_dials("entity_id_needs_entity", "entity_id needs entity.", list__entity_id_alone=False)
odd_dials("null_texts", "Texts of success are null.", envelope__empty_text="null")
odd_dials("new_order", "Members as documented.", envelope__key_order="documented")


def combined(names: Iterable[str]) -> tuple[Callable[[WsgiApp], WsgiApp], dict[str, Any]]:
    """Return what is put around the mock, and the dials it is given, for several oddities."""
    chosen = [ODDITIES[name] for name in names]

    def wrap(app: WsgiApp) -> WsgiApp:
        for oddity in chosen:
            app = oddity.make(app)
        return app

    return wrap, {dial: value for oddity in chosen for dial, value in oddity.dials}


def together(draw: random.Random, release: str) -> list[str]:
    """Draw several oddities that do not contradict each other: no dial is turned twice."""
    names: list[str] = []
    turned: set[str] = set()
    legal = [name for name, each in ODDITIES.items() if resolve(release).at_least(each.since)]
    for name in draw.sample(legal, k=draw.randint(2, 12)):
        dials = {dial for dial, _ in ODDITIES[name].dials}
        if not dials & turned:
            turned |= dials
            names.append(name)
    # What handles calls is put around the mock in the order of this list.
    return sorted(names, key=list(ODDITIES).index)
