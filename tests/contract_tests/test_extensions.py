"""Statements and probes of other packages, as `crmcom-kit check` finds them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from crmcom_kit.schemas.statements import add_statements

DOCUMENT = Path(__file__).parents[2] / "docs" / "how-to" / "own-statements.md"


def check_with(
    folder: Path, module: str, *arguments: str, target: str = "our_contract"
) -> subprocess.CompletedProcess[str]:
    """Run the command where a package is installed that has ``module`` as its only module."""
    info = folder / "site" / "ours-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ours\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[crmcom_kit.statements]\nours = {target}\n")
    (folder / "site" / "our_contract.py").write_text(module, "utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CRMCOM_")}
    return subprocess.run(
        [sys.executable, "-m", "crmcom_kit", "check", *arguments],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(folder / "site")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def example() -> str:
    """The module that the documentation shows."""
    text = DOCUMENT.read_text("utf-8")
    found = re.search(r"```python\n(# our_contract\.py\n.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def test_a_statement_of_another_package_has_a_verdict(tmp_path: Path) -> None:
    """The documented example holds on a mock; what it asks for and does not get is broken."""
    arguments = ("--only", "ours.*", "--max-examples", "1", "--json", "r.json")
    (tmp_path / "kept").mkdir()
    (tmp_path / "broken").mkdir()

    kept = check_with(tmp_path / "kept", example(), *arguments)
    slow = example().replace("kept=exchange.seconds < 2", "kept=False")
    broken = check_with(tmp_path / "broken", slow, *arguments)

    assert len(example().splitlines()) <= 26
    assert kept.returncode == 0, kept.stdout + kept.stderr
    (statement,) = json.loads((tmp_path / "kept" / "r.json").read_text("utf-8"))["statements"]
    assert statement["id"] == "ours.show.quick"
    assert statement["verdict"] == "holds"
    assert statement["source"] == "our alerting guide"
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "2 s at most" in broken.stdout


@pytest.mark.parametrize(
    ("module", "target", "told"),
    [
        ("raise RuntimeError('not today')", "our_contract", "RuntimeError: not today"),
        ("", "our_contract:missing", "AttributeError: "),
        ("STATEMENTS = [{'id': 'ours.x'}]", "our_contract", "statement ours.x: methods is missing"),
        (
            "from crmcom_kit.contract_tests.probes.registry import probe\n"
            "@probe('ours.y', layer='read')\ndef look(session): pass",
            "our_contract",
            "the probe look is of the statement 'ours.y'",
        ),
    ],
)
def test_an_entry_that_cannot_be_used_is_named(
    tmp_path: Path, module: str, target: str, told: str
) -> None:
    """One line, and exit code 2."""
    done = check_with(tmp_path, module, target=target)

    assert done.returncode == 2
    assert f"the entry point ours = {target} of crmcom_kit.statements cannot be used" in done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr


GOOD = {
    "id": "ours.z", "methods": ["show"], "level": "must", "evidence": "assumed", "text": "t",
    "source": "s",
}  # fmt: skip


def test_a_statement_that_is_none_is_refused_by_its_member() -> None:
    """And nothing is added."""
    for change, told in (
        ({"id": "show.single_result"}, "another statement already has this id"),
        ({"level": "may"}, "level: 'may' is not allowed; allowed is must, observed"),
        ({"methods": "show"}, "methods: 'show' is not allowed"),
        ({"methods": ["nosuch"]}, "methods: "),
        ({"text": ""}, "text: '' is not allowed"),
        ({"since": "R1"}, "R1"),
        ({"colour": "red"}, "colour is not allowed"),
    ):
        with pytest.raises((ValueError, LookupError), match=re.escape(told)):
            add_statements([GOOD, {**GOOD, "id": "ours.w", **change}])
    add_statements([])
