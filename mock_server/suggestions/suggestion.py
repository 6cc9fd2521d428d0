"""What a suggestion is, and the call that it is of."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import Given, Identifier
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.schemas.methods import Method, Parameter

if TYPE_CHECKING:
    from crmcom_kit.mock_server.world.epoch import Epoch

Action = Literal["set", "leave out", "verb", "path", "body", "header"]
#: Stands for a value that only the caller has: a token, a password.
PLACEHOLDER = "..."


class Change(NamedTuple):
    """One change of a call.

    ``set`` gives a parameter its one value: a text, an identifier as an object, or ``...`` for what
    only the caller knows. ``leave out`` takes it away, ``body`` and ``query`` as a whole, too. The
    others name the verb, the path, the JSON body or a header that would be right.
    """

    action: Action
    parameter: str
    value: Any = None

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return self._asdict()


class Suggestion(NamedTuple):
    """The smallest change, in words; and as changes, where it is mechanical."""

    text: str
    changes: tuple[Change, ...] = ()


class RefusedCall(NamedTuple):
    """A refused call."""

    error: VendorError
    method: Method | None
    request: Request
    given: Given | None  # None where its parameters could not be read
    epoch: "Epoch"

    @property
    def base(self) -> str:
        """The parameter that is wrong, without the field in it."""
        return self.error.parameter.partition(".")[0]

    @property
    def parameter(self) -> Parameter | None:
        """The same, as the method has it."""
        return None if self.method is None else self.method.parameters.get(self.base)

    def value(self, name: str) -> Any:
        """Return what the caller gave for a parameter."""
        return None if self.given is None else self.given.values.get(name)

    @property
    def in_body(self) -> bool:
        """Whether the method's parameters stand in a JSON body."""
        return self.request.verb == "POST"

    def written(self, name: str, value: Any) -> str:
        """Return a parameter and its value as the caller would write them."""
        if isinstance(value, dict):
            ((field, text),) = value.items()
            return (
                f'"{name}": {{"{field}": "{text}"}}' if self.in_body else f"{name}={field}={text}"
            )
        return f'"{name}": "{value}"' if self.in_body else f"{name}={value}"


def set_to(case: RefusedCall, name: str, value: Any, instead: object = None) -> Suggestion:
    """Return the suggestion that gives a parameter a value, ``instead`` of another one."""
    text = case.written(name, value)
    if instead is not None:
        text = f"{text} instead of {quoted(instead).strip(chr(34))}"
    elif case.given is not None and name not in case.given.values:
        text = f"add {text}"
    return Suggestion(text, (Change("set", name, value),))


def left_out(name: str, why: str = "") -> Suggestion:
    """Return the suggestion that takes a parameter away."""
    named = quoted(name).strip('"')
    return Suggestion(f"leave out {named}{why}", (Change("leave out", name),))


def renamed(wrong: str, right: str, value: Any) -> Suggestion:
    """Return the suggestion that gives a parameter its right name."""
    changes = (Change("leave out", wrong), Change("set", right, value))
    return Suggestion(f"{right} instead of {quoted(wrong).strip(chr(34))}", changes)


def named(identifier: Identifier) -> dict[str, str]:
    """Return an identifier as an object."""
    return {identifier.field: identifier.value}


def unknown_names(case: RefusedCall) -> Sequence[str]:
    """Return the names that the call gives and the method does not know."""
    if case.given is None or case.method is None:
        return ()
    return [n for n in case.given.values if n not in case.method.parameters and n != "token"]
