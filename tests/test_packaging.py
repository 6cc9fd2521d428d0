"""What an installation holds: the links of an editable install, and the files of a wheel."""

import shlex
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from crmcom_kit.cli import EXTRAS

ROOMS = ("contract_tests", "fixtures", "mock_server", "schemas")


@pytest.fixture(scope="module")
def built(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist, and the wheel built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    # Without isolation nothing is fetched: hatchling is one of the development tools.
    run = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, project_root],
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


@pytest.fixture(scope="module")
def wheel_files(built: Path) -> frozenset[str]:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return frozenset(name for name in archive.namelist() if ".dist-info/" not in name)


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_is_linked_into_the_package(room: str, project_root: Path) -> None:
    """An editable install finds the room: the package links to it by a path that any clone has."""
    link = project_root / "src" / "crmcom_kit" / room
    if not link.is_symlink() and link.is_file():
        pytest.skip("this clone has no symbolic links (see CONTRIBUTING.md)")

    assert link.readlink().as_posix() == f"../../{room}"
    assert (link / "__init__.py").is_file()


def test_the_wheel_holds_the_rooms_and_the_command_and_nothing_else(
    wheel_files: frozenset[str], project_files: frozenset[str]
) -> None:
    """Every file of every room is installed below `crmcom_kit`: code, schemas and data alike."""
    src = "src/"
    wanted = {path.removeprefix(src) for path in project_files if path.startswith(src)}
    wanted |= {f"crmcom_kit/{path}" for path in project_files if path.split("/")[0] in ROOMS}
    # In a clone without symbolic links, the links are small files of the same names.
    wanted -= {f"crmcom_kit/{room}" for room in ROOMS}

    assert wheel_files == wanted


def test_the_package_and_each_room_are_marked_as_typed(wheel_files: frozenset[str]) -> None:
    """A user's type checker reads the annotations of every room."""
    marked = {"crmcom_kit/py.typed", *(f"crmcom_kit/{room}/py.typed" for room in ROOMS)}

    assert marked <= wheel_files


def installed_with(name: str, found: dict[str, None]) -> dict[str, None]:
    """Return a distribution and all that is installed along with it, without extras."""
    found.setdefault(canonicalize_name(name))
    for text in distribution(name).requires or ():
        needed = Requirement(text)
        wanted = needed.marker is None or needed.marker.evaluate({"extra": ""})
        if wanted and canonicalize_name(needed.name) not in found:
            installed_with(needed.name, found)
    return found


def test_an_installation_without_extras_adds_no_other_plugin_to_pytest() -> None:
    """Every start of pytest in a user's environment imports the plugins that are installed."""
    core = installed_with("crmcom-kit", {})
    plugins = {
        each.value
        for name in core
        for each in distribution(name).entry_points
        if each.group == "pytest11"
    }

    assert plugins == {
        "crmcom_kit.contract_tests.plugin",
        "crmcom_kit.mock_server.pytest_plugin.plugin",
    }
    assert not core.keys() & EXTRAS.keys()


@pytest.mark.parametrize(
    ("package", "command", "extra"),
    [
        ("hypothesis", ["check"], "check"),
        ("faker", ["fixtures", "--locale", "el_GR"], "faker"),
    ],
)
def test_a_command_names_the_extra_that_it_lacks(
    package: str, command: list[str], extra: str, tmp_path: Path
) -> None:
    script = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from crmcom_kit.cli import main\n"
        f"main({command!r})"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=tmp_path
    )

    assert run.returncode == 2
    assert run.stderr == (
        f"Error: this needs {package}, which is not installed; "
        f"run: {shlex.quote(sys.executable)} -m pip install 'crmcom-kit[{extra}]'\n"
    )
