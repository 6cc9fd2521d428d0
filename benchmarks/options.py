"""What one run of the benchmarks is asked to do."""

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = HERE / ".peers"
WORK = HERE / ".work"

#: The core that servers and measured children are pinned to, and the one of the load.
SERVER_CORE, LOAD_CORE = "0", "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How long and how often to measure."""

    rounds: int
    quick: bool

    @property
    def wrk_seconds(self) -> int:
        """How long wrk asks with 16 connections."""
        return 1 if self.quick else 2

    @property
    def store_sizes(self) -> tuple[int, ...]:
        """The numbers of records that the store is measured with."""
        return (2_000, 20_000) if self.quick else (100_000, 1_000_000)

    @property
    def growth_sizes(self) -> tuple[int, ...]:
        """The numbers of records that the whole mock is measured with."""
        return (1_000, 10_000) if self.quick else (1_000, 10_000, 100_000, 1_000_000)

    @property
    def streamed(self) -> int:
        """The length of the list that is streamed."""
        return 20_000 if self.quick else 100_000

    @property
    def load_seconds(self) -> int:
        """How long the mixed load runs on each server."""
        return 6 if self.quick else 60

    @property
    def large_start(self) -> int:
        """The records of a large start world, beside which worlds are made."""
        return 20_000 if self.quick else 200_000

    @property
    def many_worlds(self) -> int:
        """How many worlds are there at once."""
        return 1_000 if self.quick else 10_000

    @property
    def start_limit(self) -> int:
        """The longest start from a file to wait for, in seconds."""
        return 60 if self.quick else 900
