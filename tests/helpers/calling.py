"""Requests to a world of a mock in Python, as code under test sends them."""

import httpx

from crmcom_kit.mock_server import MockWorld

IDENTIFIER = "webhook_request_identifier"


def show(world: MockWorld, number: str = "7", **headers: str) -> httpx.Response:
    asked = {"token": world.token, IDENTIFIER: f"number={number}"}
    return world.client().get("webhook_requests/show", params=asked, headers=headers)


def list_of(world: MockWorld, **parameters: str) -> httpx.Response:
    asked = {"token": world.token, **parameters}
    return world.client().get("webhook_requests/list", params=asked)


def resend(world: MockWorld, number: str = "7") -> httpx.Response:
    return _post(world, "resend", number)


def delete(world: MockWorld, number: str = "7") -> httpx.Response:
    return _post(world, "delete", number)


def _post(world: MockWorld, method: str, number: str) -> httpx.Response:
    body = {"token": world.token, IDENTIFIER: {"number": number}}
    return world.client().post(f"webhook_requests/{method}", json=body, timeout=60)
