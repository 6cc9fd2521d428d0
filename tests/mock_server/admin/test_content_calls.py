"""The content of a world over the control API: state, records, seed, snapshots."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from crmcom_kit.mock_server.world import world


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


def test_a_snapshot_brings_everything_back(mock: Any, admin: Any) -> None:
    """After a restore the same calls have the same responses, the script's place included."""
    mock.resend("7")
    kept = mock.state()
    assert admin.ask("PUT", "/snapshots/a.b") == {"name": "a.b", "webhook_requests": len(kept)}

    def go_on() -> list[str]:
        return [mock.resend("14").text, mock.delete("15").text, mock.login().data["token"]]

    admin.ask("PUT", "/clock", {"mode": "frozen", "at": "2030-01-01T00:00:00Z"})
    first = go_on()
    assert admin.ask("POST", "/snapshots/a.b/restore")["epoch"] == 1
    assert mock.state() == kept
    second = go_on()

    assert second[:2] == first[:2]
    assert second[2] != first[2]  # tokens go on: none is given out twice
    admin.ask("POST", "/reset")  # which keeps snapshots
    admin.ask("POST", "/snapshots/a.b/restore")
    assert mock.state() == kept
    mock.delete("15")
    admin.ask("PUT", "/snapshots/b")
    admin.ask("PUT", "/snapshots/a.b")  # which is replaced
    left = [{"name": "a.b", "webhook_requests": len(kept) - 1}]
    assert admin.ask("GET", "/snapshots")["snapshots"][:1] == left
    assert admin.ask("DELETE", "/snapshots/b")["snapshots"] == left
    assert admin.refused("POST", "/snapshots/b/restore")[0] == 404


def test_there_are_only_so_many_snapshots(admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than may be is refused; one that is there can still be replaced."""
    monkeypatch.setattr(world, "MAX_SNAPSHOTS", 2)
    for name in "ab":
        admin.ask("PUT", f"/snapshots/{name}")

    status, error = admin.refused("PUT", "/snapshots/more")

    assert (status, error["allowed"]) == (503, "at most 2")
    admin.ask("PUT", "/snapshots/a")
