"""A refused request, and the suggestions that most errors share: set, leave out, rename."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import Given
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import Change, Suggestion
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.schemas.methods import Method, Parameter
from crmcom_kit.usage_errors import quoted


@dataclass(slots=True)
class RefusedCall:
    """A refused request to a method."""

    error: VendorError
    method: Method | None
    request: Request
    given: Given | None  # None if its parameters could not be read
    epoch: Epoch

    @property
    def base(self) -> str:
        """The name of the wrong parameter, without the field in it."""
        return self.error.parameter.partition(".")[0]

    @property
    def parameter(self) -> Parameter | None:
        """The wrong parameter, as the method defines it."""
        return None if self.method is None else self.method.parameters.get(self.base)

    @property
    def wrong_identifier(self) -> bool:
        """True if the wrong parameter is an identifier."""
        return self.parameter is not None and self.parameter.type == "object"

    def value(self, name: str) -> Any:
        """Return the value of a parameter in the request."""
        return None if self.given is None else self.given.values.get(name)

    def lacks(self, name: str) -> bool:
        """Return whether the parameters could be read, and ``name`` is not among them."""
        return self.given is not None and name not in self.given.values

    @property
    def in_body(self) -> bool:
        """True if the parameters are in a JSON body."""
        return self.request.verb == "POST"

    @property
    def unknown_names(self) -> Sequence[str]:
        """The parameters of the request that the method does not know."""
        if self.given is None or self.method is None:
            return ()
        known = self.method.parameters
        return [name for name in self.given.values if name not in known and name != "token"]

    def has_other_semi_optional(self, name: str) -> bool:
        """Return whether the request has a semi-optional parameter besides ``name``."""
        others = self.given.values.keys() - {name} if self.given else frozenset()
        return not others.isdisjoint(self.epoch.config.semi_optional)

    def written(self, name: str, value: Any) -> str:
        """Return a parameter and its value as the caller would write them."""
        if isinstance(value, dict):
            ((field, text),) = value.items()
            in_body = f'"{name}": {{"{field}": "{text}"}}'
            return in_body if self.in_body else f"{name}={field}={text}"
        return f'"{name}": "{value}"' if self.in_body else f"{name}={value}"

    def set_to(self, name: str, value: Any, instead: object = None) -> Suggestion:
        """Suggest to give a parameter a value, ``instead`` of another one."""
        text = self.written(name, value)
        if instead is not None:
            text = f"{text} instead of {_bare(instead)}"
        elif self.lacks(name):
            text = f"add {text}"
        return Suggestion(text, (Change("set", name, value),))


def leave_out(name: str, why: str = "") -> Suggestion:
    """Suggest to leave a parameter out."""
    return Suggestion(f"leave out {_bare(name)}{why}", (Change("leave out", name),))


def rename(wrong: str, right: str, value: Any) -> Suggestion:
    """Suggest to give a parameter its right name."""
    changes = (Change("leave out", wrong), Change("set", right, value))
    return Suggestion(f"{right} instead of {_bare(wrong)}", changes)


def _bare(value: object) -> str:
    return quoted(value).strip('"')
