"""What the control API's document takes from elsewhere, so that no list or limit is there twice.

Where a part of the document says ``{"$fill": "name"}``, the value of that name is put.
"""

from collections.abc import Callable
from typing import Any

from crmcom_kit.mock_server.faults import model as faults_spec
from crmcom_kit.mock_server.faults import parsing as faults_reading
from crmcom_kit.mock_server.faults import presets as faults_presets
from crmcom_kit.schemas import methods, resolve
from crmcom_kit.schemas.releases import release_names


def _operations() -> list[str]:
    """Return the names of the methods of all releases."""
    return list(dict.fromkeys(n for name in release_names() for n in methods(resolve(name))))


_VALUES: dict[str, Callable[[], Any]] = {
    "fault.bodiless": lambda: list(faults_reading.BODILESS),
    "fault.errors": lambda: list(faults_reading.errors()),
    "fault.least_median": lambda: faults_reading.LEAST_MEDIAN,
    "fault.least_seconds": lambda: faults_presets.LEAST_SECONDS,
    "fault.least_status": lambda: faults_reading.LEAST_STATUS,
    "fault.longest_name": lambda: faults_reading.MAX_NAME,
    "fault.longest_text": lambda: faults_reading.MAX_TEXT,
    "fault.most_bytes": lambda: faults_reading.MAX_BYTES,
    "fault.most_calls": lambda: faults_reading.MAX_CALLS,
    "fault.most_delay": lambda: faults_spec.MAX_DELAY,
    "fault.most_items": lambda: faults_reading.MAX_ITEMS,
    "fault.most_retry_after": lambda: faults_reading.MAX_RETRY_AFTER,
    "fault.most_seconds": lambda: faults_reading.MAX_TTL / 1000,
    "fault.most_sigma": lambda: faults_reading.MAX_SIGMA,
    "fault.most_status": lambda: faults_reading.MAX_STATUS,
    "fault.most_ttl": lambda: faults_reading.MAX_TTL,
    "fault.number_of_operations": lambda: len(_operations()),
    "fault.operations": _operations,
    "fault.presets": lambda: list(faults_presets.PRESETS),
    "fault.whens": lambda: list(faults_reading.WHENS),
}


def filled(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of the document with the values put where it asks for them."""
    return {name: _filled(value) for name, value in part.items()}


def _filled(value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(one) for one in value]
    if not isinstance(value, dict):
        return value
    return _VALUES[value["$fill"]]() if value.keys() == {"$fill"} else filled(value)
