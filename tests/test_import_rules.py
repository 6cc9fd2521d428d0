"""The rules that hold for every file: who may import whom, and what is named."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

#: Room → the other rooms it may import.
ALLOWED = {
    "schemas": set[str](),
    "fixtures": {"schemas"},
    "mock_server": {"schemas", "fixtures"},
    "contract_tests": {"schemas"},
}
#: Modules beside the rooms that any room may import; they import no room.
SHARED = {"__version__", "deadline_streams"}
#: The one file that starts the mock as a target of the kit.
ALLOWED_BESIDES = {"contract_tests/targets.py": {"mock_server"}}

#: Folders that are there for the project's makers; an installation lacks them.
FOR_MAKERS_ONLY = {"benchmarks", "docs", "tests"}

# Pieced together, so that this file doesn't hold what it looks for.
REGISTRY_HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "deb.debian" + ".org")
OUTSIDE_FOLDERS = ("../" + "shared", "/" + "work/")


def imported_modules(source: str) -> Iterator[str]:
    """Every module that the source imports, anywhere in it; a relative one begins with a dot."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            # `from crmcom_kit import schemas` imports a room just as well.
            names = [f"{module}.{alias.name}" for alias in node.names]
            yield from names if module == "crmcom_kit" else [module]


def complaints(path: str, source: str) -> Iterator[str]:
    """What the imports of a room's file break, one sentence each."""
    room = path.split("/", maxsplit=1)[0]
    allowed = {room} | ALLOWED[room] | ALLOWED_BESIDES.get(path, set())
    for module in imported_modules(source):
        top, *rest = module.split(".")
        if module.startswith("."):
            yield f"{path}: imports {module} relatively"
        elif top in ALLOWED:
            yield f"{path}: imports {module} without crmcom_kit, which makes a twin of it"
        elif top in FOR_MAKERS_ONLY:
            yield f"{path}: imports {module}, which no installation has"
        elif top == "crmcom_kit" and rest[0] not in allowed | SHARED:
            yield f"{path}: may not import {module}"


def python_files(project_files: frozenset[str], *folders: str) -> list[str]:
    """The Python files below any of these folders."""
    return sorted(
        path for path in project_files if path.endswith(".py") and path.split("/")[0] in folders
    )


@pytest.mark.parametrize("room", ALLOWED)
def test_rooms_import_one_way(room: str, project_root: Path, project_files: frozenset[str]) -> None:
    """A room imports only the rooms below it, and always by their full names."""
    files = python_files(project_files, room)
    found = [
        complaint
        for path in files
        for complaint in complaints(path, (project_root / path).read_text(encoding="utf-8"))
    ]

    assert files
    assert not found, "\n".join(found)


def test_shared_modules_import_no_room(project_root: Path) -> None:
    """What every room may import stands below all of them."""
    for name in SHARED - {"__version__"}:
        source = (project_root / "src" / "crmcom_kit" / f"{name}.py").read_text(encoding="utf-8")
        assert not [one for one in imported_modules(source) if one.startswith(("crmcom_kit", "."))]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("schemas/a.py", "from crmcom_kit import mock_server"),
        ("schemas/a.py", "import crmcom_kit.fixtures.worlds"),
        ("fixtures/a.py", "def f():\n    from crmcom_kit.mock_server import app"),
        ("mock_server/a.py", "if TYPE_CHECKING:\n    from crmcom_kit.contract_tests.x import y"),
        ("contract_tests/a.py", "from crmcom_kit.mock_server.http.app import create_app"),
        ("mock_server/a.py", "from crmcom_kit.cli import main"),
        ("mock_server/a.py", "from .app import create_app"),
        ("mock_server/a.py", "from . import app"),
        ("mock_server/a.py", "import schemas"),
        ("mock_server/a.py", "from tests.conftest import project_root"),
    ],
)
def test_a_forbidden_import_is_found(path: str, source: str) -> None:
    """The check above sees every form that a forbidden import can take."""
    assert list(complaints(path, source))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("schemas/a.py", "from crmcom_kit.schemas.loader import load_schema"),
        ("mock_server/a.py", "from crmcom_kit import __version__, fixtures"),
        ("contract_tests/a.py", "from crmcom_kit.deadline_streams import Deadline"),
        ("contract_tests/targets.py", "from crmcom_kit.mock_server.http.app import create_app"),
        ("mock_server/a.py", "import flask, schemas_of_others"),
    ],
)
def test_an_allowed_import_is_left_alone(path: str, source: str) -> None:
    """The check above raises no false alarm."""
    assert not list(complaints(path, source))


@pytest.mark.parametrize("needle", [*REGISTRY_HOSTS, *OUTSIDE_FOLDERS])
def test_a_clone_stands_alone(
    needle: str, project_root: Path, project_files: frozenset[str]
) -> None:
    """No file names a package registry's host, or a folder outside the clone."""
    naming = [
        path for path in project_files if needle.encode() in (project_root / path).read_bytes()
    ]

    assert not naming
