"""What the emulator refuses on purpose: the vendor's errors.

    VendorError
    ├── TokenError            MissingToken, InvalidToken, ExpiredToken, ReleasedToken
    ├── LoginError            WrongCredentials, UnknownUnit
    ├── RequestError          BadBody, BadCharset, BodyTooLarge, UnknownMethod, WrongVerb,
    │                         MethodWithdrawn
    ├── ParameterError        MissingParameter, EmptyValue, WrongType, InvalidValue,
    │   │                     DuplicateParameter, UnknownParameter, MisplacedParameter,
    │   │                     UnsupportedEntity, BadLifeCycleState, BadDate, BadFieldsSet,
    │   │                     BadPaging, NoSemiOptional
    │   └── IdentifierError   NoIdentifier, SeveralIdentifiers, UnknownIdentifierField
    └── RecordError           UnknownWebhookRequest, UnknownWebhookDefinition,
                              UnknownWorkflowRule, NotRejected, ResendUnderWay,
                              DefinitionNotEffective, DeliveryFailed

Each class is one kind of ``schemas/data/errors.json``; status, code and first sentence of its
answer are dials of the dialect. What a class adds are the facts: parameter, seen, allowed.
"""

from typing import ClassVar, Self

from crmcom_kit.schemas.envelopes import phrase


class VendorError(Exception):
    """An answer of the emulated API that is an error; nothing has been changed."""

    kind: ClassVar[str]

    def __init__(self, parameter: str = "", *, seen: str = "", allowed: str = "") -> None:
        """Say which ``parameter`` is wrong, what was ``seen``, what is ``allowed``."""
        super().__init__(self.kind, parameter, seen, allowed)
        self.parameter = parameter
        self.seen = seen
        self.allowed = allowed
        #: The webhook request that the call named, as an answer shows it, where there is one.
        self.record: bytes | None = None
        #: The numbers of the attempts to send that the call caused.
        self.attempts: tuple[int, ...] = ()

    def about(self, record: bytes) -> Self:
        """Say which webhook request the call named; return the error itself."""
        self.record = record
        return self

    def caused(self, attempt: int) -> Self:
        """Say which attempt to send the call caused; return the error itself."""
        self.attempts = (attempt,)
        return self

    @property
    def details(self) -> str:
        """The facts in one phrase: parameter, seen, allowed."""
        return phrase(self.parameter, self.seen, self.allowed)


class TokenError(VendorError):
    """The call may not be made with this token."""


class MissingToken(TokenError):
    """No token."""

    kind = "missing_token"


class InvalidToken(TokenError):
    """A token that no login returned."""

    kind = "invalid_token"


class ExpiredToken(TokenError):
    """A token whose life is over."""

    kind = "expired_token"


class ReleasedToken(TokenError):
    """A token that was released."""

    kind = "released_token"


class LoginError(VendorError):
    """No token for this caller."""


class WrongCredentials(LoginError):
    """User name, password, organisation or key do not fit."""

    kind = "wrong_credentials"


class UnknownUnit(LoginError):
    """A unit that does not exist."""

    kind = "unknown_unit"


class RequestError(VendorError):
    """The request as a whole cannot be read or has no receiver."""


class BadBody(RequestError):
    """A body that is no JSON object."""

    kind = "bad_body"


class BadCharset(RequestError):
    """Bytes that are not UTF-8."""

    kind = "bad_charset"


class BodyTooLarge(RequestError):
    """A body above the limit."""

    kind = "body_too_large"


class UnknownMethod(RequestError):
    """A path without a method."""

    kind = "unknown_method"


class WrongVerb(RequestError):
    """A method asked with another HTTP verb than its own."""

    kind = "wrong_verb"


class MethodWithdrawn(RequestError):
    """A deprecated method that the dialect no longer serves."""

    kind = "method_withdrawn"


class ParameterError(VendorError):
    """A parameter is missing, wrong or too many."""


class MissingParameter(ParameterError):
    """A mandatory parameter is missing."""

    kind = "missing_parameter"


class EmptyValue(ParameterError):
    """A value without any character."""

    kind = "empty_value"


class WrongType(ParameterError):
    """A value of another JSON type."""

    kind = "wrong_type"


class InvalidValue(ParameterError):
    """A value with characters that no value can have, or of the wrong form."""

    kind = "invalid_value"


class DuplicateParameter(ParameterError):
    """The same parameter more than once."""

    kind = "duplicate_parameter"


class UnknownParameter(ParameterError):
    """A parameter that the method, or the release, does not know."""

    kind = "unknown_parameter"


class MisplacedParameter(ParameterError):
    """A parameter in the query of a POST, or a body on a GET."""

    kind = "misplaced_parameter"


class UnsupportedEntity(ParameterError):
    """An entity that the release does not support."""

    kind = "unsupported_entity"


class BadLifeCycleState(ParameterError):
    """A life cycle state other than SUCCESSFUL and REJECTED."""

    kind = "bad_life_cycle_state"


class BadDate(ParameterError):
    """A date that is none."""

    kind = "bad_date"


class BadFieldsSet(ParameterError):
    """A fields_set that names no field."""

    kind = "bad_fields_set"


class BadPaging(ParameterError):
    """A number_of_results or offset that is no such number."""

    kind = "bad_paging"


class NoSemiOptional(ParameterError):
    """None of the semi-optional parameters of list."""

    kind = "no_semi_optional"


class IdentifierError(ParameterError):
    """An identifier that does not name exactly one field."""


class NoIdentifier(IdentifierError):
    """An identifier without a field."""

    kind = "no_identifier"


class SeveralIdentifiers(IdentifierError):
    """Two fields, or two identifiers."""

    kind = "several_identifiers"


class UnknownIdentifierField(IdentifierError):
    """A field that the identifier does not have."""

    kind = "unknown_identifier_field"


class RecordError(VendorError):
    """The record named does not exist, or may not be used so."""


class UnknownWebhookRequest(RecordError):
    """No such webhook request."""

    kind = "unknown_webhook_request"


class UnknownWebhookDefinition(RecordError):
    """No such webhook definition."""

    kind = "unknown_webhook_definition"


class UnknownWorkflowRule(RecordError):
    """No such workflow rule."""

    kind = "unknown_workflow_rule"


class NotRejected(RecordError):
    """A resend of a webhook request that is not rejected."""

    kind = "not_rejected"


class ResendUnderWay(RecordError):
    """A resend while another resend of the same record runs."""

    kind = "resend_under_way"


class DefinitionNotEffective(RecordError):
    """A resend through a webhook definition that is not effective."""

    kind = "definition_not_effective"


class DeliveryFailed(RecordError):
    """A resend that failed again, where the dialect answers it with an error."""

    kind = "delivery_failed"
