"""Make a world from the names and paths of users."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from crmcom_kit.mock_server.clock import Clock, SystemClock
from crmcom_kit.mock_server.deliveries.messages import Sender
from crmcom_kit.mock_server.deliveries.queue import DeliveryQueue
from crmcom_kit.mock_server.deliveries.scripts import ScriptedDelivery
from crmcom_kit.mock_server.journal.journal import MAX_ENTRIES
from crmcom_kit.mock_server.protocol.config import Config, Credentials
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.entries import import_entries
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import entries_of, sample_entries
from crmcom_kit.schemas import Dialect, dials, load_dialect, resolve
from crmcom_kit.schemas.profile import Profile, read_profile
from crmcom_kit.schemas.releases import supported_entities
from crmcom_kit.usage_errors import UsageError, quoted

#: The default credentials, which are public; no other server accepts them.
DEFAULT_CREDENTIALS = Credentials(
    username="mpadministrator",
    password="crmcom-kit",
    organisation="CRMDEMO",
    api_key="00000000000000000000000000C0FFEE",
)
#: Contents of the sample world by configuration. A test process makes many mocks, and reading the
#: sample world is most of the work.
_SAMPLE_CONTENTS: dict[str, Store] = {}
_MAX_SAMPLE_CONTENTS = 16


def make_world(
    *,
    release: str | None = None,
    dialect: str | Path | Dialect | None = None,
    profile: str | Path | Profile | None = None,
    data: str | Path | Iterable[dict[str, Any]] | dict[str, Any] | None = None,
    seed: int = 0,
    tokens: Iterable[str] = (),
    credentials: Credentials = DEFAULT_CREDENTIALS,
    clock: Clock | None = None,
    delivery: Sender | None = None,
    deliver: str = "scripted",
    allow_hosts: Iterable[str] = (),
    journal: int = MAX_ENTRIES,
) -> World:
    """Return a world for ``create_app``.

    Args:
        release: R9 to R18; R9 by default.
        dialect: a built-in name, the path of a dialect file, or a dialect; ``default`` by default.
        profile: a folder of ``crmcom-kit calibrate``, or its content: release, dialect and
            content of an instance.
        data: the path of a world file, or its content: world entries, or webhook requests in the
            form of responses, several or one; the sample world by default.
        seed: the seed of ids and tokens; the same seed gives the same ones.
        tokens: fixed tokens that never expire.
        credentials: those of the user who may log in.
        clock: the source of time; the machine's clock by default.
        delivery: sends webhooks in place of ``deliver``; not allowed with it.
        deliver: *http* really sends webhooks, to loopback addresses only. Other values send
            nothing: a script, such as ``3*timeout, success``, has the outcomes in order;
            *scripted* is the dialect's ``delivery.script``.
        allow_hosts: other hosts that *http* may call: names or addresses, with or without
            ``:PORT``.
        journal: maximum number of requests in the journal.

    Raises:
        UnknownRelease, DialectError, ProfileError, DataError, UsageError: an argument is not
            allowed, or not with another one.
    """
    tokens, allow_hosts = _texts("tokens", tokens), _texts("allow_hosts", allow_hosts)
    _check_numbers(seed, journal)
    if not isinstance(credentials, Credentials):
        raise UsageError("credentials", seen=quoted(credentials), allowed="a Credentials")
    loaded_profile = None
    if profile is not None:
        loaded_profile = profile if isinstance(profile, Profile) else read_profile(profile)
        _check_alone(loaded_profile, release, dialect=dialect, data=data)
        release, dialect = loaded_profile.release.name, loaded_profile.dialect
    source = "default" if dialect is None else dialect
    base_dialect = source if isinstance(source, Dialect) else load_dialect(source)
    if delivery is not None and deliver != "scripted":
        problem = f"{quoted(deliver)} beside delivery"
        raise UsageError("deliver", seen=problem, allowed="only one of them")
    if allow_hosts and deliver != "http":
        allowed = "deliver=http with it, since nothing is sent otherwise"
        raise UsageError("allow_hosts", seen=quoted(", ".join(allow_hosts)), allowed=allowed)
    base_dialect = _with_script(base_dialect, deliver)
    full_release = resolve(release)
    mock_release = replace(full_release, entities=supported_entities(full_release, base_dialect))
    delivery_queue = DeliveryQueue()
    if deliver == "http":
        delivery = _http_delivery(base_dialect, allow_hosts, delivery_queue)
    elif delivery is None:
        delivery = ScriptedDelivery(base_dialect["delivery.script"])
    config = Config(
        release=mock_release,
        dialect=base_dialect,
        credentials=credentials,
        seed=seed,
        fixed_tokens=tokens,
        unsettled=None if loaded_profile is None else loaded_profile.unsettled,
        effects={} if loaded_profile is None else loaded_profile.effects,
    )
    return World(
        config,
        _initial_content(config, loaded_profile, data),
        clock=clock or SystemClock(),
        delivery=delivery,
        max_entries=journal,
        delivery_queue=delivery_queue,
    )


def _http_delivery(
    dialect: Dialect, allow_hosts: Iterable[str], delivery_queue: DeliveryQueue
) -> Sender:
    """Return a sender over HTTP, which the queue can stop. Raises UsageError."""
    # Imported when needed: most mocks send nothing, and start sooner without it.
    from crmcom_kit.mock_server.deliveries.allowed_hosts import AllowedHosts
    from crmcom_kit.mock_server.deliveries.http_delivery import HttpDelivery

    delivery = HttpDelivery(dialect, AllowedHosts(allow_hosts))
    delivery_queue.on_stop = delivery.cut
    return delivery


def _initial_content(config: Config, profile: Profile | None, data: Any) -> Store:
    """Return the content of a profile, or of ``data``, or the sample. Raises DataError."""
    if profile is not None:
        entries = entries_of(profile.world, config, "profile")
        return import_entries(config, entries, by_age=False)  # a profile has its order
    if data is None:
        return _sample_content(config)
    return import_entries(config, entries_of(data, config, "data"))


def _sample_content(config: Config) -> Store:
    """Return the content of the sample world, which worlds of equal configurations share."""
    key = repr((config.release, config.seed, dict(config.dialect)))
    content = _SAMPLE_CONTENTS.get(key)
    if content is None:
        if len(_SAMPLE_CONTENTS) == _MAX_SAMPLE_CONTENTS:
            _SAMPLE_CONTENTS.clear()
        content = import_entries(config, sample_entries(config.release))
        _SAMPLE_CONTENTS[key] = content
    return content


def _texts(name: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return a list of strings. Raises UsageError for other values."""
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise UsageError(name, seen=quoted(texts), allowed="a list of strings")
    strings = tuple(texts)
    for text in strings:
        if not isinstance(text, str) or not text:
            raise UsageError(name, seen=quoted(text), allowed="strings that are not empty")
    return strings


def _with_script(dialect: Dialect, deliver: str) -> Dialect:
    """Return a dialect with the script of ``deliver``, if it has one. Raises UsageError."""
    if deliver in ("scripted", "http"):
        return dialect
    dial = dials()["delivery.script"]
    if not dial.accepts(deliver):
        raise UsageError("deliver", seen=quoted(deliver), allowed=f"http, or {dial.allowed()}")
    return dialect.changed({"delivery.script": deliver})


def _check_numbers(seed: Any, journal: Any) -> None:
    """Raise UsageError unless both are allowed whole numbers."""
    if type(seed) is not int:
        raise UsageError("seed", seen=quoted(seed), allowed="a whole number")
    if type(journal) is not int or journal < 0:
        raise UsageError("journal", seen=quoted(journal), allowed="a whole number from 0 on")


def _check_alone(profile: Profile, release: str | None, *, dialect: Any, data: Any) -> None:
    """Raise UsageError if an argument is set that a profile decides."""
    if release is not None and resolve(release) != profile.release:
        allowed = f"{profile.release.name}, which it was made of"
        raise UsageError("release", seen=f"{release} with a profile", allowed=allowed)
    for name, value in (("dialect", dialect), ("data", data)):
        if value is not None:
            allowed = "one of them: a profile has both"
            raise UsageError(name, seen=f"{name} and a profile", allowed=allowed)
