"""Servers that keep to the pages: each open question decided in another way, and mixtures."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from random import Random
from typing import Any, get_args

from sound_server.choices import Choices
from sound_server.server import SoundServer

RELEASES = ("R9", "R10", "R11", "R12", "R13", "R14", "R14.1", "R15", "R16", "R18")


@dataclass(frozen=True)
class Variant:
    """One server: a legal one unless its class makes it wrong."""

    name: str
    about: str  # what the pages leave open, or what is wrong
    changes: dict[str, Any]  # the choices that are not the default
    release: str = "R9"
    server_class: type[SoundServer] = SoundServer

    @property
    def choices(self) -> Choices:
        """The choices of the server, and of the sound one that a wrong one is compared with."""
        return replace(Choices(), **self.changes)

    def server(self, seed: int = 0) -> SoundServer:
        """Return a new server of this kind."""
        return self.server_class(self.choices, self.release, seed)


VARIANTS: dict[str, Variant] = {}


def variant(name: str, about: str, release: str = "R9", **changes: Any) -> None:
    """Add one variant to the table."""
    assert name not in VARIANTS
    VARIANTS[name] = Variant(name, about, changes, release)


ERRORS = "what an error is beyond being JSON"
for http in ("by_kind", "400", "500"):
    variant(f"errors_http_{http}", ERRORS, error_http=http)
variant("unknown_paths_200", ERRORS, unknown_path_http=200, wrong_verb_http=200)
for codes in ("words", "one", "digits"):
    variant(f"error_codes_{codes}", "the codes of errors", error_codes=codes)
for text in ("empty", "null"):
    variant(f"error_message_{text}", "the texts of an error", error_message=text)
variant("error_texts_null", ERRORS, error_message="null", error_description="null")
variant("error_description_text", "the texts of an error", error_description="text")
for data in ("null", "object"):
    variant(f"error_data_{data}", "data of an error", error_data=data)
variant("parameters_checked_first", "the order of checks", check_order="parameters_first")

DATES = "what created_date means, and how it is written"
for meaning in ("exact", "from"):
    variant(f"created_date_{meaning}", DATES, created_date_meaning=meaning)
ISO, DAY = "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"
variant("created_date_seconds_only", DATES, created_date_formats=(ISO,))
variant("created_date_days_only", DATES, created_date_formats=(DAY,))
variant("created_date_slashes", DATES, created_date_formats=("%d/%m/%Y",))
variant("created_date_blank_for_t", DATES, created_date_formats=(f"{DAY} %H:%M:%S", DAY))
variant("created_date_without_zone", DATES, created_date_accepts_zone=False)
EAST_2, EAST_3, WEST_10 = "Etc/GMT-2", "Etc/GMT-3", "Etc/GMT+10"
variant("created_date_local", "the zone of created_date", created_date_zone=EAST_2)
variant("created_date_far_west", "the zone of created_date", created_date_zone=WEST_10)
variant("created_date_exact_local", DATES, created_date_zone=EAST_3, created_date_meaning="exact")
for cut in ("minute", "day"):
    for meaning in ("exact", "from"):
        variant(
            f"created_date_{meaning}_of_{cut}",
            DATES,
            created_date_cut=cut,
            created_date_meaning=meaning,
        )

CLOCKS = "the zones that dates are shown and compared in"
#: Summer time ends in Athens between the first records and the last.
OCTOBER_26 = datetime(2016, 10, 26, 9, 30)  # noqa: DTZ001
#: The last seconds of summer time: sending takes eight of them, and an hour less on the clock.
OCTOBER_30 = datetime(2016, 10, 30, 0, 59, 55)  # noqa: DTZ001
ATHENS, KOLKATA = "Europe/Athens", "Asia/Kolkata"
for code, shown, compared, meaning in (
    ("athens", ATHENS, ATHENS, "from"),
    ("shown_in_athens", ATHENS, "UTC", "day"),
    ("compared_in_athens", "UTC", ATHENS, "day"),
    ("shown_in_kolkata", KOLKATA, "UTC", "day"),
    ("compared_in_kolkata", "UTC", KOLKATA, "day"),
):
    variant(
        f"clocks_{code}",
        CLOCKS,
        clock=shown,
        created_date_zone=compared,
        created_date_meaning=meaning,
        first_record=OCTOBER_26,
    )
variant("clocks_athens_at_night", CLOCKS, clock=ATHENS, first_record=OCTOBER_30)

FILTERS = "how a filter compares"
variant("entity_any_case", FILTERS, entity_any_case=True)
variant("state_any_case", FILTERS, state_any_case=True)
variant("entity_comma_lists", FILTERS, entity_comma_lists=True)
for match in ("prefix", "contains"):
    variant(f"url_{match}", FILTERS, url_match=match)
variant("url_decoded_twice", FILTERS, url_decoded_twice=True)
variant("entity_id_not_alone", "entity_id without entity", entity_id_alone=False)
variant("unknown_definition_empty", "an unknown definition or rule", unknown_definition="empty")
variant("names_any_case", FILTERS, names_any_case=True)
for empty in ("null", "absent", "error"):
    variant(f"empty_list_{empty}", "a list without results", empty_list=empty)
variant("unknown_definition_absent", "both", unknown_definition="empty", empty_list="absent")
for order in ("newest", "oldest", "id", "updated", "text", "unstable", "by_filters"):
    variant(f"order_{order}", "the order of results", order=order)

FIELDS_SET = "fields_set beyond names with commas between them"
for unknown in ("ignored", "null"):
    variant(f"unknown_field_{unknown}", FIELDS_SET, unknown_field=unknown)
for dotted in ("whole", "nested"):
    variant(f"dotted_field_{dotted}", FIELDS_SET, dotted_field=dotted)
variant("field_spaces_kept", FIELDS_SET, field_spaces="kept")
variant("field_spaces_ignored", FIELDS_SET, field_spaces="kept", unknown_field="ignored")
variant("field_twice_error", FIELDS_SET, field_twice="error")
variant("id_always", FIELDS_SET, id_always=True)
variant("fields_array", FIELDS_SET, "R10", fields_array="accepted")
for empty in ("error", "nothing"):
    variant(f"empty_fields_set_{empty}", FIELDS_SET, empty_fields_set=empty)
for early in ("honored", "error"):
    variant(f"r9_fields_set_{early}", "since when actions know it", fields_set_in_r9_actions=early)

PAGING = "paging beyond how many and how many to skip"
variant("page_default", PAGING, "R13", page_default=10)
variant("page_maximum", PAGING, "R13", page_maximum=5)
variant("page_maximum_error", PAGING, "R13", page_maximum=5, page_above_maximum="error")
for order in ("by_filters", "by_size"):
    variant(f"pages_{order}", PAGING, "R13", order=order)
for release in ("R9", "R13"):
    variant(f"list_maximum_{release}", PAGING, release, list_maximum="by_filters")
for zero in ("all", "error"):
    variant(f"page_zero_{zero}", PAGING, "R13", page_zero=zero)
variant("page_negative_ignored", PAGING, "R13", page_negative="ignored")
variant("page_words_ignored", PAGING, "R13", page_not_a_number="ignored")
variant("page_before_r13_error", PAGING, "R12", page_before_r13="error")

WRITING = "how parameters are written"
variant("number_as_json_number", WRITING, number_as_json_number="accepted")
for two in ("and", "first"):
    variant(f"list_identifier_{two}", WRITING, list_identifier_of_two=two)
variant("unknown_identifier_field", WRITING, unknown_identifier_field="ignored")
for which in ("first", "last"):
    variant(f"repeated_parameter_{which}", WRITING, repeated_parameter=which)
variant("encoded_equals_sign_error", WRITING, encoded_equals_sign="error")
variant("unknown_parameter_error", WRITING, unknown_parameter="error")
variant("post_query_merged", WRITING, post_query="merged")
variant("get_body_merged", WRITING, get_body="merged")
variant("token_in_header", WRITING, token_in_header="accepted")
SLASH = "a slash behind a method's name"
variant("trailing_slash_page", SLASH, trailing_slash="page")
variant("trailing_slash_500", SLASH, trailing_slash="error", unknown_path_http=500)

RELEASED = "what a release changes"
variant("reward_offers_early", RELEASED, "R11", reward_offers_from="R11")
for late in ("works", "warns", "refused"):
    variant(f"r18_{late}", RELEASED, "R18", r18=late)
for release in RELEASES[1:-1]:
    variant(f"plain_{release}", RELEASED, release)

MEMBERS = "members of what a record refers to"
for code, members in {
    "ids": ("id",),
    "names": ("name", "alternative_code"),
    "all": ("id", "name", "alternative_code", "description", "life_cycle_state"),
}.items():
    variant(f"definition_{code}", MEMBERS, definition_members=members)
    variant(f"rule_{code}", MEMBERS, rule_members=members)
variant(
    "not_effective_underscore",
    "the spelling of a state",
    definition_members=("id", "name", "life_cycle_state"),
    not_effective="NOT_EFFECTIVE",
)
variant("short_unit", MEMBERS, unit_form="short")
variant("short_user", MEMBERS, user_form="short")
variant("other_group", MEMBERS, group_name="")
for emptied in ("null", "text", "absent"):
    variant(f"emptied_names_{emptied}", "names in the legacy setting", "R15", emptied_names=emptied)

CONTENT = "what the fields of a record hold"
for form in ("object", "text", "null", "deep"):
    variant(f"request_{form}", CONTENT, request_form=form)
for form in ("hex", "object", "text"):
    variant(f"response_differs_{form}", CONTENT, request_form=form, response_equals_request=False)
for form in ("HEX", "base64", "sha1"):
    variant(f"code_{form}", CONTENT, authentication_code=form)
variant("code_null_on_failure", CONTENT, code_null_on_failure=True)
variant("no_fields_set_empty", CONTENT, no_fields_set="empty")
variant("never_updated_null", "unset dates", never_updated=True)
variant("never_updated_absent", "unset dates", never_updated=True, unset_dates="absent")
for text in ("null", "text"):
    variant(f"ok_texts_{text}", "the texts of a success", ok_texts=text)
for keys in ("plain", "newer", "shuffled"):
    variant(f"key_order_{keys}", "the order of members", key_order=keys)
for position, kind in enumerate(("application/json", "text/plain;charset=UTF-8", "text/json")):
    variant(f"content_type_{position}", "the content type", content_type=kind)
variant("unset_members_absent", "unset fields", unset_members="absent")
for more in ("fixed", "changing"):
    variant(f"more_members_{more}", "members that no page names", more_members=more)
variant(
    "more_members_alike",
    "members that no page names",
    more_members="alike",
    unset_members="absent",
    definition_members=("id", "name"),
    rule_members=("id", "name"),
)
variant("more_headers", "headers beside the content type", more_headers=True)
variant("indented", "blanks in JSON", indented=True)
variant("ids_equal_numbers", CONTENT, ids_equal_numbers=True)
variant("short_ids", CONTENT, short_ids=True)
variant("small_ids", CONTENT, small_ids=True)
for texts in ("some_null", "some_empty"):
    variant(f"error_texts_{texts}", CONTENT, error_texts=texts)
for length in (511, 5000):
    variant(f"error_length_{length}", CONTENT, error_length=length)
variant("record_error_codes_http", CONTENT, record_error_codes="http")
for zones in ("some", "all"):
    variant(f"zones_{zones}", "the zone of dates", zones=zones)
    variant(f"zones_{zones}_exact", "the zone of dates", zones=zones, created_date_meaning="exact")
variant("some_rules_null", CONTENT, some_rules_null=True)
for numbers in ("large", "prefixed"):
    variant(f"numbers_{numbers}", "the sequence of numbers", number_form=numbers)

DELETE = "what delete returns, and a second one"
variant("delete_touches_log", DELETE, delete_touches_log=True)
variant("second_delete_ok", DELETE, second_delete="ok")
variant("deleted_error", DELETE, deleted_error="deleted_record")

RESEND = "what resend does to a record, and when"
variant("resend_queued", RESEND, resend_when="queued")
variant("resend_queued_failing", RESEND, resend_when="queued", resend_succeeds="some")
for succeeds in ("some", "none"):
    for failure in ("data", "error", "http"):
        variant(
            f"resend_{succeeds}_{failure}", RESEND, resend_succeeds=succeeds, resend_failure=failure
        )
variant("resend_keeps_log", RESEND, resend_touches_log=False)
variant("resend_new_code", RESEND, resend_new_code=True)
variant("resend_new_request", RESEND, resend_new_request=True)
variant("resend_current_url", RESEND, resend_url="current")
variant("resend_not_effective_error", RESEND, resend_not_effective="error")

TOKENS = "how many tokens live, how long, and in which form"
variant("one_token_alive", TOKENS, tokens_alive=1)
variant("two_tokens_alive", TOKENS, tokens_alive=2)
for effect in ("nothing", "error"):
    variant(f"release_{effect}", TOKENS, "R12", release_from_r12=effect)
variant("fixed_hour", TOKENS, expiry_before_r12="fixed")
for form in ("hex64", "digits"):
    variant(f"token_{form}", TOKENS, token_form=form)
variant("key_token_digits", TOKENS, "R10", key_token_form="digits")
variant("jwt_numbers", TOKENS, "R12", jwt_times="number")
variant("jwt_fractions", TOKENS, "R12", jwt_times="fraction")
variant("release_data_null", "what token_release returns", "R10", release_data="null")
variant("jwt_unit_id", TOKENS, "R12", jwt_unit="id")
LOGIN = "how a login is written"
variant("key_without_colon", LOGIN, "R10", key_without_colon="accepted")
variant("basic_as_written", LOGIN, "R10", lower_case_basic="error")
variant("unit_by_name", LOGIN, unit_by_name="accepted")
variant("login_by_get", LOGIN, "R10", login_by_get=True)

FEW = "what locks a user, and how many sessions a user may have"
variant("locked_after_2_in_a_row", FEW, locked_after_in_a_row=2)
variant("locked_after_3", FEW, "R12", locked_after=3)
variant("locked_after_5", FEW, locked_after=5)
variant("one_session", FEW, "R10", max_sessions=1)
variant("two_sessions", FEW, max_sessions=2)
variant("one_login", FEW, "R15", max_logins=1)
variant("three_logins", FEW, max_logins=3)

OTHERS = "other people work at the same time"
variant("other_users", OTHERS, other_users=True)
variant("other_users_queued", OTHERS, other_users=True, resend_when="queued")
variant("other_users_r15", OTHERS, "R15", other_users=True)
for every in (3, 5, 8, 13):
    variant(f"others_every_{every}", OTHERS, others_every=every)
variant("others_every_8_hoped", OTHERS, others_every=8, resend_when="hoped", resend_succeeds="none")
variant("others_every_8_r15", OTHERS, "R15", others_every=8)
variant("others_every_8_empty_error", OTHERS, others_every=8, empty_list="error")
variant("others_every_8_newest", OTHERS, "R13", others_every=8, order="newest")
variant("numbers_reused", "the number of a deleted record", other_users=True, numbers_reused=True)
for release in ("R9", "R15"):
    variant(
        f"numbers_reused_every_8_{release}",
        "the number of a deleted record",
        release,
        others_every=8,
        numbers_reused=True,
    )

ENDING = "what ends a token early"
for count in (7, 25):
    variant(f"token_requests_{count}", ENDING, token_requests=count)
variant("token_requests_25_r11", ENDING, "R11", token_requests=25)
for count in (11, 40, 97):
    variant(f"restart_every_{count}", ENDING, restart_every=count)
variant("restart_every_40_r12", ENDING, "R12", restart_every=40)
variant("restart_every_40_one_code", ENDING, restart_every=40, error_codes="one")

BUSY = "a server that refuses every request for a while"
for busy in ("maintenance", "limit", "now_and_then"):
    variant(f"busy_{busy}", BUSY, busy=busy)
    variant(f"busy_{busy}_429", BUSY, "R13", busy=busy, error_http="by_kind")
variant("busy_maintenance_one_code", BUSY, busy="maintenance", error_codes="one")
variant("busy_limit_others", BUSY, "R15", busy="limit", others_every=8)

MOVING = "an order of results that is not kept from one request to the next"
for order in ("unstable", "two_nodes", "turning", "updated"):
    variant(f"pages_{order}", MOVING, "R13", order=order)
variant("pages_unstable_r15", MOVING, "R15", order="unstable")
variant("pages_two_nodes_short", MOVING, "R14", order="two_nodes", page_maximum=5)
variant("pages_unstable_others", MOVING, "R13", order="unstable", others_every=8)

GATEWAY = "a gateway that fails now and then"
for status in (502, 503, 504):
    variant(f"hiccup_{status}", GATEWAY, hiccup_every=37, hiccup_http=status)
variant("hiccup_often", GATEWAY, hiccup_every=7)
variant("hiccup_after", GATEWAY, hiccup_every=13, hiccup_http=504, hiccup_after=True)
variant("hiccup_after_r15", GATEWAY, "R15", hiccup_every=11, hiccup_after=True)
variant("hiccup_after_others", GATEWAY, hiccup_every=13, hiccup_after=True, others_every=8)

#: Options of a field that has no fixed set of values of its own.
OPTIONS: dict[str, tuple[Any, ...]] = {
    "unknown_path_http": (200, 404, 500),
    "wrong_verb_http": (200, 405, 404),
    "created_date_formats": ((ISO, DAY), (ISO,), (DAY,), ("%d/%m/%Y",)),
    "created_date_zone": ("UTC", "UTC", "Europe/Athens", "America/New_York", "Asia/Kolkata"),
    "clock": ("UTC", "UTC", "Europe/Athens", "America/New_York"),
    "first_record": (datetime(2016, 10, 3, 9, 30),),  # noqa: DTZ001
    "page_default": (None, None, 10, 20),
    "page_maximum": (None, None, 5, 25),
    "definition_members": (("id", "name", "alternative_code"), ("id",), ("name",)),
    "rule_members": (("id", "name", "alternative_code"), ("id",), ("alternative_code",)),
    "group_name": ("Main Group", ""),
    "content_type": ("application/json", "application/json;charset=UTF-8", "text/plain"),
    "error_length": (512, 511, 5000),
    "tokens_alive": (None, None, None, 2),
    # Clients of the tests log in often.
    **dict.fromkeys(
        ("locked_after_in_a_row", "locked_after", "max_sessions", "max_logins"), (None,)
    ),
    "others_every": (None, None, None, 8),
    "token_requests": (None, None, None, 25),
    "restart_every": (None, None, None, 40),
    "busy": ("none", "none", "none", "limit"),
    "hiccup_every": (None, None, None, 37),
}


def options(field: Any) -> tuple[Any, ...]:
    """Return the values that a field of the choices may have."""
    if field.name in OPTIONS:
        return OPTIONS[field.name]
    return get_args(field.type) or (False, True)


def random_choices(seed: int) -> tuple[Choices, str]:
    """Return choices made at random that can be together, and a release for them."""
    random = Random(seed)
    release = random.choice(RELEASES)
    changes = {
        # Half of the fields keep their defaults, so that a single strange one stands out, too.
        field.name: random.choice(options(field))
        for field in fields(Choices)
        if random.random() < 0.5
    }
    if changes.get("r18") == "refused" and random.random() < 0.9:
        del changes["r18"]  # a server that refuses everything leaves little to look at
    return replace(Choices(), **changes), release


#: What makes a server hard to look at while nothing is wrong with it.
TROUBLES: tuple[dict[str, Any], ...] = (
    {"others_every": 8},
    {"others_every": 8, "numbers_reused": True},
    {"token_requests": 25},
    {"restart_every": 40},
)


def combination(seed: int) -> Variant:
    """Return two to five variants in one server, every third of them in trouble as well."""
    random = Random(seed)
    release = random.choice(RELEASES)
    changes = dict(random.choice(TROUBLES)) if seed % 3 == 0 else {}
    names: list[str] = []
    wanted = random.randint(2, 5)
    for variant in random.sample([*VARIANTS.values()], len(VARIANTS)):
        fits = variant.release in ("R9", release) and not variant.changes.keys() & changes.keys()
        # Where tokens end, a server that refuses all further logins can't be used for long.
        fits &= "max_logins" not in variant.changes or not changes
        if fits and variant.changes and variant.changes != {"r18": "refused"}:
            names.append(variant.name)
            changes |= variant.changes
        if len(names) == wanted:
            break
    return Variant("+".join(names), "several at once", changes, release)
