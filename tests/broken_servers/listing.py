"""Wrong in list: what it takes, which webhook requests it returns, and pages."""

from typing import Any

from broken_servers.catalogue import broken
from broken_servers.toolkit import (
    Answer,
    Asked,
    Forward,
    Handle,
    Memory,
    Record,
    everything,
    refused,
    served,
)

SEMI_OPTIONAL = (
    "webhook_definition_identifier",
    "workflow_rule_identifier",
    "entity",
    "entity_id",
)


def named(asked: Asked) -> set[str]:
    """Return which semi-optional parameters a list names."""
    return set(SEMI_OPTIONAL) & set(asked.parameters)


def without(asked: Asked, forward: Forward, *dropped: str) -> Answer:
    """Answer a list as if it had not named the parameters ``dropped``."""
    lesser = asked.given(**dict.fromkeys(dropped))
    if named(lesser):
        return forward(lesser)
    answer = forward(asked)
    if not answer.ok:
        return answer
    kept = {n: v for n, v in lesser.parameters.items() if n not in ("token", "offset")}
    found = everything(asked, forward, **kept)
    limit = kept.get("number_of_results")
    return served(found[: int(limit)] if limit else found)


@broken("list.parameters.mandatory")
def entity_is_mandatory(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List without entity is refused."""
    if asked.method == "list" and named(asked) and "entity" not in asked.parameters:
        return refused("entity is mandatory.")
    return forward(asked)


@broken("list.parameters.mandatory")
def rule_needs_a_definition(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List by workflow rule is refused without webhook definition."""
    if asked.method == "list" and named(asked) == {"workflow_rule_identifier"}:
        return refused("webhook_definition_identifier is mandatory.")
    return forward(asked)


@broken("list.semi_optional.at_least_one")
def list_needs_no_filter(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List without any of its semi-optional parameters returns everything."""
    answer = forward(asked)
    if answer.upholds != "list.semi_optional.at_least_one":
        return answer
    kept = {name: value for name, value in asked.parameters.items() if name != "token"}
    return served(everything(asked, forward, **kept))


@broken("list.semi_optional.at_least_one")
def state_is_filter_enough(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List with life_cycle_state alone is served."""
    answer = forward(asked)
    alone = answer.upholds == "list.semi_optional.at_least_one"
    if alone and "life_cycle_state" in asked.parameters:
        state = asked.parameters["life_cycle_state"]
        return served(everything(asked, forward, life_cycle_state=state))
    return answer


@broken("list.semi_optional.several_allowed")
def one_filter_at_a_time(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List with several of its semi-optional parameters is refused."""
    if asked.method == "list" and len(named(asked)) > 1:
        return refused("Only one of the semi-optional parameters is allowed.")
    return forward(asked)


@broken("list.semi_optional.several_allowed")
def three_filters_are_too_many(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List with three or four of its semi-optional parameters is refused."""
    if asked.method == "list" and len(named(asked)) > 2:
        return refused("Only two of the semi-optional parameters are allowed.")
    return forward(asked)


@broken("list.optional_parameters")
def entity_id_needs_state(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List by entity_id is refused without life_cycle_state."""
    alone = asked.method == "list" and named(asked) == {"entity_id"}
    if alone and "life_cycle_state" not in asked.parameters:
        return refused("life_cycle_state is mandatory.")
    return forward(asked)


@broken("list.optional_parameters")
def fields_set_is_mandatory(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List without fields_set is refused."""
    if asked.method == "list" and named(asked) and "fields_set" not in asked.parameters:
        return refused("fields_set is mandatory.")
    return forward(asked)


def _ignores(parameter: str) -> Handle:
    def handle(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
        if asked.method == "list" and parameter in asked.parameters:
            return without(asked, forward, parameter)
        return forward(asked)

    handle.__name__ = f"list_ignores_{parameter}"
    handle.__doc__ = f"list returns the same with {parameter} as without."
    return handle


for _parameter in (*SEMI_OPTIONAL[:2], "entity_id", "url", "life_cycle_state", "created_date"):
    broken(f"list.{_parameter}.filter")(_ignores(_parameter))


@broken("list.entity.filter")
def entity_is_ignored_beside_others(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Entity makes no difference where another semi-optional parameter is named."""
    if asked.method == "list" and "entity" in asked.parameters and len(named(asked)) > 1:
        return forward(asked.given(entity=None))
    return forward(asked)


@broken("list.entity.filter")
def jobs_come_with_activities(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List of the entity JOBS returns those of ACTIVITIES as well."""
    answer = forward(asked)
    if asked.method == "list" and asked.parameters.get("entity") == "JOBS" and answer.ok:
        more = forward(asked.given(entity="ACTIVITIES")).records
        return answer.with_data([*answer.records, *more])
    return answer


def _inverts(parameter: str, values: dict[str, str]) -> Handle:
    def handle(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
        value = asked.parameters.get(parameter)
        if asked.method == "list" and value in values:
            return forward(asked.given(**{parameter: values[value]}))
        return forward(asked)

    handle.__name__ = f"list_swaps_{parameter}"
    handle.__doc__ = f"list returns those with another {parameter} than is asked for."
    return handle


broken("list.life_cycle_state.filter")(
    _inverts("life_cycle_state", {"SUCCESSFUL": "REJECTED", "REJECTED": "SUCCESSFUL"})
)


@broken("list.identifier.fields")
def alternative_code_is_no_field(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """An identifier of list is refused with alternative_code."""
    if asked.method == "list" and any(
        str(asked.parameters.get(each, "")).startswith("alternative_code=")
        for each in SEMI_OPTIONAL[:2]
    ):
        return refused("alternative_code is no field.")
    return forward(asked)


@broken("list.identifier.fields")
def rules_have_no_name(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """workflow_rule_identifier is refused with name."""
    if str(asked.parameters.get("workflow_rule_identifier", "")).startswith("name="):
        return refused("name is no field.")
    return forward(asked)


@broken("list.entity.supported_values")
def any_entity_is_good(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List of an entity that does not exist returns those of ACTIVITIES."""
    answer = forward(asked)
    if answer.upholds == "list.entity.supported_values":
        return forward(asked.given(entity="ACTIVITIES"))
    return answer


@broken("list.life_cycle_state.supported_values")
def any_state_is_good(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List in a life cycle state that does not exist returns those in both."""
    answer = forward(asked)
    if answer.upholds == "list.life_cycle_state.supported_values":
        return forward(asked.given(life_cycle_state=None))
    return answer


@broken("list.several_results")
def list_returns_one(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List returns the first webhook request alone."""
    answer = forward(asked)
    if asked.method == "list" and answer.ok:
        return answer.with_data(answer.records[:1])
    return answer


@broken("list.several_results")
def list_loses_the_last(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List leaves the last webhook request out where there are several filters."""
    answer = forward(asked)
    if asked.method == "list" and len(asked.parameters) > 2 and len(answer.records) > 1:
        return answer.with_data(answer.records[:-1])
    return answer


@broken("list.no_duplicates")
def list_doubles_the_first(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List returns its first webhook request twice."""
    answer = forward(asked)
    if asked.method == "list" and answer.records:
        return answer.with_data([answer.records[0], *answer.records])
    return answer


@broken("list.no_duplicates")
def list_doubles_beside_filters(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List returns each webhook request once for each semi-optional parameter."""
    answer = forward(asked)
    if asked.method == "list" and answer.ok and len(named(asked)) > 1:
        return answer.with_data(answer.records * len(named(asked)))
    return answer


@broken("list.agrees_with_show")
def list_shortens_fields_set(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List cuts the end of entity_id off."""

    def cut(record: Record) -> None:
        if record.get("fields_set"):
            record["fields_set"] = record["fields_set"].partition(",")[0]

    answer = forward(asked)
    return answer.each(cut) if asked.method == "list" else answer


@broken("list.agrees_with_show")
def list_has_its_own_names(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List writes the name of the webhook definition in capitals."""

    def shout(record: Record) -> None:
        if isinstance(record.get("webhook_definition"), dict):
            record["webhook_definition"]["name"] = record["webhook_definition"]["name"].upper()

    answer = forward(asked)
    return answer.each(shout) if asked.method == "list" else answer


@broken("list.paging.number_of_results")
def number_of_results_is_ignored(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List returns all whatever number_of_results says."""
    if asked.method == "list" and asked.parameters.get("number_of_results", "0").isdigit():
        return forward(asked.given(number_of_results=None))
    return forward(asked)


@broken("list.paging.number_of_results")
def one_result_too_many(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List returns one webhook request more than number_of_results says."""
    limit: Any = asked.parameters.get("number_of_results", "")
    if asked.method == "list" and limit.isdigit() and int(limit):
        return forward(asked.given(number_of_results=str(int(limit) + 1)))
    return forward(asked)


@broken("list.paging.offset")
def offset_is_ignored(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List skips none whatever offset says."""
    if asked.method == "list" and asked.parameters.get("offset", "").isdigit():
        return forward(asked.given(offset=None))
    return forward(asked)


@broken("list.paging.offset")
def offset_counts_from_one(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List skips one webhook request less than offset says."""
    skipped: Any = asked.parameters.get("offset", "")
    if asked.method == "list" and skipped.isdigit() and int(skipped):
        return forward(asked.given(offset=str(int(skipped) - 1)))
    return forward(asked)


@broken("list.paging.offset")
def offset_counts_pages(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Offset counts pages of number_of_results, not webhook requests."""
    skipped = asked.parameters.get("offset", "")
    limit = asked.parameters.get("number_of_results", "")
    if asked.method == "list" and skipped.isdigit() and limit.isdigit():
        return forward(asked.given(offset=str(int(skipped) * max(1, int(limit)))))
    return forward(asked)


for _entity, _statement in (
    ("SUBSCRIPTIONS", "entities.r9"),
    ("ACTIVITIES", "entities.r9"),
    ("LEADS", "entities.r14"),
    ("WALLETS", "entities.r15"),
    ("WRITEOFFS", "entities.r15"),
):

    def _knows_no_entity(
        asked: Asked, forward: Forward, _memory: Memory, unknown: str = _entity
    ) -> Answer:
        if asked.method == "list" and asked.parameters.get("entity") == unknown:
            return refused(f"The entity {unknown} is not supported.")
        return forward(asked)

    _knows_no_entity.__name__ = f"knows_no_{_entity.lower()}"
    _knows_no_entity.__doc__ = f"list of the entity {_entity} is refused."
    broken(_statement)(_knows_no_entity)
