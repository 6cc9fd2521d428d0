"""Spell a secret that is almost right by the right one, which only a variable of a shell has."""

import shlex
from collections.abc import Iterable

_NEAR = 3  # characters that differ in one that is almost right
_SHORTEST = 4  # characters of a secret that another one may be made from


def made_from(value: str, rights: Iterable[str]) -> str | None:
    """Return which of several secrets ``value`` is made from; None: from none of them."""
    found = [right for right in rights if words_for(value, right, "") is not None]
    near = (right for right in found if _near(value, right, "") is not None)
    return next(near, found[0] if found else None)


def words_for(value: str, right: str, name: str) -> list[str] | None:
    """Return shell lines that make ``value`` from the variable ``name``, which has ``right``.

    The last line is the word that is the value, the others set variables that it uses. None: one
    is not made from the other.
    """
    whole = _near(value, right, name)
    if whole is not None:
        return [whole]
    parts, rights = value.split("."), right.split(".")
    if not len(parts) == len(rights) == 3:
        return None
    names = ("HEADER", "PAYLOAD", "SIGNATURE")  # of a JSON Web Token
    header, payload, signature = (_near(*each) for each in zip(parts, rights, names, strict=True))
    # Many tokens have one header. A signature that is nobody's may be a secret of somebody.
    if (payload is None and signature is None) or (signature is None and len(parts[2]) > _NEAR):
        return None
    words = (header, payload, signature)
    made = [_quoted(p) if word is None else word for p, word in zip(parts, words, strict=True)]
    return [
        f"HEADER=${{{name}%%.*}} SIGNATURE=${{{name}##*.}}",
        f"PAYLOAD=${{{name}#*.}}",
        "PAYLOAD=${PAYLOAD%.*}",
        ".".join(made),
    ]


def _near(value: str, right: str, name: str) -> str | None:
    """Return the word that changes a few characters of a variable's value into ``value``."""
    if len(right) < _SHORTEST:
        return None
    if value == right:
        return f'"${name}"'
    if value == right.swapcase():
        return f"$(printf %s \"${name}\" | tr 'A-Za-z' 'a-zA-Z')"
    start = _common_start(value, right)
    rest, wanted = value[start:], right[start:]
    end = _common_start(rest[::-1], wanted[::-1])
    made, dropped = rest[: len(rest) - end], len(wanted) - end
    if max(len(made), dropped) > _NEAR or (start and end):
        return None
    sign = "#" if end else "%"
    kept = f'"${{{name}{sign}{"?" * dropped}}}"' if dropped else f'"${name}"'
    return f"{_quoted(made)}{kept}" if end else f"{kept}{_quoted(made)}"


def _common_start(one: str, other: str) -> int:
    longest = min(len(one), len(other))
    return next((at for at in range(longest) if one[at] != other[at]), longest)


def _quoted(text: str) -> str:
    return shlex.quote(text) if text else ""
