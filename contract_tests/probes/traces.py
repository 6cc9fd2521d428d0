"""The probe of whether resend sends again at all, in each form in which it can be called.

It comes last of its layer: what left no trace at once may have been queued.
"""

from collections.abc import Mapping, Sequence

from crmcom_kit.contract_tests.checks.knowledge import differ
from crmcom_kit.contract_tests.findings import Unreachable, outcome
from crmcom_kit.contract_tests.probes.helpers import STATES
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.probes.resends import send_again, shown
from crmcom_kit.contract_tests.session import Resend, Session

#: So many resends of one form have to leave no trace, before the form is doubted.
MIN_SILENT = 2


@probe("resend.sends_again", layer="resend", cost=1, last=True)
def what_was_sent_leaves_a_trace(session: Session) -> None:
    """What resend was called for has changed by now, whatever became of the delivery.

    A delivery may fail again in the same way, and leave nothing to see. In the kit's own world
    none does. Elsewhere a form of resend is broken only if it never leaves a trace where another
    one does, for the same webhook requests.
    """
    forms: dict[str, list[Resend]] = {}
    silent: dict[str, list[Resend]] = {}
    at_once: dict[str, bool] = {}
    for made in session.observed.resends:
        traced = _has_trace(made)
        at_once[made.form] = at_once.get(made.form, True) and traced
        later = traced or _has_later_trace(session, made)
        forms.setdefault(made.form, []).append(made)
        if later:
            session.findings.hold("resend.sends_again", made.exchange)
        else:
            silent.setdefault(made.form, []).append(made)
    if session.target.entries:
        for made in (each for found in silent.values() for each in found[:1]):
            _is_broken(session, made)
        return
    quick = [form for form, traced in at_once.items() if traced]
    for form, found in silent.items():
        if quick and len(found) == len(forms[form]):
            _try_in_another(session, found, quick[0], forms)
    if not session.findings.is_held("resend.sends_again"):
        _by_reference(session, silent)


def _has_trace(made: Resend) -> bool:
    return made.after is not None and differ(made.before, made.after)


def _has_later_trace(session: Session, made: Resend) -> bool:
    """Whether a webhook request shows by now that it was sent again; what is gone tells nothing."""
    now = shown(session, made.before["id"])
    return now is None or differ(made.before, now)


def _try_in_another(
    session: Session, found: Sequence[Resend], quick: str, forms: Mapping[str, Sequence[Resend]]
) -> None:
    """Send again, in a form that leaves traces at once, what another form has left as it was."""
    more = dict(forms[quick][0].exchange.call.parameters)
    field = "number" if quick.startswith("number") else "id"
    given = {name: value for name, value in more.items() if name == "fields_set"}
    proofs = 0
    for made in found:
        now = shown(session, made.before["id"])
        if now is None or now.get("life_cycle_state") != STATES[0]:
            return
        again = made
        if len(found) < MIN_SILENT:
            form = "number" if made.form.startswith("number") else "id"
            same = made.exchange.call.parameters
            with_fields = {name: value for name, value in same.items() if name == "fields_set"}
            again = send_again(session, now, form, **with_fields)
            proofs += not _has_trace(again)
        if _has_trace(again) or not _has_trace(send_again(session, now, field, **given)):
            return
        proofs += 1
    if proofs >= MIN_SILENT:
        _is_broken(session, found[-1])


def _by_reference(session: Session, silent: Mapping[str, Sequence[Resend]]) -> None:
    """Judge by a response that is a mere reference: a delivery makes a new one.

    Raises:
        Unreachable: nothing can be told.
    """
    found = [each for some in silent.values() for each in some]
    texts = [each.before.get("response") for each in found]
    plain = all(
        isinstance(text, str) and not text.lstrip().startswith(("{", "[")) for text in texts
    )
    if len(found) >= MIN_SILENT and plain and any(each.exchange.ok for each in found):
        _is_broken(session, found[-1])
        return
    msg = "the resends left no trace by which they could be told from none"
    raise Unreachable(msg)


def _is_broken(session: Session, made: Resend) -> None:
    session.expect(
        "resend.sends_again", made.exchange, kept=False,
        expected="a trace of the delivery: another state, date, response or error",
        seen=f"{outcome(made.exchange)}, and the webhook request is as it was",
        record=made.before["id"],
    )  # fmt: skip
