"""Values of any JSON type anywhere: checked or passed over, never an error of the kit itself."""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from crmcom_kit.contract_tests.client.exchanges import NOT_JSON, parsed
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.config import RunConfig
from crmcom_kit.contract_tests.findings import MAX_KEPT, MAX_TEXT, Findings, Verdict, Violation
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.contract_tests.run import run
from crmcom_kit.contract_tests.targets import own_mock

Change = Callable[[str, dict[str, Any]], None]

#: Enough for all fixed layers, those that change something among them.
CONFIG = RunConfig(limits=Limits(max_requests=220), max_examples=0)
#: Enough for the stateful layer, too. It takes its time to make short what it finds.
LONG = RunConfig(limits=Limits(max_requests=300), max_examples=1)
DEEP = "[" * 3000 + "]" * 3000
#: With each a release; for the last one the member is taken away.
ODD = [([], "R15"), (10**30, "R9"), (None, "R15"), ("\ud800", "R15"), (..., "R9")]
#: Of a record, all but what it is known by.
FIELDS = ("life_cycle_state", "entity", "entity_id", "log_information", "error_description",
          "webhook_definition", "authentication_code", "url")  # fmt: skip
OF_ERRORS = ("code", "message", "description")


def changed_by(change: Change, release: str, config: RunConfig = CONFIG) -> Results:
    """Check a mock whose answers ``change`` is given, with the path, before they go out."""

    def wrap(app: Any) -> Any:
        def outer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            content = b"".join(
                app(environ, lambda status, headers, _=None: start_response(status, headers))
            )
            answer = json.loads(content)
            change(environ["PATH_INFO"], answer)
            return [json.dumps(answer).encode()]

        return outer

    return run(own_mock(release, wrap=wrap), config)


def errors(results: Results) -> list[str]:
    """What went wrong in the kit itself."""
    return [results.trouble] if results.trouble else []


def spoil(members: dict[str, Any], names: Sequence[str], turn: int) -> None:
    """Give each of some members another odd value; after as many turns each has had all."""
    for at, name in enumerate(names):
        odd = ODD[(at + turn) % len(ODD)][0]
        if odd is ...:
            members.pop(name, None)
        elif name in members:
            members[name] = odd


@pytest.mark.parametrize("names", [("id", "number"), FIELDS], ids=str)
def test_records_may_hold_anything(names: Sequence[str]) -> None:
    """A field of the first webhook request of each answer may be of any type, and missing."""
    for turn, (_, release) in enumerate(ODD):

        def change(_: str, answer: dict[str, Any], turn: int = turn) -> None:
            data = answer.get("data")
            record = data[0] if isinstance(data, list) and data else data
            if isinstance(record, dict):
                spoil(record, names, turn)

        config = LONG if turn == 0 else CONFIG
        assert errors(changed_by(change, release, config)) == [], turn


@pytest.mark.parametrize("created", ["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00"])
def test_a_date_may_be_at_an_end_of_the_calendar(created: str) -> None:
    """In another time zone, or a day off, there is no such date."""

    def change(_: str, answer: dict[str, Any]) -> None:
        data = answer.get("data")
        for record in data if isinstance(data, list) else [data]:
            if isinstance(record, dict) and "log_information" in record:
                record["log_information"]["created_date"] = created

    assert errors(changed_by(change, "R15")) == []


def records_in(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the webhook requests that an answer carries."""
    data = answer.get("data")
    found = data if isinstance(data, list) else [data]
    return [each for each in found if isinstance(each, dict) and "number" in each]


def test_a_value_may_be_nested_as_deep_as_a_parser_goes() -> None:
    """What could be read and not compared any more is no JSON."""

    def change(_: str, answer: dict[str, Any]) -> None:
        for record in records_in(answer):
            record["workflow_rule"] = json.loads("[" * 900 + "]" * 900)

    results = changed_by(change, "R15", RunConfig(limits=Limits(max_requests=20), max_examples=0))

    assert errors(results) == []
    assert parsed(b"[" * 1000 + b"]" * 1000) is NOT_JSON


def test_ids_may_be_made_up_for_each_answer() -> None:
    """Each look shows another id, and so one more to look at: the search has an end."""
    ids = iter(range(20_000))

    def change(_: str, answer: dict[str, Any]) -> None:
        for record in records_in(answer):
            record["id"] = f"{next(ids):032X}"

    config = RunConfig(max_examples=0, only="resend.clears_error")
    results = changed_by(change, "R9", config)

    why = "no statement was checked: show returns none of 50 REJECTED webhook requests"
    assert str(results.trouble).startswith(why)


def test_errors_may_hold_anything() -> None:
    """What an error is told by may be of any type."""
    for turn, (_, release) in enumerate(ODD):

        def change(path: str, answer: dict[str, Any], turn: int = turn) -> None:
            if answer["status"]["code"] != "OK" and "authentication" not in path:
                spoil(answer["status"], OF_ERRORS, turn)

        assert errors(changed_by(change, release)) == [], turn


def _jwt(claims: str) -> str:
    parts = ('{"typ":"JWT","alg":"HS256"}', claims, "signature")
    return ".".join(base64.urlsafe_b64encode(each.encode()).decode().rstrip("=") for each in parts)


@pytest.mark.parametrize(
    "claims",
    [
        f'{{"exp":{10**400},"iat":0}}',
        f'{{"exp":"{"9" * 5000}","iat":"0"}}',
        f'{{"exp":{DEEP},"iat":0}}',
    ],
    ids=["a number of 401 digits", "a text of 5000 digits", "3000 levels"],
)
def test_claims_may_be_anything(claims: str) -> None:
    """What a token tells of its life may be unreadable: no error, and a verdict where it counts."""
    good: list[str] = []

    def change(path: str, answer: dict[str, Any]) -> None:
        if path.endswith("/token") and isinstance(answer.get("data"), dict):
            good.append(answer["data"]["token"])
            answer["data"]["token"] = _jwt(claims)

    results = changed_by(change, "R15")

    told = {each.statement.id: each for each in results.statements}
    assert good
    assert errors(results) == []
    assert Verdict.BROKEN in {told[f"login.token.jwt{end}"].verdict for end in ("", "_times")}


def test_a_token_may_hold_half_a_character() -> None:
    """A token goes back as it came, even where no text can hold it."""

    def change(path: str, answer: dict[str, Any]) -> None:
        if path.endswith("/token") and isinstance(answer.get("data"), dict):
            answer["data"]["token"] = "\ud800"

    assert errors(changed_by(change, "R9")) == []


def test_an_error_of_the_kit_itself_loses_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong in the run itself: it fails, says what it was, and has its results."""

    def fail(*_: object) -> None:
        msg = "no such thing"
        raise LookupError(msg)

    monkeypatch.setattr("crmcom_kit.contract_tests.run.discover", fail)

    results = run(own_mock("R9"), CONFIG)

    assert results.trouble == "an internal error of crmcom-kit, in fail: LookupError: no such thing"
    assert results.exit_code == 2
    assert results.history


def test_texts_of_a_report_have_an_end() -> None:
    """However long the names and values are that a server returns, and however many."""
    violation = Violation("show.served", expected="y" * 100_000, seen="z" * 100_000)
    assert max(len(violation.expected), len(violation.seen)) <= MAX_TEXT

    findings = Findings()
    for at in range(100):
        findings.chose("errors.not_found.code", f"CODE {at}")
    assert len(findings.choices["errors.not_found.code"]) == MAX_KEPT
