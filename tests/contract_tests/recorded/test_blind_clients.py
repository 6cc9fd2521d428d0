"""Clients that were written blind, from README and the docs: the mistakes are named.

Each runs against the mock in its release. The comments at the top of a client say what is wrong.
"""

import datetime as dt
import os
import re
import subprocess
import sys
from pathlib import Path

import blind
import httpx
import pytest
from helpers.tools import tool

from crmcom_kit.contract_tests.options.options import DEFAULTS
from crmcom_kit.contract_tests.recorded.client_check import ClientResults
from crmcom_kit.contract_tests.run.config import prepared
from crmcom_kit.contract_tests.run.recording import run_recording
from crmcom_kit.mock_server.python_api.mock import crmcom_mock

CLIENTS = Path(blind.__file__).parent / "clients"
NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)


def recorded(client: Path, release: str, loses: str, folder: Path) -> Path:
    """Run a client against a mock, and return what the mock has recorded of it."""
    program = tool("node") if client.suffix == ".mjs" else sys.executable
    path = folder / "client.har"
    with crmcom_mock(release=release) as mock:
        if loses:
            mock.fail("lost_response", operation=loses)
        mine = mock.credentials
        variables = {
            "CRM_BASE": mock.url,
            "CRM_USER": mine.username,
            "CRM_PASSWORD": mine.password,
            "CRM_ORG": mine.organisation,
            "CRM_API_KEY": mine.api_key,
        }
        subprocess.run([program, client], env={**os.environ, **variables}, timeout=120, check=True)
        path.write_bytes(httpx.get(f"{mock.admin_url}/requests.har", trust_env=False).content)
    return path


def checked(name: str, folder: Path) -> ClientResults:
    """Return what ``check --side client`` says of the recording of a client."""
    client = CLIENTS / name
    top = dict(re.findall(r"(?m)^(?:#|//) ([A-Z ]+): (.*)$", client.read_text("utf-8")))
    path = recorded(client, top["RELEASE"], top.get("LOSES", ""), folder)
    values = {"from_har": (str(path),), "side": "client", "release": top["RELEASE"]}
    results = run_recording(*prepared(DEFAULTS | values, now=NOW))
    assert results.client is not None, results.trouble
    return results.client


@pytest.mark.parametrize(
    ("name", "statement", "method", "words"),
    [
        ("wrong_69_lazy_rows.py", "token_release.ends_token", "list", ("token", "released")),
        ("wrong_70_siblings.mjs", "resend.only_rejected", "resend", ("REJECTED", "SUCCESSFUL")),
    ],
)
def test_the_mistake_is_named(
    name: str, statement: str, method: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    mistakes = checked(name, tmp_path).mistakes

    assert [(found.remark.statement, found.method) for found in mistakes] == [(statement, method)]
    assert all(word in str(mistakes[0].remark.why) for word in words)


@pytest.mark.parametrize(
    "name", ["right_81_pages_then_resend.mjs", "right_84_lost_resend_then_show.py"]
)
def test_a_correct_client_is_not_accused(name: str, tmp_path: Path) -> None:
    assert checked(name, tmp_path).mistakes == ()
