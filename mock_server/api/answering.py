"""The emulated API's own answer to a request: read, act, render."""

from collections.abc import Sequence

from crmcom_kit.mock_server.api.methods import list as listing
from crmcom_kit.mock_server.api.methods import login
from crmcom_kit.mock_server.api.methods import resend as resending
from crmcom_kit.mock_server.api.methods import show as methods
from crmcom_kit.mock_server.protocol.errors import (
    MethodWithdrawn,
    UnknownMethod,
    VendorError,
    WrongVerb,
)
from crmcom_kit.mock_server.protocol.parameters import Given
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.redaction import redact_path
from crmcom_kit.schemas.methods import API_PATH, Method

_ACTS = {
    "show": methods.show,
    "list": listing.list_,
    "resend": resending.resend,
    "delete": methods.delete,
}


def respond(world: Epoch, request: Request) -> Response:
    """Return the answer that ``world`` gives to ``request``; vendor errors are answers too."""
    name = "methods"
    warnings: Sequence[str] = ()
    method: Method | None = None
    given: Given | None = None
    try:
        method = _method(world, request)
        name = method.name
        _check_verb(world, method, request)
        given = world.parameters.collect(method, request)
        warnings = given.warnings
        answer = _act(world, method, given, request)
    except VendorError as error:
        from crmcom_kit.mock_server.suggestions import suggest  # which a start need not wait for

        answer = world.responses.error(error, name, suggest(error, method, request, given, world))
        if isinstance(error, WrongVerb) and answer.status == 405:
            answer.allow = error.allowed.replace(" or ", ", ")
        answer.error = error
        # For the journal keeps it, and would keep all that the frames hold.
        error.__traceback__ = error.__context__ = None
        answer.before = answer.after = error.record
        answer.attempts = error.attempts
    answer.method = name
    answer.warnings = (*warnings, *answer.warnings)
    return answer


def _method(world: Epoch, request: Request) -> Method:
    method = world.config.methods.get(request.path)
    if method is None:
        allowed = ", ".join(world.config.methods)
        seen = redact_path(f"{API_PATH}/{request.path}").removeprefix(f"{API_PATH}/")
        raise UnknownMethod("path", seen=quoted(seen), allowed=f"one of {allowed}")
    withdrawn = world.dialect["requests.deprecated_methods"] == "withdraw"
    if withdrawn and method.deprecated and method.name in _ACTS:
        seen = f"release {world.release.name}"
        raise MethodWithdrawn(method.path, seen=seen, allowed="an older release")
    return method


def _check_verb(world: Epoch, method: Method, request: Request) -> None:
    allowed = [method.verb]
    if method.name not in _ACTS and world.dialect["login.get"]:
        allowed.append("GET")
    if request.verb not in allowed:
        seen = quoted(request.verb).strip('"')
        raise WrongVerb(method.path, seen=seen, allowed=" or ".join(allowed))


def _act(world: Epoch, method: Method, given: Given, request: Request) -> Response:
    parameters = world.parameters
    if method.name in _ACTS:
        if world.dialect["errors.token_first"]:
            session = world.tokens.check(parameters.token(given, request.authorization))
            values = parameters.read(given)
        else:
            values = parameters.read(given)
            session = world.tokens.check(parameters.token(given, request.authorization))
        return _ACTS[method.name](world, values, session)
    if method.name == "token_release":
        text = parameters.token(given)
        parameters.read(given)
        return login.token_release(world, text)
    values = parameters.read(given)
    if method.name == "web_api_key_token":
        return login.web_api_key_token(world, values, request.authorization)
    return login.token(world, values)
