"""An error of the mock itself is in the response, the journal and the log; the world goes on."""

from typing import Any

import pytest
from helpers.mistakes import RIGHT, TOKEN, last_call

from crmcom_kit.mock_server.api import dispatch
from crmcom_kit.schemas import API_PATH

SHOW = f"{API_PATH}/webhook_requests/show?token={TOKEN}&webhook_request_identifier=number=7"


def _fail(*_: Any) -> Any:
    msg = f"no luck with {RIGHT['organisation']} and token=hushhush"
    raise ZeroDivisionError(msg)


def test_an_internal_error_is_a_500_in_the_apis_form(
    make_mock: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is in the journal as what it is, and in the log with where it happened; no secret is."""
    mock = make_mock("R13")
    before = mock.state()
    with monkeypatch.context() as patch:
        patch.setattr(dispatch, "show", _fail)
        reply = mock.client.get(SHOW)

    assert reply.status_code == 500
    assert reply.json["status"]["code"] == "CRMCOM_KIT.INTERNALERROR"
    assert reply.headers["X-Mock-Warning"].startswith("internal error: ZeroDivisionError")
    call = last_call(mock).as_json()
    assert (call["status"], call["code"]) == (500, "CRMCOM_KIT.INTERNALERROR")
    assert (call["error_kind"], call["outcome"], call["trace"]) == ("internal_error", None, [])
    (record,) = caplog.records
    assert "_fail" in record.getMessage()
    for text in (reply.text, str(reply.headers), str(call), record.getMessage()):
        assert "hushhush" not in text

    assert mock.show().data["number"] == "7"
    assert mock.state() == before
    assert last_call(mock).status == 200


def test_an_internal_error_of_the_control_api_is_json(
    make_mock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mock = make_mock()
    monkeypatch.setattr(type(mock.world.clock), "state", property(_fail))
    mock.app.config["PROPAGATE_EXCEPTIONS"] = False
    reply = mock.client.get("/__admin/clock")
    assert (reply.status_code, list(reply.json)) == (500, ["error"])
