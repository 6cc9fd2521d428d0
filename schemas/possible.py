"""What requests can have: a fault, a pattern or an expectation that never matches is refused."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from crmcom_kit.schemas.dialect import error_kinds, statement_of_error
from crmcom_kit.usage_errors import UsageError, quoted

if TYPE_CHECKING:
    from crmcom_kit.schemas.dialect import Dialect

#: The operations whose requests name a webhook request, and those whose requests have a token.
WITH_RECORD = ("show", "resend", "delete")
WITH_TOKEN = (*WITH_RECORD, "list", "token_release")


def check_operations(
    parameter: str, operations: Iterable[str], candidates: tuple[str, ...], condition: str
) -> None:
    """Raise UsageError about a parameter if an operation is not among ``candidates``."""
    for name in operations:
        if name not in candidates:
            allowed = f"some of {', '.join(candidates)}; no other request {condition}"
            raise UsageError(parameter, seen=quoted(name), allowed=allowed)


def check_errors(parameter: str, kinds: Iterable[str], operations: tuple[str, ...]) -> None:
    """Raise UsageError if no request of these operations, any if none, can have an error."""
    for kind in kinds if operations else ():
        methods = _operations_of(kind, operations)
        if methods and methods.isdisjoint(operations):
            problem = f"{quoted(kind)} of {' or '.join(operations)}"
            raise UsageError(
                parameter, seen=problem, allowed=f"{kind} of {' or '.join(sorted(methods))}"
            )


def codes_of(dialect: "Dialect", operation: str) -> list[str]:
    """Return the codes that responses to an operation can have."""
    kinds = [
        kind
        for kind in error_kinds()
        if operation in (_operations_of(kind, (operation,)) or {operation})
    ]
    return [*dict.fromkeys(["OK", *(dialect[f"errors.{kind}.code"] for kind in kinds)])]


def _operations_of(kind: str, operations: tuple[str, ...]) -> set[str]:
    """Return the operations that can have a kind of error; none if all can."""
    # Imported with the first check: most mocks start sooner without it.
    from crmcom_kit.schemas.statements import statement

    statements = {statement_of_error(kind, operation) for operation in operations}
    if "parameters.body" in statements:  # the body of a request is read for every method
        return set()
    return {method for name in statements for method in statement(name).methods}
