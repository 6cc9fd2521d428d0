"""The method list: from the values of a call to a query of the store.

Source: GET webhook_requests/list, R9.0.0 and later. How filters combine and compare are dials
(``list.*``).
"""

from collections.abc import Callable

from crmcom_kit.mock_server.api.methods.show import Values
from crmcom_kit.mock_server.protocol.errors import (
    NoSemiOptional,
    UnknownWebhookDefinition,
    UnknownWorkflowRule,
)
from crmcom_kit.mock_server.protocol.parameters import Identifier
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.store.records import IndexedField, Query
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.tokens import Session


def list_(world: Epoch, values: Values, session: Session) -> Response:
    """Return the webhook requests that meet every condition.

    Raises:
        NoSemiOptional: none of the semi-optional parameters.
        UnknownWebhookDefinition, UnknownWorkflowRule: where the dialect refuses them.
    """
    del session
    query = _query(world, values)
    bodies = [] if query is None else world.store.query(query)
    return world.responses.listing(bodies, values.get("fields_set"))


def _query(world: Epoch, values: Values) -> Query | None:
    """Return what list has to look for; None where nothing can match."""
    indexed: list[tuple[IndexedField, frozenset[str]]] = []
    semi = world.config.semi_optional
    given = [name for name in semi if name in values]
    if not given or (given == ["entity_id"] and not world.dialect["list.entity_id_alone"]):
        seen = f"only {', '.join(values)}" if values else "none of them"
        allowed = [name for name in semi if name not in given]
        raise NoSemiOptional("list", seen=seen, allowed=f"one or more of {', '.join(allowed)}")
    if "entity" in values:
        indexed.append(("entity", values["entity"]))
    if "entity_id" in values:
        indexed.append(("entity_id", frozenset({values["entity_id"]})))
    nothing = False
    for name, field in (
        ("webhook_definition_identifier", "definition"),
        ("workflow_rule_identifier", "rule"),
    ):
        if name in values:
            found = _referred(world, name, values[name])
            nothing |= found is None
            indexed.append((field, frozenset({found} if found else ())))  # type: ignore[arg-type]
    any_of = world.dialect["list.combine"] == "any"
    if nothing and not any_of:
        return None
    span = values.get("created_date", (None, None))
    return Query(
        indexed=tuple(indexed),
        any_of_indexed=any_of,
        url=_url_test(values.get("url"), world.dialect["list.url.match"]),
        states=values.get("life_cycle_state"),
        created_from=span[0],
        created_before=span[1],
        newest_first=world.dialect["list.order"] == "newest_first",
        offset=values.get("offset", 0),
        limit=values.get("number_of_results", world.dialect["paging.default_results"] or None),
    )


def _referred(world: Epoch, name: str, identifier: Identifier) -> str | None:
    """Return the id of the definition or rule that a filter names; None for one unknown."""
    is_rule = name == "workflow_rule_identifier"
    directory = world.reference_data.rules if is_rule else world.reference_data.definitions
    found = directory.find(identifier.field, identifier.value)
    if found is None and world.dialect["list.unknown_reference"] == "error":
        error = UnknownWorkflowRule if is_rule else UnknownWebhookDefinition
        raise error(
            f"{name}.{identifier.field}",
            seen=quoted(identifier.value),
            allowed=f"the {identifier.field} of one that exists",
        )
    return None if found is None else str(found["id"])


def _url_test(wanted: str | None, match: str) -> Callable[[str], bool] | None:
    if wanted is None:
        return None
    if match == "exact":
        return lambda url: url == wanted
    if match == "prefix":
        return lambda url: url.startswith(wanted)
    return lambda url: wanted in url
