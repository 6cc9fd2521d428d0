"""A target that is not ours, as runs of the kit meet it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx

from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.targets import Target, own_mock
from crmcom_kit.contract_tests.run.config import RunConfig

NAME = "Old job board of Quinn, Skinner and Barrett"  # with eight webhook requests
BOTH = frozenset(("resend", "delete"))

Hook = Callable[[int, httpx.Request], httpx.Response | None]


class Wire(httpx.BaseTransport):
    """The way to a mock that does not say that it is one; ``hook`` may respond in its place."""

    def __init__(
        self, inner: httpx.BaseTransport, hook: Hook | None = None, *, keep_header: bool = False
    ) -> None:
        self.keep_header = keep_header
        self.inner = inner
        self.hook = hook
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on."""
        self.requests.append(request)
        response = self.hook(len(self.requests), request) if self.hook else None
        if response is None:
            response = self.inner.handle_request(request)
            if not self.keep_header:
                response.headers.pop("X-Crmcom-Mock", None)
        return response


def remote(release: str = "R15", hook: Hook | None = None, **options: Any) -> tuple[Target, Wire]:
    """A target that is a mock, and does not look like one."""
    mock = own_mock(release, **options)
    assert mock.transport is not None
    wire = Wire(mock.transport, hook)
    return replace(mock, name="somebody's server", reset=None, transport=wire), wire


def token_of(wire: Wire, target: Target) -> str:
    """Log in to a target beside the run, and return the token."""
    login = {n: getattr(target.login, n) for n in ("username", "password", "organisation")}
    with httpx.Client(transport=wire.inner, base_url=target.base_url) as other:
        return str(other.post("authentication/token", json=login).json()["data"]["token"])


def ask(wire: Wire, target: Target, method: str, **parameters: Any) -> httpx.Response:
    """Call a target beside the run, as somebody else does."""
    token = token_of(wire, target)
    with httpx.Client(transport=wire.inner, base_url=target.base_url) as other:
        if method == "list":
            return other.get("webhook_requests/list", params={"token": token, **parameters})
        return other.post(f"webhook_requests/{method}", json={"token": token, **parameters})


def everything(wire: Wire, target: Target) -> dict[str, Any]:
    """All webhook requests of a target, by id."""
    found = {}
    for entity in target.release.entities:
        for record in ask(wire, target, "list", entity=entity).json()["data"]:
            found[record["id"]] = record
    return found


def config(**given: Any) -> RunConfig:
    """A configuration of a run that sends few requests, if nothing else is given."""
    return RunConfig(**{"limits": Limits(max_requests=300), **given})


def changing(wire: Wire) -> list[httpx.Request]:
    """The requests that went to resend and delete."""
    return [each for each in wire.requests if each.url.path.endswith(("/resend", "/delete"))]
