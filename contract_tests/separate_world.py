"""A separate world for a run, on a crmcom-kit mock at a loopback address.

Such a mock is checked by changing it. What its user works with stays as it is: the run has a world
of its own, made through the mock's control API and ended after the run.
"""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import Limits, TargetDown, ask_once
from crmcom_kit.contract_tests.client.in_process import InProcess
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.schemas.methods import API_PATH, methods

#: Of the control API.
_LIMITS = Limits(timeout=5.0, longest_answer=64 * 1024)


@dataclass(frozen=True, slots=True)
class SeparateWorld:
    """What came of asking for a world."""

    target: Target  # in the world, if there is one; else as it was given
    name: str = ""  # the world; "" if there is none
    refused: str = ""  # why a mock of ours gives none, and what to do; "" if it is no such mock
    release: str = ""  # that the mock serves; "" if it is none of ours, or was not asked
    requests: int = 0  # that were sent to find out
    admin_token: str | None = None

    def reset(self) -> None:
        """Give the world the content that it had at its start; tokens from logins stay valid.

        Raises:
            TargetDown: the mock did not do it.
        """
        path = f"worlds/{self.name}/__admin/reset"
        answer = ask_once(self._root, _admin_call("POST", path, self.admin_token), _LIMITS)
        if answer is None or answer.status != 200:
            why = "does not respond" if answer is None else f"returned HTTP {answer.status}"
            msg = f"the world {self.name} cannot be reset: the mock's control API {why}"
            raise TargetDown(msg)

    def end(self) -> None:
        """End the world. If that fails, the mock ends it by itself once it is idle."""
        if self.name:
            _admin(self._root, "DELETE", self.name, self.admin_token)

    @property
    def _root(self) -> Target:
        """The mock that the world is one of."""
        root = self.target.base_url.removesuffix(f"/worlds/{self.name}{API_PATH}")
        return replace(self.target, base_url=root)


def is_mock_to_ask(target: Target) -> bool:
    """Whether a target may be a mock whose default world has to be left alone.

    A base URL with a world in it says which world to check.
    """
    path = urlsplit(target.base_url).path
    in_process = isinstance(target.transport, InProcess)
    return target.near and not in_process and path.endswith(API_PATH) and "/worlds/" not in path


def separate_world(target: Target, name: str, admin_token: str | None = None) -> SeparateWorld:
    """Return a world named ``name`` on ``target``, if that is a mock which gives one.

    Raises nothing: if the target does not answer, the run will tell.
    """
    if not is_mock_to_ask(target):
        return _with_release(SeparateWorld(target), admin_token)
    world = _separate_world(target, name, admin_token)
    return world if world.release or not world.refused else _with_release(world, admin_token)


def _with_release(world: SeparateWorld, admin_token: str | None) -> SeparateWorld:
    """Return the same with the release that a mock of ours says it serves."""
    target = world.target
    over_network = target.near and target.transport is None
    if not (over_network and target.base_url.endswith(API_PATH)):
        return world
    root = replace(target, base_url=target.base_url.removesuffix(API_PATH))
    answer = ask_once(root, _admin_call("GET", "__admin/health", admin_token), _LIMITS)
    said = answer.json.get("release") if answer and isinstance(answer.json, dict) else None
    return replace(
        world, release=said if isinstance(said, str) else "", requests=world.requests + 1
    )


def _separate_world(target: Target, name: str, admin_token: str | None) -> SeparateWorld:
    root = replace(target, base_url=target.base_url.removesuffix(API_PATH))
    answer = _admin(root, "GET", name, admin_token)
    if answer is None or not isinstance(answer.json, dict):
        return SeparateWorld(target, requests=1)
    body = answer.json
    if answer.status == 200 and body.get("world") == name:
        base_url = f"{root.base_url}/worlds/{name}{API_PATH}"
        inside = replace(target, base_url=base_url, separate=True)
        release = str(body.get("release", ""))
        world = SeparateWorld(inside, name, "", release, 1, admin_token)
        if _lets_in(inside):
            return world
        world.end()
        why = "the given token is not valid in other worlds; give --username, --password and "
        return SeparateWorld(target, refused=f"{why}--organisation", requests=2)
    if body.get("parameter") != "world":  # as every refusal of a world says
        return SeparateWorld(target, requests=1)
    why = f"its control API returned HTTP {answer.status}: {body.get('error', 'no reason')}"
    if answer.status == 404:
        why = "the mock creates worlds only for callers with its admin token; give it "
        why += "with CRMCOM_ADMIN_TOKEN or --admin-token"
        if admin_token is not None:
            why = "the mock does not accept the given admin token"
    return SeparateWorld(target, refused=why, requests=1)


def _lets_in(target: Target) -> bool:
    """Whether a world accepts the token that was given; a login gets one of the world's own."""
    if target.login.token is None:
        return True
    nothing = {"entity": target.release.entities[0], "entity_id": "none"}
    call = build(methods(target.release)["list"], {"token": target.login.token, **nothing})
    answer = ask_once(target, call, _LIMITS)
    return answer is not None and answer.ok


def _admin(root: Target, verb: str, world: str, admin_token: str | None) -> Exchange | None:
    """Make a world by looking at it, or end it."""
    path = f"worlds/{world}/__admin/health" if verb == "GET" else f"__admin/worlds/{world}"
    return ask_once(root, _admin_call(verb, path, admin_token), _LIMITS)


def _admin_call(verb: str, path: str, admin_token: str | None) -> Call:
    headers = () if admin_token is None else (("X-Mock-Admin-Token", admin_token),)
    return Call("", verb, path, headers=headers)
