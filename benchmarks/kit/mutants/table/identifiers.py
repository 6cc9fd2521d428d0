"""Mutants that are wrong about which record show, resend and delete take."""

# Each row stays together, as in a table.
# fmt: off

import struct
from bisect import bisect_left
from datetime import timedelta

from sound_server.reading import FIELDS, IDENTIFIER, Refusal
from sound_server.world import FIRST_DAY, REJECTED

from mutants.records import loses
from mutants.requests import reads_as, refuses
from mutants.responses import with_data
from mutants.steps import counted, first, instead, mutant, rescues, row, step

# The plainest ways, for each method.

def first_fit(server, call):
    """Return the first record that a method is for, or None."""
    fit = (REJECTED,) if call.method == "resend" else None
    return next((r for r in server.records.values() if not fit or r.life_cycle_state in fit), None)

def without_identifier(server, call):
    """Take some record if none is named."""
    record = first_fit(server, call)
    if IDENTIFIER not in call.parameters and record is not None:
        text = record.id
        call.parameters[IDENTIFIER] = f"id={text}" if call.verb == "GET" else {"id": text}

def with_empty_identifier(server, call):
    """Take some record if an identifier has no field."""
    if call.parameters.get(IDENTIFIER) in ({}, ""):
        del call.parameters[IDENTIFIER]
        without_identifier(server, call)

def first_of_two(text):
    """Return the first field of two."""
    return dict([*text.items()][:1]) if isinstance(text, dict) else text

def another(server, made):
    """Find another record than the one that is named."""
    others = (r for r in server.records.values() if r.life_cycle_state == made.life_cycle_state)
    return next((r for r in others if r is not made), made)

for _method in ("show", "resend", "delete"):
    for _statement, _name, _about, _override in (
        ("parameters.mandatory", "needs_no_identifier",
         "without webhook_request_identifier takes some webhook request.",
         first("read_arguments", without_identifier, _method)),
        ("identifier.mandatory", "takes_an_empty_identifier",
         "with an identifier that names no field takes some webhook request.",
         first("read_arguments", with_empty_identifier, _method)),
        ("identifier.fields", "knows_no_number", "refuses number.",
         refuses("bad_parameter", lambda call: call.identifier[0] == "number", _method)),
        ("identifier.fields", "knows_no_id", "refuses id.",
         refuses("bad_parameter", lambda call: call.identifier[0] == "id", _method)),
        ("identifier.known", "of_an_unknown_one",
         "of a webhook request that does not exist is served with some other.",
         rescues("find", first_fit, _method)),
        ("identifier.selects", "takes_another",
         "takes another webhook request than the one that is named.",
         instead("find", another, _method)),
        ("identifier.selects", "takes_another_by_number",
         "takes another webhook request if one is named by its number.",
         instead("find", lambda server, made, call:
            another(server, made) if call.identifier[0] == "number" else made, _method)),
    ):
        row(6, f"{_method}_{_name}", _statement, f"{_method} {_about}", _override)

for _method in ("resend", "delete"):  # how a query has two fields is open
    row(6, f"{_method}_takes_two_identifiers", "identifier.exactly_one",
        f"{_method} with id and number is served; the first one counts.",
        reads_as(IDENTIFIER, first_of_two, _method))

# How an identifier is written.

row(2, "empty_number_shows_first", "identifier.mandatory",
    "An empty number is no condition, and the first record is shown.",
    reads_as(IDENTIFIER, lambda server, text:
        f"id={next(iter(server.records))}" if text == "number=" else text, "show"))
row(6, "plain_equals_sign_is_not_read", "parameters.identifier_in_query",
    "An identifier in a query is not read unless its equals sign is percent-encoded.",
    refuses("bad_parameter", lambda call:
        any(text.startswith(("id=", "number=")) for text in call.written.values())))

@mutant(6, "parameters.identifier_in_query", first("read_arguments", method="show"))
def show_wants_flat_identifier(call):
    """show wants number=7 in its query, and refuses webhook_request_identifier=number=7."""
    flat = [f"{n}={call.parameters[n]}" for n in ("id", "number") if n in call.parameters]
    call.parameters[IDENTIFIER] = "".join(flat) or None

@mutant(6, "parameters.identifier_in_body", first("read_arguments", method="delete"))
def delete_wants_identifier_as_text(call):
    """delete refuses an identifier that is an object, and takes the text number=14."""
    text = call.parameters.get(IDENTIFIER)
    name, equals, value = text.partition("=") if isinstance(text, str) else ("", "", "")
    call.parameters[IDENTIFIER] = {name: value} if equals else ""

@mutant(1, "identifier.exactly_one", first("read_arguments", method="delete"))
def delete_takes_two_fields(server, call):
    """delete accepts id and number together if they name the same record."""
    text = call.parameters.get(IDENTIFIER)
    if isinstance(text, dict) and len(text) == 2:
        record = server.records.get(text.get("id", ""))
        if record and record.number == text.get("number"):
            call.parameters[IDENTIFIER] = {"id": record.id}

@mutant(2, "identifier.fields", first("read_arguments", method="resend"))
def resend_by_any_column(server, call):
    """resend takes any column of a record for a field of the identifier."""
    text = call.parameters.get(IDENTIFIER)
    if isinstance(text, dict) and len(text) == 1:
        ((name, value),) = text.items()
        for record in server.records.values():
            if name in ("entity_id", "entity", "url") and getattr(record, name) == value:
                call.parameters[IDENTIFIER] = {"id": record.id}
                if record.life_cycle_state == REJECTED:
                    break

# How an identifier is compared.

row(1, "id_cut_to32", "identifier.selects",
    "Of an id only the first 32 letters are compared.",
    step("names", lambda base, record, name, value, call:
        base(record, name, value[:32] if name == "id" else value, call)))
row(6, "leading_zeros_do_not_count", "identifier.known",
    "show of the number 007 returns the webhook request with the number 7.",
    step("names", lambda base, record, name, value, call:
        base(record, name, value.lstrip("0"), call), "show"))
row(6, "delete_reads_numbers_up_to_a_letter", "identifier.known",
    "delete of the number 7x deletes the webhook request with the number 7.",
    step("names", lambda base, record, name, value, call:
        base(record, name, value.rstrip("x") if name == "number" else value, call), "delete"))
row(1, "show_of_wildcard", "identifier.selects",
    "show by id compares as LIKE of SQL does, and returns the first record that fits.",
    step("names", lambda base, record, name, value, call:
        record.id.startswith(value[:-1]) if name == "id" and value.endswith("%")
        else base(record, name, value, call)))
row(1, "delete_of_wildcard", "identifier.selects",
    "delete compares numbers as LIKE of SQL does.",
    step("names", lambda base, record, name, value, call:
        record.number.startswith(value[:-1]) if value.endswith("%")
        else base(record, name, value, call), "delete"))
row(1, "number_finds_id", "identifier.selects",
    "show looks for ids first, whichever field is named.",
    step("find", lambda server, base, call:
        server.records.get(call.identifier[1]) or base(call)), ids_equal_numbers=True)
row(2, "number_beyond_integer", "identifier.selects",
    "show reads a number into 32 bits, and refuses what has more.",
    refuses("bad_parameter", lambda call: call.identifier[0] == "number"
        and call.identifier[1].isdigit() and len(call.identifier[1]) > 9, "show"),
    number_form="large")

@mutant(1, "identifier.selects", step("names"))
def number_read_as_sql(base, record, name, value, call):
    """show reads the digits at the start of a number, so that 7x is 7."""
    if name == "number":
        value = value[: len(value) - len(value.lstrip("0123456789"))] or value
    return base(record, name, value, call)

@mutant(2, "identifier.selects", step("find", method="show"), number_form="digits")
def search_in_other_order(server, base, call):
    """show by number searches by halves as in a list of texts, in one sorted by number."""
    name, value = call.identifier
    numbers = [record.number for record in server.records.values()]
    position = bisect_left(numbers, value)
    if name == "number" and numbers[position : position + 1] != [value]:
        raise Refusal("unknown_record", f"No webhook request has number {value}.")
    return base(call)

@mutant(3, "identifier.selects resend.single_result resend.sends_again",
    step("names", method="resend"), number_form="large")
def resend_compares_floats(base, record, name, value, call):
    """resend compares numbers as floats of 32 bits, and takes the first that is equal."""
    if name != "number" or not value.isdigit():
        return base(record, name, value, call)
    right, wrong = (struct.pack("f", float(text[:30])) for text in (record.number, value))
    return right == wrong

# Which record is taken instead.

row(2, "show_only_recent", "identifier.selects",
    "show does not look in the archive of the first days; list does.",
    loses(lambda record: record.created < FIRST_DAY + timedelta(days=3), method="show"))
row(1, "delete_unknown_takes_next", "identifier.selects",
    "delete of a number that is gone deletes the record after it.",
    rescues("find", lambda server, call: next((
        record for record in server.records.values()
        if call.identifier[0] == "number" and call.identifier[1].isdigit()
        and int(record.number) >= int(call.identifier[1])), None), "delete"))
row(6, "show_answers_two", "show.single_result",
    "show returns another webhook request beside the one that is named.",
    with_data(lambda server, call, data:
        [data, server.trimmed(next(reversed(server.records.values())), call)], "show"))
row(3, "show_by_number_is_array", "show.single_result envelope.data_object",
    "show by number returns an array of one.",
    with_data(lambda call, data: [data] if call.identifier[0] == "number" else data, "show"))
row(5, "resend_takes_head_of_queue", "identifier.selects resend.single_result resend.sends_again",
    "resend puts a record into a queue by definition, and sends the oldest one in that.",
    step("send_again", lambda server, base, record: base(next(
        head for head in server.records.values()
        if head.definition is record.definition and head.life_cycle_state == REJECTED))))

row(5, "unknown_record_is_blank",
    "delete.gone identifier.known response.life_cycle_state response.id response.entity",
    "show of what is not there fills in an object with the identifier, and null for the rest.",
    rescues("do_show", lambda refusal, call: refusal.kind in ("unknown_record", "deleted_record")
        and dict.fromkeys(FIELDS) | dict([call.identifier])))

@mutant(1, "identifier.selects", step("find", method="show"))
def every_ninth_show_is_previous(base, call, kept):
    """A buffer that two threads share returns what was shown before."""
    turn = counted(kept)
    record = base(call)
    previous, kept["previous"] = kept.get("previous", record), record
    return previous if turn % 9 == 0 else record

@mutant(2, "identifier.selects", step("find", method="show"))
def not_found_kept_by_value(base, call, kept):
    """A value that show did not find as number is not looked for as id any more."""
    if call.identifier[1] in kept:
        raise Refusal("unknown_record", "No webhook request has this value.")
    kept[call.identifier[1]] = "missing"
    record = base(call)
    del kept[call.identifier[1]]
    return record

@mutant(1, "identifier.selects", instead("find", method="resend"))
def resend_by_position(server, made, call):
    """resend takes the number for a position, and numbers have gaps."""
    everything, by_id = [*server.records.values()], call.identifier[0] == "id"
    return made if by_id else everything[min(int(made.number), len(everything)) - 1]

@mutant(4, "identifier.selects resend.single_result resend.sends_again",
    instead("find", method="resend"))
def resend_shifted_after_delete(server, made):
    """resend keeps the positions of all rows, which a deletion moves."""
    left = [*server.records.values()]
    everything = (*left, *server.deleted.values())
    position = sum(int(each.number) < int(made.number) for each in everything)
    return left[min(position, len(left) - 1)]

@mutant(3, "identifier.selects delete.single_result delete.gone", instead("find"))
def delete_by_number_takes_last_shown(server, made, call, kept):
    """A session keeps the record that it showed last, and delete by number takes that."""
    token = call.parameters.get("token")
    if call.method == "show":
        kept[token] = made.id
    by_number = call.method == "delete" and call.identifier[0] == "number"
    return server.records.get(kept.pop(token, ""), made) if by_number else made
