"""A separate world for a run, on a crmcom-kit mock at a loopback address.

Such a mock is checked by changing it. What its user works with stays as it is: the run has a world
of its own, made through the mock's control API and ended after the run.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import httpx

from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.in_process import InProcess
from crmcom_kit.contract_tests.client.network import FAILURES, Network
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.schemas.methods import API_PATH, methods

_ADMIN_HEADER = "X-Mock-Admin-Token"
_TIMEOUT = 5.0  # seconds for one answer of the control API
_MAX_ANSWER = 64 * 1024  # bytes that are read of it


class _Elsewhere(Exception):
    """Whatever answered, it is no control API of a mock."""


@dataclass(frozen=True, slots=True)
class SeparateWorld:
    """What came of asking for a world."""

    target: Target  # in the world, if there is one; else as it was given
    name: str = ""  # the world; "" if there is none
    refused: str = ""  # why a mock of ours gives none, and what to do; "" if it is no such mock
    requests: int = 0  # that were sent to find out
    admin_token: str | None = None

    def end(self) -> None:
        """End the world. If that fails, the mock ends it by itself once it is idle."""
        if self.name:
            root = self.target.base_url.removesuffix(f"/worlds/{self.name}{API_PATH}")
            url = f"{root}/__admin/worlds/{self.name}"
            _try(self.target, "DELETE", url, self.admin_token)


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
        return SeparateWorld(target)
    root = target.base_url.removesuffix(API_PATH)
    answer = _try(target, "GET", f"{root}/worlds/{name}/__admin/health", admin_token)
    if answer is None:
        return SeparateWorld(target, requests=1)
    status, body = answer
    if status == 200 and body.get("world") == name:
        inside = replace(target, base_url=f"{root}/worlds/{name}{API_PATH}", separate=True)
        world = SeparateWorld(inside, name, requests=1, admin_token=admin_token)
        if _lets_in(inside):
            return world
        world.end()
        why = "the token that was given holds in no other world; give --username, --password and "
        return SeparateWorld(target, refused=f"{why}--organisation", requests=2)
    if body.get("parameter") != "world":  # as every refusal of a world says
        return SeparateWorld(target, requests=1)
    if status == 404:
        why = "the mock has an admin token, and makes worlds only for those who know it; give it "
        why += "with CRMCOM_ADMIN_TOKEN or --admin-token"
        if admin_token is not None:
            why = "the mock does not accept the admin token that was given"
    else:
        why = f"its control API answered HTTP {status}: {body.get('error', 'no reason')}"
    return SeparateWorld(target, refused=why, requests=1)


def _lets_in(target: Target) -> bool:
    """Whether a world accepts the token that was given; a login gets one of the world's own."""
    login = target.login
    if login.token is None:
        return True
    nothing = {"entity": target.release.entities[0], "entity_id": "none"}
    call = build(methods(target.release)["list"], {"token": login.token, **nothing})
    answer = _try(target, call.verb, f"{target.base_url}/{call.path}?{call.query}", None)
    status = {} if answer is None else answer[1].get("status")
    return isinstance(status, dict) and status.get("code") == "OK"


def _try(
    target: Target, verb: str, url: str, admin_token: str | None
) -> tuple[int, Mapping[str, Any]] | None:
    """Send a request; return the status and the JSON object of the response.

    Returns None if nothing answers, or something other than a short JSON object comes.
    """
    transport = target.transport or Network(_TIMEOUT, time.monotonic)
    headers = {"Accept": "application/json", "User-Agent": "crmcom-kit"}
    if admin_token is not None:
        headers[_ADMIN_HEADER] = admin_token
    try:
        answer = transport.handle_request(httpx.Request(verb, url, headers=headers))
        try:
            body = _read(answer)
        finally:
            answer.close()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, _Elsewhere, *FAILURES):
        return None
    finally:
        if target.transport is None:
            transport.close()
    return answer.status_code, body


def _read(answer: httpx.Response) -> dict[str, Any]:
    content = bytearray()
    assert isinstance(answer.stream, httpx.SyncByteStream)  # noqa: S101 - for the type checker
    for chunk in answer.stream:
        content += chunk
        if len(content) > _MAX_ANSWER:
            raise _Elsewhere
    body = json.loads(content)
    if not isinstance(body, dict):
        raise _Elsewhere
    return body
