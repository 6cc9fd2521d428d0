"""Values that are almost right, or unusual: probes and the stateful layer send the same ones.

A percent-encoded value is no near miss: a server may decode it.
"""

from collections.abc import Callable, Iterable, Iterator

Mutation = Callable[[str], str]

# Each function makes another text of one that is right.


def _longer(text: str) -> str:
    return f"{text}0"


def _led_by_zero(text: str) -> str:
    return f"0{text}"


def _lettered(text: str) -> str:
    return f"{text}x"


def _accented(text: str) -> str:
    return f"{text}é"


def _quoted(text: str) -> str:
    return f"{text}' OR '1'='1"


def _shorter(text: str) -> str:
    return text[:-1]


def _beheaded(text: str) -> str:
    return text[1:]


def _other_end(text: str) -> str:
    return text[:-1] + _other(text[-1:])


def _other_start(text: str) -> str:
    return _other(text[:1]) + text[1:]


def _other(character: str) -> str:
    return "1" if character == "0" else "0"


def _other_case(text: str) -> str:
    return text.swapcase()


def _any_end(text: str) -> str:
    return f"{text[:-1]}%"


def _any_last(text: str) -> str:
    return f"{text[:-1]}_"


def _any_first(text: str) -> str:
    return f"_{text[1:]}"


def _anything(_: str) -> str:
    return "%"


def _wide(text: str) -> str:
    """Full-width digits and letters, which some servers take for plain ones."""
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


#: These contain the right text as a whole.
LENGTHENING: tuple[Mutation, ...] = (_longer, _led_by_zero, _lettered, _accented, _quoted)
#: With these, a server that is wrong might find a webhook request that nobody meant.
WIDENING: tuple[Mutation, ...] = (
    _shorter, _other_end, _other_case, _any_end, _any_last, _other_start, _anything, _beheaded,
    _any_first, _wide,
)  # fmt: skip
#: For secrets: what these make has the inner part, in either case, by which reports redact it.
#: None changes the last character: that of a JSON Web Token may hold bits that nobody reads.
SECRET_MUTATIONS: tuple[Mutation, ...] = (
    _shorter, _other_start, _longer, _other_case, _any_end, _anything, _beheaded, _any_first,
)  # fmt: skip
#: For user names and organisations: whether their case matters is open.
NAME_MUTATIONS: tuple[Mutation, ...] = (_lettered, _shorter, _any_end, _anything)

#: Longer than what common kinds of numbers hold: 32 bits, 64 bits, with and without a sign.
LONG_NUMBERS = ("9" * 10, f"{2**63}", "9" * 20, "9" * 40)
#: Unusual texts that any field could have: long ones, letters beyond ASCII, an emoji.
UNUSUAL = ("9" * 1000, "Ελλάδα", "\U0001f680", *LONG_NUMBERS)


def _instead(other: str) -> Mutation:
    return lambda _: other


MUTATIONS = LENGTHENING + WIDENING + tuple(map(_instead, UNUSUAL))


def near_misses(text: str, mutations: Iterable[Mutation] = LENGTHENING + WIDENING) -> Iterator[str]:
    """Yield the texts that ``mutations`` make of ``text``: each once, none empty or the same."""
    made = dict.fromkeys(mutation(text) for mutation in mutations)
    yield from (each for each in made if each not in ("", text))
