"""Plan the first pass: how often each request template is sent with the requests there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from crmcom_kit.contract_tests.client.exchanges import LOGINS
from crmcom_kit.contract_tests.templates import Scene, Template, all_templates
from crmcom_kit.contract_tests.templates.table import LAYERS
from crmcom_kit.schemas.statements import checked_statements

#: So many requests one change takes, the looks before and after it among them: if it is to be
#: served, and if it is to be refused; and both with few looks.
_COSTS = {False: (11, 4), True: (3, 2)}
#: The part of the budget that the first pass is planned for: the rest is for what it finds.
FIRST_PART = 0.8


@dataclass(frozen=True, slots=True)
class Plan:
    """The first pass: which templates, and how often each is sent."""

    times: Mapping[Template, int]
    few_looks: bool = False  # after a change only, and only at what it named

    @property
    def cost(self) -> int:
        """About how many requests it takes."""
        return sum(_cost(each, few=self.few_looks) * count for each, count in self.times.items())


def _cost(template: Template, *, few: bool) -> int:
    return _COSTS[few][0 if template.spends else 1] if template.changes else 1


def wanted(only: str, scene: Scene) -> list[Template]:
    """Return the templates for the methods of statements whose id fits ``only``."""
    statements = checked_statements(scene.release.name, only)
    about = {method for each in statements for method in each.methods}
    if "token_release" in about:
        about |= {*LOGINS}  # whose token is released
    return [each for each in all_templates() if {each.method, each.layer} & about]


def first_pass(templates: Sequence[Template], scene: Scene, budget: int) -> Plan:
    """Return how often each template is sent in the first pass.

    With requests for all of them that is as often as its row says. With fewer, each layer has the
    same part of what it would take, and in it the templates take turns, those first that can be
    drawn already. With less than half there are few looks.
    """
    open_ = [each for each in templates if not each.changes or each.method in scene.allowed]
    whole = Plan({each: each.first for each in open_})
    if whole.cost <= budget * FIRST_PART:
        return whole
    few = whole.cost > 2 * budget * FIRST_PART
    open_ = [each for each in open_ if not (few and each.is_odd)]
    part = min(1.0, budget * FIRST_PART / replace(whole, few_looks=few).cost)
    times: dict[Template, int] = {}
    for layer in LAYERS:
        rows = [each for each in open_ if each.layer == layer and not each.is_odd]
        rows.sort(key=lambda each: not each.choices(scene))
        left = part * sum(each.first * _cost(each, few=few) for each in rows)
        for turn in range(max((each.first for each in rows), default=0)):
            for each in rows:
                if turn < each.first and _cost(each, few=few) <= left:
                    times[each] = times.get(each, 0) + 1
                    left -= _cost(each, few=few)
        times |= {each: each.first for each in open_ if each.layer == layer and each.is_odd}
    return Plan(times, few)
