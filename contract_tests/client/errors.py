"""Why a request is not sent, or gets no response."""


class Unreachable(Exception):
    """A request that could not be sent or got no response; the text says why."""


class Withheld(Unreachable):
    """A request that is out of the scope of the run, and is not sent."""


class LoginLimit(Unreachable):
    """A login beyond the limit on a server that the run does not own."""


class NoResponse(Unreachable):
    """A request without a response: nobody knows whether it was done."""


class ResponseTooLong(Unreachable):
    """A response that is longer than the run reads."""


class ResponseLost(Unreachable):
    """A request that is sent only once, to which a gateway responded: it may have been done."""


class TargetDown(Exception):
    """The target does not respond, or stopped responding."""


class BudgetSpent(Exception):
    """The run may send no more requests or keep no more bytes, or its time is over."""
