"""A dry run: print the requests that a run would send, and send none."""

from collections.abc import Iterator, Mapping

from crmcom_kit.contract_tests.campaign.planning import drawn, logins_of, max_changes
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.campaign.tokens import NO_LOGIN
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.contract_tests.options.options import CHANGES
from crmcom_kit.contract_tests.safety.scope import Scope
from crmcom_kit.contract_tests.templates import Template
from crmcom_kit.redaction import redact_url


def dry_run_lines(session: Session, limits: Mapping[Template, int]) -> Iterator[str]:
    """Yield a line for each kind of request, with how often it is sent at most."""
    scene, base = session.scene, redact_url(session.target.base_url)
    login, any_list = session.tokens.login(), f"GET {base}/{session.method('list').path}"
    if scene.token is None and login is None:
        yield f"nothing: {NO_LOGIN}"
        return
    yield f"at most {counted(session.client.limits.max_requests or 0, 'request')} in all"
    yield from _logins(session, limits)
    yield from _changes(session, limits)
    if scene.token is not None:
        yield f"{any_list}: is the given token accepted?"
    elif login is not None:
        yield f"POST {base}/{login.path}: log in"
    yield f"{any_list}: how is a wrong token refused?"
    yield f"{any_list}: find webhook requests of {', '.join(scene.release.entities)}"
    for template, times in limits.items():
        if times:
            looks = ", with looks before and after it" if template.changes else ""
            yield f"{_often(template, times, session)}{looks}: {_what(template)}"
    if times := drawn(limits, session.client.limits.max_requests or 0):
        yield f"about {counted(times, 'time')}: show and list with values that no list names"
    yield f"{any_list}: has anything else changed?"
    if session.target.near:
        yield "in a world of its own, if this is a crmcom-kit mock that makes one: anything"


def _logins(session: Session, limits: Mapping[Template, int]) -> Iterator[str]:
    """Yield how many logins there are, if they are limited."""
    scene = session.scene
    if not scene.logins.is_limited:
        yield "logins: any number, since the run starts the server itself"
        return
    beside, wrong = logins_of(limits, scene)
    needed = int(scene.token is None)
    ended = "; one more whenever a token ends" if session.tokens.login() is not None else ""
    yield f"logins: {needed + beside} ({needed} that the run needs, {beside} beside it){ended}"
    yield f"wrong passwords or keys of the user: {wrong}"


def _changes(session: Session, limits: Mapping[Template, int]) -> Iterator[str]:
    """Yield how many changes there are at most."""
    scope, changes = session.scene.may_change, max_changes(limits)
    numbers = len(scope.numbers) if isinstance(scope, Scope) else 0
    of = f", of {counted(numbers, 'webhook request')}" if numbers else ""
    budget = session.client.limits.max_requests or 0
    for name in CHANGES:
        times = min(budget, changes.get(name, 0))
        yield f"{name}: at most {counted(times, 'request')}{of}" if times else f"{name}: none"


def _often(template: Template, times: int, session: Session) -> str:
    often = "once" if times == 1 else f"{times} times"
    is_counted = template.login and session.scene.logins.is_limited
    return often if is_counted else f"at most {often}"


def _what(template: Template) -> str:
    return f"{template.name} ({template.state})" if template.state else template.name
