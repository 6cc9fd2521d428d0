"""Process a request: fault, method, token, parameters, the method itself, the journal.

``handle`` is the only implementation. It does no I/O, and leaves waiting to the ``Waits`` of its
shell. ``dispatch`` waits in its own thread.
"""

from dataclasses import replace
from functools import partial

from crmcom_kit.mock_server.api.methods.list import list_
from crmcom_kit.mock_server.api.methods.login import token, token_release, web_api_key_token
from crmcom_kit.mock_server.api.methods.records import delete, show
from crmcom_kit.mock_server.api.methods.resend import resend
from crmcom_kit.mock_server.clock import Waits
from crmcom_kit.mock_server.faults.matching import RequestView
from crmcom_kit.mock_server.journal.journal import Entry
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import RawParameters
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import Ending, Response, usage_error_response
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas.methods import Method
from crmcom_kit.usage_errors import UsageError, escaped, quoted

_RECORD_METHODS = frozenset({"show", "list", "resend", "delete"})
_IN_THREAD = Waits()


def dispatch(world: World, request: Request) -> Response:
    """Return the response of ``world`` to ``request``; wait in this thread if necessary."""
    try:
        handle(world, request, _IN_THREAD).send(None)
    except StopIteration as end:
        response: Response = end.value
        return response
    raise AssertionError  # waits in a thread suspend nothing


async def handle(world: World, request: Request, waits: Waits) -> Response:
    """Return the response of ``world`` to ``request``, and record both in the journal.

    A request stays in the epoch in which it began: after a reset, its effects cannot be seen.
    """
    epoch = world.current_epoch
    closing = epoch.config.closing  # read once: a restarted server has another one
    entry = epoch.journal.begin(epoch.clock.now(), request)
    response = fault = None
    try:
        if epoch.faults.has_active:
            fault = epoch.faults.select(epoch.store.get, request)
        if fault is None:
            response = await respond(epoch, request, waits)
        else:
            # Imported with the first fault: most mocks have none, and start sooner without it.
            from crmcom_kit.mock_server.api.fault_effects import apply

            entry.fault = fault.without_body()  # the response has the sent part of it
            proceed = partial(respond, epoch, request, waits)
            response = await apply(fault, epoch, entry, proceed, waits, closing)
    except UsageError as error:
        response = usage_error_response(error)
    except Exception as error:  # noqa: BLE001 - client and journal get every failure
        response = _internal_error(world, epoch, request, error)
    finally:
        if response is None:  # the shell gave up while the request waited
            response = entry.carried_out or Response(0, b"", "text/plain")
            response.ending = Ending("dropped")
        if response.error is not None or response.warnings:
            _report_unexpected(epoch, entry, response)
        response.entry_id = epoch.journal.complete(entry, response)
    return response


def _report_unexpected(epoch: Epoch, entry: Entry, response: Response) -> None:
    """Report a refusal that no test expects, and warnings."""
    error = response.error if response.statement is not None else None
    view = RequestView(epoch.config, epoch.store.get, entry.request)
    texts = [f"warning: {text}" for text in response.warnings]
    if error is not None:
        entry.expected_refusal = epoch.expectations.is_expected(view, error)
        if not entry.expected_refusal:
            texts.append(f"refused ({error.kind}): {error.details}")
    if texts:
        request_name = f"request {entry.number}, {view.operation or 'no method'}"
        epoch.expectations.add_unexpected(f"{request_name}: {'; '.join(texts)}")


async def respond(epoch: Epoch, request: Request, waits: Waits) -> Response:
    """Return the API's own response in ``epoch``; vendor errors are responses, too."""
    method: Method | None = None
    raw: RawParameters | None = None
    try:
        method = _method(epoch.config, request)
        _check_verb(method, request)
        raw = epoch.config.parameters.collect(method, request)
        response = await _serve(epoch, request, raw, waits)
    except VendorError as error:
        response = _refusal(epoch, error, method, request, raw)
    response.method = "methods" if method is None else method.name
    if raw is not None and raw.warnings:
        response.warnings = (*raw.warnings, *response.warnings)
    return response


def _internal_error(world: World, epoch: Epoch, request: Request, error: Exception) -> Response:
    """Log an error of the mock itself, and return the response."""
    import logging
    from traceback import format_exception

    redact = world.redactor.text
    text = redact("".join(format_exception(error)))
    logging.getLogger("crmcom_kit").error("Internal error in %s\n%s", quoted(request.path), text)
    return epoch.config.responses.internal_error(escaped(redact(repr(error))))


def _method(config: Config, request: Request) -> Method:
    method = config.methods.get(request.path)
    if method is None:
        allowed = f"one of {', '.join(config.methods)}"
        raise VendorError("unknown_method", "path", value=request.path, allowed=allowed)
    if method.deprecated and method.name in _RECORD_METHODS:
        dial = "requests.deprecated_methods"
        if config.dialect[dial] == "withdraw":
            release, allowed = f"release {config.release.name}", "an older release"
            kind = "method_withdrawn"
            raise VendorError(kind, method.path, seen=release, allowed=allowed, dials=(dial,))
    return method


def _check_verb(method: Method, request: Request) -> None:
    if request.verb != method.verb:
        verb = escaped(request.verb)
        raise VendorError("wrong_verb", method.path, seen=verb, allowed=method.verb)


async def _serve(epoch: Epoch, request: Request, raw: RawParameters, waits: Waits) -> Response:
    """Carry a request out, without parameters that are wrong if the dialect serves it so.

    Raises VendorError.
    """
    responses, name = epoch.config.responses, raw.method.name
    while True:
        try:
            return await _carry_out(epoch, request, raw, waits)
        except VendorError as error:
            served = responses.served_instead(error, name)
            if served == "empty" and name == "list":
                return responses.listing([], None)
            if served == "empty" and name == "token_release":
                return responses.data(b"{}", name)
            parameter = (error.wrong or error.parameter).partition(".")[0]
            if served != "without" or parameter not in raw.values:
                raise
            values = {key: value for key, value in raw.values.items() if key != parameter}
            raw = replace(raw, values=values, duplicates=raw.duplicates - {parameter})


async def _carry_out(epoch: Epoch, request: Request, raw: RawParameters, waits: Waits) -> Response:
    """Check token and parameters, in the order of the dialect, and call the method."""
    parameters, tokens = epoch.config.parameters, epoch.tokens
    match raw.method.name:
        case "token":
            return token(epoch, parameters.read(raw))
        case "web_api_key_token":
            return web_api_key_token(epoch, parameters.read(raw), request.authorization)
        case "token_release":
            text = parameters.token(raw)
            parameters.read(raw)
            return token_release(epoch, text)
    if epoch.config.dialect["errors.token_first"]:
        session = tokens.check(parameters.token(raw, request.authorization))
        values = parameters.read(raw)
    else:
        values = parameters.read(raw)
        session = tokens.check(parameters.token(raw, request.authorization))
    match raw.method.name:
        case "show":
            return show(epoch, values)
        case "list":
            return list_(epoch, values)
        case "delete":
            return delete(epoch, values, session)
    return await resend(epoch, values, session, waits)


def _refusal(
    epoch: Epoch,
    error: VendorError,
    method: Method | None,
    request: Request,
    raw: RawParameters | None,
) -> Response:
    """Return the response to a refused request, with its reason and a suggestion."""
    # Imported with the first refused request: most mocks start sooner without it.
    from crmcom_kit.mock_server.api.suggestions import explain

    name = "methods" if method is None else method.name
    response = epoch.config.responses.error(error, name)
    statement = response.statement or ""
    reason, suggestion = explain(error, statement, method, request, raw, epoch)
    response.reason, response.suggestion = reason, suggestion
    if error.kind == "wrong_verb" and response.status == 405:
        response.allow = error.allowed
    response.error = error
    # The journal keeps the error; a traceback would keep every object of its frames.
    error.__traceback__ = error.__context__ = None
    response.before = response.after = error.record
    response.attempts = error.attempts
    return response
