"""Authentication codes: find the forms of HMAC that match the codes seen.

The documents name neither hash function nor spelling nor the exact bytes; so every form that the
dials know is tried, with an implementation of the kit's own.
"""

import base64
import hmac
import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from crmcom_kit.schemas.dialect import dials


class Form(NamedTuple):
    """One way to make an authentication code, by the choices of the dials ``signing.*``."""

    algorithm: str
    encoding: str
    canonical_form: str
    charset: str


def forms() -> Iterator[Form]:
    """Yield every form that the dials know."""
    for choices in product(*(dials()[f"signing.{name}"].choices for name in Form._fields)):
        yield Form(*choices)


def fitting(code: str, data: Mapping[str, Any], key: str) -> set[Form]:
    """Return the forms in which ``code`` is the HMAC of ``data`` with ``key``."""
    given = code.encode("utf-8", "surrogatepass")
    return {form for form in forms() if hmac.compare_digest(_code(form, data, key), given)}


def _code(form: Form, data: Mapping[str, Any], key: str) -> bytes:
    comma, colon = (", ", ": ") if form.canonical_form == "spaced" else (",", ":")
    text = json.dumps(
        data,
        separators=(comma, colon),
        sort_keys=form.canonical_form == "sorted",
        ensure_ascii=form.charset == "ascii",
    )
    made = hmac.new(key.encode(), text.encode("utf-8", "surrogatepass"), form.algorithm)
    if form.encoding == "base64":
        return base64.b64encode(made.digest())
    digits = made.hexdigest()
    return (digits.upper() if form.encoding == "hex_upper" else digits).encode()


def data_of(request: Any) -> Mapping[str, Any] | None:
    """Return the data object in a ``request`` that is shown, as object or as text; else None."""
    if isinstance(request, str):
        try:
            request = json.loads(request)
        except (ValueError, RecursionError):
            return None
    if not isinstance(request, Mapping):
        return None
    data = request.get("data")
    return data if isinstance(data, Mapping) else request
