"""What a fault does to the call that it hits, and what the caller gets."""

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from crmcom_kit.mock_server.faults.matching import RequestView
from crmcom_kit.mock_server.faults.model import Effect, Fault
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import Ending, Response

if TYPE_CHECKING:
    from crmcom_kit.mock_server.world.epoch import Epoch


def applied(
    fault: Fault,
    epoch: "Epoch",
    request: Request,
    respond: "Callable[[Epoch, Request], Response]",
) -> Response:
    """Return what the caller gets, ``answer_to`` being what gives the API's own answer."""
    effect = fault.effect
    call = RequestView(epoch, request)
    record = call.record if effect.delete_record else None  # while it is there
    if fault.when == "after_commit":
        answer = respond(epoch, request)
        _disturb(epoch, effect, call)
        if effect.instead:
            answer = _put_instead(epoch, effect, answer.method, answer)
    else:
        _disturb(epoch, effect, call)
        if effect.instead:
            answer = _put_instead(epoch, effect, call.operation or "methods", None)
        else:
            answer = respond(epoch, request)
    if record is not None and answer.before is None:
        answer.before = record.body
    _spoil(effect, answer)
    answer.fault = f"{fault.id} ({fault.name})"
    return answer


class _Over(NamedTuple):
    """Set when nobody is to be held back any more."""

    epoch: "Epoch"

    def is_set(self) -> bool:
        return self.epoch.faults.over


def _disturb(epoch: "Epoch", effect: Effect, call: RequestView) -> None:
    """Do what happens beside the answer: time goes by, a token expires, a record goes."""
    if effect.delay is not None:
        epoch.clock.sleep(effect.delay.first / 1000, _Over(epoch))
    token = call.token if effect.expire_token else None
    if token is not None:
        # Tokens outlast an epoch, and what belongs to this one must not reach into the next.
        epoch.faults.unless_over(lambda: epoch.tokens.expire(token))
    if effect.delete_record and call.record is not None:
        epoch.store.delete("id", call.record.id)


def _put_instead(epoch: "Epoch", effect: Effect, method: str, real: Response | None) -> Response:
    """Return what is sent in the place of the API's own answer, which there may be."""
    if effect.drop:
        found = Response(0, b"", "text/plain", 0) if real is None else real
        found.ending = Ending("dropped")
    elif effect.error is not None:
        error = _error_class(effect.error)()
        found = epoch.responses.error(error, method)
        found.error, found.statement = error, None  # nobody broke it
    else:
        found = _page(effect.status or 500, effect.retry_after)
    found.method = method
    if real is not None:
        found.before, found.after, found.warnings = real.before, real.after, real.warnings
        found.attempts = real.attempts
    return found


def _page(status: int, retry_after: int | None) -> Response:
    """Return what a gateway answers that stands before the API: a page for people."""
    try:
        title = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        title = str(status)
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    found = Response(status, page.encode(), "text/html", len(page))
    found.retry_after = retry_after
    return found


def _spoil(effect: Effect, answer: Response) -> None:
    """Cut the API's own answer short, or end its JSON in the middle."""
    if effect.cut is None and not effect.malformed:
        return
    if not isinstance(answer.body, bytes) and (effect.malformed or answer.length is None):
        answer.body = b"".join(answer.body)
        answer.length = len(answer.body)
    length = answer.length or 0
    if effect.cut is not None:
        answer.ending = Ending("cut", effect.cut.kept(length))
    elif isinstance(answer.body, bytes):
        answer.body = answer.body[: length // 2]  # the half of an object is no JSON
        answer.length = len(answer.body)


@cache
def _error_classes() -> dict[str, type[VendorError]]:
    found: dict[str, type[VendorError]] = {}
    waiting = [VendorError]
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        if "kind" in vars(one):
            found[one.kind] = one
    return found


def _error_class(kind: str) -> type[VendorError]:
    return _error_classes()[kind]
