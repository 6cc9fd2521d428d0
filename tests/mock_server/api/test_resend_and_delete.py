"""POST resend and delete: what each changes, and when it changes nothing."""

from typing import Any

import pytest

from crmcom_kit.schemas import response_fields


@pytest.mark.parametrize("number", ["7", "14"])
def test_a_deleted_one_is_gone(make_mock: Any, number: str) -> None:
    """In either state it is returned as it last was; then no method finds it, and others stay."""
    mock = make_mock()
    before, last = mock.records(), mock.show(f"number={number}").data

    assert mock.delete(number).data == last
    responses = [mock.show(f"number={number}"), mock.show(f"id={last['id']}")]
    for reply in (*responses, mock.resend(number), mock.delete(number)):
        assert reply.code == mock.code_of("unknown_webhook_request")
        assert reply.statement == "identifier.known"
    assert {"number": number} not in mock.list(entity=last["entity"], fields_set="number").data
    del before[number]
    assert mock.records() == before


@pytest.mark.parametrize("method", ["resend", "delete"])
def test_fields_set_selects_from_r10_on(make_mock: Any, method: str) -> None:
    """In R9 it is ignored; a wrong one is refused, and nothing is done."""
    mock, ignoring = make_mock("R10"), make_mock("R9")
    before = mock.state()

    assert getattr(mock, method)(fields_set="nonsense").code == mock.code_of("bad_fields_set")
    assert mock.state() == before
    for names in ("number,life_cycle_state", ["number", "life_cycle_state"]):
        selected = getattr(mock, method)(fields_set=names)
        assert selected.data.keys() == {"number", "life_cycle_state"}
        mock.world.reset()
        ignored = getattr(ignoring, method)(fields_set=names)
        assert set(ignored.data) == set(response_fields())
        assert "known from R10.0.0" in ignored.warnings[0]
        ignoring.world.reset()
