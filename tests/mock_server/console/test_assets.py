"""The files of the console: all there, and strict about what may run."""

import re
from posixpath import join, normpath

import pytest

from crmcom_kit.mock_server.console.assets import assets, page
from crmcom_kit.mock_server.http.app import create_app

#: What a page or a module names: other modules, styles and pictures.
NAMED = re.compile(r'(?:from|import|src=|href=)\s*"([^"{}:#]+\.(?:js|css|svg))"')


def test_every_file_that_a_module_names_is_there() -> None:
    """Relative to the module, as the browser finds it."""
    modules = {path: one for path, one in assets().items() if path.endswith(".js")}
    named = {
        normpath(join(path, "..", name))
        for path, one in modules.items()
        for name in NAMED.findall(one.content.decode())
    }

    assert len(named) > 10
    assert named <= set(assets())
    assert set(modules) - named == {"app.js"}, "a module that nothing imports"


@pytest.mark.parametrize("root", ["", "/worlds/mine"])
def test_the_page_finds_its_files_below_its_own_root(root: str) -> None:
    """For the default world, for another one, and where the mock is mounted below a path."""
    client = create_app().test_client()
    found = client.get(f"{root}/")

    names = re.findall(r'(?:src|href)="([^"]*/console/[^"]+)"', found.text)
    assert len(names) == 3
    assert all(name.startswith(f"{root}/console/") for name in names)
    assert all(client.get(name).status_code == 200 for name in names)
    assert f'content="{root}"' in found.text
    assert "independent of CRM.COM" in found.text


def test_a_hostile_root_is_escaped() -> None:
    """A proxy may mount the mock anywhere."""
    assert b'"><script' not in page('/"><script>').content


def test_nothing_but_the_mocks_own_files_may_run_or_load() -> None:
    """The page says so to the browser, and so does each of its files."""
    client = create_app().test_client()
    for path in ("/", "/console/app.js"):
        policy = client.get(path).headers["Content-Security-Policy"]
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert rules["default-src"] == "'none'"
        assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
        assert "unsafe" not in policy


@pytest.mark.parametrize("name", ["nothing.js", "../assets.py", "README.md", "lit-html", ""])
def test_only_files_of_the_page_are_served(name: str) -> None:
    """No other file of the package, and no folder."""
    assert create_app().test_client().get(f"/console/{name}").status_code == 404
