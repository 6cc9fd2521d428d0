"""The vendor's errors: requests that the emulated API refuses.

``schemas/data/errors.json`` lists the kinds of errors with their default codes and sentences, and
``schemas/envelopes.py`` assembles the text from a kind's sentence and the facts of the error
(parameter, seen, allowed). HTTP status, code and sentence of a kind are dials.
``schemas/reasons.py`` has the explanations for the client's developer.
"""

from dataclasses import KW_ONLY, InitVar, dataclass

from crmcom_kit.schemas.dial_tables import SEEN
from crmcom_kit.usage_errors import phrase, quoted


@dataclass(eq=False, repr=False)
class VendorError(Exception):
    """An error response of the API."""

    kind: str  # one of schemas/data/errors.json
    parameter: str = ""  # the wrong parameter
    _: KW_ONLY
    case: str = ""  # of the statement's reason, if it has special words
    form: str = ""  # the form of the value, one of SEEN, if ``seen`` is none of them
    wrong: str = ""  # the wrong parameter, if ``parameter`` names several
    variant: str = ""  # a more special kind, which a server may refuse differently
    seen: str = ""  # the description of the value
    value: InitVar[str | None] = None  # the value itself, which is quoted as ``seen``
    allowed: str = ""  # the allowed values in words
    dials: tuple[str, ...] = ()  # of the decision; none if the documents decide
    record: bytes | None = None  # the body of the webhook request that the request names
    attempts: tuple[int, ...] = ()  # the numbers of the delivery attempts that it caused

    def __post_init__(self, value: str | None) -> None:
        if value is not None:
            self.seen = quoted(value)
            if not value.strip(" "):
                self.form = self.form or ("blank" if value else "empty")

    @property
    def response_kind(self) -> str:
        """The kind with the dials of the response."""
        return self.variant or self.kind

    @property
    def facts(self) -> dict[str, str]:
        """The facts that the dial envelope.cases may select responses by."""
        form = self.form or (self.seen if self.seen in SEEN else "")
        return {"kind": self.response_kind, "parameter": self.wrong or self.parameter, "seen": form}

    @property
    def details(self) -> str:
        """The facts in one phrase: parameter, seen, allowed."""
        return phrase(self.parameter, self.seen, self.allowed)
