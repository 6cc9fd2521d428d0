"""Measure what ``check --from-har`` says of clients: the mistakes it names, and who is accused.

``make measure PART=clients``. Each client of the two folders runs against the mock in its release;
some need node. The comments at the top of a client say what is wrong.
"""

import datetime as dt
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import blind
import click
import httpx

from crmcom_kit.contract_tests.options.options import DEFAULTS
from crmcom_kit.contract_tests.recorded.client_check import ClientResults
from crmcom_kit.contract_tests.run.config import prepared
from crmcom_kit.contract_tests.run.recording import run_recording
from crmcom_kit.mock_server.python_api.mock import crmcom_mock

KIT = Path(blind.__file__).parent
#: Two sets of sixteen.
FOLDERS = ("clients_2", "clients_3")
NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
_SECONDS = 120  # that a client may take

#: What ``NAMED BY`` asks for, by number of the wrong client: the statement, the method it is
#: about, and words that the mistake has.
NAMED = {
    "61": ("methods.verb", "show", ("POST", "GET")),
    "62": ("web_api_key_token.available", "authentication/web_api_key/token", ("R10",)),
    "63": ("list.life_cycle_state.supported_values", "list", ("SUCCESSFUL,REJECTED",)),
    "64": ("identifier.exactly_one", "delete", ("webhook_request_identifier",)),
    "65": ("list.paging.numbers", "list", ("offset",)),
    "66": ("parameters.mandatory", "token", ("organisation",)),
    "67": ("parameters.known", "list", ("create_date", "created_date")),
    "68": ("token.required", "resend", ("token", "query", "body")),
    "69": ("token_release.ends_token", "list", ("token", "released")),
    "70": ("resend.only_rejected", "resend", ("REJECTED", "SUCCESSFUL")),
    "71": ("delete.gone", "resend", ("deleted",)),
    "72": ("delete.single_result", "delete", ("response was lost",)),
    "81": ("methods.known", "webhook_requests/re_send", ("webhook_requests/re_send",)),
    "82": ("list.entity.supported_values", "list", ("LEADS", "R14")),
    "83": ("list.semi_optional.at_least_one", "list", ("entity",)),
    "84": ("parameters.identifier_in_query", "show", ("webhook_request_identifier",)),
    "85": ("identifier.mandatory", "delete", ("webhook_request_identifier",)),
    "86": ("fields_set.names", "resend", ("fields_set",)),
    "87": ("parameters.known", "delete", ("field_set", "fields_set")),
    "88": ("token.required", "resend", ("token", "query", "body")),
    "89": ("token.expiry", "list", ("token", "refused")),
    "90": ("delete.gone", "delete", ("deleted",)),
    "91": ("resend.only_rejected", "resend", ("REJECTED", "SUCCESSFUL")),
    "92": ("resend.sends_again", "resend", ("response was lost",)),
}
#: What the documents leave open, whatever the author of these thought: it must be a note.
NOTED = {"63", "86"}
#: The operation whose first response is lost, where the client's comments do not say it: it gives
#: up at once by itself, which a server may not see.
LOSES = {"wrong_72_impatient_cleaner": "delete", "right_63_look_before_retry": "resend"}


class Client(NamedTuple):
    """A client program, and what its comments say."""

    path: Path
    release: str
    loses: str  # the operation whose first response is lost, or ""

    @property
    def number(self) -> str:
        """The two digits in its name."""
        return self.path.name.split("_")[1]

    @property
    def is_wrong(self) -> bool:
        """Whether its author wanted a mistake in it."""
        return self.path.name.startswith("wrong_")


def clients() -> list[Client]:
    """Return all client programs, by name."""
    programs = []
    paths = (path for folder in FOLDERS for path in sorted((KIT / folder).glob("*_*.*")))
    for path in paths:
        top = dict(re.findall(r"^(?:#|//) ([A-Z ]+): (.*)$", path.read_text("utf-8"), re.MULTILINE))
        loses = top.get("LOSES", LOSES.get(path.stem, ""))
        programs.append(Client(path, top.get("RELEASE", "R9"), loses))
    return programs


def recorded(client: Client, folder: Path) -> Path:
    """Run a client against a mock, and return what the mock has recorded of it."""
    program = "node" if client.path.suffix == ".mjs" else sys.executable
    path = folder / f"{client.path.stem}.har"
    with crmcom_mock(release=client.release) as mock:
        if client.loses:
            mock.fail("lost_response", operation=client.loses)
        mine = mock.credentials
        variables = {
            "CRM_BASE": mock.url,
            "CRM_USER": mine.username,
            "CRM_PASSWORD": mine.password,
            "CRM_ORG": mine.organisation,
            "CRM_API_KEY": mine.api_key,
        }
        subprocess.run(  # noqa: S603 - a program of this repository
            [program, client.path],
            env={**os.environ, **variables},
            stdout=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=True,
        )
        path.write_bytes(httpx.get(f"{mock.admin_url}/requests.har", trust_env=False).content)
    return path


def checked(client: Client, path: Path) -> ClientResults:
    """Return what ``check --side client`` says of a recording."""
    values = {"from_har": (str(path),), "side": "client", "release": client.release}
    results = run_recording(*prepared(DEFAULTS | values, now=NOW))
    assert results.client is not None, results.trouble
    return results.client


def verdict(client: Client, results: ClientResults) -> str:
    """Return ``named`` of a wrong client whose mistake is named, ``quiet`` of a right one."""
    mistakes = results.mistakes
    if not client.is_wrong:
        return "accused" if mistakes else "quiet"
    statement, method, words = NAMED[client.number]
    named = [
        finding
        for finding in (results.notes if client.number in NOTED else mistakes)
        if (finding.remark.statement, finding.method) == (statement, method)
        and all(word in str(finding.remark.why) for word in words)
    ]
    if not named:
        return "not named"
    beside = [finding for finding in mistakes if finding not in named]
    return "named, and more" if beside else "noted" if client.number in NOTED else "named"


@click.command()
@click.option("--har", type=click.Path(path_type=Path, file_okay=False), help="Keep recordings.")
def main(har: Path | None) -> None:
    """Run all clients. The status is 1 if a mistake is missed, or a right client accused."""
    verdicts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        folder = har or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for client in clients():
            results = checked(client, recorded(client, folder))
            verdicts[verdict(client, results)] += 1
            click.echo(f"{verdict(client, results)}: {client.path.name} ({client.release})")
            for finding in results.mistakes:
                remark = finding.remark
                click.echo(f"  {remark.statement}, {finding.method}: {remark.why}")
    click.echo(", ".join(f"{number} {name}" for name, number in sorted(verdicts.items())))
    if verdicts["not named"] or verdicts["accused"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
