"""The page reference/statements.md, which comes from the contract's data."""

from collections.abc import Iterator

from crmcom_kit.schemas import release_names
from crmcom_kit.schemas.statements import Statement, statements


def statements_text() -> str:
    """Return the page of all statements, with a heading for each topic."""
    lines = [
        "# Statements",
        "",
        "What the API's documentation states, or its examples show, about how a server behaves.",
        "*documented*: a page states it. *observed*: an example shows it. *inferred*, *assumed*:",
        "it is our reading. A statement holds from R9 on, unless another release is named.",
        "`crmcom-kit check` gives a verdict on each statement, except those marked as not checked,",
        "which no request can test. A running mock has those of its release as JSON:",
        "`GET /__admin/evidence`.",
    ]
    topic = ""
    for statement in statements():
        if statement.id.partition(".")[0] != topic:
            topic = statement.id.partition(".")[0]
            lines += ["", f"## {topic}"]
        about = ", ".join([statement.evidence, *_in_releases(statement)])
        lines += ["", f"**`{statement.id}`** ({about})  "]
        text = statement.text.replace(" (our reading)", "")  # the grade says so
        lines += [text, f"*{statement.source}*"]
        if statement.unchecked is not None:
            lines += [f"Not checked: {statement.unchecked}."]
    return "\n".join(lines) + "\n"


def _in_releases(statement: Statement) -> Iterator[str]:
    """Yield in which releases a statement holds, as far as these are not all of them."""
    if statement.since != release_names()[0]:
        yield f"from {statement.since}"
    if statement.until:
        yield f"until {statement.until}"
    for method, since in statement.later.items():
        yield f"{method} from {since}"
