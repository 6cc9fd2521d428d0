"""Legal oddities that are choices of the mock's dials."""

from odd_servers.oddity import odd_dials

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
# Of a delivery that fails again nothing would be seen: in its own world the kit knows better.
odd_dials(
    "log_is_kept", "resend leaves log_information.",
    resend__updates_log=False, delivery__script="success",
)  # fmt: skip
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
