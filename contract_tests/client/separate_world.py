"""A separate world for a run, on a crmcom-kit mock at a loopback address, by its control API.

A run changes such a mock. The world that its user works with stays as it is, since the run has a
world of its own, which ends after the run.
"""

from dataclasses import dataclass, replace

from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import Limits, ask_once
from crmcom_kit.contract_tests.client.targets import Target
from crmcom_kit.schemas.methods import API_PATH, methods

ADMIN_TOKEN_HEADER = "X-Mock-Admin-Token"
_LIMITS = Limits(timeout=5.0)


@dataclass(frozen=True, slots=True)
class SeparateWorld:
    """The world that a mock has made for a run, if it has."""

    target: Target  # in the world, if there is one; else the target of the run
    name: str = ""  # of the world; "" if there is none
    reason: str = ""  # why there is none, and what to do
    release: str = ""  # that the mock serves; "" if it does not say so, or is no crmcom-kit mock
    may_be_default_world: bool = False  # whether the target may be that of a mock

    def end(self) -> None:
        """End the world. If that fails, it stays until the mock has too many others."""
        if self.name:
            _ask(self.target, "DELETE", "__admin/worlds", f"name={self.name}")


def separate_world(target: Target, name: str) -> SeparateWorld:
    """Return a world named ``name`` on ``target``, if that is a mock that makes one.

    If the base URL names a world, that world is checked. If the target does not respond, there is
    no world, and the run will say why.
    """
    if not target.is_near or not target.base_url.endswith(API_PATH):
        return SeparateWorld(target)
    is_named = "/worlds/" in target.base_url
    base = target.base_url.removesuffix(API_PATH)
    inner_target = replace(target, base_url=f"{base}/worlds/{name}{API_PATH}")
    response = _ask(target if is_named else inner_target, "GET", "__admin/health")
    body = {} if response is None else response.envelope
    release = body.get("release")
    no_world = SeparateWorld(target, release=str(release or ""), may_be_default_world=not is_named)
    if is_named or response is None:
        return no_world
    if response.status == 200 and body.get("world") == name:
        world = replace(no_world, target=inner_target, name=name)
        if _lets_in(inner_target):
            return world
        world.end()
        why = "the given token is not valid in other worlds; give --username, --password and "
        return replace(no_world, reason=f"{why}--organisation")
    if response.status == 401 and ADMIN_TOKEN_HEADER in str(body.get("error")):
        why = "the mock creates worlds only for callers with its admin token (CRMCOM_ADMIN_TOKEN)"
        return replace(no_world, reason=why)
    return no_world


def _lets_in(target: Target) -> bool:
    """Return whether a world accepts the target's token; with a login, the world issues one."""
    if target.login.token is None:
        return True
    filters = {"entity": target.release.entities[0], "entity_id": "none"}
    call = build(methods(target.release)["list"], {"token": target.login.token, **filters})
    response = ask_once(target, call, _LIMITS)
    return response is not None and response.ok


def _ask(target: Target, verb: str, path: str, query: str = "") -> Exchange | None:
    """Send a request to the control API of a target's world."""
    token = target.admin_token
    headers = () if token is None else ((ADMIN_TOKEN_HEADER, token),)
    root = replace(target, base_url=target.base_url.removesuffix(API_PATH))
    return ask_once(root, Call("", verb, path, query, headers=headers), _LIMITS)
