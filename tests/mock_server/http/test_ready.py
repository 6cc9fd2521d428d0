"""`/livez` and `/readyz`, for balancers and probes."""

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.access import Access
from crmcom_kit.mock_server.world.registry import WorldRegistry


def test_health_needs_no_token_and_reveals_nothing() -> None:
    """No admin token or known host name is needed; a mock that stops is alive, and not ready."""
    registry = WorldRegistry(make_world(), access=Access(admin_token="secret"))
    client = create_app(registry).test_client()
    for path in ("/livez", "/readyz"):
        result = client.get(path, headers={"Host": "10.0.0.7:8080"})
        assert (result.status_code, result.data) == (200, b"ok\n")
        assert client.head(path).data == b""

    registry.closing.set()  # then a balancer must send it nothing more
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503
