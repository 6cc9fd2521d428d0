"""A dry run: says which requests a run would send, and sends none."""

from collections.abc import Iterator, Sequence

from crmcom_kit.contract_tests.probes.registry import Probe
from crmcom_kit.contract_tests.safety.discovery import needs
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.redaction import redact_url

#: The methods that the probes of a layer call.
_METHODS = {
    "read": "show, list",
    "login": "the login methods, list",
    "resend": "show, list, resend",
    "delete": "show, list, resend, delete",
}


#: Why a changing probe may not be called where ``--allow`` does not say.
_UNSAID = "called only in a separate world of a crmcom-kit mock, and not with --allow none"


def dry_run_lines(session: Session, wanted: Sequence[Probe], *, is_clear: bool) -> Iterator[str]:
    """Yield what a run of the ``wanted`` probes would call, a line each, in its order.

    Args:
        session: the run's session, and what it may change.
        wanted: the probes that the run is about.
        is_clear: whether it is clear what may be changed: ``--allow`` was given, or the target
            is far. Without it a run changes separate worlds of mocks that are near and no other
            server, and which of them a target is turns out only when it answers.
    """
    login = session.target.login
    base = redact_url(session.target.base_url)
    if login.token is None:
        name = "token" if login.username is not None else "web_api_key_token"
        yield f"POST {base}/{session.method(name).path}: log in"
    else:
        yield f"GET {base}/{session.method('list').path}: is the given token accepted?"
    yield f"GET {base}/{session.method('list').path}: how is a wrong token refused?"
    entities = ", ".join(session.release.entities)
    yield f"GET {base}/{session.method('list').path}: find webhook requests of {entities}"
    yield from (f"needed for {line}" for line in needs(session.allowed))
    for probe in wanted:
        if probe.layer in ("resend", "delete") and probe.layer not in session.allowed:
            why = f"not called, since {probe.layer} is not allowed" if is_clear else _UNSAID
            yield f"{why}: {_what(probe)}"
        else:
            requests = "1 request" if probe.cost == 1 else f"{probe.cost} requests"
            yield f"about {requests} ({_METHODS[probe.layer]}): {_what(probe)}"
    yield f"GET {base}/{session.method('list').path}: has anything else changed?"


def _what(probe: Probe) -> str:
    return f"{probe.name.replace('_', ' ')} ({', '.join(probe.statements)})"
