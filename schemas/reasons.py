"""The words for a request that breaks a statement, for mock and kit: the mistake and the remedy.

The texts are in ``data/reasons.json``. The emulator and the contract kit each decide whether a
request breaks a statement.
"""

from typing import NamedTuple

from crmcom_kit.schemas.files import read_json


class Reason(NamedTuple):
    """The reason of a refusal; as a string, both parts in one sentence."""

    wrong: str  # a clause, such as "the token has expired"
    remedy: str  # an instruction, such as "use a token from a new login"

    def __str__(self) -> str:
        return f"{self.wrong}; {self.remedy}"


def reason(
    statement: str, case: str = "", *, parameter: str = "", seen: str = "", allowed: str = ""
) -> Reason:
    """Return the reason why a request breaks a statement.

    Args:
        statement: the id of a statement that a request can break.
        case: one of the statement's cases, whose texts differ; "" for none.
        parameter: the wrong parameter, with a dot before the field of an identifier.
        seen: its value, quoted, or a description of it.
        allowed: the allowed values in words; by default those of the texts.

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
