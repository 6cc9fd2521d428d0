"""Why a request breaks a statement, in one text for mock and kit: what is wrong, and the remedy.

The texts are in ``data/reasons.json``. Whether a request breaks a statement is not decided here:
the emulator and the contract kit each decide that on their own.
"""

from typing import NamedTuple

from crmcom_kit.schemas.files import read_json


class Reason(NamedTuple):
    """Why a request breaks a statement; as a string, both parts in one sentence."""

    wrong: str  # a clause, such as "the token has expired"
    remedy: str  # what to do, such as "use a token from a new login"

    def __str__(self) -> str:
        return f"{self.wrong}; {self.remedy}"


def reason(
    statement: str, case: str = "", *, parameter: str = "", seen: str = "", allowed: str = ""
) -> Reason:
    """Return why a request breaks a statement.

    Args:
        statement: the id of a statement that a request can break.
        case: one of the statement's cases, whose texts differ; "" for none.
        parameter: the wrong one, with a dot before the field of an identifier.
        seen: its value, quoted, or a description of it.
        allowed: what would be right; by default as the texts have it.

    Raises:
        KeyError: there is no reason for the statement, or it has no such case.
    """
    texts = read_json("data/reasons.json")["reasons"][statement]
    if case:
        texts = {**texts, **texts["cases"][case]}
    values = {
        "parameter": parameter or '""',
        "field": parameter.rpartition(".")[2],
        "seen": seen or '""',
        "allowed": allowed or texts.get("allowed"),
    }
    return Reason(texts["wrong"].format(**values), texts["remedy"].format(**values))
