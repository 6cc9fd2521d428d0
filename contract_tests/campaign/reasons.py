"""Say why a statement was not tried: what the run lacked for it."""

from collections.abc import Mapping

from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.templates.logins import by_password

#: What changes are tried on: a webhook request in one of these states.
_STATES = {"resend": ("REJECTED",), "delete": ("REJECTED", "SUCCESSFUL")}
_METHODS = ("show", "list", "resend", "delete", "token_release", "web_api_key_token")
_ABOUT_RECORDS = ("show", "list", "response", "identifier", "fields_set")


def why_not(statement: str, session: Session, missed: Mapping[str, str]) -> str | None:
    """Return why a statement was not tried, or None if nothing is known to have been in the way.

    Args:
        statement: its id.
        session: the run's session.
        missed: why requests to a method could not be sent, or read.
    """
    scene, topic = session.scene, statement.partition(".")[0]
    states, has_key = _STATES.get(topic, ()), scene.login.api_key is not None
    has_scope = any(scene.records(state, in_scope=True) for state in states)
    widen = "" if scene.everything else "; widen the scope with --only-… or --all-records"
    reasons = (
        (topic in _METHODS and scene.method(topic) is None, f"{scene.release.name} has no {topic}"),
        (states and topic in missed, missed.get(topic)),
        (
            states and topic not in scene.allowed,
            f"{topic} is not allowed; allow it with --allow {topic} and a scope: --only-…, or "
            "--all-records",
        ),
        (
            states and not has_scope,
            f"no {' or '.join(states)} webhook request is in scope{widen}",
        ),
        (
            "web_api_key" in statement and not has_key,
            "needs a Web API key; give one with --api-key",
        ),
        (
            topic == "token_release" and not session.tokens.may_log_in,
            "needs a login, so that it can release its own token; give --username or --api-key",
        ),
        (
            statement.startswith("login.token.") and not session.tokens.may_log_in,
            "needs a login instead of a token; give --username or --api-key",
        ),
        (
            statement == "login.unit",
            "no unit is known that the user may act for; name one with --unit",
        ),
        (
            statement == "login.credentials" and not (by_password(scene) or has_key),
            "needs a login by user name; give --username, --password and --organisation",
        ),
        (
            statement == "response.authentication_code.hmac",
            "no data object and its secret key are both known; this needs a target that shows "
            "request as a JSON object or text, and --secret-key",
        ),
        (topic in missed, missed.get(topic)),
        (topic in _ABOUT_RECORDS and not session.records, "no webhook request is known"),
        (
            statement.endswith(".filter"),
            "no list that was made with it could leave out a webhook request that is known",
        ),
        (topic == "response", "no webhook request that was seen has what this is about"),
    )
    return next((why for applies, why in reasons if applies), None)
