"""A dry run: says which requests a run would send, and sends none."""

from collections.abc import Iterator, Sequence

from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.campaign.tokens import NO_LOGIN
from crmcom_kit.contract_tests.templates import Template
from crmcom_kit.redaction import redact_url


def dry_run_lines(session: Session, templates: Sequence[Template]) -> Iterator[str]:
    """Yield what a run that is about some templates would call, a line each, in its order."""
    scene, base = session.scene, redact_url(session.target.base_url)
    login, any_list = session.tokens.login(), f"GET {base}/{session.method('list').path}"
    if scene.token is not None:
        yield f"{any_list}: is the given token accepted?"
    elif login is not None:
        yield f"POST {base}/{login.path}: log in"
    else:
        yield f"nothing: {NO_LOGIN}"
        return
    yield f"{any_list}: how is a wrong token refused?"
    yield f"{any_list}: find webhook requests of {', '.join(scene.release.entities)}"
    for each in templates:
        if each.method not in scene.methods:
            continue
        times = "once" if each.first == 1 else f"{each.first} times"
        looks = ", with looks before and after it" if each.changes else ""
        is_called = not each.changes or each.method in scene.allowed
        unless = "" if is_called else f"if {each.method} is allowed, "
        yield f"{unless}{times}{looks}: {_what(each)}"
    most = session.client.limits.max_requests
    yield f"fewer of each if they are more than {most} requests, else any of them again, at random"
    yield f"{any_list}: has anything else changed?"


def _what(template: Template) -> str:
    return f"{template.name} ({template.state})" if template.state else template.name
