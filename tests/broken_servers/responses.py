"""Wrong in the fields of a webhook request, the same in every answer."""

from typing import Any

from broken_servers.catalogue import broken, broken_record
from broken_servers.toolkit import Answer, Asked, Forward, Memory, Record


def _enter(breaks: str, name: str, note: str, **members: Any) -> None:
    """Enter a server that alters members, by functions of their values; None leaves out."""

    def alter(record: Record) -> None:
        for member, change in members.items():
            if record.get(member) is not None:
                record[member] = change(record[member])

    alter.__name__, alter.__doc__ = name, note
    broken_record(breaks)(alter)


_enter("response.number", "number_is_a_number", "number is a JSON number.", number=int)
_enter(
    "response.life_cycle_state",
    "state_is_a_number",
    "life_cycle_state is a number.",
    life_cycle_state=lambda state: 1 if state == "SUCCESSFUL" else 0,
)
_enter(
    "response.life_cycle_state",
    "state_is_an_object",
    "life_cycle_state is an object with a name.",
    life_cycle_state=lambda state: {"name": state},
)
_enter(
    "response.life_cycle_state.values",
    "failed_instead_of_rejected",
    "life_cycle_state is FAILED where it should be REJECTED.",
    life_cycle_state=lambda state: "FAILED" if state == "REJECTED" else state,
)
_enter(
    "response.life_cycle_state.values",
    "state_in_small_letters",
    "life_cycle_state is written in small letters.",
    life_cycle_state=str.lower,
)
_enter("response.entity", "entity_is_an_array", "entity is an array.", entity=lambda name: [name])
_enter(
    "response.entity",
    "entity_is_an_object",
    "entity is an object with a name.",
    entity=lambda name: {"name": name},
)
_enter(
    "response.entity.supported_values",
    "entity_in_singular",
    "entity is JOB where it should be JOBS.",
    entity=lambda name: "JOB" if name == "JOBS" else name,
)
_enter(
    "response.entity.supported_values",
    "entity_with_a_space",
    "entity is SERVICE REQUESTS where it should be SERVICEREQUESTS.",
    entity=lambda name: name.replace("SERVICEREQ", "SERVICE REQ"),
)
_enter(
    "response.entity_id",
    "entity_id_is_an_object",
    "entity_id is an object with the id.",
    entity_id=lambda value: {"id": value},
)
_enter(
    "response.entity_id",
    "entity_id_is_a_number",
    "entity_id is a number.",
    entity_id=lambda value: int(value, 16),
)
_enter("response.url", "url_is_an_object", "url is an object.", url=lambda url: {"href": url})
_enter("response.url", "url_is_an_array", "url is an array.", url=lambda url: [url])
_enter(
    "response.authentication_code",
    "authentication_code_is_a_number",
    "authentication_code is a number.",
    authentication_code=lambda code: int(code[:8], 16),
)
_enter(
    "response.authentication_code",
    "authentication_code_is_an_object",
    "authentication_code is an object.",
    authentication_code=lambda code: {"hmac": code},
)
_enter(
    "response.authentication_code.hmac",
    "authentication_code_is_the_secret",
    "authentication_code is a fixed text, the same everywhere.",
    authentication_code=lambda _: "s3cr3t-key",
)
_enter(
    "response.authentication_code.hmac",
    "authentication_code_is_a_checksum",
    "authentication_code is a checksum of 32 bits.",
    authentication_code=lambda code: code[:8],
)
_enter(
    "response.fields_set",
    "fields_set_is_an_array",
    "fields_set of a webhook request is an array of names.",
    fields_set=lambda names: names.split(","),
)
_enter(
    "response.fields_set",
    "fields_set_is_an_object",
    "fields_set of a webhook request is an object.",
    fields_set=lambda names: dict.fromkeys(names.split(","), True),
)
_enter("response.request", "request_is_a_number", "request is a number.", request=lambda _: 17)
_enter("response.request", "request_is_an_array", "request is an array.", request=lambda r: [r])
_enter("response.response", "response_is_a_boolean", "response is true.", response=lambda _: True)
_enter("response.response", "response_is_a_status", "response is a number.", response=lambda _: 200)
_enter(
    "response.error_code",
    "error_code_is_a_number",
    "error_code is a number.",
    error_code=lambda _: 500,
)
_enter(
    "response.error_code",
    "error_code_is_an_object",
    "error_code is an object.",
    error_code=lambda code: {"code": code},
)
_enter(
    "response.error_description",
    "error_description_is_an_array",
    "error_description is an array of lines.",
    error_description=str.splitlines,
)
_enter(
    "response.error_description",
    "error_description_is_an_object",
    "error_description is an object.",
    error_description=lambda text: {"en": text},
)
for _member in ("webhook_definition", "workflow_rule"):
    _enter(
        f"response.{_member}",
        f"{_member}_is_its_id",
        f"{_member} is a text, the id alone.",
        **{_member: lambda found: found["id"]},
    )
    _enter(
        f"response.{_member}",
        f"{_member}_is_an_array",
        f"{_member} is an array.",
        **{_member: lambda found: [found]},
    )
    _enter(
        f"response.{_member}.identifier_fields",
        f"{_member}_has_no_identifier",
        f"{_member} has neither id nor name nor alternative_code.",
        **{_member: lambda _: {"description": "some"}},
    )
    _enter(
        f"response.{_member}.identifier_fields",
        f"{_member}_has_an_id_that_is_a_number",
        f"The id of {_member} is a number.",
        **{_member: lambda found: {**found, "id": int(found["id"], 16)}},
    )


@broken_record("response.id")
def id_is_an_object(record: Record) -> None:
    """Id is an object with a value."""
    if "id" in record:
        record["id"] = {"value": record["id"]}


@broken_record("response.id", of=("resend", "delete"))
def id_is_null_once_changed(record: Record) -> None:
    """Resend and delete return the webhook request with the id null."""
    if "id" in record:
        record["id"] = None


@broken_record("response.number", of=("resend", "delete"))
def number_is_null_once_changed(record: Record) -> None:
    """Resend and delete return the webhook request with the number null."""
    if "number" in record:
        record["number"] = None


@broken_record("response.error_code.only_rejected")
def successful_ones_have_error_code(record: Record) -> None:
    """A SUCCESSFUL webhook request has the error_code NONE."""
    if record.get("life_cycle_state") == "SUCCESSFUL" and "error_code" in record:
        record["error_code"] = "NONE"


@broken_record("response.error_code.only_rejected", of=("list",))
def successful_ones_have_error_code_in_list(record: Record) -> None:
    """List returns a SUCCESSFUL webhook request with the error_code 0."""
    if record.get("life_cycle_state") == "SUCCESSFUL" and "error_code" in record:
        record["error_code"] = "0"


@broken_record("response.error_description.only_rejected")
def successful_ones_have_error_description(record: Record) -> None:
    """A SUCCESSFUL webhook request has an error_description."""
    if record.get("life_cycle_state") == "SUCCESSFUL" and "error_description" in record:
        record["error_description"] = "No error."


@broken_record("response.error_description.only_rejected", of=("show",))
def successful_ones_have_error_description_in_show(record: Record) -> None:
    """Show returns a SUCCESSFUL webhook request with an error_description."""
    if record.get("life_cycle_state") == "SUCCESSFUL" and "error_description" in record:
        record["error_description"] = "OK"


def _shared(member: str) -> None:
    """Enter a server that gives two webhook requests the same id or number."""

    def handle(asked: Asked, forward: Forward, memory: Memory) -> Answer:
        answer = forward(asked)
        if asked.method == "list" and "pair" not in memory and len(answer.records) > 1:
            first, second = (record.get(member) for record in answer.records[:2])
            if first and second:
                memory["pair"] = (first, second)
        kept, lost = memory.get("pair", (None, None))

        def alter(record: Record) -> None:
            if lost is not None and record.get(member) == lost:
                record[member] = kept

        return answer.each(alter)

    handle.__name__ = f"two_have_the_same_{member}"
    handle.__doc__ = f"Two webhook requests have the same {member}."
    broken(f"response.{member}.names_one")(handle)


_shared("id")
_shared("number")
