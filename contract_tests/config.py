"""The configuration of a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.recording import Recording
from crmcom_kit.contract_tests.deviations import Deviations
from crmcom_kit.contract_tests.options import DEFAULT_EXAMPLES, Profile
from crmcom_kit.contract_tests.stopping import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """How a run goes about its target."""

    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    #: Of resend and delete, what may be called; None: both on a mock of ours, else neither.
    allowed: frozenset[str] | None = None
    #: The webhook requests that may be changed; None: all on a mock of ours, else none.
    scope: Callable[[Record], bool] | None = None
    only: str = "*"  # a glob of statement ids
    max_examples: int = DEFAULT_EXAMPLES  # of each generated layer, where no budget rules
    deviations: Deviations = field(default_factory=Deviations)
    options: dict[str, Any] = field(default_factory=dict)
    command: str = "crmcom-kit check"
    began: str = ""  # when, for the reports
    world: str = ""  # what a world made for the run is called; "": after the seed
    admin_token: str | None = field(default=None, repr=False)  # of the mock that makes the world
    ledger: Path | None = None  # where webhook requests are written down before they are changed
    secret_keys: Mapping[str, str] = field(default_factory=dict, repr=False)  # by definition id
    dry_run: bool = False  # only say what would be called
    recording: Recording | None = field(default=None, repr=False)  # is judged, and nothing is sent
    progress: Callable[[str], None] | None = None  # is told in a line what comes next
    stop: Stop = field(default_factory=Stop, compare=False)  # asked before each request
    profile: Profile = "ci"  # how much the generated layers try, see ``profiles``
