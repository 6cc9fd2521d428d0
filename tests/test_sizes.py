"""Ceilings of what there is to read and to know, so that whoever adds an idea takes one away.

They are only ever lowered.
"""

import re
from pathlib import Path

import click
import pytest

from crmcom_kit.cli import COMMANDS, LazyCommand, main
from crmcom_kit.mock_server.admin import routing as _registers_operations  # noqa: F401
from crmcom_kit.mock_server.admin.contract import OPERATIONS

#: Room → its lines and modules at most.
_ROOMS = {
    "mock_server": (16_200, 112),
    "contract_tests": (20_050, 126),
    "fixtures": (3_200, 27),
    "schemas": (2_920, 24),
    "src/crmcom_kit": (1_434, 14),
    "tests": (31_600, 217),
    "benchmarks": (5_000, 30),
}
_IS_INSTALLED = re.compile(r"/node_modules/|/benchmarks/\.")
_OPTIONS = 97
_OPERATIONS = 39


@pytest.mark.parametrize("room", _ROOMS)
def test_a_room_stays_below_its_ceiling(project_root: Path, room: str) -> None:
    modules = [
        module
        for module in (project_root / room).rglob("*.py")  # follows no link to another room
        if not _IS_INSTALLED.search(module.as_posix())
    ]
    lines = sum(len(module.read_text("utf-8").splitlines()) for module in modules)

    most_lines, most_modules = _ROOMS[room]
    assert lines <= most_lines, f"{room} has {lines} lines: take away an idea, or a case of it"
    assert len(modules) <= most_modules, (
        f"{room} has {len(modules)} modules: join two of one concept"
    )


def test_options_stay_below_their_ceiling() -> None:
    options = [
        (command, option)
        for command in map(main.commands.get, COMMANDS)
        if isinstance(command, LazyCommand)
        for option in command.load().params
        if isinstance(option, click.Option)
    ]

    assert [f"{command.name} {option.name}" for command, option in options if option.hidden] == []
    assert len(options) <= _OPTIONS, "take away an option that another one, or a file, replaces"


def test_control_operations_stay_below_their_ceiling() -> None:
    assert len(OPERATIONS) <= _OPERATIONS, "take away an operation that another one replaces"
