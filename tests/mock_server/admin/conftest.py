"""A client of the control API that holds every answer to the API's own document."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from crmcom_kit.mock_server.admin.contract import OPERATIONS
from crmcom_kit.mock_server.admin.document import PREFIX, described, document


def about_call(verb: str, path: str) -> dict[str, Any] | None:
    """What the document says of a call, by its path below the prefix; None where nothing."""
    fitting = [
        one
        for one in OPERATIONS.values()
        if one.verb == verb
        and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one.path.replace(".", r"\.")), path)
    ]
    # As it is routed.
    return described(min(fitting, key=lambda one: one.path.count("{"))) if fitting else None


def hold(verb: str, path: str, status: int, content_type: str, body: bytes) -> None:
    """Fail where an answer is not what the document promises of the operation."""
    about = about_call(verb, path)
    if about is None:  # no such operation: an error of the usual form
        schema: Any = {"$ref": "#/components/schemas/UsageError"}
        assert content_type == "application/json"
    else:
        answers = about["responses"]
        answer = answers.get(str(status), answers["default"])
        assert status >= 400 or str(status) in answers, (verb, path, status)
        if "$ref" in answer:
            answer = document()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        assert content_type in answer["content"], (verb, path, content_type)
        schema = answer["content"][content_type]["schema"]
    if content_type != "application/json":
        return
    whole = {**schema, "components": document()["components"]}
    judge = Draft202012Validator(whole, format_checker=FormatChecker())
    assert [error.message for error in judge.iter_errors(json.loads(body))] == []


class Admin:
    """Calls the control API of a mock, or of one of its worlds."""

    def __init__(self, client: Any, root: str = "") -> None:
        self.client = client
        self.root = root

    def send(self, verb: str, path: str, body: Any = None, **more: Any) -> Any:
        """Send a call; a body that is no bytes is written as JSON. The answer is held."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        url = f"{self.root}{PREFIX}{path}"
        answer = self.client.open(url, method=verb, data=data, **more)
        text = answer.get_data()
        assert b"Traceback" not in text
        if verb not in ("HEAD", "OPTIONS"):
            bare = path.partition("?")[0]
            hold(verb, bare, answer.status_code, answer.headers["Content-Type"], text)
        return answer

    def ask(self, verb: str, path: str, body: Any = None, **more: Any) -> Any:
        """Send a call that must succeed; return the JSON of its answer."""
        answer = self.send(verb, path, body, **more)
        assert answer.status_code == 200, answer.text
        return answer.json

    def refused(self, verb: str, path: str, body: Any = None, **more: Any) -> Any:
        """Send a call that must be refused; return status and the JSON of its answer."""
        answer = self.send(verb, path, body, **more)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json


@pytest.fixture(scope="session")
def admin_of() -> type[Admin]:
    """Make a client of the control API: ``admin_of(mock.client, "/worlds/a")``."""
    return Admin


@pytest.fixture
def mock(make_mock: Any) -> Any:
    """A mock of the sample data."""
    return make_mock()


@pytest.fixture
def admin(mock: Any, admin_of: Any) -> Admin:
    """A client of the control API of ``mock``."""
    found: Admin = admin_of(mock.client)
    return found
