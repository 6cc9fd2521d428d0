"""The order in which a run sends requests.

Log in, discover, first pass (reads, reads with values that no list names, changes), second pass,
look back.
"""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.drawing import draw_reads
from crmcom_kit.contract_tests.client.errors import BudgetSpent, TargetDown, Unreachable, Withheld
from crmcom_kit.contract_tests.templates import Template
from crmcom_kit.contract_tests.templates.table import READS

#: After so many steps in which nothing could be sent there is nothing left to send.
MAX_IDLE = 100


class Passes:
    """The two passes of a campaign."""

    def __init__(self, campaign: Campaign) -> None:
        """Go through the templates that ``campaign`` has planned."""
        self._campaign, self._session, self._plan = campaign, campaign.session, campaign.plan
        self._sent = Counter[Template]()  # steps

    def run(self, seed: int) -> None:
        """Run until everything is tried or the budget is spent. Raises BudgetSpent, TargetDown.

        ``seed`` is that of the order, and of what Hypothesis draws.
        """
        chance = Random(seed)
        self._campaign.choose = chance.choice
        client = self._session.client
        ends = self._plan.ends(client.now(), client.seconds_left)
        passes = {template: self._first(template) for template in self._plan.times}
        reads = [template for template in passes if template.layer in READS]
        others = [template for template in passes if template not in reads]

        kept = client.reserved

        def send(templates: Sequence[Template]) -> None:
            """Send what is planned, and keep requests for the layers that follow."""
            for template in templates:
                client.reserved = kept + self._plan.cost_after(template.layer)
                with self._until_spent(template.layer):
                    while client.now() <= ends[template.layer] and next(passes[template], None):
                        pass

        send(reads)
        with self._until_spent(READS[-1]):
            draw_reads(self._campaign, reads, self._plan.drawn, seed, until=ends[READS[-1]])
        send(others)
        client.reserved = kept
        for steps in passes.values():  # what there was no time for before
            deque(steps, maxlen=0)
        self._campaign.is_first_pass_sent = True
        self._second(chance)

    @contextmanager
    def _until_spent(self, layer: str) -> Iterator[None]:
        """Go on with the next layer once the requests of one are spent. Raises BudgetSpent."""
        try:
            yield
        except BudgetSpent:
            if self._session.client.is_time_up or not self._plan.cost_after(layer):
                raise

    def _first(self, template: Template) -> Iterator[bool]:
        """Send a template as often as it is planned: half from the top of its variants.

        Yields True after each step.
        """
        done: set[int] = set()
        planned = self._plan.times[template]
        for at in range(planned):
            variants = template.choices(self._session.scene)
            left = [each for each in range(len(variants)) if each not in done]
            if not left and template.about:  # of another webhook request
                done.clear()
                left = list(range(len(variants)))
            if not left:
                return
            from_top = at <= planned // 2 or len(variants) <= planned
            chosen = left[0] if from_top else self._campaign.choose(left)
            done.add(chosen)
            self._do(template, variants[chosen])
            yield True

    def _second(self, chance: Random) -> None:
        """Send templates by their weights, until nothing is left to send."""
        idle, sent = 0, self._session.client.sent
        few_logins = self._session.scene.logins.is_limited  # and planned to the last one
        templates = [
            each for each in self._plan.times if not (each.is_odd or (few_logins and each.login))
        ]
        weights = [each.weight for each in templates]
        while templates and idle < MAX_IDLE and self._session.scene.records():
            (template,) = chance.choices(templates, weights)
            is_open = self._sent[template] < self._plan.most[template]
            variants = template.choices(self._session.scene) if is_open else ()
            if variants:
                self._do(template, self._campaign.choose(variants))
            idle = idle + 1 if self._session.client.sent == sent else 0
            sent = self._session.client.sent

    def _do(self, template: Template, variant: Any) -> None:
        """Do one step. What cannot be sent, or read, ends only this step; so does a kit's error."""
        self._campaign.progress(template.name)
        self._sent[template] += 1
        try:
            self._session.queue += self._campaign.step(template, variant)
            self._campaign.settle()
        except Withheld:
            pass  # it might leave the scope
        except Unreachable as missed:
            self._campaign.missed[template.method] = str(missed)
        except (TargetDown, BudgetSpent):
            raise
        except Exception as error:  # noqa: BLE001 - the other steps go on
            self._session.findings.crash(f"the template {template.name}", error)
