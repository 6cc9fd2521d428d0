"""A dry run: says which requests a run would send, and sends none."""

from collections.abc import Iterator, Sequence

from crmcom_kit.contract_tests.campaign.planning import needs
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.templates import Template
from crmcom_kit.redaction import redact_url

#: Why a changing method may not be called where ``--allow`` does not say.
_UNSAID = "called only in a separate world of a crmcom-kit mock, and not with --allow none"


def dry_run_lines(
    session: Session, templates: Sequence[Template], *, is_clear: bool
) -> Iterator[str]:
    """Yield what a run would call, a line each, in its order.

    Args:
        session: the run's session, and what it may change.
        templates: what the run is about.
        is_clear: whether it is clear what may be changed: ``--allow`` was given, or the target
            is far. Without it a run changes separate worlds of mocks that are near and no other
            server, and which of them a target is turns out only when it answers.
    """
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
    for (method, state), count in needs(scene).items():
        yield f"about {count} {state} webhook requests in scope are used for {method} at first"
    uncalled: dict[str, list[str]] = {}
    for each in templates:
        if scene.method(each.method) is None:
            continue
        if each.changes and each.method not in scene.allowed:
            name = _what(each).removeprefix(f"{each.method}: ")
            uncalled.setdefault(each.method, []).append(name)
        else:
            times = "once" if each.first == 1 else f"{each.first} times"
            looks = ", with looks before and after it" if each.changes else ""
            yield f"{times}{looks}: {_what(each)}"
    most = session.client.limits.max_requests
    yield f"fewer of each if they are more than {most} requests, else any of them again, at random"
    yield f"GET {base}/{session.method('list').path}: has anything else changed?"
    for method, names in uncalled.items():
        why = "not called, since it is not allowed" if is_clear else _UNSAID
        yield f"{method} is {why}: {', '.join(names)}"


def _what(template: Template) -> str:
    return f"{template.name} ({template.state})" if template.state else template.name
