"""Values that are almost right, or unusual.

A percent-encoded value is no near miss: a server may decode it.
"""

from collections.abc import Callable, Iterable, Iterator

Mutation = Callable[[str], str]


def _other(character: str) -> str:
    return "1" if character == "0" else "0"


def wide(text: str) -> str:
    """Return a text in full-width digits and letters, which some servers take for plain ones."""
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


#: Each makes another text of a right one. Those that differ most from each other come first.
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


#: For secrets. All keep the inner part, in either case, since reports redact by it. "other end" is
#: left out: the last character of a JSON Web Token may hold bits that nobody reads.
SECRET_MUTATIONS = _made(
    "shorter", "other start", "longer", "other case", "any end", "anything", "beheaded", "any first"
)
#: For user names and organisations. The documents leave open whether their case matters.
NAME_MUTATIONS = _made("lettered", "shorter", "any end", "anything")

#: Unusual texts for any field: a long one, letters beyond ASCII, an emoji, and numbers that exceed
#: 32 bits and 64 bits, with and without a sign.
_UNUSUAL = ("9" * 1000, "Ελλάδα", "\U0001f680", "9" * 10, f"{2**63}", "9" * 20, "9" * 40)

#: The ends of the calendar, which some servers step over.
ENDS_OF_CALENDAR = ("9999-12-31", "0001-01-01")


def _instead(text: str) -> Mutation:
    return lambda _: text


MUTATIONS = _ALL + tuple(map(_instead, _UNUSUAL))


def near_misses(text: str, mutations: Iterable[Mutation] = _ALL) -> Iterator[str]:
    """Yield the texts that ``mutations`` make of ``text``: each once, none empty or the same."""
    texts = dict.fromkeys(mutation(text) for mutation in mutations)
    yield from (near_miss for near_miss in texts if near_miss not in ("", text))
