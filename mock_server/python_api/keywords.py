"""The keyword arguments of a world's methods, for type checkers.

At run time, each method checks its arguments.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from crmcom_kit.mock_server.journal.patterns import RequestPattern, Value
from crmcom_kit.mock_server.journal.verification import Expected

if TYPE_CHECKING:
    from crmcom_kit.mock_server.faults.specification import Respond

#: An operation of the API, such as ``resend``, or several.
Operations = str | Sequence[str]


class FaultArguments(TypedDict, total=False):
    """Of ``fail``: the effect, the requests that it hits, and when; or those of a preset."""

    name: str | None
    when: Literal["before_commit", "after_commit"] | None
    times: int | None
    lifetime: float | None
    operation: Operations | None
    record: str | int | None
    nth: int | Sequence[int] | None
    after: int | None
    delay: float | None
    status: int | None
    retry_after: int | None
    error: str | None
    respond: "Respond | None"
    drop: bool | None
    cut: int | None
    malformed: bool | None
    expire_token: bool | None
    delete_record: bool | None
    # Of presets only.
    requests: int
    seconds: float


class RefusalArguments(TypedDict, total=False):
    """Of ``expect_refusal``: conditions of the refusals, besides their operation."""

    record: str | int | None
    error: str | Sequence[str] | None
    times: int | None


class WaitArguments(RequestPattern, total=False):
    """Of ``wait_for``: a pattern, the state of a webhook request, or a delivery."""

    operation: Value
    times: Expected
    state: str
    delivery: str | int | Literal[True]  # True: of any record
    delivered: bool


class RecordMembers(TypedDict, total=False):
    """Members of a webhook request, and the data object that was sent."""

    id: str
    number: str
    life_cycle_state: str
    entity: str
    entity_id: str
    url: str
    authentication_code: str | None
    fields_set: str | None
    request: Mapping[str, Any] | str | None
    response: Mapping[str, Any] | str | None
    error_code: str | None
    error_description: str | None
    webhook_definition: Mapping[str, Any]
    workflow_rule: Mapping[str, Any]
    log_information: Mapping[str, Any]
    data: Mapping[str, Any] | None


class SeedArguments(TypedDict, total=False):
    """Of ``seed``: arguments of ``crmcom_kit.fixtures.world``."""

    seed: int
    count: int
    rejected: float
    entities: Sequence[str]
    error_codes: Sequence[str] | None
    since: str | date | timedelta | None
    until: str | date | timedelta | None
    locale: str | None
    host: str | None
