"""Placeholders for the secrets in a server's URLs: values of a query, user and password.

Receivers of webhooks have their keys there, by any name. A URL is recognized by its form or by the
name ``url`` in front of it, also if it is percent-encoded or has the escapes of JSON.
"""

import re
from functools import cache
from urllib.parse import unquote

from crmcom_kit.redaction import USER_INFO, unquoted

#: The rest of a colon, whose first character was matched before.
_COLON = r"(?:(?<=:)|(?<=%)(?:25)*3[aA]|(?<=\\)(?<!\\\\)\\*+u003[aA])"
_SLASH = r"(?:\\*+/|%(?:25)*2[fF]|\\++u002[fF])"
_NAMED = r"""(?<=[uU])[rR][lL](?:\\*+["']\s{0,4}:\s{0,4}\\*+["']|=|%(?:25)*3[dD])"""
#: A backslash that neither ends a string of JSON nor stands for white space.
_BACKSLASH = r"""\\++(?!["bfnrt]"""
_ENCODED_MARK, _ESCAPED_MARK = "%(?:25)*3[fF]", "u003[fF]"
#: A URL, and what follows its question mark; if that is encoded, up to the next parameter. The
#: pattern begins with a set of characters, which Python searches for many times faster.
_URL = re.compile(
    rf"""[:%\\uU](?:{_COLON}{_SLASH}{{2}}|{_NAMED})
    (?:[^\s"\\%?]++|%(?!(?:25)*3[fF])|{_BACKSLASH}|{_ESCAPED_MARK}))*+
    (?:(?P<mark>\?|\\++{_ESCAPED_MARK})(?P<query>(?:[^\s"\\]++|{_BACKSLASH}))*+)
    |(?P<coded_mark>{_ENCODED_MARK})(?P<coded>(?:[^\s"\\&]++|{_BACKSLASH}|u0026))*+))?""",
    re.VERBOSE,
)
#: Characters that end a sentence or a quotation, but no URL.
_ENDS = "',.;:!)]}>…"
_MASK_CHARACTERS = "*.…"
_PLACEHOLDER = re.compile(r"\$CRMCOM_\w+")
_MAX_CACHED = 10_000


class UrlSecrets:
    """Has a placeholder for each secret in a URL, the same in everything that a run writes."""

    def __init__(self) -> None:
        """Begin without placeholders."""
        self._names: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._queries: dict[tuple[str, str], str] = {}  # with placeholders

    def secret(self, name: str) -> str | None:
        """Return the secret of the placeholder ``name``, without its dollar sign; or None."""
        return self._values.get(name)

    def hide(self, text: str) -> str:
        """Return ``text`` with placeholders for user, password and query values of its URLs."""
        if "@" in text or "40" in text:
            text = USER_INFO.sub(self._without_user, text)
        return _URL.sub(self._without_values, text)

    def _without_user(self, match: re.Match[str]) -> str:
        slashes, user, sign = match.groups()
        return f"{slashes}{self._placeholder(user, _layers(sign))}{sign}"

    def _without_values(self, match: re.Match[str]) -> str:
        mark = match["mark"] or match["coded_mark"]
        if mark is None:
            return match[0]
        query = match["query"] or match["coded"] or ""
        hidden_query = self._queries.get((mark, query))
        if hidden_query is None:
            hidden_query = self._query(query, _layers(mark))
            if len(self._queries) < _MAX_CACHED:
                self._queries[mark, query] = hidden_query
        return match[0][: len(match[0]) - len(query)] + hidden_query

    def _query(self, query: str, layers: int) -> str:
        """Return a query, encoded ``layers`` times, with placeholders for its values."""
        ampersand, equals = _separators(layers)
        core = query.rstrip(_ENDS)
        parts = ampersand.split(core)
        for position in range(0, len(parts), 2):
            part, sign = parts[position], equals.search(parts[position])
            start = 0 if sign is None else sign.end()
            parts[position] = part[:start] + self._placeholder(part[start:], layers)
        return "".join(parts) + query[len(core) :]

    def _placeholder(self, text: str, layers: int) -> str:
        """Return the placeholder of a value; a value that is a placeholder stays."""
        value = unquoted(text) if "\\" in text else text
        for _ in range(layers):
            value = unquote(value)
        if not value.strip(_MASK_CHARACTERS) or _PLACEHOLDER.fullmatch(value):
            return text
        if value not in self._names:
            name = f"CRMCOM_URL_{len(self._names) + 1}"
            self._names[value], self._values[name] = f"${name}", value
        return self._names[value]


def _layers(mark: str) -> int:
    """Return how many times a sign is percent-encoded."""
    return 1 + mark.count("25") if mark.startswith("%") else 0


@cache
def _separators(layers: int) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return patterns of what separates parameters, and names from values, encoded so often."""
    ampersand, equals = r"[&#]|\\+u0026|\\+u0023", r"=|\\+u003[dD]"
    if layers:
        percent = "%" + "25" * (layers - 1)
        ampersand += f"|{percent}26|{percent}23"
        equals += f"|{percent}3[dD]"
    return re.compile(f"({ampersand})"), re.compile(equals)
