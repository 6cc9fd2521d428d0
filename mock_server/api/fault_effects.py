"""The effects of a fault on a request that it hits: delay, side effects, another response."""

from collections.abc import Awaitable, Callable, Mapping
from threading import Event
from typing import Any

from crmcom_kit.mock_server.clock import Waits
from crmcom_kit.mock_server.faults.matching import Fault, RequestView
from crmcom_kit.mock_server.journal.journal import Entry
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.response import Ending, Response, gateway_page
from crmcom_kit.mock_server.world.epoch import Epoch


async def apply(
    fault: Fault,
    epoch: Epoch,
    entry: Entry,
    respond: Callable[[], Awaitable[Response]],
    waits: Waits,
    closing: Event,
) -> Response:
    """Return the response to a request that ``fault`` hits; ``respond`` makes the API's own.

    While a delay holds the response back, the entry has it as ``carried_out``. ``closing`` is set
    when the server of the request ends; it drops responses that are held back.
    """
    effect = fault.effect
    view = RequestView(epoch.config, epoch.store.get, entry.request)
    record = view.record if "delete_record" in effect else None  # while it exists
    response: Response | None = None
    if fault.after_commit:
        response = entry.carried_out = await respond()
    if "delay" in effect:
        epoch.journal.announce(entry)  # who saw it arrive may not have seen the fault
        if epoch.clock.state.mode == "frozen":
            text = f"{fault.name} of request {entry.number} has no effect: the clock is frozen"
            epoch.expectations.add_unexpected(text)
        if not await _wait(epoch, effect, waits, closing):
            response = _drop(response)
            response.fault = f"{fault.id} ({fault.name})"
            return response
    _disturb(epoch, effect, view)
    if fault.replaces_response:
        response = _replacement(epoch, fault, view.operation or "methods", response)
    elif response is None:
        response = await respond()
    if record is not None and response.before is None:
        response.before = record.body
    _damage(effect, response)
    response.fault = f"{fault.id} ({fault.name})"
    return response


async def _wait(epoch: Epoch, effect: Mapping[str, Any], waits: Waits, closing: Event) -> bool:
    """Hold the request back; return False if the server has ended in the meantime."""
    await waits.sleep(
        epoch.clock, effect["delay"], lambda: epoch.journal.closed or closing.is_set()
    )
    return not closing.is_set()


def _disturb(epoch: Epoch, effect: Mapping[str, Any], view: RequestView) -> None:
    """Let the request's token expire, and delete its record, if the effect says so."""
    token = view.token if "expire_token" in effect else None
    # Tokens outlive a reset, but a fault from before it must not affect them.
    if token is not None and not epoch.journal.closed:
        epoch.tokens.expire(token)
    if "delete_record" in effect and view.record is not None:
        epoch.store.delete("id", view.record.id)


def _replacement(
    epoch: Epoch, fault: Fault, method: str, api_response: Response | None
) -> Response:
    """Return the response that replaces ``api_response``, the API's own, which may be None."""
    effect, page = fault.effect, fault.fixed
    if api_response is not None:
        method = api_response.method
    if "drop" in effect:
        response = _drop(api_response)
    elif "error" in effect:
        error = VendorError(effect["error"])
        response = epoch.config.responses.error(error, method)
        response.error, response.statement = error, None  # the caller broke no statement
    elif page is not None:
        content_type = page.content_type or epoch.config.dialect["envelope.content_type"]
        response = Response(page.status, page.body, content_type, extra_headers=page.headers)
    else:
        response = gateway_page(effect["status"])
        response.retry_after = effect.get("retry_after")
    response.method = method
    if api_response is not None:
        response.before, response.after = api_response.before, api_response.after
        response.attempts, response.warnings = api_response.attempts, api_response.warnings
    return response


def _drop(api_response: Response | None) -> Response:
    """Return a response that is not sent, with the results of ``api_response`` if there is one."""
    response = Response(0, b"", "text/plain") if api_response is None else api_response
    response.ending = Ending("dropped")
    return response


def _damage(effect: Mapping[str, Any], response: Response) -> None:
    """Cut the API's own response short, or end its JSON in the middle."""
    cut, is_malformed = effect.get("cut"), "malformed" in effect
    if cut is None and not is_malformed:
        return
    if not isinstance(response.body, bytes) and (is_malformed or response.length is None):
        response.body = b"".join(response.body)
        response.length = len(response.body)
    length = response.length or 0
    if cut is not None:
        response.ending = Ending("cut", min(cut, max(0, length - 1)))  # never the complete response
    elif isinstance(response.body, bytes):
        response.body = response.body[: length // 2]  # half of an object is not JSON
        response.length = len(response.body)
