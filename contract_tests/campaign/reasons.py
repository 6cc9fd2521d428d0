"""Say why a statement was not tried: what the run lacked for it."""

from collections.abc import Iterator, Mapping

from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.templates.logins import by_password

#: What a layer of changes works with: a webhook request in one of these states.
_STATES = {"resend": ("REJECTED",), "delete": ("REJECTED", "SUCCESSFUL")}
_METHODS = ("show", "list", "resend", "delete", "token_release", "web_api_key_token")


def why_not(statement: str, session: Session, missed: Mapping[str, str]) -> str | None:
    """Return why a statement was not tried, or None if nothing is known to have been in the way.

    Args:
        statement: its id.
        session: the run's session.
        missed: why requests to a method could not be sent, or read.
    """
    return next(_reasons(statement, session, missed), None)


def _reasons(statement: str, session: Session, missed: Mapping[str, str]) -> Iterator[str]:
    scene = session.scene
    method = statement.partition(".")[0]
    if method in _METHODS and scene.method(method) is None:
        yield f"{scene.release.name} has no {method}"
    if method in _STATES:
        if method in missed:
            yield missed[method]
        if method not in scene.allowed:
            yield f"{method} is not allowed; allow it with --allow {method}"
        states = _STATES[method]
        if not any(scene.records(state, in_scope=True) for state in states):
            msg = f"no {' or '.join(states)} webhook request is in scope"
            yield (
                msg
                if scene.everything
                else f"{msg}; widen the scope with --only-… or --all-records"
            )
    yield from _of_logins(statement, session)
    if statement == "response.authentication_code.hmac":
        yield (
            "no data object and its secret key are both known; this needs a target that shows "
            "request as a JSON object or text, and --secret-key"
        )
    if method in missed:
        yield missed[method]
    if method in ("show", "list", "response", "identifier", "fields_set") and not session.records:
        yield "no webhook request is known"


def _of_logins(statement: str, session: Session) -> Iterator[str]:
    login = session.scene.login
    if "web_api_key" in statement and login.api_key is None:
        yield "needs a Web API key; give one with --api-key"
    if statement.startswith("token_release.") and not session.tokens.may_log_in:
        yield ("needs a login, so that it can release its own token; give --username or --api-key")
    if statement.startswith("login.token.") and not session.tokens.may_log_in:
        yield "needs a login instead of a token; give --username or --api-key"
    if statement == "login.unit":
        yield "no unit is known that the user may act for; name one with --unit"
    if (
        statement == "login.credentials"
        and not by_password(session.scene)
        and login.api_key is None
    ):
        yield "needs a login by user name; give --username, --password and --organisation"
