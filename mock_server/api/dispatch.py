"""How a request is processed: fault, method, token, parameters, the method itself, the journal.

There is one implementation, ``handle``. It does no I/O: what a request must wait for is left to the
``Waits`` of its shell. ``dispatch`` waits in its own thread.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from crmcom_kit.mock_server.api.methods.delete import delete
from crmcom_kit.mock_server.api.methods.list import list_
from crmcom_kit.mock_server.api.methods.login import token, token_release, web_api_key_token
from crmcom_kit.mock_server.api.methods.resend import resend
from crmcom_kit.mock_server.api.methods.show import show
from crmcom_kit.mock_server.api.waits import Waits, WaitsInThread
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import Given
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import (
    Ending,
    Response,
    usage_error_response,
)
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.tokens import Session
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.redaction import redact_path
from crmcom_kit.schemas.methods import API_PATH, Method
from crmcom_kit.usage_errors import UsageError, quoted

_RECORD_METHODS = frozenset({"show", "list", "resend", "delete"})
_READS: dict[str, Callable[[Epoch, dict[str, Any]], Response]] = {
    "show": show,
    "list": list_,
}
_IN_THREAD = WaitsInThread()


def dispatch(world: World, request: Request) -> Response:
    """Return the response of ``world`` to ``request``; wait in this thread if it must wait."""
    try:
        handle(world, request, _IN_THREAD).send(None)
    except StopIteration as end:
        response: Response = end.value
        return response
    raise AssertionError  # such waits suspend nothing


async def handle(world: World, request: Request, waits: Waits) -> Response:
    """Return the response of ``world`` to ``request``, and record both in the journal.

    The journal has the request from now on. It stays in the epoch in which it began: after a reset
    it no longer changes the world, and is in no journal that anyone reads.
    """
    epoch = world.current_epoch
    closing = epoch.config.closing  # the server may start again, with another one
    entry = epoch.journal.begin(epoch.clock.now(), request)
    response = None
    try:
        if epoch.faults.has_active or request.prefer:
            entry.fault = epoch.faults.select(epoch.store.get, request)
        if entry.fault is None:
            response = await respond(epoch, request, waits)
        else:
            # Imported with the first fault: most mocks have none, and start sooner without it.
            from crmcom_kit.mock_server.api.fault_effects import apply

            own = partial(respond, epoch, request, waits)
            response = await apply(entry.fault, epoch, entry, own, waits, closing)
    except UsageError as error:
        response = usage_error_response(error)
    finally:
        if response is None:  # the shell gave up while the request waited
            response = entry.carried_out or Response(0, b"", "text/plain")
            response.ending = Ending("dropped")
        response.entry_id = epoch.journal.complete(entry, response)
    return response


async def respond(epoch: Epoch, request: Request, waits: Waits) -> Response:
    """Return the API's own response in ``epoch``; vendor errors are responses, too."""
    name = "methods"
    warnings: Sequence[str] = ()
    method: Method | None = None
    given: Given | None = None
    try:
        method = _method(epoch, request)
        name = method.name
        _check_verb(method, request)
        given = epoch.config.parameters.collect(method, request)
        warnings = given.warnings
        if name in _RECORD_METHODS:
            session, values = _session_and_values(epoch, given, request)
            if name == "resend":
                response = await resend(epoch, values, session, waits)
            elif name == "delete":
                response = delete(epoch, values, session)
            else:
                response = _READS[name](epoch, values)
        else:
            response = _log_in_or_out(epoch, method, given, request)
    except VendorError as error:
        response = _error(epoch, error, method, request, given)
    response.method = name
    response.warnings = (*warnings, *response.warnings)
    return response


def _method(epoch: Epoch, request: Request) -> Method:
    config = epoch.config
    method = config.methods.get(request.path)
    if method is None:
        allowed = f"one of {', '.join(config.methods)}"
        seen = redact_path(f"{API_PATH}/{request.path}").removeprefix(f"{API_PATH}/")
        raise VendorError("unknown_method", "path", seen=quoted(seen), allowed=allowed)
    if method.deprecated and method.name in _RECORD_METHODS:
        dial = "requests.deprecated_methods"
        if config.dialect[dial] == "withdraw":
            seen, allowed = f"release {config.release.name}", "an older release"
            kind = "method_withdrawn"
            raise VendorError(kind, method.path, seen=seen, allowed=allowed, dials=(dial,))
    return method


def _check_verb(method: Method, request: Request) -> None:
    if request.verb != method.verb:
        seen = quoted(request.verb).strip('"')
        raise VendorError("wrong_verb", method.path, seen=seen, allowed=method.verb)


def _session_and_values(
    epoch: Epoch, given: Given, request: Request
) -> tuple[Session, dict[str, Any]]:
    """Check token and parameters, in the order of the dialect."""
    parameters = epoch.config.parameters
    if epoch.config.dialect["errors.token_first"]:
        session = epoch.tokens.check(parameters.token(given, request.authorization))
        return session, parameters.read(given)
    values = parameters.read(given)
    return epoch.tokens.check(parameters.token(given, request.authorization)), values


def _log_in_or_out(epoch: Epoch, method: Method, given: Given, request: Request) -> Response:
    parameters = epoch.config.parameters
    if method.name == "token_release":
        text = parameters.token(given)
        parameters.read(given)
        return token_release(epoch, text)
    values = parameters.read(given)
    if method.name == "web_api_key_token":
        return web_api_key_token(epoch, values, request.authorization)
    return token(epoch, values)


def _error(
    epoch: Epoch,
    error: VendorError,
    method: Method | None,
    request: Request,
    given: Given | None,
) -> Response:
    # Imported with the first refused request: a start need not wait for it.
    from crmcom_kit.mock_server.api.suggestions import suggest

    name = "methods" if method is None else method.name
    response = epoch.config.responses.error(error, name)
    response.suggestion = suggest(error, method, request, given, epoch)
    if error.kind == "wrong_verb" and response.status == 405:
        response.allow = error.allowed
    response.error = error
    # The journal keeps the error, and would keep everything that its frames hold.
    error.__traceback__ = error.__context__ = None
    response.before = response.after = error.record
    response.attempts = error.attempts
    return response
