"""The differential check tells mutants from the sound server; measuring resumes."""

import ast
import re
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner
from mutants.measure import main
from mutants.random_mutants import QUICK, candidates, mutant, nodes, tree_of
from mutants.script import LoginRefused, answers, is_equivalent
from stand_in.choices import Choices
from stand_in.reading import Call
from stand_in.server import StandIn

CHOICES = Choices(**QUICK)  # type: ignore[arg-type]


def test_two_sound_servers_answer_alike() -> None:
    """The sound server is no mutant of itself."""
    assert is_equivalent(StandIn(CHOICES, "R13"), CHOICES, "R13")


def test_a_wrong_server_answers_otherwise() -> None:
    """A server that deletes nothing is told from the sound one."""

    class Keeps(StandIn):
        def do_delete(self, call: Call) -> object:
            return self.trimmed(self.find(call), call)

    assert not is_equivalent(Keeps(CHOICES), CHOICES, "R9")


def test_a_server_without_logins_is_none() -> None:
    """Where no login is served nothing can be seen."""

    class Closed(StandIn):
        def credentials_right(self, *_: str) -> bool:
            return False

    with pytest.raises(LoginRefused):
        next(answers(Closed(), StandIn()))


def test_the_seed_chooses_the_changes() -> None:
    """Each seed has an order of its own, and the same one each time."""
    one, same, other = ([*islice(candidates(seed), 20)] for seed in (1, 1, 2))
    assert one == same != other


def test_a_change_says_what_it_does() -> None:
    """A mutant is told by its place, and by what stands there before and after."""
    places = enumerate(nodes(tree_of("server")))
    at = next(at for at, (node, _) in places if ast.unparse(node) == "self.remove(record)")
    found = mutant(f"server:{at}:0:statement", "R9")
    assert found is not None
    assert re.fullmatch(r"server\.py:[0-9]+: self\.remove\(record\)  ->  pass", found.about)


def test_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """What is in the file is not measured again."""
    results = tmp_path / "results.jsonl"
    given = ["--set", "legal", "--number", "1", "--budget", "40", "--jobs", "1",
             "--results", str(results)]  # fmt: skip
    first = CliRunner().invoke(main, given)
    assert "legal: 1 servers" in first.output
    before = results.read_text()
    assert CliRunner().invoke(main, given).output == first.output
    assert results.read_text() == before
