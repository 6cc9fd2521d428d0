"""OpenAPI documents to look into."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from crmcom_kit.schemas import Dialect, load_dialect
from crmcom_kit.schemas.openapi import openapi_document

Node = dict[str, Any]
#: The first and the newest release, and those that bring methods, parameters and most entities.
RELEASES = ("R9", "R10", "R13", "R15", "R18")


class Reading:
    def __init__(self, whole: Node, release: str | None = None) -> None:
        self.whole = whole
        self.release = release
        self.schemas: Node = whole["components"]["schemas"]

    def faults(self) -> list[Any]:
        from openapi_spec_validator import OpenAPIV31SpecValidator  # slow to import

        return list(OpenAPIV31SpecValidator(self.whole).iter_errors())

    def operations(self) -> Iterator[tuple[str, str, Node]]:
        """Path (without the first slash), verb and operation, one by one."""
        for path, item in self.whole["paths"].items():
            for verb, operation in item.items():
                yield path.removeprefix("/"), verb, operation

    def operation(self, path: str) -> Node:
        ((_, found),) = self.whole["paths"][f"/{path}"].items()
        return dict(found)

    def query(self, path: str) -> dict[str, Node]:
        return {found["name"]: found for found in self.operation(path)["parameters"]}

    def body(self, path: str) -> Node:
        content = self.operation(path)["requestBody"]["content"]["application/json"]
        return self.resolved(content["schema"])

    def response(self, path: str, status: str = "200") -> Node:
        """Schema and examples of an operation's responses with a status."""
        (found,) = self.operation(path)["responses"][status]["content"].values()
        return dict(found)

    def resolved(self, node: Node) -> Node:
        while "$ref" in node:
            target: Any = self.whole
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def fits(self, schema: Node, value: object) -> bool:
        """Return whether a value is valid under a schema of this document."""
        found = Draft202012Validator({**schema, "components": self.whole["components"]})
        return bool(found.is_valid(value))

    def shown(self) -> Iterator[tuple[str, str, Node, Any]]:
        """Each example of a request or response: path, request or status, schema and value."""
        for path, _, found in self.operations():
            contents = [(status, one["content"]) for status, one in found["responses"].items()]
            if "requestBody" in found:
                contents.append(("request", found["requestBody"]["content"]))
            for what, content in contents:
                for media in content.values():
                    for example in media["examples"].values():
                        yield path, what, media["schema"], self.resolved(example)["value"]


@cache
def _read(release: str | None, dialect: str) -> Reading:
    return Reading(openapi_document(release, dialect=load_dialect(dialect)), release)


@pytest.fixture(scope="session")
def read() -> Callable[..., Reading]:
    return lambda release=None, dialect="default": _read(release, dialect)


@pytest.fixture(scope="session")
def documents() -> list[Reading]:
    return [_read(release, "default") for release in RELEASES] + [
        _read(release, "http") for release in ("R9", "R18")
    ]


@pytest.fixture(scope="session")
def read_changed() -> Callable[[str, Node], Reading]:
    return lambda release, changes: Reading(
        openapi_document(release, dialect=Dialect("changed", changes))
    )
