"""What is shown of a request, in logs and in messages: never the value of a secret parameter."""

import re
from urllib.parse import unquote

from crmcom_kit.schemas import API_PATH

MASK = "***"
_SECRET = re.compile(r"token|password|authorization|api[-_ ]?key", re.IGNORECASE)
_SECRET_IN_PATH = re.compile(rf"({_SECRET.pattern})(/?)[^/]+", re.IGNORECASE)
# The login methods' own paths hold the word, and no secret.
_LOGIN_PATH = re.compile(
    rf"(/worlds/[^/]*)?{API_PATH}/authentication/(web_api_key/token|token(/release)?)/?"
)
_MAX_LAYERS = 5


def is_secret(name: str) -> bool:
    """Whether a parameter of this name holds a secret, whatever the name's spelling."""
    return _SECRET.search(_plain(name)) is not None


def masked_query(query: str) -> str:
    """Return a query with secrets masked, however they are encoded and wherever they stand."""
    return "&".join(_masked_part(part) for part in query.split("&"))


def _masked_part(part: str) -> str:
    name, equals, value = part.partition("=")
    if is_secret(name):
        # A name that holds the value, too (`token%3Dabc`), is not shown beyond the name.
        shown = name if _SECRET.fullmatch(_plain(name)) else MASK
        return f"{shown}{equals}{MASK}" if equals else MASK
    return f"{name}={MASK}" if is_secret(value) else part


def masked_path(path: str) -> str:
    """Return a path with whatever follows a secret's name masked."""
    if _LOGIN_PATH.fullmatch(path):
        return path
    plain = _plain(path)
    masked = _SECRET_IN_PATH.sub(rf"\1\2{MASK}", plain)
    return path if masked == plain else masked


def _plain(text: str) -> str:
    """Return ``text`` without percent-encoding, even where it is encoded more than once."""
    for _ in range(_MAX_LAYERS):
        decoded = unquote(text.replace("+", " "))
        if decoded == text:
            break
        text = decoded
    return text
