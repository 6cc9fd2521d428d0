"""The content of a world over the control API: state, records, seed."""

import json
from typing import Any
from urllib.parse import quote


def test_every_condition_selects_what_it_names(mock: Any, admin: Any) -> None:
    """Each selects some records, together they select fewer, and the order is as asked."""
    records = [json.loads(body) for body in mock.state()]
    sample = records[len(records) // 2]
    definition, rule, url = (
        sample["webhook_definition"],
        sample["workflow_rule"],
        sample["url"][8:-2],
    )
    state = sample["life_cycle_state"]
    chosen: dict[str, Any] = {
        f"entity_id={sample['entity_id']}": lambda r: r["entity_id"] == sample["entity_id"],
        f"definition={definition['id']}": lambda r: r["webhook_definition"] == definition,
        f"definition={quote(definition['name'])}": lambda r: r["webhook_definition"] == definition,
        f"rule={rule['id']}": lambda r: r["workflow_rule"] == rule,
        f"rule={quote(rule['name'])}": lambda r: r["workflow_rule"] == rule,
        f"url={quote(url)}": lambda r: url in r["url"],
        f"state={state}": lambda r: r["life_cycle_state"] == state,
        f"record={sample['number']}": lambda r: r == sample,
    }
    for names in (*((name,) for name in chosen), tuple(list(chosen)[4:7])):
        expected = [r for r in records if all(chosen[name](r) for name in names)]
        assert sample in expected, names
        assert len(expected) < len(records), names
        shown = admin.ask("GET", f"/records?{'&'.join(names)}&limit=1000")
        assert [entry["record"] for entry in shown["records"]] == expected
        assert (shown["total"], shown["more"]) == (len(expected), False)
