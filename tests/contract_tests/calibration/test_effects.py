"""What resend and delete do is learned member by member, and a mock with the profile does it."""

import json
from dataclasses import replace
from typing import Any

import jwt
import pytest
from helpers.sound_servers import checked
from sound_server.choices import Choices
from sound_server.server import SoundServer

from crmcom_kit.contract_tests.calibration.effects import dials_of, guessed_resend, learned_effects
from crmcom_kit.contract_tests.calibration.world import world_of
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.api.dispatch import dispatch
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.schemas import Dialect, resolve
from crmcom_kit.schemas.effects import applied
from crmcom_kit.schemas.profile import Profile

IDENTIFIER = "webhook_request_identifier"
HEX = "9F0C5B9A8C7D6E5F9F0C5B9A8C7D6E5{}"
SHAPE = "A" * 32


def record(at: int, **members: Any) -> dict[str, Any]:
    """A rejected webhook request."""
    return {
        "id": f"R{at}",
        "number": str(at),
        "life_cycle_state": "REJECTED",
        "entity": "JOBS",
        "error_code": "Refused",
        "request": {"attempt": at},
        "response": [at],
        "tries": [1],
        "notes": [0] if at == 2 else None,
        "copy": "old",
        "authentication_code": None,
        "log_information": {"created_date": "2016-01-01T10:00:00", "updated_date": None},
        **members,
    }


def resent(at: int) -> dict[str, Any]:
    """The same one after a resend."""
    made = record(at, life_cycle_state="SUCCESSFUL", error_code=None, response={"accepted": True})
    made |= {
        "request": {"attempt": at + 1},
        "tries": [1, {"n": 2, "at": f"2016-05-0{at}T11:00:00"}],
    }
    made["notes"] = [*(made["notes"] or []), {"of": at}, "sent"]
    made |= {"authentication_code": HEX.format(at), "copy": HEX.format(at)}
    made["log_information"] = {**made["log_information"], "updated_date": f"2016-05-0{at}T11:00:00"}
    return made


def exchange(method: str, data: Any, at: int, code: str = "OK") -> Exchange:
    """An exchange about a webhook request."""
    status = {"code": code, "message": "", "description": ""}
    content = json.dumps({"status": status, "data": data}).encode()
    verb = "GET" if method == "show" else "POST"
    call = Call(
        method, verb, f"webhook_requests/{method}", parameters={IDENTIFIER: {"id": f"R{at}"}}
    )
    return Exchange(1, call, 200, (), content, 0)


EFFECTS = {
    "life_cycle_state": "SUCCESSFUL",
    "error_code": None,
    "response": {"accepted": True},
    "request": {"attempt": {"$": "more", "by": 1}},
    "tries": {
        "$": "append",
        "items": [{"n": 2, "at": {"$": "now", "like": "0000-00-00T00:00:00"}}],
    },
    "notes": {
        "$": "append",
        "items": [{"of": {"$": "same", "as": "number", "is_number": True}}, "sent"],
    },
    "authentication_code": {"$": "same", "as": "copy"},
    "copy": {"$": "new", "like": SHAPE},
    "log_information.updated_date": {"$": "now", "like": "0000-00-00T00:00:00"},
}


def test_what_a_refused_resend_did_is_learned() -> None:
    """The server has sent, and the webhook request was rejected again: the next show tells."""
    choices = replace(Choices(), resend_succeeds="some", resend_failure="error")
    results = checked(SoundServer(choices, "R9", 1), limits=Limits(max_requests=200))

    found = learned_effects(results.history, results.unsteady, {})

    assert "updated_date" in "".join(found["failed_resend"])


def test_a_refused_resend_may_change_nothing() -> None:
    """It depends on a member whether it does; what is refused like others is no delivery."""
    found = [exchange("show", None, 0, code="E.TOKEN")]
    for at in range(1, 9):
        before = record(at, webhook_definition={"id": f"D{at % 2}"})
        after = before if at % 2 else {**before, "error_code": "Again"}
        found += [exchange("show", before, at), exchange("resend", None, at, code="E.FAILED")]
        found += [exchange("show", after, at), exchange("resend", None, at, code="E.TOKEN")]
        found += [exchange("show", after, at)]

    assert learned_effects(found, frozenset(), {})["failed_resend"]["error_code"] == {
        "$": "by", "of": "webhook_definition.id", "cases": [["D0", "Again"]],
        "usual": {"$": "kept"},
    }  # fmt: skip


def test_a_number_may_be_the_time() -> None:
    """Of seconds, or of milliseconds, since 1970."""
    found = []
    for at in (1, 2):
        after = record(at, request={"sent": 1_480_000_000_000 + at}, response=1_480_000_000 + at)
        found += [exchange("show", record(at), at), exchange("resend", after, at)]

    learned = learned_effects(found, frozenset(), {})["failed_resend"]

    now = {"$": "now", "like": 1000}
    assert (learned["request"], learned["response"]) == ({"sent": now}, {**now, "like": 1})


@pytest.fixture(scope="module")
def effects() -> dict[str, dict[str, Any]]:
    """What is learned of three resends, and of a delete that stamps."""
    found = []
    for at in (1, 2, 3):
        found += [exchange("show", record(at), at), exchange("resend", resent(at), at)]
        found += [exchange("show", resent(at), at)]
    stamped = {**resent(1), "life_cycle_state": "DELETED"}
    return learned_effects([*found, exchange("delete", stamped, 1)], frozenset(), {})


def test_a_resend_that_was_not_seen_is_guessed() -> None:
    """Successes show what one leaves behind, by definition if that tells the form."""
    own, other = ({"id": str(at), "username": name} for at, name in enumerate(("me", "other")))
    main, branch = ({"id": name, "name": name} for name in ("Main", "Branch"))
    records = [record(7, authentication_code=None, log_information={
        "created_date": "2016-01-01T10:00:00", "created_by_user": own, "created_by_unit": main,
    })]  # fmt: skip
    for at in range(4):
        made = resent(at) | {"webhook_definition": {"id": f"D{at % 2}"}}
        made |= {"response": [at] if at % 2 else HEX.format(at), "copy": None}
        made["log_information"] |= {"created_by_user": other, "created_by_unit": branch}
        records.append(made)

    assert guessed_resend(records, resolve("R9")) == {
        "life_cycle_state": "SUCCESSFUL",
        "error_code": None,
        "error_description": {"$": "absent"},
        "response": {
            "$": "by",
            "of": "webhook_definition.id",
            "cases": [["D1", [{"$": "same", "as": "number", "is_number": True}]]],
            "usual": {"$": "new", "like": SHAPE},
        },
        "authentication_code": {"$": "fill", "value": {"$": "new", "like": SHAPE}},
        "log_information.updated_date": {"$": "now", "like": "0000-00-00T00:00:00"},
        "log_information.updated_by_user": {"$": "user"},
        "log_information.updated_by_unit": {"$": "unit"},
    }  # fmt: skip
    login = Call("token", "POST", "authentication/token", parameters={"username": "me"})
    for token, user, unit in (
        ("T", own, main),
        (jwt.encode({"usr": "nobody", "oun": "Branch"}, "k" * 32), None, branch),
    ):
        status = {"code": "OK", "message": "", "description": ""}
        content = json.dumps({"status": status, "data": {"token": token}}).encode()
        call = login if user else replace(login, parameters={})
        world = world_of([Exchange(1, call, 200, (), content, 0), exchange("list", records, 0)])
        nobody = {"username": "nobody", "person_name": "nobody"}
        assert (world.user, world.unit) == (user or nobody, unit)


def test_each_member_has_an_effect(effects: dict[str, dict[str, Any]]) -> None:
    """Kept, new, the time, one more, some items more, or the value that was seen."""
    assert effects["resend"] == EFFECTS
    assert effects["delete"] == {"life_cycle_state": "DELETED"}
    assert dials_of(effects) == {
        "resend.updates_log": True, "delete.updates_log": False,
        "resend.request": "renewed", "resend.response": "own",
    }  # fmt: skip


@pytest.mark.parametrize(("code", "effect"), [("c0de", "a guess"), (None, None)])
def test_only_an_unset_code_that_no_resend_had_is_guessed(code: str | None, effect: object) -> None:
    before = record(1, authentication_code=code)
    after = before | {"life_cycle_state": "SUCCESSFUL"}
    found = [exchange("show", before, 1), exchange("resend", after, 1)]

    learned = learned_effects(found, frozenset(), {"authentication_code": "a guess"})

    assert learned["resend"].get("authentication_code") == effect


def test_a_member_may_change_only_if_it_is_unset() -> None:
    """Of a webhook request without a log, the members of the log stay unset."""
    found = []
    for at in range(1, 5):
        before = record(at, label="own" if at % 2 else None)
        after = {**before, "life_cycle_state": "SUCCESSFUL", "label": before["label"] or "sent"}
        found += [exchange("show", before, at), exchange("resend", after, at)]

    fill = learned_effects(found, frozenset(), {})["resend"]["label"]

    assert fill == {"$": "fill", "value": "sent"}
    for label, new_label in ((None, "sent"), ("", "sent"), ("own", "own")):
        effects = {"label": fill, "log_information.updated_date": "2016-01-01T00:00:00"}
        made = applied(effects, {"label": label}, None)  # type: ignore[arg-type]
        assert made == {"label": new_label}


def test_an_effect_may_depend_on_a_member_and_name_another() -> None:
    """A member that tells apart what became of others, and a text that has the new number."""
    found = []
    for at in range(1, 9):
        before = record(at, webhook_definition={"id": f"D{at % 2}"})
        own = ["sent", at + 1] if at % 2 else "sent"
        after = {**before, "request": {"attempt": at + 1}, "response": own}
        after |= {"life_cycle_state": "SUCCESSFUL", "copy": f"Attempt {at + 1}: sent"}
        found += [exchange("show", before, at), exchange("resend", after, at)]

    learned = learned_effects(found, frozenset(), {})["resend"]

    same = {"$": "same", "as": "request.attempt"}
    assert learned["response"] == {
        "$": "by", "of": "webhook_definition.id", "cases": [["D0", "sent"]],
        "usual": ["sent", same],
    }  # fmt: skip
    assert learned["copy"] == {"$": "text", "of": "Attempt {request.attempt}: sent"}
    for definition, response in (("D1", ["sent", 8]), ("D0", "sent")):
        before = record(7, webhook_definition={"id": definition})
        made = applied(learned, before, None)  # type: ignore[arg-type]
        assert (made["response"], made["copy"]) == (response, "Attempt 8: sent")


def test_a_mock_does_what_was_learned(effects: dict[str, dict[str, Any]]) -> None:
    """Of a webhook request that was not resent: any value comes back, from resend and from show."""
    world = [{"webhook_request": {"record": record(7), "recorded": True}}]
    profile = Profile(resolve("R9"), Dialect("p"), world, effects=effects)
    mock = make_world(profile=profile, tokens=["T"])

    def ask(verb: str, method: str, **more: Any) -> Any:
        path, given = f"webhook_requests/{method}", {"token": "T", IDENTIFIER: {"id": "R7"}}
        query = f"token=T&{IDENTIFIER}=id=R7".encode() if verb == "GET" else b""
        body = b"" if verb == "GET" else json.dumps(given).encode()
        response = dispatch(mock, Request(verb, path, query, body))
        return json.loads(response.body)["data"] | more  # type: ignore[arg-type]

    made = ask("POST", "resend")

    assert made == ask("GET", "show")
    assert made["life_cycle_state"] == "SUCCESSFUL"
    assert (made["request"], made["response"]) == ({"attempt": 8}, {"accepted": True})
    assert made["notes"] == [{"of": 7}, "sent"]
    assert (made["tries"][0], made["tries"][1]["n"]) == (1, 2)
    assert made["tries"][1]["at"] == made["log_information"]["updated_date"] > "2016-05-01"
    assert len(made["authentication_code"]) == len(HEX.format(1))
    assert ask("POST", "delete") == {**made, "life_cycle_state": "DELETED"}
