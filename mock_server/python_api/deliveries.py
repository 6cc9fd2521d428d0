"""The deliveries of a mock, for tests."""

from collections.abc import Callable, Iterator

from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.python_api.arguments import methods_hide_our_frames, text
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.webhooks.delivering import replay
from crmcom_kit.usage_errors import UsageError, quoted


@methods_hide_our_frames
class Deliveries:
    """The attempts to send webhook requests since the last reset, oldest first."""

    __slots__ = ("_epoch",)

    def __init__(self, epoch: Callable[[], Epoch]) -> None:
        """Show the deliveries of the epoch that ``epoch`` returns."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[Attempt]:
        return iter(self._epoch().attempts.select())

    def __len__(self) -> int:
        return len(self._epoch().attempts.select())

    def __getitem__(self, index: int) -> Attempt:
        return self._epoch().attempts.select()[index]

    def of(self, record: str | int) -> list[Attempt]:
        """Return the attempts for one webhook request, by its number or id.

        Raises NotFound if it never existed.
        """
        return self._epoch().attempts_of(str(record))

    def replay(self, number: int, *, fault: str | None = None) -> Attempt:
        """Send the message of an attempt again; return the new attempt.

        Args:
            number: the number of the attempt.
            fault: a fault in the message: *wrong_signature*, *old_key*, *cut_body* or *duplicate*.

        Raises:
            NotFound: there is no such attempt.
            UsageError: ``number`` is not a number, there is no such fault, or the mock does not
                really send.
        """
        if not isinstance(number, int):
            allowed = "the number of an attempt, such as mock.deliveries[-1].number"
            raise UsageError("number", seen=quoted(number), allowed=allowed)
        epoch = self._epoch()
        return replay(epoch, epoch.attempts.get(number), fault)

    def script(self, script: str | None, *, record: str | int | None = None) -> None:
        """Set a script of outcomes; it starts with its first outcome.

            mock.deliveries.script("2*timeout, success", record="7")
            mock.deliveries.script("refused")

        The script of a webhook request takes precedence over the world's. A reset ends all
        scripts.

        Args:
            script: outcomes in order, the last one repeats; ``crmcom-kit dialect`` prints their
                names (``delivery.script``). None ends the script; the world then has its first
                one again.
            record: number or id of a webhook request.

        Raises:
            UsageError: the script is not allowed, or the mock really sends.
            NotFound: there is no such webhook request.
            LimitExceeded: the world has the maximum number of scripts.
        """
        if script is not None:
            text("script", script)
        self._epoch().put_script(script, None if record is None else str(record))
