"""``crmcom-kit proxy``: forwards a client's requests to a server, and checks them as they pass."""

import datetime as dt
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from crmcom_kit.config_file import Refused, config_option
from crmcom_kit.contract_tests.cli import as_click, check_files, write, writers
from crmcom_kit.contract_tests.options import DEFAULTS, OPTIONS, REPORTS
from crmcom_kit.schemas.methods import API_PATH

if TYPE_CHECKING:
    from crmcom_kit.contract_tests.config import RunConfig
    from crmcom_kit.contract_tests.results import Results
    from crmcom_kit.contract_tests.targets import Target

#: The options of ``check`` that count here as well, and what their help says if it differs.
_SHARED = {
    "base-url": "Base URL of the server, such as https://host/crmapi/rest/v2.",
    "release": "",
    "only": "",
    "deviations": "",
    "html": "",
    "junit": "",
    "json": "",
    "har": "Write what was checked as HAR 1.2, without secrets, for `crmcom-kit check --from-har`.",
}
_OPTIONS = [
    replace(option, help=_SHARED[option.name] or option.help)
    for option in OPTIONS
    if option.name in _SHARED
]


@click.command(
    context_settings={"auto_envvar_prefix": "CRMCOM_PROXY"},
    params=[as_click(option) for option in _OPTIONS],
)
@config_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback address.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8787, show_default=True, help="0: a free one."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, 86_400, min_open=True),
    default=60.0,
    show_default=True,
    metavar="S",
    help="Seconds to wait for the server: to connect, and for each next part of a response.",
)
@click.option("--read-only", is_flag=True, help="Refuse resend and delete.")
def proxy(**given: Any) -> None:
    """Forward your client's requests to a server, and check the traffic against the contract.

    Give your client http://127.0.0.1:8787/crmapi/rest/v2 as its base URL. The proxy forwards what
    is below that path, changes nothing, and sends nothing of its own. A violation is printed once
    the traffic shows it. Ctrl-C ends the proxy: it prints a summary, and writes the reports.

    Exit status 0, PASSED or UNCONFIRMED: every statement that the traffic tests holds. 1, BROKEN: a
    statement is broken, or a listed deviation no longer occurs. 2, ERROR: the proxy failed, or no
    request tests a statement.
    """
    from crmcom_kit.contract_tests.config import prepared
    from crmcom_kit.contract_tests.options import OptionsError, command_line
    from crmcom_kit.contract_tests.targets import is_loopback

    values = DEFAULTS | given
    files = {o.name: given[o.key] for o in _OPTIONS if o.heading == REPORTS and given[o.key]}
    check_files(files, None, ())
    if not (given["base_url"] or "").strip():
        msg = "--base-url is missing: give the base URL of the server to forward to"
        raise Refused(msg)
    if not is_loopback(given["host"]):
        msg = (
            f"--host: {given['host']!r} is not allowed; allowed is localhost or a loopback address"
        )
        raise Refused(msg)
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - the one place that supplies the proxy's time
    try:
        target, config = prepared(values, now=now, logs_in=False)
    except OptionsError as error:
        raise Refused(str(error)) from None
    if target.near and urlsplit(target.base_url).port == given["port"]:
        msg = "--base-url is the proxy's own address; give that of the server to forward to"
        raise Refused(msg)
    config = replace(config, command=command_line(values, "crmcom-kit proxy"))
    sys.exit(_proxied(given, files, target, config, now))


def _proxied(
    given: dict[str, Any],
    files: dict[str, Path],
    target: "Target",
    config: "RunConfig",
    now: dt.datetime,
) -> int:
    """Serve until a signal comes, write the reports and return the exit code."""
    from crmcom_kit.contract_tests.client.http import MAX_RESPONSE
    from crmcom_kit.contract_tests.proxy.forwarding import Forwarding
    from crmcom_kit.contract_tests.proxy.serving import Server, listening_on
    from crmcom_kit.contract_tests.proxy.traffic import Traffic
    from crmcom_kit.contract_tests.reports import har, terminal
    from crmcom_kit.contract_tests.reports.report import Report

    console = terminal.on_stdout()

    def tell(what: "Results | str") -> None:
        """Print a line, or a violation; the reports have it, if nobody reads this any more."""
        try:
            if isinstance(what, str):
                click.echo(what)
            else:
                terminal.show_broken(Report(what), console)
        except OSError:
            return

    traffic = Traffic(target, config, tell, now)
    app = Forwarding(
        target.base_url, traffic, timeout=given["timeout"], read_only=given["read_only"]
    )
    try:
        listening = listening_on(given["host"], given["port"])
    except OSError as error:
        msg = f"--host, --port: cannot listen on {given['host']} port {given['port']}: "
        raise Refused(msg + (error.strerror or type(error).__name__)) from None
    port = listening.getsockname()[1]
    host = f"[{given['host']}]" if ":" in given["host"] else given["host"]
    line = f"http://{host}:{port}{API_PATH} forwards to {target.name}; stop it with Ctrl-C"
    Server(app, lambda: click.echo(line)).run(sockets=[listening])
    results = traffic.finish()
    report = Report(results)
    timed = [(each.exchange, each.start) for each in traffic.checked]
    made_by = writers(report) | {"har": lambda: har.written(report, timed, MAX_RESPONSE)}
    failures = write(made_by, files)
    for failure in failures:
        click.echo(f"Error: {failure}", err=True)
    terminal.show(report, console, skips_broken=True)
    return 2 if failures else int(results.exit_code)
