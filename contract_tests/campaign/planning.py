"""Plan the first pass: how often each request template is sent with the requests there are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from crmcom_kit.contract_tests.client.exchanges import LOGINS
from crmcom_kit.contract_tests.templates import Scene, Template, all_templates
from crmcom_kit.contract_tests.templates.logins import own_login
from crmcom_kit.contract_tests.templates.table import LAYERS
from crmcom_kit.schemas.statements import checked_statements

#: So many requests one change takes, the looks before and after it among them: if it is to be
#: served, and if it is to be refused; and both with few looks.
_COSTS = {False: (11, 4), True: (3, 2)}
#: The part of the budget that the first pass is planned for: the rest is for what it finds.
FIRST_PART = 0.8
#: The part of the time that its layers share before what is left of them is sent: so deletes, the
#: last ones, begin in the first half.
FIRST_TIME = 0.65
#: The part of the budget that is for reads with values that no list names.
DRAWN_PART = 0.1
#: In the second pass a template is sent at most so many times as often as its weight makes likely,
#: and so many times more.
SPREAD, MARGIN = 2, 3
#: So many requests to each changing method may be sent beside those, to confirm what is suspected.
FOR_CONFIRMATIONS = 40
#: With fewer requests a run does not come to the logins for sure, and so it leaves them out.
MIN_FOR_LOGINS = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """The first pass: which templates, and how often each is sent."""

    times: Mapping[Template, int]
    most: Mapping[Template, int] = field(default_factory=dict)  # in the whole run
    few_looks: bool = False  # after a change only, and only at what it named
    drawn: int = 0  # about how many requests are for reads with values that no list names

    @property
    def cost(self) -> int:
        """About how many requests it takes."""
        return _total(self.times, few=self.few_looks)

    def cost_after(self, layer: str) -> int:
        """About how many requests the layers after one take."""
        later, few = LAYERS[LAYERS.index(layer) + 1 :], self.few_looks
        return _total({t: count for t, count in self.times.items() if t.layer in later}, few=few)

    def ends(self, began: float, seconds: float) -> dict[str, float]:
        """Return when the templates of each layer make room for those of the next one.

        A layer has the same part of the time as of the requests: reads of long lists may take
        many times as long as changes, and a run must come to these.

        Args:
            began: when the first pass begins.
            seconds: that the run has from then on.
        """
        whole = self.cost
        return {
            layer: began + FIRST_TIME * seconds * (whole - self.cost_after(layer)) / (whole or 1)
            for layer in LAYERS
        }


def _cost(template: Template, *, few: bool) -> int:
    return _COSTS[few][0 if template.spends else 1] if template.changes else 1


def _total(times: Mapping[Template, int], *, few: bool) -> int:
    """Return about how many requests it takes to send templates so many times."""
    return sum(_cost(template, few=few) * count for template, count in times.items())


def _firsts(templates: Iterable[Template], layer: str = "") -> dict[Template, int]:
    """Return how often templates, of a layer or all, are sent if there are enough requests."""
    return {each: each.first for each in templates if layer in ("", each.layer)}


def _turns(times: Mapping[Template, int]) -> Iterator[list[Template]]:
    """Yield the templates of each turn: those that are to be sent once more."""
    for turn in range(max(times.values(), default=0)):
        yield [template for template, count in times.items() if turn < count]


def wanted(only: str, scene: Scene) -> list[Template]:
    """Return the templates for the methods of statements whose id fits ``only``.

    Those that need what the run was not given are left out.
    """
    statements = checked_statements(scene.release.name, only)
    about = {method for each in statements for method in each.methods}
    if "token_release" in about:
        about |= {*LOGINS}  # whose token is released
    templates = (each for each in all_templates() if each.has_what_it_needs(scene.login))
    return [each for each in templates if {each.method, each.layer} & about]


def bounds(templates: Sequence[Template], scene: Scene, budget: int) -> dict[Template, int]:
    """Return how often a run of ``budget`` requests sends each template that it may send at most.

    A dry run says it, and the run keeps to it. Of logins as the real user on a server that the run
    does not own it is exactly how often, once the run has read what there is.
    """
    open_ = [
        each
        for each in templates
        if each.method in scene.methods and (not each.changes or each.method in scene.allowed)
    ]
    few_logins = _few_logins(open_, scene, budget)
    others = [each for each in open_ if each not in few_logins]
    turns = _most_turns(others, budget * FIRST_PART)
    firsts = _firsts(others)
    left = budget - sum(firsts.values())
    left_for_changes = budget - _total(firsts, few=False)
    weights = sum(each.weight for each in others) or 1
    most = {}
    for each in open_:
        if each in few_logins:
            most[each] = few_logins[each]
            continue
        rest = max(0, left_for_changes if each.changes else left)
        again = ceil(SPREAD * rest * each.weight / weights) + MARGIN if each.weight else 0
        most[each] = min(budget, min(each.first, turns[each.layer]) + again)
    return most


def drawn(templates: Iterable[Template], budget: int) -> int:
    """Return about how many requests are for reads with values that no list names."""
    return int(budget * DRAWN_PART) if any(each.further for each in templates) else 0


def most_changes(most: Mapping[Template, int]) -> dict[str, int]:
    """Return how many requests to each changing method a run sends at most."""
    found: dict[str, int] = {}
    for each, times in most.items():
        if each.changes:
            found[each.method] = found.get(each.method, FOR_CONFIRMATIONS) + times
    return found


def _most_turns(templates: Sequence[Template], budget: float) -> dict[str, int]:
    """Return how many turns the templates of each layer have at most in a first pass."""
    part = min(1.0, budget / (_total(_firsts(templates), few=True) or 1))
    most = {}
    for layer in LAYERS:
        rows = _firsts(templates, layer)
        left = part * _total(rows, few=True)
        most[layer] = 1
        for turn in _turns(rows):
            if left <= 0:
                break
            left -= _total(dict.fromkeys(turn, 1), few=True)
            most[layer] += 1
    return most


def _few_logins(templates: Sequence[Template], scene: Scene, budget: int) -> dict[Template, int]:
    """Return how often the templates are sent that log in as the real user, where that is limited.

    First comes a login by key beside that of the user, then as many wrong logins as have a right
    one behind them, and one more; then right ones again.
    """
    if not scene.logins.is_limited:
        return {}
    times = dict.fromkeys((each for each in templates if each.login), 0)
    own = own_login(scene)
    if own is None or budget < MIN_FOR_LOGINS:
        return times
    left = scene.logins.left
    drawable = [each for each in times if each.choices(scene)]
    for each in drawable:
        if each.login == "right" and each.method != own.method:
            times[each] = int(min(1, left))
            left -= times[each]
    for each in drawable:
        if each.login == "wrong" and each.method == own.method:
            times[each] = int(min(scene.logins.wrong_left, left + 1, each.first))
            left -= min(left, times[each])
    for each in drawable:
        if each.login == "right" and each.method == own.method:
            times[each] = int(min(left, len(each.choices(scene))))
    return times


def logins_of(most: Mapping[Template, int], scene: Scene) -> tuple[int, int]:
    """Return how many logins a run sends beside the one that it needs, and how many wrong ones.

    Behind each wrong one comes a right one, as long as it is allowed.
    """
    right = sum(times for each, times in most.items() if each.login == "right")
    wrong = sum(times for each, times in most.items() if each.login == "wrong")
    return right + int(min(wrong, scene.logins.left - right)), wrong


def first_pass(most: Mapping[Template, int], scene: Scene, budget: int) -> Plan:
    """Return how often each template is sent in the first pass, and at most at all.

    With requests for all of them that is as often as its row says. With fewer, each layer has the
    same part of what it would take, and in it the templates take turns, those first that can be
    drawn already. With less than half there are few looks.
    """
    few_logins = scene.logins.is_limited
    counted = {each: times for each, times in most.items() if few_logins and each.login}
    first = {each: counted.get(each, each.first) for each in most}
    whole = Plan(first, most, drawn=drawn(most, budget))
    if whole.cost <= budget * FIRST_PART:
        return whole
    few = whole.cost > 2 * budget * FIRST_PART
    usual = sorted(
        (each for each in most if each not in counted and not each.is_odd),
        key=lambda each: not each.choices(scene),
    )
    odd = [each for each in most if each not in counted and each.is_odd and not few]
    part = min(1.0, budget * FIRST_PART / replace(whole, few_looks=few).cost)
    times: dict[Template, int] = {}
    for layer in LAYERS:
        rows = _firsts(usual, layer)
        left = part * _total(rows, few=few)
        for at, turn in enumerate(_turns(rows)):
            for each in turn:
                cost = _cost(each, few=few)
                if at < most[each] and cost <= left:
                    times[each] = times.get(each, 0) + 1
                    left -= cost
        times |= _firsts(odd, layer)
        times |= {each: count for each, count in counted.items() if each.layer == layer}
    return replace(whole, times=times, few_looks=few)
