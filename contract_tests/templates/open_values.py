"""Strategies of open values, which no list names: texts, numbers, moments, and lists of fields.

They make a value of whatever Hypothesis draws, and reject nothing. Each is made once, since
Hypothesis takes long to analyze a new one.
"""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import chain
from unicodedata import normalize

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crmcom_kit.contract_tests.oracle.parsing import FIELDS
from crmcom_kit.contract_tests.templates.near_misses import wide

#: Code points of every general category except surrogates, which no URL can hold. All ranges are
#: equally likely, whatever their size. Plain ones come first: examples shrink to them.
RANGES = (
    (0x20, 0x7E),  # ASCII
    (0xA0, 0xFF),  # Latin-1
    (0x100, 0x24F),  # other Latin letters
    (0x370, 0x52F),  # Greek and Cyrillic
    (0x5D0, 0x669),  # Hebrew and Arabic, with digits
    (0x966, 0x96F),  # digits of Devanagari
    (0x2B0, 0x36F),  # letters and marks that modify others
    (0x488, 0x489),  # enclosing marks
    (0x2000, 0x206F),  # blanks, dashes, ends of lines, and directions
    (0x2070, 0x218F),  # raised and lowered digits, currencies, Roman numbers
    (0x2190, 0x24FF),  # symbols, and letters in circles
    (0x3000, 0x30FF),  # blanks and letters of Japanese
    (0x4E00, 0x9FFF),  # Chinese
    (0xFB00, 0xFB4F),  # ligatures
    (0xFF01, 0xFF5E),  # wide letters and digits
    (0x1C0, 0x1F3),  # letters with a title case of their own
    (0xE000, 0xE00F),  # for private use
    (0xFFF9, 0xFFFF),  # specials, and noncharacters
    (0x0, 0x1F),  # controls
    (0x7F, 0x9F),  # more of them
    (0x10400, 0x1044F),  # letters beyond 16 bits
    (0x1D400, 0x1D7FF),  # letters and digits of mathematics
    (0x1F300, 0x1F64F),  # emoji
    (0xE0001, 0xE007F),  # tags
)
#: What has a meaning in SQL, JSON, XML, paths, shells or templates, or ends a part of a text.
_SPECIAL = (
    "%", "_", "*", "?", '"', "'", "\\", "\n", "\0", "<", "&", "+", ";", "#", "/", "|", "${", "--",
)  # fmt: skip
#: What some languages and databases read as nothing, or as a value of another type.
_WORDS = (
    "null", "NULL", "None", "undefined", "NaN", "true", "false", "0", "-1", "[]", "{}", ".", "..",
    "' '", '""',
)  # fmt: skip
#: Lengths around powers of 2 and 10, up to what servers accept in URLs.
_LENGTHS = tuple(sorted(
    size + difference
    for size in (16, 32, 64, 100, 128, 255, 512, 1000, 1024) for difference in (-1, 0, 1)
))  # fmt: skip


@cache
def characters() -> SearchStrategy[str]:
    """Return a strategy of characters of any category; special ones are likely."""
    any_range = st.sampled_from(RANGES).flatmap(lambda ends: st.integers(*ends))
    ends = st.sampled_from([*chain(*RANGES)])
    return st.one_of(any_range.map(chr), ends.map(chr), st.sampled_from(_SPECIAL))


@cache
def texts() -> SearchStrategy[str]:
    """Return a strategy of texts of any characters, short and very long; none is empty."""
    short_texts = st.lists(characters(), min_size=1, max_size=4).map("".join)
    lengths = st.sampled_from(_LENGTHS)
    long_texts = st.builds(lambda text, length: (text * length)[:length], short_texts, lengths)
    return st.one_of(characters(), short_texts, st.sampled_from(_WORDS), numbers(), long_texts)


#: Bits of the common kinds of integers, with and without a sign.
_BITS = (7, 8, 15, 16, 31, 32, 63, 64)


@cache
def numbers() -> SearchStrategy[str]:
    """Return a strategy of whole numbers as texts: small ones, and around powers of 2 and 10."""
    small_numbers = st.integers(0, 300)
    powers = st.one_of(
        st.sampled_from(_BITS).map(lambda exponent: 2**exponent),
        st.integers(0, 66).map(lambda exponent: 2**exponent),
        st.integers(0, 21).map(lambda exponent: 10**exponent),
    )
    differences = st.one_of(st.integers(-1, 1), small_numbers)
    large_numbers = st.builds(lambda power, difference: power + difference, powers, differences)
    return st.one_of(small_numbers, large_numbers).map(str)


#: More characters than any text has, to cut all of it.
_ALL = 10_000


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a text at one place. The simplest one changes nothing."""

    back: int  # characters from the end to the place
    cut: int  # the number of characters before the place that are left out
    put: str  # what is inserted

    def __call__(self, text: str) -> str:
        """Return a text with the change."""
        place = max(0, len(text) - self.back)
        return text[: max(0, place - self.cut)] + self.put + text[place:]


def _each_character(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: "".join(map(change, text))


def _number(form: Callable[[int], str]) -> Callable[[str], str]:
    """Return what writes a number in another form, and leaves other texts as they are."""
    return lambda text: form(int(text)) if text.isascii() and text.isdigit() else text


#: Forms that some programs take for the same text: in other letters, as another type, quoted,
#: escaped, with blanks or invisible characters, longer or shorter.
_FORMS: tuple[Callable[[str], str], ...] = (
    str.lower, str.upper, str.title, str.swapcase,
    wide, lambda text: text[:-1] + wide(text[-1:]), lambda text: text[:1] + "\u0301" + text[1:],
    lambda text: normalize("NFD", text), lambda text: normalize("NFC", text),
    *(lambda text, mark=mark: text + mark for mark in "\u0301\u200b\u200f\ufe0f\xad"),
    "0{}".format, "00{}".format, "+{}".format, "-{}".format, "{}.0".format, "{}e0".format,
    _number("0{:o}".format), _number("{:#x}".format), _number("{:#o}".format),
    '"{}"'.format, "'{}'".format, "[{}]".format, "({})".format,
    " {}".format, "{} ".format, "\t{}".format, "{}\n".format, "{}\xa0".format,
    "{0},{0}".format, "{0}|{0}".format, "{0} {0}".format, "{0}{0}".format, "{},".format,
    "{}/".format, "{}#x".format, "{}?x=1".format, "{}%".format, "%{}".format, "{}*".format,
    lambda text: "_" * len(text), lambda text: f"{text[:1]}%", lambda text: f"{text[:1]}*",
    _each_character(lambda character: f"&#{ord(character)};"),
    _each_character(lambda character: f"\\u{ord(character):04x}"),
    *(lambda text, size=size: text.ljust(size, "x") for size in (33, 51, 65, 101, 256, 1025)),
    *(lambda text, size=size: text.ljust(size) for size in (33, 256)),
    lambda text: text[:16], lambda text: text[:32], lambda text: text[::-1],
)  # fmt: skip


@cache
def edits() -> SearchStrategy[Callable[[str], str]]:
    """Return a strategy of changes of a text: at its end, inside, as a whole, or in its form."""
    insertions = st.one_of(texts(), st.just(""))
    places = st.one_of(st.just(0), st.integers(0, 40))
    partial_edits = st.builds(Edit, back=places, cut=st.sampled_from((0, 0, 1, 2)), put=insertions)
    new_texts = st.one_of(texts(), numbers())
    rewrites = st.builds(Edit, back=st.just(0), cut=st.just(_ALL), put=new_texts)
    return st.one_of(partial_edits, rewrites, st.sampled_from(_FORMS))


@cache
def moments() -> SearchStrategy[str]:
    """Return a strategy of dates, and dates and times, as the API writes them.

    Ends of months and years, leap days, and the years 1 and 9999 are more likely than others.
    """
    years = st.one_of(
        st.integers(1970, 2040), st.integers(1, 9999), st.sampled_from((1, 9999, 1900, 2000))
    )
    days = st.one_of(
        st.tuples(st.integers(1, 12), st.just(31)),  # the last one of a month
        st.just((2, 29)),
        st.tuples(st.integers(1, 12), st.just(1)),
        st.sampled_from(((12, 31), (1, 1))),
        st.tuples(st.integers(1, 12), st.integers(1, 31)),
    )
    times = st.one_of(
        st.just(""),
        st.sampled_from(("T00:00:00", "T23:59:59", "T12:00:00")),
        st.builds(
            "T{:02}:{:02}:{:02}".format,
            st.integers(0, 23), st.integers(0, 59), st.integers(0, 59),
        ),
    )  # fmt: skip
    return st.builds(_written, years, days, times)


def _written(year: int, of_year: tuple[int, int], time: str) -> str:
    """Return a moment as text; a day that the month does not have becomes its last one."""
    month, day = of_year
    return f"{year:04}-{month:02}-{min(day, monthrange(year, month)[1]):02}{time}"


@cache
def fields_sets() -> SearchStrategy[str]:
    """Return a strategy of values of fields_set: fields in any order.

    Some name a field twice, or have blanks around commas: the documents leave open what that means.
    """
    sets = st.builds(
        lambda names, count: names[:count], st.permutations(FIELDS), st.integers(1, len(FIELDS))
    )
    doubles = st.builds(
        lambda names, place, name: [*names[:place], name, *names[place:]],
        sets, st.integers(0, len(FIELDS)), st.sampled_from(FIELDS),
    )  # fmt: skip
    commas = st.sampled_from((", ", " ,", ",,", "\t,\n", " , "))
    return st.one_of(
        sets.map(",".join),
        doubles.map(",".join),
        st.builds(lambda names, comma: comma.join(names), sets, commas),
        st.builds(lambda names, end: f"{','.join(names)}{end}", sets, st.sampled_from((" ", ","))),
        st.builds(
            lambda names, start: f"{start}{','.join(names)}", sets, st.sampled_from((" ", ","))
        ),
    )
