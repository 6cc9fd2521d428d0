"""What a run has not seen and must have seen to be PASSED, and why it left out statements."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from crmcom_kit.contract_tests.belief.records import TrackedRecord
from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.conclusions import CODES
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.wording import counted, never_served, outcome
from crmcom_kit.contract_tests.options.options import CHANGES, SUCCESSFUL_RESEND
from crmcom_kit.contract_tests.oracle.parsing import READ_METHODS
from crmcom_kit.contract_tests.templates import Template

#: Statements that only resend and delete test, beside those that are named after them.
TWO_FIELDS = "identifier.exactly_one"
OF_CHANGES = (
    TWO_FIELDS, "errors.change_nothing", "parameters.body", "parameters.identifier_in_body",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that a run has not seen."""

    what: str  # a method or ``SUCCESSFUL_RESEND``; "" for what ``[[not_seen]]`` cannot list
    why: str  # a sentence without its period
    is_tolerated: bool = False  # whether a run may pass nevertheless


def lacks(
    campaign: Campaign, templates: Sequence[Template], end_reason: str, *, is_whole: bool
) -> Iterator[Lack]:
    """Yield what a run has not seen, the most important first.

    Args:
        campaign: the run.
        templates: what it might send.
        end_reason: why it ended early; "" if it did not.
        is_whole: whether it checks all statements, and so must call every method.
    """
    session = campaign.session
    service, client = session.oracle.service, session.client
    if not campaign.is_first_pass_sent and end_reason:
        end = f"the run ended at request {client.sent} of {client.limits.max_requests}"
        yield Lack("", f"{end}, before it had sent each kind of request: {end_reason}")
    for method in _methods(campaign, templates):
        if not service.is_served(method):
            yield from _lacks_method(campaign, method, is_whole=is_whole)
    if service.is_served("resend") and not session.belief.changes.has_resent:
        yield Lack(SUCCESSFUL_RESEND, "no resend became SUCCESSFUL, so its effect was not seen")
    if campaign.scene.logins.is_locked and campaign.scene.logins.is_limited:
        yield Lack("", "the user looks locked, so that logins were not tried any more")
    for method, (times, why) in client.too_long.items():
        responses = counted(times, "response")
        yield Lack("", f"{responses} of {method} could not be read, and so are not checked: {why}")
    if untracked_ids := session.belief.records.untracked_ids:
        count = counted(len(untracked_ids), "webhook request")
        yield Lack("", f"{count} were untracked at some time: not every change of them would show")


def _methods(campaign: Campaign, templates: Sequence[Template]) -> Iterator[str]:
    """Yield the methods that the run might call; those of logins only if it called them.

    A deprecated method of logins may be withdrawn, and is left out.
    """
    scene, service = campaign.scene, campaign.session.oracle.service
    for method in dict.fromkeys(template.method for template in templates):
        is_called = method in READ_METHODS or (method in CHANGES and method in scene.allowed)
        is_login = method not in (*READ_METHODS, *CHANGES) and service.is_sent(method)
        if is_called or (is_login and not scene.methods[method].deprecated):
            yield method


def _lacks_method(campaign: Campaign, method: str, *, is_whole: bool) -> Iterator[Lack]:
    """Yield why a method was not served, unless the run need not call it."""
    session = campaign.session
    why = session.oracle.service.never_served_line(method)
    if not why and method == "list":
        why = _refused_line(campaign, method)
    if why:
        yield Lack(method, why)
    elif method in CHANGES and session.guard.unclear_ids:
        yield Lack(method, f"no response to {method} shows what it did")
    elif method == "resend" and _in_scope(session) and not _rejected_in_scope(session):
        why = "no webhook request in scope is REJECTED, so resend was not served"
        yield Lack(method, why, is_tolerated=True)
    elif is_whole:
        why = campaign.why_unsent.get(method) or _nothing_to_try(campaign, method)
        yield Lack(method, f"{method} was never sent: {why}")


def _refused_line(campaign: Campaign, method: str) -> str:
    """Say that a method was sent, whatever the token; "" if it was not."""
    history = campaign.session.client.history
    exchanges = [exchange for exchange in history if exchange.call.method == method]
    return never_served(method, len(exchanges), outcome(exchanges[-1])) if exchanges else ""


def _nothing_to_try(campaign: Campaign, method: str) -> str:
    belief, scene = campaign.belief, campaign.scene
    if not belief.records.by_id:
        return "the server has shown no webhook request"
    if not any(record.is_nameable for record in belief.records.by_id.values()):
        return "no webhook request has id, number, entity, entity_id and url as strings"
    if method in CHANGES and not any(
        record.condensed in scene.scope for record in belief.records.existing()
    ):
        return "no webhook request is left in scope"
    if not campaign.is_first_pass_sent:
        return "the run ended before"
    planned_methods = {template.method for template in campaign.plan.times}
    if method not in planned_methods:
        return "the run had too few requests for it, allow more with --max-requests"
    return "nothing fits it"


def _in_scope(session: Session) -> list[TrackedRecord]:
    """Return the webhook requests that the run may change or has deleted."""
    records = session.belief.records.by_id.values()
    return [record for record in records if record.condensed in session.scene.scope]


def _rejected_in_scope(session: Session) -> list[TrackedRecord]:
    """Return those in scope that are REJECTED, or were until the run resent them."""
    records = _in_scope(session)
    return [record for record in records if record.was_resent or record.state == "REJECTED"]


def why_not_exercised(
    campaign: Campaign, statement: str, secret_keys: Mapping[str, str], end_reason: str
) -> str:
    """Return why a run did not test a statement; ``end_reason`` is why it ended early."""
    session, scene, topic = campaign.session, campaign.scene, statement.partition(".")[0]
    if why := _why_unchanged(session, statement):
        return why
    if "web_api_key" in statement and scene.login.api_key is None:
        return "needs --api-key"
    if statement == "token.expiry" and scene.login.expired_token is None:
        return "needs CRMCOM_EXPIRED_TOKEN"
    if topic in ("login", "token_release") and session.tokens.login() is None:
        return "needs a login: --username, --password and --organisation"
    if statement == CODES and not secret_keys:
        return "needs CRMCOM_SECRET_KEY, and a server that shows what it has signed"
    if session.oracle.service.never_served_line(topic):
        return f"the server never served {topic}"
    is_of_logins = topic in ("login", "token_release", "web_api_key_token")
    if is_of_logins and scene.logins.is_locked:
        return "the server seems to have locked the user"
    if is_of_logins and not scene.logins.left:
        return f"needs more logins than --logins {scene.logins.limit}"
    reason = campaign.why_unsent.get(topic)
    return reason or end_reason or "the server has shown nothing to try it on"


def _why_unchanged(session: Session, statement: str) -> str:
    """Return why a run did not change anything to test a statement; "" if it could."""
    scene, topic = session.scene, statement.partition(".")[0]
    if topic in CHANGES and topic not in scene.allowed:
        return f"needs --allow {topic} and --scope"
    if statement in OF_CHANGES and not scene.allowed:
        return "needs --allow resend or delete and --scope"
    if statement == TWO_FIELDS and not scene.scope.everything:
        return "needs --allow resend or delete, and --scope all"
    if topic in CHANGES and not _in_scope(session):
        return "no webhook request is in scope"
    if topic == "resend" and not _rejected_in_scope(session):
        return "no webhook request in scope is REJECTED"
    return ""
