"""What the public pages leave open: one field per free choice, each default a usual one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


def release_key(release: str) -> tuple[int, int]:
    """Return a release such as ``R9`` or ``R14.1`` as numbers that compare."""
    major, _, minor = release.removeprefix("R").partition(".")
    return int(major), int(minor.partition(".")[0] or 0)


@dataclass(frozen=True)
class Choices:
    """The free choices of one server."""

    # Errors: nothing but "an error is JSON, too" is documented.
    error_http: Literal["200", "by_kind", "400", "500"] = "200"
    error_codes: Literal["java", "words", "one", "digits"] = "java"
    error_message: Literal["text", "empty", "null"] = "text"
    error_description: Literal["text", "empty", "null"] = "empty"
    error_data: Literal["absent", "null", "object"] = "absent"
    check_order: Literal["token_first", "parameters_first"] = "token_first"
    unknown_path_http: int = 404
    wrong_verb_http: int = 405
    trailing_slash: Literal["served", "error", "page"] = "served"  # behind a method's name

    # Filters of list.
    created_date_meaning: Literal["exact", "day", "from"] = "day"
    created_date_formats: tuple[str, ...] = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")
    created_date_accepts_zone: bool = True
    created_date_cut: Literal["no", "minute", "day"] = "no"  # what is left of a date and time
    created_date_zone: str = "UTC"  # of created_date where it has none
    entity_any_case: bool = False
    state_any_case: bool = False
    entity_comma_lists: bool = False
    url_match: Literal["exact", "prefix", "contains"] = "exact"
    url_decoded_twice: bool = False
    entity_id_alone: bool = True
    unknown_definition: Literal["error", "empty"] = "error"
    names_any_case: bool = False  # those of definitions and rules, and their codes
    empty_list: Literal["array", "null", "absent", "error"] = "array"
    order: Literal[
        "number", "newest", "oldest", "id", "updated", "text", "unstable", "two_nodes", "turning",
        "by_filters", "by_size",
    ] = "number"  # fmt: skip

    # fields_set.
    unknown_field: Literal["error", "ignored", "null"] = "error"
    dotted_field: Literal["unknown", "whole", "nested"] = "unknown"
    field_spaces: Literal["trimmed", "kept"] = "trimmed"
    field_twice: Literal["once", "error"] = "once"
    id_always: bool = False
    fields_array: Literal["accepted", "error"] = "error"
    empty_fields_set: Literal["all", "error", "nothing"] = "all"
    fields_set_in_r9_actions: Literal["ignored", "honored", "error"] = "ignored"

    # Paging, which exists from R13 on.
    page_default: int | None = None
    page_maximum: int | None = None
    #: What a list has at most without number_of_results: by which filters, or by bytes.
    list_maximum: Literal["none", "by_filters"] = "none"
    page_above_maximum: Literal["clamped", "error"] = "clamped"
    page_zero: Literal["nothing", "all", "error"] = "nothing"
    page_negative: Literal["error", "ignored"] = "error"
    page_not_a_number: Literal["error", "ignored"] = "error"
    page_before_r13: Literal["ignored", "error"] = "ignored"

    # How parameters are written.
    number_as_json_number: Literal["accepted", "error"] = "error"
    list_identifier_of_two: Literal["and", "error", "first"] = "error"
    unknown_identifier_field: Literal["error", "ignored"] = "error"
    repeated_parameter: Literal["error", "first", "last"] = "error"
    encoded_equals_sign: Literal["accepted", "error"] = "accepted"
    unknown_parameter: Literal["ignored", "error"] = "ignored"
    post_query: Literal["ignored", "merged"] = "ignored"
    get_body: Literal["ignored", "merged"] = "ignored"
    token_in_header: Literal["ignored", "accepted"] = "ignored"

    # Releases.
    reward_offers_from: Literal["R11", "R15"] = "R15"
    r18: Literal["works", "warns", "refused"] = "works"

    # Members of the response.
    definition_members: tuple[str, ...] = ("id", "name", "alternative_code")
    rule_members: tuple[str, ...] = ("id", "name", "alternative_code")
    not_effective: Literal["NOT EFFECTIVE", "NOT_EFFECTIVE"] = "NOT EFFECTIVE"
    unit_form: Literal["long", "short"] = "long"
    user_form: Literal["long", "short"] = "long"
    group_name: str = "Main Group"
    emptied_names: Literal["off", "null", "text", "absent"] = "off"  # from R14.1 on
    request_form: Literal["hex", "object", "text", "null", "deep"] = "hex"
    response_equals_request: bool = True
    authentication_code: Literal["hex", "HEX", "base64", "sha1"] = "hex"
    code_null_on_failure: bool = False
    no_fields_set: Literal["null", "empty"] = "null"
    unset_dates: Literal["null", "absent"] = "null"
    ok_texts: Literal["empty", "null", "text"] = "empty"
    key_order: Literal["plain", "older", "newer", "shuffled"] = "older"
    content_type: str = "application/json;charset=UTF-8"
    unset_members: Literal["null", "absent"] = "null"
    more_members: Literal["none", "fixed", "changing", "alike"] = "none"  # that no page names
    more_headers: bool = False
    indented: bool = False

    # Content of the world.
    ids_equal_numbers: bool = False
    error_texts: Literal["full", "some_null", "some_empty"] = "full"
    error_length: int = 512
    record_error_codes: Literal["class", "http"] = "class"
    zones: Literal["none", "some", "all"] = "none"
    clock: str = "UTC"  # the zone of dates that show none
    first_record: datetime = datetime(2016, 10, 3, 9, 30)  # noqa: DTZ001 - in UTC
    some_rules_null: bool = False
    never_updated: bool = False
    number_form: Literal["digits", "large", "prefixed"] = "digits"
    short_ids: bool = False
    small_ids: bool = False

    # resend and delete.
    delete_touches_log: bool = False
    second_delete: Literal["error", "ok"] = "error"
    deleted_error: Literal["unknown_record", "deleted_record"] = "unknown_record"
    resend_when: Literal["at_once", "queued", "hoped"] = "at_once"  # hoped: then it may fail
    resend_succeeds: Literal["all", "some", "none"] = "all"
    resend_failure: Literal["data", "error", "http"] = "data"
    resend_touches_log: bool = True
    resend_new_code: bool = False
    resend_new_request: bool = False
    resend_url: Literal["stored", "current"] = "stored"
    resend_not_effective: Literal["sends", "error"] = "sends"

    # Tokens and logins.
    tokens_alive: int | None = None
    release_from_r12: Literal["ends", "nothing", "error"] = "ends"
    release_data: Literal["object", "null"] = "object"
    expiry_before_r12: Literal["idle", "fixed"] = "idle"
    token_form: Literal["hex", "hex64", "digits"] = "hex"  # before R12; a JWT from then on
    key_token_form: Literal["same", "digits"] = "same"  # before R12
    jwt_times: Literal["text", "number", "fraction"] = "text"
    jwt_unit: Literal["name", "id"] = "name"
    key_without_colon: Literal["accepted", "error"] = "error"
    lower_case_basic: Literal["accepted", "error"] = "accepted"
    unit_by_name: Literal["accepted", "error"] = "error"
    login_by_get: bool = False
    locked_after_in_a_row: int | None = None  # wrong passwords, for good
    locked_after: int | None = None  # wrong passwords in all, for good
    max_sessions: int | None = None  # a login is refused while this many tokens of the user live
    max_logins: int | None = None  # more are refused

    # Other people at work between two requests.
    other_users: bool = False
    others_every: int | None = None  # they change one thing at each request of this number
    numbers_reused: bool = False  # a new record gets a number that a deleted one had

    # What ends tokens before their time is over.
    token_requests: int | None = None  # the number of requests that one token is good for
    restart_every: int | None = None  # requests between two restarts, which end all tokens

    # When the server refuses every request: for some dozens of them, above a rate, or at random.
    busy: Literal["none", "maintenance", "limit", "now_and_then"] = "none"

    # A gateway in front of the server.
    hiccup_every: int | None = None  # each request of this number gets the gateway's own response
    hiccup_http: Literal[502, 503, 504] = 503
    hiccup_after: bool = False  # the request was carried out, and its response is lost

    @property
    def has_others(self) -> bool:
        """Whether other people are at work."""
        return self.other_users or self.others_every is not None

    @property
    def ends_tokens(self) -> bool:
        """Whether tokens end while a client is at work."""
        return self.token_requests is not None or self.restart_every is not None
