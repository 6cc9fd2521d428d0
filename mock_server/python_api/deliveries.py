"""What a mock sends, and its built-in receiver, as a test uses them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.deliveries.faults import delivery_fault
from crmcom_kit.mock_server.deliveries.receiver import Received, ReceiverAnswer
from crmcom_kit.mock_server.python_api.arguments import integer, number, text
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.webhooks.replay import attempt_of, replay
from crmcom_kit.mock_server.world.webhooks.scripts import (
    DeliveryScript,
    delivery_scripts,
    put_script,
)
from crmcom_kit.mock_server.world.webhooks.signature_diagnosis import (
    Verdict,
    diagnose_attempt,
)

_SECONDS = 20.0


class Deliveries:
    """The attempts to send webhook requests since the last reset, oldest first."""

    def __init__(self, epoch: Callable[[], Epoch]) -> None:
        """Show the deliveries of the epoch that ``epoch`` returns."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[Attempt]:
        return iter(self._epoch().attempts.list())

    def __len__(self) -> int:
        return len(self._epoch().attempts.list())

    def __getitem__(self, at: int) -> Attempt:
        return self._epoch().attempts.list()[at]

    def of(self, record: str | int) -> list[Attempt]:
        """Return the attempts for one webhook request, by its number or id."""
        return self._epoch().attempts.list(record=str(record))

    def wait_for(
        self,
        record: str | int | None = None,
        *,
        delivered: bool | None = None,
        seconds: float = _SECONDS,
    ) -> Attempt:
        """Wait for the first attempt that has ended, and return it.

        Args:
            record: the webhook request, by number or id; any by default.
            delivered: whether the receiver accepted it; either by default.
            seconds: how long to wait, in the machine's time.

        Raises:
            TimeoutError: there was none in time.
            UsageError: ``seconds`` is not a valid number.
        """
        number("seconds", seconds)
        attempts = self._epoch().attempts
        wanted = None if record is None else str(record)

        def found() -> Attempt | None:
            for attempt in attempts.list(record=wanted):
                if attempt.over and delivered in (None, attempt.delivered):
                    return attempt
            return None

        attempt = attempts.wait_for(found, seconds)
        if attempt is None:
            msg = f"no such delivery within {seconds:g} s; there were {len(attempts.list())}"
            raise TimeoutError(msg)
        return attempt

    def replay(self, number: int) -> Attempt:
        """Repeat exactly what an attempt sent. Raises NotFound."""
        return replay(self._epoch(), number)

    def signature(self, number: int) -> Verdict:
        """Return whether the code that an attempt sent verifies, and if not, why. Raises NotFound.

        ``expected`` and ``seen`` of the verdict have the codes and the bytes they are made of.
        """
        epoch = self._epoch()
        return diagnose_attempt(epoch, attempt_of(epoch, number))

    def fail(self, fault: str, **given: Any) -> None:
        """Make deliveries fail: *duplicate*, *delay*, *wrong_signature*, *old_key*, *cut_body*.

        Args:
            fault: what goes wrong.
            given: ``times`` (1; None for all), ``seconds`` of a delay, ``copies`` of a duplicate;
                ``definition`` or ``number`` to hit only certain webhook requests.

        Raises:
            UsageError: there is no such fault or argument, or the fault could do nothing: with
                scripted deliveries only a delay has an effect.
            LimitExceeded: there are as many faults as allowed.
        """
        epoch = self._epoch()
        wanted = delivery_fault({"fault": fault, **given})
        epoch.delivery_faults.put([*epoch.delivery_faults.all(), wanted], sends=epoch.sends)

    def script(
        self, script: str | None, *, number: str | int | None = None, definition: str | None = None
    ) -> None:
        """Let a script decide the outcomes of deliveries, from its first outcome on.

            mock.deliveries.script("2*timeout, success", number="7")
            mock.deliveries.script("http_500", definition="ACT CREATE")
            mock.deliveries.script("refused")

        The script of a webhook request goes before that of its definition, and that before the
        world's. A reset ends them all; ``snapshot`` keeps them with their places.

        Args:
            script: outcomes in order, the last one forever; ``crmcom-kit dialect`` prints their
                names (``delivery.script``). None ends the script; the world's is then what it
                began with.
            number: number or id of a webhook request.
            definition: name, alternative code or id of a webhook definition.

        Raises:
            UsageError: an argument is not allowed, or the mock really sends.
            NotFound: there is no such webhook request or definition.
            LimitExceeded: there are as many scripts as allowed.
        """
        for name, value in (("script", script), ("definition", definition)):
            if value is not None:
                text(name, value)
        key = None if number is None else str(number)
        put_script(self._epoch(), script, number=key, definition=definition)

    @property
    def scripts(self) -> list[DeliveryScript]:
        """The scripts, the world's first; none if the mock really sends."""
        return delivery_scripts(self._epoch())


class ReceivedRequest:
    """One request that the built-in receiver received."""

    def __init__(self, received: Received) -> None:
        """Show ``received``."""
        self.received = received

    @property
    def json(self) -> Any:
        """The body as a JSON value. Raises ValueError if it is not JSON, or only its beginning."""
        return json.loads(self.received.body)

    @property
    def signature(self) -> Verdict:
        """Whether its authentication code verifies, and if not, why."""
        verdict: Verdict = self.received.verdict
        return verdict


class BuiltInReceiver:
    """The mock's own receiver of webhook requests."""

    def __init__(self, epoch: Callable[[], Epoch], address: Callable[[], str]) -> None:
        """Show the receiver of ``epoch``; ``address`` returns its URL."""
        self._epoch = epoch
        self._address = address

    @property
    def url(self) -> str:
        """Its URL; asking for it starts the mock's server."""
        return self._address()

    @property
    def requests(self) -> list[ReceivedRequest]:
        """What it received, oldest first."""
        return [ReceivedRequest(one) for one in self._epoch().receiver.requests()]

    def answer_with(self, *answers: int | ReceiverAnswer) -> None:
        """Respond with these statuses or answers, one after another; the last one forever.

        Raises:
            UsageError: one of them is neither.
        """
        for one in answers:
            if not isinstance(one, ReceiverAnswer):
                integer("answers", one, 200, 599)
        self._epoch().receiver.answer_with(
            ReceiverAnswer(status=one, times=1) if isinstance(one, int) else one for one in answers
        )

    def forget(self) -> None:
        """Forget what it received."""
        self._epoch().receiver.forget()
