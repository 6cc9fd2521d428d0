"""The limit of logins to a server that the run does not own, and the count of logins."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

#: The maximum number of logins to a server that the run made itself.
ANY_LOGINS = math.inf


@dataclass(slots=True)
class LoginCount:
    """The number of logins to one server. Several sessions may share it."""

    logins: int = 0  # right ones, beside those that a run needs
    wrong_passwords: int = 0
    is_entered: bool = False  # whether the one login was sent that a run needs
    #: The accounts, user or key, whose last wrong login was followed by no right one.
    after_wrong: list[str] = field(default_factory=list)
    token: str = field(default="", repr=False)  # of the last login that a run needed
    path: Path | None = None  # a file in which several processes share it
    _lock: Any = field(default=None, repr=False)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock the count, and share it with other processes."""
        if self.path is None:
            yield
            return
        from filelock import FileLock  # here, since few need it

        self._lock = self._lock or FileLock(self.path.with_suffix(".lock"))
        with self._lock:
            if self.path.exists():
                for name, value in json.loads(self.path.read_text("utf-8")).items():
                    setattr(self, name, value)
            try:
                yield
            finally:
                names = [
                    member.name for member in fields(self) if member.name not in ("path", "_lock")
                ]
                self.path.touch(mode=0o600)
                self.path.write_text(json.dumps({name: getattr(self, name) for name in names}))


@dataclass(slots=True)
class Logins:
    """The logins of one session: their limit, and the count.

    A wrong password may lock the user, and a login may end another session of the user.
    """

    limit: float = ANY_LOGINS  # of right ones, beside the one that the run needs
    count: LoginCount = field(default_factory=LoginCount)
    is_locked: bool = False  # whether the server seems to have locked the user

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit."""
        return self.limit != ANY_LOGINS

    @property
    def wrong_limit(self) -> float:
        """How many wrong passwords may be sent: one before and one after each right login."""
        return self.limit + 1 if self.limit else 0

    @property
    def left(self) -> float:
        """How many right logins may still be sent."""
        return 0 if self.is_locked else max(0, self.limit - self.count.logins)

    @property
    def wrong_left(self) -> float:
        """How many wrong passwords may still be sent."""
        return 0 if self.is_locked else max(0, self.wrong_limit - self.count.wrong_passwords)

    def may_be_wrong(self, account: str) -> bool:
        """Return whether the next login of an account, user or key, may be wrong."""
        return self.wrong_left > 0 and not (self.is_limited and account in self.count.after_wrong)
