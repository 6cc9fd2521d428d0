"""Write a target's choices as a dialect file, which the mock then speaks."""

from typing import Any

from crmcom_kit.contract_tests.findings import Findings
from crmcom_kit.schemas.dialect import Dialect, dials
from crmcom_kit.schemas.dialect_file import write_dialect


def settled(findings: Findings) -> dict[str, Any]:
    """Return the dials of which one choice was seen, and that one may be set to."""
    known = dials()
    found = {}
    for dial, seen in findings.choices.items():
        if len(seen) == 1 and dial in known:
            value = findings.values[dial, next(iter(seen))]
            if known[dial].accepts(value):
                found[dial] = value
    return found


def unsettled(findings: Findings) -> dict[str, list[str]]:
    """Return the dials of which several choices were seen, with these."""
    return {dial: list(seen) for dial, seen in findings.choices.items() if len(seen) > 1}


def dialect_file(findings: Findings, target_name: str, began: str) -> str:
    """Return the target's dialect in TOML: choices seen have the evidence *observed*."""
    changes = settled(findings)
    when = f" on {began[:10]}" if began else ""
    text = write_dialect(
        Dialect("observed", changes), dict.fromkeys(changes, f"{target_name}{when}")
    )
    notes = [
        f"# {dial}: both {' and '.join(seen)} were seen; the line below is the default."
        for dial, seen in sorted(unsettled(findings).items())
    ]
    return "\n".join([*notes, text]) if notes else text
