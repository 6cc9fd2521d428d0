"""Wait while a server refuses every request: at a rate limit, or in maintenance.

Such a refusal depends on the moment and not on the request, so it breaks no statement.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from crmcom_kit.contract_tests.client.calls import changing_method
from crmcom_kit.contract_tests.client.exchanges import LOGINS
from crmcom_kit.contract_tests.client.http import MAX_WAITS, Client
from crmcom_kit.contract_tests.client.wording import counted, refused_with
from crmcom_kit.contract_tests.oracle.expectations import Must
from crmcom_kit.contract_tests.oracle.oracle import Observation
from crmcom_kit.contract_tests.templates import Scene

Wording = tuple[int, Any]  # how a request is refused: see ``Exchange.wording``

#: Seconds between two requests to a server that refuses every request.
PAUSE = 1.0
#: A refusal that came again more often than this does not pass with time.
MAX_LASTING = 6


class Patience:
    """Knows which refusals pass, and waits for that."""

    def __init__(self, client: Client, scene: Scene) -> None:
        """Start without any such refusal."""
        self._client, self._scene = client, scene
        self._recoveries: Counter[Wording] = Counter()  # by refusal: how often it passed
        #: By refusal: how often it was still there after a wait.
        self._recurrences: Counter[Wording] = Counter()

    def outlasts(self, refusal: Wording, ask: Callable[[], Wording | None]) -> bool:
        """Wait while the simplest request is refused in one way; return whether that ends.

        Args:
            refusal: how it is refused.
            ask: sends it again, and returns how it is refused; None if it is served.
        """
        if self._recurrences[refusal] > MAX_LASTING and not self._recoveries[refusal]:
            return False
        for _ in range(MAX_WAITS):
            self._client.pause(PAUSE)
            wording = ask()
            if wording is None:
                self._note(refusal)
            if wording != refusal:
                return True
        self._recurrences[refusal] += MAX_LASTING + 1
        return False

    def waits_to_retry(self, observation: Observation, tries: int) -> bool:
        """Return whether to send a refused read again, after some tries, and wait if so."""
        wording, call = observation.exchange.wording, observation.exchange.call
        if observation.exchange.ok or observation.expectation.must is not Must.SERVE:
            return False
        if changing_method(call) is not None or call.method in LOGINS:
            return False
        has_passed = self._recoveries[wording] > 0
        may_pass = has_passed or (tries == 0 and self._recurrences[wording] < MAX_LASTING)
        if may_pass:
            self._client.pause(PAUSE)
        return may_pass

    def learn(self, refusal: Wording, observation: Observation) -> None:
        """Note what came of another try."""
        if observation.exchange.ok:
            self._note(refusal)
        else:
            self._recurrences[refusal] += 1

    def _note(self, refusal: Wording) -> None:
        self._recoveries[refusal] += 1
        self._scene.belief.temporary_refusals.add(refusal)

    def notes(self) -> Iterator[str]:
        """Yield a sentence for each way in which requests were refused for a while."""
        for (status, code), count in self._recoveries.items():
            yield (
                f"the server refused {counted(count, 'request')} with "
                f"{refused_with(status, code)}, and served the same later: a limit, or maintenance"
            )
