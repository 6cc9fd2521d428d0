"""Values that are almost right, or unusual.

A percent-encoded value is no near miss: a server may decode it.
"""

from collections.abc import Callable, Iterable, Iterator

Mutation = Callable[[str], str]


def _other(character: str) -> str:
    return "1" if character == "0" else "0"


def wide(text: str) -> str:
    """Full-width digits and letters, which some servers take for plain ones."""
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


#: Each makes another text of one that is right; those first that differ most from each other.
_MAKERS: dict[str, Mutation] = {
    "lettered": lambda text: f"{text}x",
    "any end": lambda text: f"{text[:-1]}%",
    "shorter": lambda text: text[:-1],
    "led by zero": lambda text: f"0{text}",
    "quoted": lambda text: f"{text}' OR '1'='1",
    "and more": lambda text: f"{text}&x=1",
    "beheaded": lambda text: text[1:],
    "wide": wide,
    "longer": lambda text: f"{text}0",
    "any first": lambda text: f"_{text[1:]}",
    "other end": lambda text: text[:-1] + _other(text[-1:]),
    "accented": lambda text: f"{text}é",
    "other case": str.swapcase,
    "any last": lambda text: f"{text[:-1]}_",
    "other start": lambda text: _other(text[:1]) + text[1:],
    "anything": lambda _: "%",
}
_ALL = tuple(_MAKERS.values())


def _made(*names: str) -> tuple[Mutation, ...]:
    return tuple(_MAKERS[name] for name in names)


#: For secrets: what these make has the inner part, in either case, by which reports redact it.
#: None changes the last character: that of a JSON Web Token may hold bits that nobody reads.
SECRET_MUTATIONS = _made(
    "shorter", "other start", "longer", "other case", "any end", "anything", "beheaded", "any first"
)
#: For user names and organisations: whether their case matters is open.
NAME_MUTATIONS = _made("lettered", "shorter", "any end", "anything")

#: Unusual texts that any field could have: a long one, letters beyond ASCII, an emoji, and numbers
#: longer than what common kinds hold: 32 bits, 64 bits, with and without a sign.
_UNUSUAL = ("9" * 1000, "Ελλάδα", "\U0001f680", "9" * 10, f"{2**63}", "9" * 20, "9" * 40)


#: The ends of the calendar, which some servers step over.
ENDS_OF_CALENDAR = ("9999-12-31", "0001-01-01")


def _instead(other: str) -> Mutation:
    return lambda _: other


MUTATIONS = _ALL + tuple(map(_instead, _UNUSUAL))


def near_misses(text: str, mutations: Iterable[Mutation] = _ALL) -> Iterator[str]:
    """Yield the texts that ``mutations`` make of ``text``: each once, none empty or the same."""
    made = dict.fromkeys(mutation(text) for mutation in mutations)
    yield from (each for each in made if each not in ("", text))
