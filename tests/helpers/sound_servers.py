"""Runs the kit against the sound server, in this process, as against a server of somebody else."""

import calendar
import time
from dataclasses import replace
from typing import Any

import httpx
from sound_server.client import LOGIN, Caller
from sound_server.server import ORGANISATION, PASSWORD, USERNAME, SoundServer

from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.logins import ANY_LOGINS
from crmcom_kit.contract_tests.client.targets import Login, Target
from crmcom_kit.contract_tests.options.scope import EVERYTHING
from crmcom_kit.contract_tests.oracle.findings import Verdict
from crmcom_kit.contract_tests.run.config import RunConfig
from crmcom_kit.contract_tests.run.results import Results
from crmcom_kit.contract_tests.run.run import run
from crmcom_kit.schemas import API_PATH, resolve
from helpers.far import BOTH

#: Two fifths of the requests of a run: enough for most of what it does.
FEW = Limits(max_requests=600)


def set_clock(app: SoundServer) -> None:
    """Let a server have the time of this machine, which the kit compares the end of a JWT with."""
    app.clock.seconds = float(calendar.timegm(time.gmtime()))


def token_of(app: SoundServer) -> str:
    """Return a token of a server, which may be starting, or refuse a login for another reason."""
    for _ in range(100):
        response = Caller(app).post("authentication/token", LOGIN)
        if response and response.get("data"):
            return str(response["data"]["token"])
    raise AssertionError(response)


def expired_token_of(app: SoundServer) -> str | None:
    """Return a token of a server whose time will be over once the clock is set.

    None if logins return none, which is what is wrong with the server.
    """
    set_clock(app)
    app.clock.seconds -= 3 * 3600
    try:
        return token_of(app)
    except KeyError:
        return None


def checked(app: SoundServer, api_key: str | None = None, **options: Any) -> Results:
    """Check a sound server, or one made wrong; the options are those of ``prepared``."""
    return run(*prepared(app, api_key, **options))


def prepared(
    app: SoundServer,
    api_key: str | None = None,
    *,
    by_token: bool = False,
    expires: bool = False,
    **config: Any,
) -> tuple[Target, RunConfig]:
    """Return a server as a target, and a run that may change all of it by default.

    With ``by_token`` the run gets a token, and no user name; with ``expires``, one that has ended.
    """
    expired = expired_token_of(app) if expires else None
    set_clock(app)

    def pass_time(seconds: float) -> None:
        """Let the server's clock go on while the run waits."""
        app.clock.seconds += seconds

    login = Login(username=USERNAME, password=PASSWORD, organisation=ORGANISATION, api_key=api_key)
    if by_token:
        login = Login(token=token_of(app))
    login = replace(login, expired_token=expired)
    target = Target(
        name="the sound server",
        base_url=f"https://sound-server.example{API_PATH}",
        release=resolve(app.release),
        login=login,
        transport=httpx.WSGITransport(as_served(app)),
    )
    usual = {"sleep": pass_time, "allowed": BOTH, "scope": EVERYTHING, "limits": FEW}
    usual["max_logins"] = ANY_LOGINS  # a server that the tests have made
    return target, RunConfig(**{**usual, **config})


def as_served(app: SoundServer) -> Any:
    """Return an application that responds with HTTP 500 to what makes ``app`` crash."""

    def served(environ: Any, start_response: Any) -> Any:
        try:
            return app(environ, start_response)
        except httpx.HTTPError:  # which stands for a connection that is closed
            raise
        except Exception:  # noqa: BLE001 - as every WSGI server does
            start_response("500 Internal Server Error", [("Content-Type", "text/html")])
            return [b"<html>Internal Server Error</html>"]

    return served


def broken(results: Results) -> list[str]:
    """Return the ids of the statements that a run says are broken."""
    return [each.statement.id for each in results.statements if each.verdict is Verdict.BROKEN]


def alarms(results: Results) -> list[Any]:
    """Return everything that a run holds against its target, or that went wrong in the kit."""
    found = [
        (each.statement.id, each.why, *map(str, each.violations[:2]))
        for each in results.statements
        if each.verdict is Verdict.BROKEN
    ]
    return found if results.trouble is None else [*found, results.trouble]
