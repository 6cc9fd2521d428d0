"""A client of the control API that checks every response against the API document."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from werkzeug.exceptions import HTTPException

from crmcom_kit.mock_server.admin.contract import OPERATIONS
from crmcom_kit.mock_server.admin.document import document, view_of
from crmcom_kit.mock_server.world.registry import CONTROL


class Admin:
    """Calls the control API of a mock, or of one of its worlds."""

    def __init__(self, client: Any, root: str = "") -> None:
        self.client = client
        self.root = root

    def send(self, verb: str, path: str, body: Any = None, **more: Any) -> Any:
        """Send a request, with a body in bytes or as JSON; return the checked response."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        url = f"{self.root}{CONTROL}{path}"
        response = self.client.open(url, method=verb, data=data, **more)
        assert b"Traceback" not in response.get_data()
        self._hold(response, verb, path.partition("?")[0])
        return response

    def _hold(self, response: Any, verb: str, path: str) -> None:
        """Fail where a response is not what the document promises of the operation."""
        shared = document()["components"]
        promised: dict[str, Any] = {"default": {"$ref": "UsageError"}}
        try:
            routes = self.client.application.url_map.bind("localhost")
            name, _ = routes.match(f"{CONTROL}{path}", verb)
            promised = view_of(OPERATIONS[name.removeprefix("control_")])["responses"]
        except HTTPException:  # no such operation: an error of the usual form
            assert response.status_code >= 400
        of_status = promised.get(str(response.status_code), promised["default"])
        assert response.status_code >= 400 or of_status is not promised["default"]
        if "$ref" in of_status:
            of_status = shared["responses"][of_status["$ref"].rpartition("/")[2]]
        content_type = response.headers["Content-Type"]
        schema = of_status["content"][content_type]["schema"]
        if content_type == "application/json":
            whole = {**schema, "components": shared}
            validator = Draft202012Validator(whole, format_checker=FormatChecker())
            assert [error.message for error in validator.iter_errors(response.json)] == []

    def ask(self, verb: str, path: str, body: Any = None, **more: Any) -> Any:
        """Send a request that must succeed; return the JSON of its response."""
        response = self.send(verb, path, body, **more)
        assert response.status_code == 200, response.text
        return response.json

    def refused(self, verb: str, path: str, body: Any = None, **more: Any) -> Any:
        """Send a request that must be refused; return status and the JSON of its response."""
        response = self.send(verb, path, body, **more)
        assert response.status_code >= 400, response.text
        return response.status_code, response.json


@pytest.fixture(scope="session")
def admin_of() -> type[Admin]:
    """Make a client of the control API: ``admin_of(mock.client, "/worlds/a")``."""
    return Admin


@pytest.fixture
def mock(make_mock: Any) -> Any:
    return make_mock()


@pytest.fixture
def admin(mock: Any, admin_of: Any) -> Admin:
    """A client of the control API of ``mock``."""
    found: Admin = admin_of(mock.client)
    return found
