"""Plan the first pass: how often each request template is sent with the requests there are."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from crmcom_kit.contract_tests.next.templates import Scene, Template, all_templates
from crmcom_kit.contract_tests.next.templates.table import LAYERS
from crmcom_kit.schemas.statements import statements

#: So many requests one change takes: itself, and the looks before and after it.
COST_OF_CHANGE = 9
#: The part of the budget that the first pass is planned for: the rest is for what it finds.
FIRST_PART = 0.8
#: What can be told of by requests to any method.
_GENERAL = frozenset(("methods", "parameters", "token", "envelope", "errors", "response"))
_READS = frozenset(("show", "list", "entities"))


def cost(template: Template) -> int:
    """Return about how many requests it takes to send a template once."""
    return COST_OF_CHANGE if template.changes else 1


def wanted(only: str, scene: Scene) -> list[Template]:
    """Return the templates that may tell of a statement whose id fits ``only``."""
    known = statements(scene.release.name)
    about = {each.id.partition(".")[0] for each in known if fnmatchcase(each.id, only)}
    return [each for each in all_templates() if _tells(each, about)]


def _tells(template: Template, about: set[str]) -> bool:
    if about & _GENERAL or {template.method, template.layer} & about:
        return True
    if template.layer == "read":
        return bool(about & _READS)  # what one method shows is compared with the other
    return "entities" in about and template.method == "list"


def first_pass(templates: Sequence[Template], scene: Scene, budget: int) -> Mapping[Template, int]:
    """Return how often each template is sent in the first pass.

    With requests for all of them that is as often as its row says. With fewer, each layer has the
    same part of what it would take, and in it the templates take turns, those first that can be
    drawn already.
    """
    open_ = [each for each in templates if not each.changes or each.method in scene.allowed]
    everything = sum(each.first * cost(each) for each in open_)
    part = min(1.0, budget * FIRST_PART / max(1, everything))
    if part == 1.0:
        return {each: each.first for each in open_}
    times: dict[Template, int] = {}
    for layer in LAYERS:
        rows = [each for each in open_ if each.layer == layer]
        rows.sort(key=lambda each: not each.choices(scene))  # those that have to wait come last
        left = part * sum(each.first * cost(each) for each in rows)
        for turn in range(max((each.first for each in rows), default=0)):
            for each in rows:
                if turn < each.first and cost(each) <= left:
                    times[each] = times.get(each, 0) + 1
                    left -= cost(each)
    return times
