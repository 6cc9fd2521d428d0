"""``crmcom-kit serve``: the mock from the command line."""

import gc
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from crmcom_kit.mock_server.cli.banner import credentials_of, greet
from crmcom_kit.mock_server.cli.delivery_options import (
    delivery_flags,
    mistake_in,
    places,
    usual_threads,
)
from crmcom_kit.mock_server.cli.options import control_flags
from crmcom_kit.mock_server.clock import SystemClock
from crmcom_kit.schemas import dialect_names, release_names

if TYPE_CHECKING:
    from crmcom_kit.mock_server.http.at_once import AtOnce
    from crmcom_kit.mock_server.http.serving_granian import Served
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


@click.command(cls=_Serve, context_settings={"help_option_names": ["-h", "--help"]})
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
    "--server",
    "server_name",
    default="waitress",
    show_default=True,
    type=click.Choice(["waitress", "granian"]),
    help="What answers HTTP; granian, a compiled one, comes with crmcom-kit[fast].",
)
@click.option(
    "--fast-lane/--no-fast-lane",
    default=True,
    show_default=True,
    help="Answer ordinary calls before Flask sees them; the answers are the same.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    help="Requests answered at the same time.  [default: 8, under granian 16; 64 with --deliver "
    "http]",
)
@control_flags
@click.option(
    "--log",
    "log_form",
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
    possible gives one line on standard error and status 2.
    """
    from crmcom_kit.mock_server.http.server import ServeError

    usual = usual_threads(options["deliver"], options["server_name"])
    options["threads"] = options["threads"] or usual
    try:
        if options["server_name"] == "granian":
            _serve_with_granian(options)
        else:
            _serve_with_waitress(options)
    except ServeError as error:
        raise Refused(str(error)) from None


def _serve_with_waitress(options: dict[str, Any]) -> None:
    from crmcom_kit.mock_server.http.server import Server, bound_socket, run_until_signalled

    # Before the world is made: a taken port should not cost a long load.
    with bound_socket(options["host"], options["port"]) as listening:
        with _nothing_collected():
            registry = _registry(options)
            app, warm, at_once = _shells(options, registry)
            server = Server(
                app,
                listening,
                threads=options["threads"],
                closing=registry.closing,
                at_once=at_once,
            )

        def ready() -> None:
            greet(options, server.port)
            # Flask is wanted soon, for logins and odd requests; READY does not wait for it.
            threading.Thread(target=warm, daemon=True).start()

        run_until_signalled(server, ready)
        registry.default.delivery_queue.ended(DELIVERY_SECONDS)


def _serve_with_granian(options: dict[str, Any]) -> None:
    from crmcom_kit.mock_server.http.serving_granian import serve_with_granian

    serve_with_granian(
        partial(_served, options),
        host=options["host"],
        port=options["port"],
        threads=options["threads"],
        ready=lambda port: greet(options, port),
    )


def _served(options: dict[str, Any]) -> "Served":
    """Return what granian serves under these options; picklable with them."""
    from crmcom_kit.mock_server.http.serving_granian import Served

    with _nothing_collected():
        registry = _registry(options)
        return Served(_shells(options, registry).app, registry.closing)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Look for no garbage meanwhile, nor later in what is made meanwhile: the start world stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class _Shells(NamedTuple):
    """The application, what makes all of it ready, and which requests it answers at once."""

    app: Any
    warm: Callable[[], object]
    at_once: "AtOnce | None"


def _nothing() -> None:
    """Do nothing: all is ready."""


def _shells(options: dict[str, Any], registry: "WorldRegistry") -> _Shells:
    """Return the WSGI application that the options ask for, and what goes with it."""
    app: Any
    warm: Callable[[], object] = _nothing
    at_once: AtOnce | None = None
    if options["fast_lane"]:
        from crmcom_kit.mock_server.http.fastlane import FastLane, LateFlask

        late = LateFlask(registry)
        app = lane = FastLane(late, registry)
        warm, at_once = late.warm, lane.at_once
    else:
        from crmcom_kit.mock_server.http.app import create_app

        app = create_app(registry)
    if options["log_form"] != "off" and sys.stderr is not None:
        from crmcom_kit.mock_server.http.access_log import AccessLog

        app = AccessLog(
            app, registry, out=sys.stderr, form=options["log_form"], clock=SystemClock()
        )
    return _Shells(app, warm, at_once)


def _registry(options: dict[str, Any]) -> "WorldRegistry":
    """Return the worlds that the options ask for. Raises Refused."""
    from crmcom_kit.mock_server.world.registry import WorldRegistry

    registry = WorldRegistry(
        _world(options),
        most=options["max_worlds"],
        idle_seconds=options["world_idle"],
        waiting=options["threads"] // 2,
        admin_token=options["admin_token"],
        host=options["host"],
    )
    registry.default.delivery_queue.end_with(registry.closing, DELIVERY_SECONDS)
    return registry


def _world(options: dict[str, Any]) -> "World":
    """Return the world that the options ask for. Raises Refused."""
    from crmcom_kit.mock_server.journal.journal import JournalLimits
    from crmcom_kit.mock_server.usage_errors import UsageError
    from crmcom_kit.mock_server.world.factory import make_world
    from crmcom_kit.mock_server.world.world_file import DataError
    from crmcom_kit.schemas import DialectError, UnknownRelease

    for name in ("username", "password", "organisation", "api_key", "admin_token", "tokens"):
        if options[name] == "" or (name == "tokens" and "" in options[name]):
            flag = name.replace("_", "-").removesuffix("s")
            msg = f"--{flag}: an empty text is not allowed"
            raise Refused(msg)
    mistake = mistake_in(options)
    if mistake is not None:
        raise Refused(mistake)
    try:
        return make_world(
            release=options["release"],
            dialect=options["dialect"],
            deliveries=options["deliveries"],
            deliver=options["deliver"],
            allow_hosts=options["allow_hosts"],
            at_once=places(options["deliver"], options["threads"]),
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
    except (DialectError, UsageError, UnknownRelease) as error:
        raise Refused(str(error)) from None
