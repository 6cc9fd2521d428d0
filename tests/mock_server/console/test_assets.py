"""The files of the console: where the page finds them, and what may run."""

import re

import pytest

from crmcom_kit.mock_server.console.assets import page
from crmcom_kit.mock_server.http.app import create_app


@pytest.mark.parametrize("root", ["", "/worlds/mine"])
def test_the_page_finds_its_files_below_its_own_root(root: str) -> None:
    """For the default world, for another one, and where the mock is mounted below a path."""
    client = create_app().test_client()
    response = client.get(f"{root}/")

    names = re.findall(r'(?:src|href)="([^"]*/console/[^"]+)"', response.text)
    assert len(names) == 3
    assert all(name.startswith(f"{root}/console/") for name in names)
    assert all(client.get(name).status_code == 200 for name in names)
    assert f'content="{root}"' in response.text
    assert "independent of CRM.COM" in response.text


def test_a_hostile_root_is_escaped() -> None:
    """A proxy may mount the mock anywhere."""
    assert b'"><script' not in page('/"><script>').content


@pytest.mark.parametrize("path", ["/", "/console/app.js"])
def test_nothing_but_the_mocks_own_files_may_run_or_load(path: str) -> None:
    policy = create_app().test_client().get(path).headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", ["nothing.js", "../assets.py", "README.md", "lit-html", ""])
def test_only_files_of_the_page_are_served(name: str) -> None:
    assert create_app().test_client().get(f"/console/{name}").status_code == 404
