"""A dry run: print the requests that a run would send, and send none."""

from collections.abc import Iterable, Iterator

from crmcom_kit.contract_tests.campaign.planning import (
    few_logins,
    login_totals,
    max_changes,
    open_reads,
    sendable,
)
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.campaign.tokens import NO_LOGIN
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.contract_tests.templates import Template
from crmcom_kit.redaction import redact_url


def dry_run_lines(session: Session, templates: Iterable[Template]) -> Iterator[str]:
    """Yield a line for each kind of request, after the numbers of logins and changes."""
    scene, base = session.scene, redact_url(session.target.base_url)
    login, any_list = session.tokens.login(), f"GET {base}/{session.method('list').path}"
    if scene.token is None and login is None:
        yield f"nothing: {NO_LOGIN}"
        return
    budget = session.client.limits.max_requests or 0
    templates = sendable(templates, scene)
    logins = few_logins(templates, scene, budget)
    yield f"at most {counted(budget, 'request')} in all"
    if scene.logins.is_limited:
        needs, (extras, wrong_count) = int(scene.token is None), login_totals(logins, scene)
        renewal = "; one more whenever a token ends" if login is not None else ""
        yield f"logins: {needs + extras} ({needs} that the run needs, {extras} beside it){renewal}"
        yield f"wrong passwords or keys of the user: {wrong_count}"
    else:
        yield "logins: any number, since the run starts the server itself"
    numbers = scene.scope.numbers
    total = f", of {counted(len(numbers), 'webhook request')}" if numbers else ""
    for method, times in max_changes(templates, budget).items():
        yield (
            f"{method}: at most {counted(times, 'request')}{total}" if times else f"{method}: none"
        )
    if scene.token is not None:
        yield f"{any_list}: is the given token accepted?"
    elif login is not None:
        yield f"POST {base}/{login.path}: log in"
    yield f"{any_list}: how is a wrong token refused?"
    yield f"{any_list}: find webhook requests of {', '.join(scene.release.entities)}"
    for template in templates:
        if logins.get(template) != 0:
            yield _line(template, logins.get(template))
    if times := open_reads(templates, budget):
        yield f"about {counted(times, 'time')}: show and list with values that no list names"
    yield f"{any_list}: has anything else changed?"
    if session.target.is_near:
        yield "in a world of its own, if this is a crmcom-kit mock that makes one: anything"


def _line(template: Template, times: int | None) -> str:
    """Return the line of a template; ``times`` is how often it is sent, if that is known."""
    prefix = "" if times is None else f"{counted(times, 'time')}: "
    state = f" ({template.state})" if template.state else ""
    looks = ", with looks before and after it" if template.changes else ""
    return f"{prefix}{template.name}{state}{looks}"
