"""Texts with values of the response in them, such as "Webhook request 7 is deleted"."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

#: The parts of a text: words, or else what is between blanks and quotes.
_CUTS = (re.compile(r"(\w+)"), re.compile(r"([^\s\"'()\[\],;]*[^\s\"'()\[\],;.:])"))
_SHORTEST = 4  # letters of a word that is taken for a value, if there is a single text


def template_of(texts: Sequence[str], values: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the text with placeholders that gives all texts; None if there is none.

    ``values`` are the possible values in each text, by the name of the placeholder.
    """
    if len({*texts}) == 1 and len(texts) > 1:
        return texts[0]
    for pattern in _CUTS:
        columns = [*zip(*map(pattern.split, texts), strict=False)]
        if len({len(pattern.split(text)) for text in texts}) == 1:
            words = [_word(column, values) for column in columns]
            if None not in words:
                return "".join(map(str, words))
    return None


def _word(column: Sequence[str], values: Sequence[Mapping[str, Any]]) -> str | None:
    """Return a word that all texts have at a place, or a placeholder; None if they differ."""
    is_same, word = len({*column}) == 1, column[0]
    if is_same and (len(column) > 1 or not (word.isdecimal() or len(word) >= _SHORTEST)):
        return word
    for name in values[0]:
        if all(str(row.get(name)) == text for row, text in zip(values, column, strict=True)):
            return f"{{{name}}}"
    return word if is_same else None
