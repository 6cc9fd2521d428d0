"""How a world is made: from names and paths that people give, to a World."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from crmcom_kit.mock_server.clock import Clock, SystemClock
from crmcom_kit.mock_server.deliveries.queue import DeliveryQueue
from crmcom_kit.mock_server.deliveries.senders import Delivery
from crmcom_kit.mock_server.journal.journal import JournalLimits
from crmcom_kit.mock_server.protocol.config import Config, Credentials, Settings
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.mock_server.world.import_ import import_entries
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import (
    LocatedEntry,
    file_entries,
    sample_entries,
    validated,
)
from crmcom_kit.schemas import Dialect, load_dialect, resolve
from crmcom_kit.schemas.releases import supported_entities

if TYPE_CHECKING:
    from crmcom_kit.mock_server.deliveries.http_delivery import HttpDelivery

#: What the mock lets in where nothing else is said. They are public, and worth nothing elsewhere.
DEFAULT_CREDENTIALS = Credentials(
    username="mpadministrator",
    password="crmcom-kit",
    organisation="CRMDEMO",
    api_key="00000000000000000000000000C0FFEE",
)


def make_world(
    *,
    release: str | None = None,
    dialect: str | Path | Dialect = "default",
    data: str | Path | Iterable[dict[str, Any]] | None = None,
    seed: int = 0,
    tokens: Iterable[str] = (),
    deliveries: str | None = None,
    credentials: Credentials = DEFAULT_CREDENTIALS,
    clock: Clock | None = None,
    delivery: Delivery | None = None,
    deliver: Literal["scripted", "http"] = "scripted",
    allow_hosts: Iterable[str] = (),
    at_once: int | None = None,
    journal: JournalLimits | None = None,
) -> World:
    """Return a world for ``create_app``.

    Args:
        release: R9 to R18; R9 where left out.
        dialect: a built-in name, the path of a dialect file, or a dialect.
        data: the path of a world file, or world entries; the sample world where left out.
        seed: what ids and tokens are made from; the same seed gives the same ones.
        tokens: fixed tokens that never expire.
        deliveries: what resend comes to, try by try, such as ``3*timeout, success``; the
            dialect's ``delivery.script`` where left out.
        credentials: who may log in.
        clock: where the time comes from; the machine's where left out.
        delivery: what sends, in the place of ``deliver``.
        deliver: *scripted* sends nothing, and the dialect's script says what comes of it; *http*
            really sends, to loopback addresses alone.
        allow_hosts: whom *http* calls besides: names or addresses, with ``:PORT`` or without.
        at_once: how many deliveries that take time may run at once while their callers wait; any
            number where left out.
        journal: how many calls, and bytes of them, are kept to be asked for.

    Raises:
        UnknownRelease, DialectError, DataError, UsageError: an argument is not allowed.
        TypeError: ``tokens`` is one text, or two arguments contradict each other.
    """
    if isinstance(tokens, str):
        msg = "tokens: a text is not allowed; allowed is a list of texts"
        raise TypeError(msg)
    spoken = dialect if isinstance(dialect, Dialect) else load_dialect(dialect)
    if deliveries is not None:
        spoken = spoken.changed({"delivery.script": deliveries})
    named = resolve(release)
    known = replace(named, entities=supported_entities(named, spoken))
    placed: Iterable[LocatedEntry]
    if data is None:
        placed = sample_entries(known)
    elif isinstance(data, str | Path):
        placed = file_entries(Path(data), known)
    else:
        entries = (LocatedEntry(entry, f"data entry {at}") for at, entry in enumerate(data))
        placed = validated(entries, known)
    settings = Settings(
        release=known,
        dialect=spoken,
        credentials=credentials,
        seed=seed,
        fixed_tokens=tuple(tokens),
    )
    delivery_queue = DeliveryQueue(at_once=at_once)
    if deliver != "scripted":
        if delivery is not None or deliveries is not None:
            msg = f"deliver: {deliver} beside a delivery or a script; allowed is one of them"
            raise TypeError(msg)
        delivery = http = _sending(deliver, spoken, allow_hosts)
        delivery_queue.on_stop(http.stop, http.resume)
    config = Config(settings)
    start = import_entries(config, placed)
    return World(
        config,
        start,
        clock=clock or SystemClock(),
        delivery=delivery,
        limits=journal,
        delivery_queue=delivery_queue,
    )


def _sending(deliver: str, dialect: Dialect, allow_hosts: Iterable[str]) -> "HttpDelivery":
    """Return what really sends. Raises UsageError."""
    if deliver != "http":
        raise UsageError("deliver", seen=quoted(deliver), allowed="scripted or http")
    from crmcom_kit.mock_server.deliveries.allowed_hosts import Addresses
    from crmcom_kit.mock_server.deliveries.http_delivery import HttpDelivery

    return HttpDelivery(dialect, Addresses(allow_hosts))
