"""The outcomes of deliveries. Their table is ``schemas/data/delivery_outcomes.json``.

It gives each outcome its name, the vendor's error code and description, and the HTTP status. A
script (``--deliveries``, ``delivery.script``) may use every name in it.
"""

from enum import StrEnum


class OutcomeName(StrEnum):
    """The outcomes that code chooses; the table has some more, e.g. ``http_404``."""

    SUCCESS = "success"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNKNOWN_HOST = "unknown_host"
    BAD_TLS = "bad_tls"
    CONNECT_TIMEOUT = "connect_timeout"
    UNREACHABLE = "unreachable"
    RESET = "reset"
    NO_RESPONSE = "no_response"
    MALFORMED = "malformed"
    BLOCKED = "blocked"
    BAD_URL = "bad_url"
    NO_CONNECTION = "no_connection"
    QUEUE_FULL = "queue_full"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"


#: Outcomes where the mock itself sent nothing.
NOT_SENT = frozenset(
    (OutcomeName.BLOCKED, OutcomeName.BAD_URL, OutcomeName.NO_CONNECTION, OutcomeName.QUEUE_FULL)
)
