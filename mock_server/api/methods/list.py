"""The method list: its filters become one query of the store.

Source: GET webhook_requests/list, R9.0.0 and later. How filters compare and combine are dials
(``list.*``).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson

from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import Identifier, Values
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.mock_server.store.records import KEYS, IndexedField, Query, Record, SortKey
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.schemas.ordering import Key, read_order, sort_key, sort_value

# The dials that decide which records a parameter selects.
_DIALS = {
    "entity": ("list.combine",),
    "entity_id": ("list.combine",),
    "webhook_definition_identifier": ("list.combine",),
    "workflow_rule_identifier": ("list.combine",),
    "url": ("list.url.match",),
    "created_date": ("list.created_date.match", "list.created_date.utc_offset", "dates.utc_offset"),
}
_REFERENCES: dict[str, IndexedField] = {
    "webhook_definition_identifier": "definition",
    "workflow_rule_identifier": "rule",
}


def list_(epoch: Epoch, values: Values) -> Response:
    """Return the webhook requests that meet every condition.

    Raises:
        VendorError: there is no semi-optional parameter (no_semi_optional), or the dialect
            refuses a definition or rule that does not exist (unknown_webhook_definition,
            unknown_workflow_rule).
    """
    _check_semi_optional(epoch.config, values)
    query, responses = _query(epoch, values), epoch.config.responses
    bodies = [] if query is None else epoch.store.query(query)
    matches = _matches(epoch.store, query, len(bodies)) if responses.counts_matches else None
    response = responses.listing(bodies, values.get("fields_set"), matches)
    response.matches = matches
    response.dials += _dials(tuple(values))
    return response


def _matches(store: Store, query: Query | None, results: int) -> int:
    """Return how many webhook requests there are on all pages of a query with some results."""
    if query is None or (query.offset == 0 and (query.limit is None or results < query.limit)):
        return results
    return len(store.find(query._replace(offset=0, limit=None, order=())))


def _check_semi_optional(config: Config, values: Values) -> None:
    names = [name for name in config.semi_optional if name in values]
    only_entity_id = names == ["entity_id"]
    if names and (not only_entity_id or config.dialect["list.entity_id_alone"]):
        return
    others = ", ".join(name for name in config.semi_optional if name not in names)
    raise VendorError(
        "no_semi_optional",
        "list",
        case="entity_id_alone" if only_entity_id else "",
        seen=f"only {', '.join(values)}" if values else "none of them",
        allowed=f"one or more of {others}",
        dials=("list.entity_id_alone",) if only_entity_id else (),
    )


def _query(epoch: Epoch, values: Values) -> Query | None:
    """Return the query of a request; None if no record can match."""
    dialect = epoch.config.dialect
    terms: list[tuple[IndexedField, frozenset[str]]] = []
    if "entity" in values:
        terms.append(("entity", values["entity"]))
    if "entity_id" in values:
        terms.append(("entity_id", frozenset({values["entity_id"]})))
    matches_none = False
    for name, field in _REFERENCES.items():
        if name in values:
            object_id = _reference(epoch, name, values[name])
            matches_none |= object_id is None
            terms.append((field, frozenset(() if object_id is None else (object_id,))))
    any_of = dialect["list.combine"] == "any"
    if matches_none and not any_of:
        return None
    start, end = values.get("created_date", (None, None))
    order, is_newest_first = _order(dialect["list.order"])
    return Query(
        indexed=tuple(terms),
        any_of_indexed=any_of,
        url=_url_test(values.get("url"), dialect["list.url.match"]),
        states=values.get("life_cycle_state"),
        created_from=start,
        created_before=end,
        newest_first=is_newest_first,
        order=order,
        offset=values.get("offset", 0),
        limit=values.get("number_of_results", dialect["paging.default_results"] or None),
    )


def _reference(epoch: Epoch, name: str, identifier: Identifier) -> str | None:
    """Return the id of the definition or rule that a filter names; None if it does not exist."""
    field, kind = identifier.field, name.removesuffix("_identifier")
    reference = epoch.reference_data.directory(kind).find(field, identifier.value)
    if reference is not None:
        return str(reference["id"])
    if epoch.config.dialect["list.unknown_reference"] == "error":
        raise VendorError(
            f"unknown_{kind}",
            f"{name}.{field}",
            value=identifier.value,
            allowed=f"the {field} of an existing definition or rule",
            dials=("list.unknown_reference",),
        )
    return None


def _url_test(text: str | None, match: str) -> Callable[[str], bool] | None:
    if text is None:
        return None
    if match == "exact":
        return lambda url: url == text
    if match == "prefix":
        return lambda url: url.startswith(text)
    return lambda url: text in url


@lru_cache(maxsize=16)
def _order(texts: tuple[str, ...]) -> tuple[tuple[SortKey, ...], bool]:
    """Return the sort keys, and whether records with equal keys are newest first."""
    keys, is_newest_first = read_order(texts)
    return tuple(SortKey(_sort_value(key), key.is_down) for key in keys), is_newest_first


def _sort_value(key: Key) -> Callable[[Record], Any]:
    """Return the function that computes the value by which a key sorts a record."""
    if key.member in KEYS:  # then the body need not be parsed
        return lambda record: sort_key(key, getattr(record, key.member))
    value = sort_value(key)
    return lambda record: value(orjson.loads(record.body))


@lru_cache(maxsize=256)
def _dials(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the dials that decided which records a list has, and in which order."""
    dials = ["list.order"]
    for name in names:
        dials += _DIALS.get(name, ())
    if "number_of_results" not in names:
        dials.append("paging.default_results")
    return tuple(dict.fromkeys(dials))
