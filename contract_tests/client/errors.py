"""Why a request is not sent, or gets no response."""


class Unreachable(Exception):
    """What this target, these records or these permissions do not let us try, and why."""


class Withheld(Unreachable):
    """A request that the scope of the run keeps from being sent."""


class LoginLimit(Unreachable):
    """A login that is one too many for a server that the run does not own."""


class NoResponse(Unreachable):
    """No response came to a request: nobody knows if it was done."""


class ResponseTooLong(Unreachable):
    """A response that is longer than the run may read."""


class ResponseLost(Unreachable):
    """A gateway has responded to a request that is sent once only: nobody knows if it was done."""


class TargetDown(Exception):
    """The target does not respond, or stopped responding."""


class BudgetSpent(Exception):
    """The run may send no more requests, keep no more bytes, or has no time for what comes next."""
