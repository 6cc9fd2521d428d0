"""Runs `crmcom-kit check` in this process."""

import os
from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace

from click.testing import CliRunner

from crmcom_kit.cli import main

#: What the environment of these tests says of none of them.
OURS = ("CRMCOM_", "GITHUB_")


def check(folder: Path, *arguments: str, **variables: str) -> SimpleNamespace:
    """Run the command in ``folder``, in this process, which is quicker."""
    return command(folder, "check", *arguments, **variables)


def command(folder: Path, *arguments: str, **variables: str) -> SimpleNamespace:
    """Run any command of crmcom-kit in ``folder``, in this process."""
    unset = {name: None for name in os.environ if name.startswith(OURS)}
    with chdir(folder):
        done = CliRunner().invoke(main, [*arguments], env={**unset, **variables})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return SimpleNamespace(returncode=done.exit_code, stdout=done.stdout, stderr=done.stderr)
