"""Decide which statement is to blame where several fit.

A webhook request that is found changed, or gone, may be the fault of the request that named it,
of one that named another, of one that was refused, or of reading itself. Every check asks here.
"""

from collections.abc import Sequence

from crmcom_kit.contract_tests.belief.belief import Change


def of_change(key: str, changes: Sequence[Change]) -> dict[str, Change]:
    """Return what may be broken by a change of a webhook request, one of these having done it.

    For each statement comes the last request that may break it, the likeliest first.
    """
    served = [each for each in changes if each.served]
    if not served:
        return {"errors.change_nothing": changes[-1]}
    named = [each for each in served if key in each.named]
    if named:
        own = {"resend": "resend.same_record", "delete": "delete.gone"}
        return {own[named[-1].method]: named[-1]}
    resends = [each for each in served if each.method == "resend"]
    deletes = [each for each in served if each.method == "delete"]
    found = {"resend.single_result": resends, "delete.single_result": deletes}
    return {statement: each[-1] for statement, each in found.items() if each}


def of_loss(key: str, changes: Sequence[Change]) -> dict[str, Change]:
    """Return the same for one that is gone and was not deleted: a delete is the likeliest."""
    return dict(reversed(of_change(key, changes).items()))


def of_left_out(path: str, *, by_name: bool) -> str:
    """Return what is broken where a response leaves out a member that has a value."""
    field, _, member = path.partition(".")
    if field == "log_information" and member:
        kinds = {"date": "dates", "user": "users", "business_unit": "business_units"}
        kind = next((kinds[end] for end in kinds if member.endswith(end)), "units")
        return f"response.log_information.{kind}"
    return "fields_set.selects" if by_name else "fields_set.default_all"
