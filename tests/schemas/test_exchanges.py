"""What a delivery leaves in a record: what was signed, and the status that it shows."""

import struct
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crmcom_kit.schemas import load_dialect
from crmcom_kit.schemas.dialect import delivery_outcomes
from crmcom_kit.schemas.exchanges import Exchanges, status_of
from crmcom_kit.schemas.signing import canonical_bytes

EXCHANGES = Exchanges(load_dialect("default"))

numbers = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(-(10**9), 10**9, places=2).map(float),
    st.builds(lambda bits: struct.unpack("d", struct.pack("Q", bits))[0], st.integers(0, 2**62)),
)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(data=st.dictionaries(st.text(), values, max_size=4))
@example(data={"a": 1e16, "b": 1e-5})
@example(data={"a": 12.5, "b": 0.1 + 0.2, "c": -0.0})
@example(data={"a": "\x00\x1f\x7f\u2028\U0001f600 \"'\\/", "b": "3E5"})
def test_kept_bytes_are_signed_only_where_they_are_what_is_signed(data: dict[str, Any]) -> None:
    text = orjson.dumps(data)

    assert EXCHANGES.signed_of(text) in (None, canonical_bytes(data))


def test_ordinary_data_need_not_be_read() -> None:
    data = {"id": "3E5", "at": "2026-01-02T03:04:05", "amount": 12.75, "count": 7, "names": ["é"]}

    assert EXCHANGES.signed_of(orjson.dumps(data)) == canonical_bytes(data)


@pytest.mark.parametrize(
    "dials", [{"signing.canonical_form": "sorted"}, {"signing.charset": "ascii"}]
)
def test_other_spellings_need_the_object(dials: dict[str, str]) -> None:
    exchanges = Exchanges(load_dialect("default").changed(dials))

    assert exchanges.signed_of(b'{"a":1}') is None


def test_a_record_shows_the_status_of_its_outcome() -> None:
    """The error fields, of which the first line counts, and the state lead back to the status."""
    for outcome, entry in delivery_outcomes().items():
        state = "SUCCESSFUL" if outcome == "success" else "REJECTED"
        text = entry["error_description"]
        record = {
            "error_code": entry["error_code"],
            "error_description": text and f"{text}\n\tat x",
            "life_cycle_state": state,
        }
        assert status_of(record) == entry["status"], outcome
        assert status_of({**record, "error_code": "Another"}) is None, outcome
        other = "REJECTED" if state == "SUCCESSFUL" else "SUCCESSFUL"
        assert status_of({**record, "life_cycle_state": other}) is None, outcome


@pytest.mark.parametrize(
    ("form", "shown"), [("object", {"status": 500}), ("text", '{"status":500}'), ("null", None)]
)
def test_a_response_is_shown_in_the_form_of_the_dialect(form: str, shown: object) -> None:
    """As an object, as text or not at all; a reference stands for it in the form of that name."""
    exchanges = Exchanges(load_dialect().changed({"record.exchange_form": form}))
    assert exchanges.response(500, "REF") == shown
    assert exchanges.response(None, "REF") is None
    assert exchanges.tells_status is (form in ("object", "text"))
    reference = Exchanges(load_dialect().changed({"record.exchange_form": "reference"}))
    assert reference.response(500, "REF") == reference.request({}, None, "REF") == "REF"
