"""Ids, numbers and texts in less memory than a text each: as whole numbers where they spell one.

A text that spells no such number, or spells it in another way, stays as it is: every text comes
back as it was, and no two texts are the same key.
"""

from array import array
from collections.abc import Callable

NOWHERE = 2**32 - 1  # no record's position
_ID_DIGITS = 32
_NUMBER_DIGITS = 18  # what 64 bits surely hold
_ROUND = 1024


def packed_id(text: str) -> int | str:
    """Return an id of the API's usual form, 32 upper-case hexadecimal digits, as a number."""
    if len(text) == _ID_DIGITS:
        try:
            number = int(text, 16)
        except ValueError:
            return text
        if f"{number:032X}" == text:
            return number
    return text


def unpacked_id(key: int | str) -> str:
    """Return the text of an id."""
    return key if isinstance(key, str) else f"{key:032X}"


def packed_number(text: str) -> int | str:
    """Return a record's number as a whole number, where it is one without leading zeros."""
    short = len(text) <= _NUMBER_DIGITS
    if short and text.isdecimal() and text.isascii() and (text[0] != "0" or text == "0"):
        return int(text)
    return text


class Numbers:
    """The positions of records by their numbers.

    Where numbers lie close together, as a server gives them out, one array has a place for each of
    them. Any other number costs an entry of a dictionary.
    """

    __slots__ = ("_first", "_held", "_others", "_places")

    def __init__(self) -> None:
        """Start empty."""
        self._first = 0  # the number that the array begins with
        self._places = array("I")
        self._held = 0  # how many places are taken
        self._others: dict[int | str, int] = {}

    def position(self, number: int | str) -> int | None:
        """Return the position of the record that has or had a packed number."""
        if isinstance(number, int):
            place = number - self._first
            if 0 <= place < len(self._places):
                position = self._places[place]
                if position != NOWHERE:
                    return position
        return self._others.get(number)

    def add(self, number: int | str, position: int) -> None:
        """Let a packed number that no record had lead to ``position``."""
        if isinstance(number, int):
            if not self._places:
                self._first = number - number % _ROUND
            place = number - self._first
            # At least a quarter of the places are taken, or there are few.
            if 0 <= place < self._held * 4 + _ROUND:
                missing = place + 1 - len(self._places)
                if missing > 0:
                    self._places.extend(array("I", (NOWHERE,)) * missing)
                self._places[place] = position
                self._held += 1
                return
        self._others[number] = position

    def copy(self) -> "Numbers":
        """Return an independent copy."""
        clone = Numbers()
        clone._first, clone._held = self._first, self._held
        clone._places = self._places[:]
        clone._others = self._others.copy()
        return clone


class Texts:
    """Texts that many records share, each known by an ordinal.

    The ordinal of a text that is forgotten is given to another one, so that texts that come and go
    take no more than those that are there at once.
    """

    __slots__ = ("_forgotten", "_ordinals", "_texts", "find")

    def __init__(self) -> None:
        """Start empty."""
        self._texts: list[str] = []
        self._forgotten: list[int] = []
        self._take({})

    def _take(self, ordinals: dict[str, int]) -> None:
        self._ordinals = ordinals
        #: Return the ordinal of a text that is here, else None; every list asks once or more.
        self.find: Callable[[str], int | None] = ordinals.get

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self._ordinals)

    def __getitem__(self, ordinal: int) -> str:
        return self._texts[ordinal]

    def ordinal(self, text: str) -> int:
        """Return the ordinal of a text, which is here from now on."""
        known = self._ordinals.get(text)
        if known is not None:
            return known
        if self._forgotten:
            ordinal = self._forgotten.pop()
            self._texts[ordinal] = text
        else:
            ordinal = len(self._texts)
            self._texts.append(text)
        self._ordinals[text] = ordinal
        return ordinal

    def forget(self, ordinal: int) -> None:
        """Forget the text of an ordinal that nothing uses any more."""
        del self._ordinals[self._texts[ordinal]]
        self._texts[ordinal] = ""
        self._forgotten.append(ordinal)

    def copy(self) -> "Texts":
        """Return an independent copy."""
        clone = Texts()
        clone._texts = self._texts.copy()
        clone._take(self._ordinals.copy())
        clone._forgotten = self._forgotten.copy()
        return clone
