"""A dry run: says which requests a run would send, and sends none."""

from collections.abc import Iterator, Sequence

from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.templates import Template
from crmcom_kit.redaction import redact_url


def dry_run_lines(session: Session, templates: Sequence[Template]) -> Iterator[str]:
    """Yield what a run that is about some templates would call, a line each, in its order."""
    login, scene = session.scene.login, session.scene
    base = redact_url(session.target.base_url)
    if login.token is None:
        name = "token" if login.username is not None else "web_api_key_token"
        yield f"POST {base}/{session.method(name).path}: log in"
    else:
        yield f"GET {base}/{session.method('list').path}: is the given token accepted?"
    yield f"GET {base}/{session.method('list').path}: how is a wrong token refused?"
    entities = ", ".join(scene.release.entities)
    yield f"GET {base}/{session.method('list').path}: find webhook requests of {entities}"
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
    yield f"GET {base}/{session.method('list').path}: has anything else changed?"


def _what(template: Template) -> str:
    return f"{template.name} ({template.state})" if template.state else template.name
