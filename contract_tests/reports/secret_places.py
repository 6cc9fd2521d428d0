"""Where secrets stand: behind the name of one, in JSON, in Python's spelling of it, in a query."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote, unquote_plus

_NAMES = r"(?:token|passw(?:or)?d|api[-_ ]?key|authorization|secret)[\w.\[\]-]{0,40}"
_FLAGS = re.IGNORECASE | re.DOTALL
_NAME = re.compile(_NAMES, _FLAGS)
# A text's end is an end of its value, too: what was cut is a secret still.
_MEMBER = re.compile(
    rf"""({_NAMES}\\*["']\s*:\s*)(\\*["'])((?:\\.|[^\\]|\\\Z)*?)(?=\2|\Z)""", _FLAGS
)
_NUMBER = re.compile(rf"""({_NAMES}\\*["']\s*:\s*)(-?\d[\d.e+-]*)""", _FLAGS)
_PAIR = re.compile(rf"""({_NAMES}(?:=|%(?:25)*3D)["']?)([^\s&"'\\<>]+)""", _FLAGS)
# One without an end reaches to the text's: else each quote in it would be tried as a beginning.
_LITERAL = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)


def is_secret(name: object) -> bool:
    """Whether what stands behind ``name`` is a secret."""
    return isinstance(name, str) and _NAME.search(unquote_plus(name)) is not None


def replaced(text: str, show: Callable[[str], str]) -> str:
    """Return ``text`` with what ``show`` makes of each value in the place of a secret.

    Only the values are written anew: a report shows what was sent and answered as it stood.
    """
    if _NAME.search(text) is None:
        return text
    text = _MEMBER.sub(lambda found: f"{found[1]}{found[2]}{_read(found[3], show)}", text)
    text = _NUMBER.sub(lambda found: f'{found[1]}"{show(found[2])}"', text)
    return _PAIR.sub(lambda found: f"{found[1]}{_decoded(found[2], show)}", text)


def replaced_in_query(query: str, show: Callable[[str], str]) -> str:
    """Do the same in a query, where a value ends at the next ampersand and nowhere else."""
    return "&".join(_part(part, show) for part in query.split("&"))


def in_literals(text: str, mask: Callable[[str], str]) -> str:
    """Return ``text`` with what ``mask`` makes of each JSON text that is spelled with escapes."""
    return _LITERAL.sub(lambda found: _literal(found[0], mask), text) if "\\" in text else text


def texts_in_secret_places(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON value that stand behind a secret's name, at any depth."""
    left = [(value, False)]
    while left:
        one, secret = left.pop()
        if isinstance(one, dict):
            left += [(each, secret or is_secret(name)) for name, each in one.items()]
        elif isinstance(one, list):
            left += [(each, secret) for each in one]
        elif secret and isinstance(one, str):
            yield one


def _part(part: str, show: Callable[[str], str]) -> str:
    name, equals, value = part.partition("=")
    if not is_secret(name):
        return replaced(part, show)
    return f"{name}{equals}{_decoded(value, show)}"


def _read(spelled: str, show: Callable[[str], str]) -> str:
    """Show a text as JSON spells it."""
    try:
        value = json.loads(f'"{spelled}"', strict=False)
    except ValueError:
        value = spelled
    shown = show(value)
    return spelled if shown == value else shown


def _decoded(spelled: str, show: Callable[[str], str]) -> str:
    """Show a text as a query spells it."""
    value = unquote(spelled)
    shown = show(value)
    return spelled if shown == value else shown


def _literal(spelled: str, mask: Callable[[str], str]) -> str:
    if "\\" not in spelled:
        return spelled
    try:
        text = json.loads(spelled, strict=False)
    except ValueError:
        return spelled
    masked = mask(text)
    return spelled if masked == text else json.dumps(masked, ensure_ascii=False)
