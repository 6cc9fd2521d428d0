"""The date formats: what they accept, what they refuse, and that validators assert them."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crmcom_kit.schemas.formats import FORMATS, PATTERNS, parse_date_time, write_date_time
from crmcom_kit.schemas.loader import load_schema, schema_names, validator

GOOD = {
    "crm-date-time": ("2016-02-29T00:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59"),
    "crm-date": ("2016-02-29", "0001-01-01", "9999-12-31"),
}
#: Of the right shape, and no date there is.
NO_SUCH_DAY = {
    "crm-date-time": (
        *("2015-02-29T00:00:00", "2015-13-01T00:00:00", "2015-11-00T00:00:00"),
        *("0000-01-01T00:00:00", "2015-11-02T24:00:00", "2015-11-02T16:60:00"),
    ),
    "crm-date": ("2015-02-29", "2015-13-01", "2015-11-00", "0000-01-01"),
}
#: Of another shape.
MISSHAPEN = {
    "crm-date-time": (
        *("", "2015-11-02", "2015-11-02T16:03", "2015-11-02t16:03:41", "2015-11-02 16:03:41"),
        *("2015-11-02T16:03:41Z", "2015-11-02T16:03:41+02:00", "2015-11-02T16:03:41.000"),
        *("2015-11-2T16:03:41", "20151102T160341", "2015-W45-1T16:03:41", "2015-11-32T16:03:41"),
        *(" 2015-11-02T16:03:41", "2015-11-02T16:03:41 ", "-2015-11-02T16:03:41", "1446480221"),
    ),
    "crm-date": (
        *("", "2015-11-02T16:03:41", "2015-11", "2015-11-2", "20151102", "2015-W45-1", "2015-306"),
        *("2015-11-32", "2015-11-02Z", " 2015-11-02", "2015-11-02 ", "02/11/2015", "today"),
    ),
}
#: Of the right shape to a careless eye: a pattern may let them pass, a reader may not.
LOOKALIKES = {
    name: (
        f"{good[0]}\n",
        good[0].replace("-", "\N{NON-BREAKING HYPHEN}"),
        good[0].replace("2", "\N{ARABIC-INDIC DIGIT TWO}"),  # which int reads
        good[0].replace("2", "\N{FULLWIDTH DIGIT TWO}"),
    )
    for name, good in GOOD.items()
}


def test_every_format_in_the_schemas_has_a_reader() -> None:
    """No schema names a format that validators would ignore."""
    used = set(re.findall(r"'format': '([^']*)'", str([load_schema(n) for n in schema_names()])))
    assert used == FORMATS.keys()


@pytest.mark.parametrize("name", FORMATS)
def test_a_good_text_passes(name: str) -> None:
    """The reader, the pattern and a validator accept what is of the format."""
    for text in GOOD[name]:
        assert FORMATS[name](text).isoformat() == text
        assert re.search(PATTERNS[name], text)
        assert validator("common").evolve(schema={"format": name}).is_valid(text)


@pytest.mark.parametrize(
    ("name", "form"), [("crm-date-time", "yyyy-MM-ddTHH:mm:ss"), ("crm-date", "yyyy-MM-dd")]
)
def test_a_bad_text_is_refused(name: str, form: str) -> None:
    """The reader says which form it wants; a validator, and a pattern alone, refuse it, too."""
    with pytest.raises(ValueError, match=rf"^'now' is not .* {form}$"):
        FORMATS[name]("now")
    for text in (*MISSHAPEN[name], *NO_SUCH_DAY[name], *LOOKALIKES[name]):
        with pytest.raises(ValueError, match=r".+"):
            FORMATS[name](text)
        assert not validator("common").evolve(schema={"format": name}).is_valid(text), text
    for text in MISSHAPEN[name]:
        assert not re.search(PATTERNS[name], text), text


@given(st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=2))])))
@example(datetime(1, 1, 1))  # noqa: DTZ001 - the API's are local
@example(datetime(999, 12, 31, 23, 59, 59, 999999))  # noqa: DTZ001 - the API's are local
def test_what_is_written_reads_back_to_the_second(moment: datetime) -> None:
    """Writing drops zone and fraction and keeps the rest, in every year; patterns match it."""
    written = write_date_time(moment)
    assert parse_date_time(written) == moment.replace(tzinfo=None, microsecond=0)
    assert re.search(PATTERNS["crm-date-time"], written)
    assert re.search(PATTERNS["crm-date"], written[:10])
