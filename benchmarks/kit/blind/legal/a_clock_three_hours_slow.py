"""The server's clock is three hours slow: new dates, and the times in a JWT, lie in the past."""

from typing import Any

from sound_server.server import Clock, SoundServer

FACTS = "1.4 and section 4: nothing is said of a clock other than the server's own"
CHOICES: dict[str, Any] = {}
SLOW = 3 * 3600


class SlowClock(Clock):
    """Another clock, read three hours late."""

    def __init__(self, inner: Clock) -> None:
        self.inner = inner

    @property
    def seconds(self) -> float:
        """The time that the slow clock shows."""
        return self.inner.seconds - SLOW

    @seconds.setter
    def seconds(self, value: float) -> None:
        self.inner.seconds = value + SLOW

    @property
    def step(self) -> float:
        """The seconds that a request takes."""
        return self.inner.step

    @step.setter
    def step(self, value: float) -> None:
        self.inner.step = value

    def __call__(self) -> float:
        """Return the next moment."""
        return self.inner() - SLOW


class Server(SoundServer):
    """Goes by its own clock in everything."""

    def set_up(self) -> None:
        """Look at the slow clock from now on."""
        super().set_up()
        self.clock = SlowClock(self.clock)
        self.now -= SLOW
