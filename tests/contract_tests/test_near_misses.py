"""Values that are almost right, and what the kit blames when a request is refused."""

from dataclasses import replace

from odd_servers.toolkit import Answer, Asked, Forward, Handle, Memory, refused, wrapped

from crmcom_kit.contract_tests.config import RunConfig
from crmcom_kit.contract_tests.findings import Verdict
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.run import run
from crmcom_kit.contract_tests.safety.scope import EVERYTHING
from crmcom_kit.contract_tests.targets import own_mock
from crmcom_kit.contract_tests.templates.near_misses import SECRET_MUTATIONS, near_misses


def broken_by(handle: Handle, release: str, only: str, allowed: str = "") -> set[str]:
    """Return the statements that somebody else's server breaks."""
    target = replace(own_mock(release, wrap=wrapped(handle)), own=False, entries=())
    config = RunConfig(
        only=only, max_examples=0, allowed=frozenset(allowed.split()), scope=EVERYTHING
    )
    results = run(target, config)
    assert not results.findings.crashes
    return {each.statement.id for each in results.statements if each.verdict is Verdict.BROKEN}


def test_near_misses_are_other_values_each_once() -> None:
    """None is empty or the value itself; each way to be wrong is among them."""
    for text in ("7", "A1b2", "a name", "%", ""):
        made = list(near_misses(text))
        assert len(made) == len(set(made))
        assert not {"", text} & set(made)
    wanted = {"A1b20", "0A1b2", "A1b", "1b2", "a1B2", "A1b%", "A1b_", "%", "01b2", "A1b0"}
    assert wanted <= set(near_misses("A1b2"))


def test_near_misses_of_a_secret_stay_redacted() -> None:
    """Whatever is made of a secret, no report shows what is inside of it."""
    target = replace(own_mock("R12"), own=False, entries=())
    secret = "Correct Horse 9"
    redactor = ReportRedactor(replace(target, login=replace(target.login, password=secret)))
    for text in near_misses(secret, SECRET_MUTATIONS):
        assert secret[2:-2].lower() not in redactor.text(f"it was {text}, and wrong").lower()


def an_entity_goes_alone(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A list of JOBS is refused with a life cycle state."""
    given = asked.parameters
    if asked.method == "list" and given.get("entity") == "JOBS" and "life_cycle_state" in given:
        return refused("It is too much.")
    return forward(asked)


def test_an_entity_that_is_refused_in_company_is_to_blame() -> None:
    """The same filter is served with other entities."""
    assert broken_by(an_entity_goes_alone, "R9", "*") == {"entities.r9"}


def another_unit(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A login's unit is ignored."""
    return forward(asked.given(unit=None) if asked.method == "token" else asked)


def test_a_token_is_for_the_unit_that_was_named() -> None:
    """From R12 on the token tells for which unit it is, if it names one that is known."""
    target = own_mock("R12", wrap=wrapped(another_unit))
    results = run(target, RunConfig(only="login.unit", max_examples=0))
    found = {each.statement.id: each for each in results.statements}["login.unit"]
    assert any("the claim oun" in str(each.seen) for each in found.violations)


def resend_is_no_page(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Resend is answered like any path that does not exist."""
    if "resend" in asked.path or asked.path.endswith("_nosuch"):
        return replace(refused(f"{asked.path} is not known."), status="404 NOT FOUND")
    return forward(asked)


def test_a_method_that_is_not_there_is_not_available() -> None:
    """Its body is not to blame, though each response quotes the path."""
    found = broken_by(resend_is_no_page, "R9", "*", "resend")
    assert "methods.available" in found
    assert not {"parameters.body", "parameters.place"} & found
