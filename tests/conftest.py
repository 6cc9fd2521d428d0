"""What all tests share: the Hypothesis profile, and the project's own files."""

import gc
import os
import re
import subprocess
from pathlib import Path

import helpers.patient_httpx  # noqa: F401
import pytest
from helpers.tools import tool
from hypothesis import HealthCheck, settings

# At a desk every run looks at new examples. CI looks at the same ones each time, so that a red run
# is due to the change. Tests assert no times: there is no deadline, and nothing is too slow.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", _UNTIMED)
settings.register_profile("ci", _UNTIMED, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
# Hypothesis looks for constants in all modules of a checkout, which takes each process a second:
# what it has found is kept here, also for the processes that tests start.
os.environ.setdefault(
    "HYPOTHESIS_STORAGE_DIRECTORY", str(Path(__file__).resolve().parent.parent / ".hypothesis")
)
# Python collects no garbage while pytest collects the tests: that took a sixth of the time.
gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests: at the end, one worker would be at them, and others idle."""
    long = re.compile(r"test_(calibrate\w*|command|docs|readme)\.py")
    items.sort(key=lambda item: long.fullmatch(item.path.name) is None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Collect garbage from now on, but not among the tests, which all stay."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout's top folder."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def project_files(project_root: Path) -> frozenset[str]:
    """Every file that is, or is about to be, under version control, as a path from the top."""
    if not (project_root / ".git").exists():
        pytest.skip("needs a git checkout, to know which files are the project's")
    listed = subprocess.run(
        [tool("git"), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=project_root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    # A file that was deleted a moment ago is still listed; a link is no file of its own.
    paths = (project_root / name for name in listed.split("\0") if name)
    return frozenset(
        path.relative_to(project_root).as_posix()
        for path in paths
        if path.is_file() and not path.is_symlink()
    )
