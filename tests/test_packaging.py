"""What an installation holds: the links of an editable install, and the files of a wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

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
    """The paths inside the wheel, without its metadata."""
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
