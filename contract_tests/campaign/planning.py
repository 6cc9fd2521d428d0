"""Plan the first pass: how often each request template is sent within the budget."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from crmcom_kit.contract_tests.client.exchanges import LOGINS
from crmcom_kit.contract_tests.options.options import CHANGES
from crmcom_kit.contract_tests.templates import Scene, Template, all_templates
from crmcom_kit.contract_tests.templates.logins import own_login
from crmcom_kit.contract_tests.templates.table import LAYERS
from crmcom_kit.schemas.statements import checked_statements

#: The requests that one change takes, with its looks before and after: if it must be served, and if
#: it must be refused. By whether there are few looks.
_COSTS = {False: (11, 4), True: (3, 2)}
#: The part of the budget that the first pass is planned for: the rest is for what it finds.
FIRST_SHARE = 0.8
#: The part of the time that the layers share. What is left of them is sent after that. So deletes,
#: the last ones, begin in the first half.
FIRST_TIME = 0.65
#: The part of the budget that is for reads with open values.
OPEN_SHARE = 0.1
#: The requests to a changing method in the second pass are bounded by this multiple of what the
#: weights make likely.
SPREAD = 2
#: The maximum number of further requests to each changing method, which confirm suspicions.
FOR_CONFIRMATIONS = 40
#: A run with fewer requests may not reach the logins, and leaves them out.
MIN_FOR_LOGINS = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """The first pass: which templates, and how often each is sent."""

    times: Mapping[Template, int]
    few_looks: bool = False  # after a change only, and only at what it named
    open_reads: int = 0  # about how many requests are for reads with open values

    @property
    def cost(self) -> int:
        """About how many requests it takes."""
        times = self.times.items()
        return sum(count * _cost(template, few_looks=self.few_looks) for template, count in times)

    def cost_after(self, layer: str) -> int:
        """About how many requests the layers after one take."""
        layers, times = LAYERS[LAYERS.index(layer) + 1 :], self.times
        later_times = {template: times[template] for template in times if template.layer in layers}
        return replace(self, times=later_times).cost

    def layer_deadlines(self, began: float, seconds: float) -> dict[str, float]:
        """Return when each layer must stop, so that the next one gets its share of the time.

        A layer gets the same part of the time as of the requests. Reads of long lists may take many
        times as long as changes, and a run must reach the changes.

        Args:
            began: when the first pass begins.
            seconds: what the run has left then.
        """
        cost = self.cost
        return {
            layer: began + FIRST_TIME * seconds * (cost - self.cost_after(layer)) / (cost or 1)
            for layer in LAYERS
        }


def _cost(template: Template, *, few_looks: bool) -> int:
    return _COSTS[few_looks][0 if template.uses_up else 1] if template.changes else 1


def _firsts(templates: Iterable[Template], *layers: str) -> dict[Template, int]:
    """Return how often the templates of some layers are sent if requests suffice."""
    return {template: template.first for template in templates if template.layer in layers}


def _in_turns(
    firsts: Mapping[Template, int], share: float, *, few_looks: bool
) -> dict[Template, int]:
    """Return how often templates that take turns are sent, for a share of what they would take."""
    times: dict[Template, int] = {}
    cost_left = share * Plan(firsts, few_looks).cost
    for turn in range(max(firsts.values(), default=0)):
        for template, goal in firsts.items():
            cost = _cost(template, few_looks=few_looks)
            if turn < goal and cost <= cost_left:
                times[template] = times.get(template, 0) + 1
                cost_left -= cost
    return times


def templates_for(pattern: str, scene: Scene) -> list[Template]:
    """Return the templates for the methods of statements whose id fits ``pattern``.

    Those that need what the run was not given are left out.
    """
    statements = checked_statements(scene.release.name, pattern)
    methods = {method for statement in statements for method in statement.methods}
    if "token_release" in methods:
        methods |= {*LOGINS}  # whose token is released
    return [
        template
        for template in all_templates()
        if {template.method, template.layer} & methods and template.has_what_it_needs(scene.login)
    ]


def sendable(templates: Iterable[Template], scene: Scene) -> list[Template]:
    """Return the templates whose method the release has, and the run may call."""
    return [
        template
        for template in templates
        if template.method in scene.methods
        and (not template.changes or template.method in scene.allowed)
    ]


def open_reads(templates: Iterable[Template], budget: int) -> int:
    """Return about how many requests are for reads with open values."""
    return int(budget * OPEN_SHARE) if any(template.open_variants for template in templates) else 0


def max_changes(templates: Collection[Template], budget: int) -> dict[str, int]:
    """Return how many requests to each changing method a run of ``budget`` requests sends at most.

    A dry run prints it, and the run keeps to it.
    """
    surplus = max(0, budget - Plan(_firsts(templates, *LAYERS)).cost)
    weights = sum(template.weight for template in templates)
    maximums: dict[str, int] = {}
    for method in CHANGES:
        group = [template for template in templates if template.method == method]
        first_count = sum(template.first for template in group)
        weight = sum(template.weight for template in group)
        repeat_count = ceil(SPREAD * surplus * weight / (weights or 1))
        count = first_count + repeat_count + FOR_CONFIRMATIONS
        maximums[method] = min(budget, count) if group else 0
    return maximums


def few_logins(templates: Iterable[Template], scene: Scene, budget: int) -> dict[Template, int]:
    """Return how often templates that log in as the real user are sent, if logins are limited.

    First comes one login by the other means, key or password. Then come wrong logins: one more than
    right ones can follow. What is left goes to right logins.
    """
    if not scene.logins.is_limited:
        return {}
    times = dict.fromkeys((template for template in templates if template.login), 0)
    own_call = own_login(scene)
    if own_call is None or budget < MIN_FOR_LOGINS:
        return times
    logins_left = scene.logins.left
    candidates = [template for template in times if template.choices(scene)]
    for template in candidates:
        if template.login == "right" and template.method != own_call.method:
            times[template] = int(min(1, logins_left))
            logins_left -= times[template]
    for template in candidates:
        if template.login == "wrong" and template.method == own_call.method:
            times[template] = int(min(scene.logins.wrong_left, logins_left + 1, template.first))
            logins_left -= min(logins_left, times[template])
    for template in candidates:
        if template.login == "right" and template.method == own_call.method:
            times[template] = int(min(logins_left, len(template.choices(scene))))
    return times


def login_totals(logins: Mapping[Template, int], scene: Scene) -> tuple[int, int]:
    """Return how many logins a run sends beside the one that it needs, and how many wrong ones.

    A right login follows each wrong one as long as the limit allows it.
    """
    right_count = sum(times for template, times in logins.items() if template.login == "right")
    wrong_count = sum(times for template, times in logins.items() if template.login == "wrong")
    return right_count + int(min(wrong_count, scene.logins.left - right_count)), wrong_count


def first_pass(
    templates: Sequence[Template], logins: Mapping[Template, int], scene: Scene, budget: int
) -> Plan:
    """Return how often each template is sent in the first pass.

    If requests suffice, each is sent ``Template.first`` times. If not, each layer gets the same
    part of what it would take, and its templates take turns. Those that can be drawn already come
    first. With less than half of the requests there are few looks.

    Args:
        templates: see ``sendable``.
        logins: how often those are sent whose number is fixed: see ``few_logins``.
        scene: what they draw from.
        budget: the number of requests that the run may still send.
    """
    full_plan = Plan(
        {**_firsts(templates, *LAYERS), **logins}, open_reads=open_reads(templates, budget)
    )
    if full_plan.cost <= budget * FIRST_SHARE:
        return full_plan
    few_looks = full_plan.cost > 2 * budget * FIRST_SHARE
    share = min(1.0, budget * FIRST_SHARE / replace(full_plan, few_looks=few_looks).cost)
    others = [template for template in templates if template not in logins]
    undocumented_templates = [template for template in others if template.is_undocumented]
    documented_templates = [template for template in others if not template.is_undocumented]
    documented_templates.sort(key=lambda template: not template.choices(scene))
    times: dict[Template, int] = {}
    for layer in LAYERS:
        times |= _in_turns(_firsts(documented_templates, layer), share, few_looks=few_looks)
        times |= {} if few_looks else _firsts(undocumented_templates, layer)
        times |= {template: count for template, count in logins.items() if template.layer == layer}
    return replace(full_plan, times=times, few_looks=few_looks)
