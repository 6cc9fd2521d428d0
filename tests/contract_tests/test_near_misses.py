"""Values that are almost right."""

from dataclasses import replace
from typing import Any

from helpers.stand_ins import checked
from stand_in.reading import Call as Asked
from stand_in.server import StandIn

from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.targets import own_mock
from crmcom_kit.contract_tests.templates.near_misses import SECRET_MUTATIONS, near_misses


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
    target = replace(own_mock("R12"), reset=None)
    secret = "Correct Horse 9"
    target = replace(target, login=replace(target.login, password=secret))
    for text in near_misses(secret, SECRET_MUTATIONS):
        call = Call("token", "POST", "authentication/token", parameters={"password": text})
        redactor = ReportRedactor(target, [Exchange(1, call, 200, (), b"", 0.1)])
        assert secret[2:-2].lower() not in redactor.text(f"it was {text}, and wrong").lower()


class IgnoresUnits(StandIn):
    """A login's unit is ignored."""

    def unit(self, _call: Asked) -> dict[str, Any]:
        """Return always the same."""
        return self.world.people[0].unit


def test_a_token_is_for_the_unit_that_was_named() -> None:
    """From R12 on the token tells for which unit it is, if it names one that is known."""
    results = checked(IgnoresUnits(release="R12"), only="login.unit")
    found = {each.statement.id: each for each in results.statements}["login.unit"]
    assert any("the claim oun" in str(each.seen) for each in found.violations)
