"""``crmcom-kit serve``: the mock from the command line."""

import gc
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmcom_kit.mock_server.cli.banner import credentials_of, greet
from crmcom_kit.mock_server.cli.delivery_options import (
    delivery_flags,
    mistake_in,
)
from crmcom_kit.mock_server.cli.options import control_flags
from crmcom_kit.mock_server.clock import SystemClock
from crmcom_kit.schemas import dialect_names, release_names

if TYPE_CHECKING:
    from crmcom_kit.mock_server.http.access_log import AccessLog
    from crmcom_kit.mock_server.world.registry import WorldRegistry
    from crmcom_kit.mock_server.world.world import World

_KNOWN_FROM = re.compile(r"is not in R[0-9.]+; it is known from (R[0-9]+)")
#: Seconds that deliveries have to end in once the server is told to stop: fewer than it has itself.
DELIVERY_SECONDS = 6.0


class Refused(click.ClickException):
    """A start that is not possible: one line, exit status 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        """Say why, in one line."""
        super().__init__(" ".join(message.splitlines()))


class _Serve(click.Command):
    """A command that says what is wrong with its flags in one line, too."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            raise Refused(error.format_message()) from None


@click.command(
    cls=_Serve,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "CRMCOM_SERVE",
    },
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--release",
    metavar="RELEASE",
    help=f"Release of the API, {release_names()[0]} to {release_names()[-1]}, such as R9 or "
    "R14.1; of another the newest one before it.  [default: R9]",
)
@click.option(
    "--dialect",
    default="default",
    show_default=True,
    metavar="NAME|FILE",
    help="How to answer where the documents are silent: a built-in name "
    f"({', '.join(dialect_names())}) or a TOML file as `crmcom-kit dialect` prints it.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="World to start from: JSON Lines or JSON.  [default: the packaged sample world]",
)
@click.option("--seed", default=0, show_default=True, help="What new ids and tokens are made from.")
@click.option(
    "--token",
    "tokens",
    envvar="CRMCOM_SERVE_TOKEN",
    multiple=True,
    metavar="TOKEN",
    help="A token that always holds; repeatable.",
)
@click.option("--username", metavar="NAME", help="User name that may log in.")
@click.option("--password", metavar="TEXT", help="The user's password.")
@click.option("--organisation", metavar="NAME", help="The user's organisation.")
@click.option("--api-key", metavar="KEY", help="Web API key that may log in (from R10).")
@delivery_flags
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    default=64,
    show_default=True,
    help="Requests of the control API that may run at the same time: half of them may wait, and a "
    "quarter as many deliveries.",
)
@control_flags
@click.option(
    "--log",
    "log_form",
    envvar="CRMCOM_SERVE_LOG",
    default="human",
    show_default=True,
    type=click.Choice(["human", "json", "off"]),
    help="Form of the access log on standard error; secrets are masked.",
)
def serve(**options: Any) -> None:
    """Run the mock of CRM.COM's webhook_requests Web API.

    The first line on standard output is READY and the base URL, printed once connections are
    accepted; then come the credentials that it lets in. It listens on loopback unless --host says
    otherwise, keeps everything in memory and sends nothing anywhere unless --deliver http says so.
    SIGTERM and Ctrl-C end it with status 0 once running requests are answered. A start that is not
    possible gives one line on standard error and status 2. An option may be given in the
    environment instead: CRMCOM_SERVE_RELEASE for --release, and so on.
    """
    from crmcom_kit.mock_server.http.server import (
        ServeError,
        Server,
        bound_socket,
        prepare_descriptors,
        run_until_signalled,
    )

    check(options)
    prepare_descriptors()
    try:
        # Before the world is made: a taken port should not cost a long load.
        listening = bound_socket(options["host"], options["port"])
    except ServeError as error:
        raise Refused(str(error)) from None
    with listening:
        with _nothing_collected():
            registry = registry_of(options)
            log = log_of(options, registry)
            app, warm = _shell(options, registry, log)
            try:
                server = Server(app, listening, closing=registry.closing)
            except ServeError as error:
                raise Refused(str(error)) from None

        def ready() -> None:
            greet(options, server.port)
            # Flask is needed soon, for the control API; READY does not wait for it.
            threading.Thread(target=warm, daemon=True).start()

        run_until_signalled(server, ready, last=bool if log is None else log.flush)
        registry.default.delivery_queue.ended(DELIVERY_SECONDS)
    if log is not None:
        log.flush()


def _shell(
    options: dict[str, Any], registry: "WorldRegistry", log: "AccessLog | None"
) -> tuple[Any, Callable[[], object]]:
    """Return the ASGI application, and what makes all of it ready."""
    from crmcom_kit.mock_server.http.asgi_shell import AsgiShell
    from crmcom_kit.mock_server.http.wsgi_shell import LateFlask

    flask = LateFlask(registry)
    return AsgiShell(registry, flask, threads=options["threads"], log=log), flask.warm


def log_of(options: dict[str, Any], registry: "WorldRegistry") -> "AccessLog | None":
    """Return the access log that the options ask for; webhooks that are sent appear in it, too."""
    if options["log_form"] == "off" or sys.stderr is None:
        return None
    from crmcom_kit.mock_server.http.access_log import AccessLog
    from crmcom_kit.mock_server.world.routing import world_of

    log = AccessLog(sys.stderr, form=options["log_form"], clock=SystemClock())
    if options["deliver"] == "http":
        registry.default.delivery_queue.on_attempt = lambda name, note: log.add_attempt(
            world_of("", name, registry), note
        )
    return log


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Look for no garbage meanwhile, nor later in what is made meanwhile: the start world stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def check(options: dict[str, Any]) -> None:
    """Hold options to what is allowed, and load the dialect that they name. Raises Refused."""
    from crmcom_kit.schemas import DialectError, UnknownRelease, load_dialect, resolve

    for name in ("username", "password", "organisation", "api_key", "admin_token", "tokens"):
        if options[name] == "" or (name == "tokens" and "" in options[name]):
            flag = name.replace("_", "-").removesuffix("s")
            msg = f"--{flag}: an empty text is not allowed"
            raise Refused(msg)
    mistake = mistake_in(options)
    if mistake is not None:
        raise Refused(mistake)
    try:
        resolve(options["release"])
        options["dialect"] = load_dialect(options["dialect"])
        if options["data"] is not None:
            options["data"].stat()
    except (DialectError, UnknownRelease) as error:
        raise Refused(str(error)) from None
    except OSError as error:
        msg = f"data {options['data']}: cannot be read: {error.strerror}"
        raise Refused(msg) from None


def registry_of(options: dict[str, Any]) -> "WorldRegistry":
    """Return the worlds that checked options ask for. Raises Refused."""
    from crmcom_kit.mock_server.access import Access
    from crmcom_kit.mock_server.world.registry import WorldRegistry

    registry = WorldRegistry(
        _world(options),
        most=options["max_worlds"],
        idle_seconds=options["world_idle"],
        waiting=options["threads"] // 2,
        access=Access(
            options["admin_token"],
            frozenset(name.lower() for name in (options["host"], *options["allow_names"])),
        ),
    )
    registry.default.delivery_queue.end_with(registry.closing, DELIVERY_SECONDS)
    return registry


def _world(options: dict[str, Any]) -> "World":
    """Return the world that checked options ask for. Raises Refused."""
    from crmcom_kit.mock_server.deliveries.queue import max_waiting
    from crmcom_kit.mock_server.journal.journal import JournalLimits
    from crmcom_kit.mock_server.usage_errors import UsageError
    from crmcom_kit.mock_server.world.factory import make_world
    from crmcom_kit.mock_server.world.world_file import DataError

    try:
        return make_world(
            release=options["release"],
            dialect=options["dialect"],
            deliveries=options["deliveries"],
            deliver=options["deliver"],
            allow_hosts=options["allow_hosts"],
            at_once=max_waiting(options["deliver"], options["threads"]),
            data=options["data"],
            seed=options["seed"],
            tokens=options["tokens"],
            credentials=credentials_of(options),
            journal=JournalLimits(options["journal"], options["journal_bytes"]),
        )
    except DataError as error:
        found = _KNOWN_FROM.search(str(error))
        hint = f"; start with --release {found[1]}" if found else ""
        raise Refused(f"{error}{hint}") from None
    except UsageError as error:
        raise Refused(str(error)) from None
