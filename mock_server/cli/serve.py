"""``crmcom-kit serve``: the mock from the command line."""

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from inspect import signature
from typing import TYPE_CHECKING, Any

import click

from crmcom_kit.config_file import Refused
from crmcom_kit.headed_help import HeadedCommand
from crmcom_kit.mock_server.access import is_any_address
from crmcom_kit.mock_server.cli.options import OPTIONS, resolve_options
from crmcom_kit.mock_server.clock import SystemClock
from crmcom_kit.mock_server.world.registry import CONTROL
from crmcom_kit.schemas import API_PATH, resolve

if TYPE_CHECKING:
    from crmcom_kit.mock_server.http.access_log import AccessLog
    from crmcom_kit.mock_server.protocol.config import Credentials
    from crmcom_kit.mock_server.world.registry import WorldRegistry
    from crmcom_kit.mock_server.world.world import World

_AS_GIVEN = "(as given)"
#: Seconds in which deliveries must end once the server stops: fewer than the server itself has.
DELIVERY_SECONDS = 6.0


@click.command(
    cls=HeadedCommand,
    params=OPTIONS,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "CRMCOM_SERVE",
        "show_default": True,
        "max_content_width": 100,
    },
)
def serve(**options: Any) -> None:
    """Run the mock of CRM.COM's webhook_requests Web API.

    It prints READY, its base URL and the credentials once it accepts connections. By default it
    listens on loopback, keeps everything in memory and sends nothing. SIGTERM and Ctrl-C stop it
    with status 0; if it cannot start, it prints one line and exits with status 2. Each option can
    also be set in the environment, as CRMCOM_SERVE_RELEASE for --release, or in a file.
    """
    with _without_gc():
        from crmcom_kit.mock_server.http.server import (
            ServeError,
            Server,
            bind_socket,
            prepare_descriptors,
            run_until_signalled,
        )

    resolve_options(options)
    prepare_descriptors()
    try:
        # Before the world is loaded, which may take long: the port may be taken.
        listener = bind_socket(options["host"], options["port"])
    except ServeError as error:
        raise Refused(str(error)) from None
    with listener:
        with _without_gc():
            from crmcom_kit.mock_server.http.asgi_shell import AsgiShell

            registry = registry_of(options)
            log = log_of(options, registry)
            app = AsgiShell(registry, log=log)
            try:
                server = Server(app, listener, closing=registry.closing)
            except ServeError as error:
                raise Refused(str(error)) from None

        deliveries = registry.default.delivery_queue

        def ready() -> None:
            _greet(options, server.port)
            deliveries.close_after(registry.closing.wait, DELIVERY_SECONDS)
            # Flask is needed soon, for the control API; READY does not wait for it.
            threading.Thread(target=app.bridge.warm, daemon=True).start()

        run_until_signalled(server, ready)
        deliveries.wait_until_idle(DELIVERY_SECONDS)
        registry.default.close_state()
    if log is not None:
        log.flush()


def _names(options: dict[str, Any]) -> tuple[str, ...]:
    """Return the names that the options give to the mock."""
    host: str = options["host"]
    return (*([] if is_any_address(host) else [host]), *options["allow_names"])


def log_of(options: dict[str, Any], registry: "WorldRegistry") -> "AccessLog | None":
    """Return the access log that the options ask for; webhooks that are sent appear in it, too."""
    if options["log_form"] == "off" or sys.stderr is None:
        return None
    from crmcom_kit.mock_server.http.access_log import AccessLog

    log = AccessLog(sys.stderr, form=options["log_form"], clock=SystemClock())
    if options["deliver"] == "http":
        registry.default.delivery_queue.on_attempt = lambda name, attempt: log.add_attempt(
            registry.find(name) or registry.default, attempt
        )
    return log


@contextmanager
def _without_gc() -> Iterator[None]:
    """Disable garbage collection in the block and freeze what it creates."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def registry_of(options: dict[str, Any]) -> "WorldRegistry":
    """Return the worlds that checked options ask for. Raises Refused."""
    from crmcom_kit.mock_server.access import Access
    from crmcom_kit.mock_server.world.registry import WorldRegistry

    return WorldRegistry(
        _world(options),
        access=Access(
            options["admin_token"],
            frozenset(name.lower() for name in _names(options)),
            frozenset(options["cors"]),
        ),
    )


def _world(options: dict[str, Any]) -> "World":
    """Return the world that checked options ask for. Raises Refused."""
    from crmcom_kit.mock_server.world.factory import make_world
    from crmcom_kit.usage_errors import UsageError

    try:
        arguments = {
            name: options[name] for name in signature(make_world).parameters if name in options
        }
        world = make_world(**arguments, credentials=_credentials(options))
        if options["state"] is not None:
            from crmcom_kit.mock_server.world.state_file import StateFile

            for note in world.keep(StateFile(options["state"], world.config)):
                click.echo(f"state {options['state']}: {note}", err=True)
    except UsageError as error:
        raise Refused(str(error)) from None
    return world


def _credentials(options: dict[str, Any]) -> "Credentials":
    """Return the default credentials, changed by the flags."""
    from dataclasses import replace

    from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS

    names = ("username", "password", "organisation", "api_key")
    changes = {name: options[name] for name in names if options[name] is not None}
    return replace(DEFAULT_CREDENTIALS, **changes)


def _greet(options: dict[str, Any], port: int) -> None:
    """Print the READY line, then how to log in; secrets from the command line are not shown."""
    host = options["host"]
    if is_any_address(host):  # a client cannot call it
        host = "::1" if ":" in host else "127.0.0.1"
    host = f"[{host}]" if ":" in host else host
    base = f"http://{host}:{port}{API_PATH}"
    credentials = _credentials(options)
    password = credentials.password if options["password"] is None else _AS_GIVEN
    key = credentials.api_key if options["api_key"] is None else _AS_GIVEN
    release = resolve(options["release"])
    lines = [
        f"READY {base}",
        f"  console       {base.removesuffix(API_PATH)}/",
        f"  control API   {base.removesuffix(API_PATH)}{CONTROL}/docs",
        f"  release       {release.name}",
        f"  username      {credentials.username}",
        f"  password      {password}",
        f"  organisation  {credentials.organisation}",
    ]
    if release.web_api_key_token is not None:
        lines.append(f"  Web API key   {key}")
    if options["profile"] is not None:
        lines.append(f"  profile       {len(options['profile'].unsettled)} dials not settled")
    if options["admin_token"] is not None:
        lines.append(f"  admin token   {_AS_GIVEN}")
    if options["state"] is not None:
        lines.append(f"  state         {options['state']}")
    if options["deliver"] == "http":
        lines.append(f"  delivers to   {', '.join(['loopback', *options['allow_hosts']])}")
    if options["tokens"]:
        lines.append(f"  fixed tokens  {len(options['tokens'])} {_AS_GIVEN}")
    # Serve even if the reader is gone, as in `… | true`.
    with suppress(OSError):
        print("\n".join(lines), flush=True)  # noqa: T201 - the command's own output
