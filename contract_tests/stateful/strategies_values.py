"""Strategies for single values: texts, fields sets, dates, paging numbers, tokens."""

from collections.abc import Sequence

from hypothesis import strategies as st

from crmcom_kit.contract_tests.checks.interpretations import day_ends
from crmcom_kit.contract_tests.client.made_up import ODD_TOKENS
from crmcom_kit.contract_tests.stateful.expectations import FIELDS

#: Texts that servers stumble over. None of them has a space at an end: a server may remove it.
ODD_TEXTS = (
    "-1", "007", "null", "true", "undefined", "NaN", "a=b", "id=7", "=", "a,b", ",", "a&b", "&",
    "100%", "%", "%41", "%zz", "+", "a+b", "a b", '"', "'", "' OR '1'='1", "\\", "/", "../x", "{}",
    "[]", '{"id":"7"}', "<b>", "é", "Ελλάδα", "\u202eabc", "\U0001f680", "\U00020000x", "a\tb",
    "a\nb", "\u0130", "ß", "x" * 1000, "9" * 400, "1e3", "0x7", "7.0",
)  # fmt: skip
EMPTY_TEXTS = ("", " ", "\t")


def texts() -> st.SearchStrategy[str]:
    """Texts that no webhook request has anywhere: odd ones, and any other."""
    letters = st.characters(exclude_categories=("Cs", "Cc", "Zs"))
    return st.one_of(
        st.sampled_from(ODD_TEXTS), st.text(letters, min_size=1, max_size=20).map("\u00a4{}".format)
    )


def fields_sets() -> st.SearchStrategy[list[str] | None]:
    """Subsets of the response fields in any order; None for a call without fields_set."""
    subset = st.lists(st.sampled_from(FIELDS), min_size=1, max_size=6, unique=True)
    return st.one_of(st.none(), subset, st.permutations(FIELDS))


def odd_fields_sets() -> st.SearchStrategy[str]:
    """Texts that are no list of response fields with commas between them, or not quite."""
    name = st.sampled_from(FIELDS)
    return st.one_of(
        st.sampled_from(["", ",", " ", "*", "all", "log_information.created_date", "ID", "id;url"]),
        name.map("{},no_such_field".format),
        name.map("{0},{0}".format),
        name.map(" {} , id".format),
        name.map("{},".format),
        texts(),
    )


def moments(seen: Sequence[str]) -> st.SearchStrategy[str]:
    """Dates and times in the API's own form: those that were seen, and around their days' ends."""
    around = [each for moment in seen for each in day_ends(moment)]
    exact = st.sampled_from([*seen, *around, "1999-12-31T23:59:59", "2999-01-01T00:00:00"])
    return st.one_of(exact, exact.map(lambda moment: moment[:10]))


def odd_dates(seen: Sequence[str]) -> st.SearchStrategy[str]:
    """Dates in other forms, and what is no date: how they are answered is open."""
    moment = st.sampled_from([*seen, "2016-02-29T12:00:00"])
    return st.one_of(
        moment.map("{}Z".format),
        moment.map("{}+02:00".format),
        moment.map("{}.000".format),
        moment.map(lambda each: each.replace("T", " ")),
        moment.map(lambda each: "/".join(reversed(each[:10].split("-")))),
        st.sampled_from([
            "2015-02-29", "2016-13-01", "2016-00-10", "2016-02-30T00:00:00", "24:00:00",
            "2016-02-29T24:00:00", "2016-02-29T23:59:60", "0000-01-01", "2016", "today", "16-02-29",
        ]),
    )  # fmt: skip


def pages() -> st.SearchStrategy[tuple[int | None, int | None]]:
    """number_of_results and offset, as their page says."""
    limit = st.sampled_from([None, 1, 1, 2, 3, 10, 1000])
    return st.tuples(limit, st.sampled_from([None, 0, 1, 2, 5, 100, 10_000]))


def odd_numbers() -> st.SearchStrategy[str]:
    """What number_of_results and offset may be given and no page tells of."""
    return st.sampled_from(["", "0", "-1", "+1", "1.0", "1e1", "abc", "1,2", "٣", "9" * 30, "null"])


def wrong_tokens(token: str | None) -> st.SearchStrategy[str | None]:
    """Tokens that no login returned, some of them almost; None for a call without one."""
    near = [token[:-1], f"{token}A", token[::-1]] if token else []
    return st.one_of(
        st.none(),
        st.sampled_from([*near, *ODD_TOKENS]).filter(lambda each: each != token),
        texts(),
    )
