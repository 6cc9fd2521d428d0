"""The vendor's errors: requests that the emulated API refuses.

``schemas/data/errors.json`` lists the kinds of errors with their default codes and sentences, and
``schemas/envelopes.py`` assembles the text from a kind's sentence and the facts of the error
(parameter, seen, allowed). HTTP status, code and sentence of a kind are dials.
``schemas/reasons.py`` has what else the client's developer is told.
"""

from dataclasses import KW_ONLY, dataclass

from crmcom_kit.schemas.dial_tables import SEEN
from crmcom_kit.usage_errors import phrase

_NOT_JSON = "a string that is not JSON"


@dataclass(eq=False, repr=False)
class VendorError(Exception):
    """An error that has the response that the API gives."""

    kind: str  # one of schemas/data/errors.json
    parameter: str = ""  # the one that is wrong
    _: KW_ONLY
    case: str = ""  # of the statement's reason, if its words differ
    form: str = ""  # of what is wrong, if ``seen`` does not tell it: see ``facts``
    wrong: str = ""  # the parameter that is wrong, if ``parameter`` names several
    variant: str = ""  # a more special kind, which a server may refuse in its own way
    seen: str = ""  # its value, quoted, or a description of it
    allowed: str = ""  # what would be valid
    dials: tuple[str, ...] = ()  # that decided; none if the documents did
    record: bytes | None = None  # the body of the webhook request that the request names
    attempts: tuple[int, ...] = ()  # the numbers of the delivery attempts that it caused

    @property
    def response_kind(self) -> str:
        """The kind whose dials decide the response."""
        return self.variant or self.kind

    @property
    def facts(self) -> dict[str, str]:
        """What a server may refuse in its own way, as the dial errors.cases has it."""
        seen = self.seen.strip('" ')
        blank = "empty" if self.seen == '""' else "blank"
        known = seen if seen in SEEN else "not JSON" if seen.startswith(_NOT_JSON) else ""
        form = self.form or (known if seen else blank)
        return {"kind": self.response_kind, "parameter": self.wrong or self.parameter, "seen": form}

    @property
    def details(self) -> str:
        """The facts in one phrase: parameter, seen, allowed."""
        return phrase(self.parameter, self.seen, self.allowed)
