"""The order in which a run sends requests.

A run logs in, discovers, makes two passes, and looks back. The first pass has reads, reads with
open values, and changes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.drawing import draw_reads
from crmcom_kit.contract_tests.client.errors import BudgetSpent, TargetDown, Unreachable, Withheld
from crmcom_kit.contract_tests.templates import Template
from crmcom_kit.contract_tests.templates.table import READ_LAYERS

#: The second pass ends after this number of steps in which nothing could be sent.
MAX_IDLE = 100


class Passes:
    """The two passes of a campaign."""

    def __init__(self, campaign: Campaign) -> None:
        """Go through the templates that ``campaign`` has planned."""
        self._campaign, self._session, self._plan = campaign, campaign.session, campaign.plan

    def run(self, seed: int) -> None:
        """Run until nothing is left to send, or the budget is spent.

        Args:
            seed: of the order, and of what Hypothesis draws.

        Raises:
            BudgetSpent, TargetDown: see ``Session.send``.
        """
        chance = Random(seed)
        self._campaign.choose = chance.choice
        client = self._session.client
        deadlines = self._plan.layer_deadlines(client.now(), client.seconds_left)
        passes = {template: self._first_pass(template) for template in self._plan.times}
        reads = [template for template in passes if template.layer in READ_LAYERS]
        logins_and_changes = [template for template in passes if template not in reads]

        reserve = client.kept_requests

        def send(templates: Sequence[Template]) -> None:
            """Send what is planned, and reserve requests for the layers that follow."""
            for template in templates:
                client.kept_requests = reserve + self._plan.cost_after(template.layer)
                deadline = deadlines[template.layer]
                with self._until_spent(template.layer):
                    for _ in passes[template]:
                        if client.now() > deadline:
                            break

        send(reads)
        last_read_layer = READ_LAYERS[-1]
        with self._until_spent(last_read_layer):
            draw_reads(
                self._campaign, reads, self._plan.open_reads, seed, deadlines[last_read_layer]
            )
        send(logins_and_changes)
        client.kept_requests = reserve
        for steps in passes.values():  # what did not fit into the time of its layer
            for _ in steps:
                pass
        self._campaign.is_first_pass_sent = True
        self._second_pass(chance)

    @contextmanager
    def _until_spent(self, layer: str) -> Iterator[None]:
        """End a layer when its requests are spent. Raises BudgetSpent if no layer follows."""
        try:
            yield
        except BudgetSpent:
            if self._session.client.is_time_up or not self._plan.cost_after(layer):
                raise

    def _first_pass(self, template: Template) -> Iterator[None]:
        """Send a template as often as planned; the first half takes variants from the top.

        Yields before each step.
        """
        sent_places: set[int] = set()  # places of variants
        times = self._plan.times[template]
        for step in range(times):
            yield
            variants = template.choices(self._session.scene)
            unsent_places = [place for place in range(len(variants)) if place not in sent_places]
            if not unsent_places and template.needs_record:  # again, about other records
                sent_places.clear()
                unsent_places = list(range(len(variants)))
            if not unsent_places:
                return
            is_from_top = step <= times // 2 or len(variants) <= times
            place = unsent_places[0] if is_from_top else self._campaign.choose(unsent_places)
            sent_places.add(place)
            self._step(template, variants[place])

    def _second_pass(self, chance: Random) -> None:
        """Send templates by their weights until nothing is left to send."""
        idle_steps, sent_count = 0, self._session.client.sent
        # Then the first pass has planned all logins.
        logins_are_limited = self._session.scene.logins.is_limited
        templates = [
            template
            for template in self._plan.times
            if not (template.is_undocumented or (logins_are_limited and template.login))
        ]
        weights = [template.weight for template in templates]
        while templates and idle_steps < MAX_IDLE and self._session.scene.records():
            (template,) = chance.choices(templates, weights)
            if variants := template.choices(self._session.scene):
                self._step(template, self._campaign.choose(variants))
            idle_steps = idle_steps + 1 if self._session.client.sent == sent_count else 0
            sent_count = self._session.client.sent

    def _step(self, template: Template, variant: Any) -> None:
        """Do one step. What cannot be sent or read ends only this step; so does the kit's error."""
        self._campaign.progress(template.name)
        try:
            call = template.draw(self._campaign.scene, variant, self._campaign.choose)
            if call is not None:
                self._session.queue += self._campaign.send(call, template, variant)
            self._campaign.settle()
        except Withheld:
            pass  # it might change something out of scope
        except Unreachable as error:
            self._campaign.why_unsent[template.method] = str(error)
        except (TargetDown, BudgetSpent):
            raise
        except Exception as error:  # noqa: BLE001 - the other steps go on
            self._session.findings.note_crash(f"the template {template.name}", error)
