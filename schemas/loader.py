"""The JSON Schemas: loading, pruning to a release, validators in two profiles.

*core* is for a reader that tolerates unknown members, *strict* closes every object. Both come
from the same files: each closes its objects with a dynamic reference to the anchor ``unknown``,
which allows anything until a strict overlay redefines it.
"""

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from crmcom_kit.schemas.files import names_in, read_json
from crmcom_kit.schemas.formats import FORMATS
from crmcom_kit.schemas.releases import Release, release_names, resolve

if TYPE_CHECKING:
    from jsonschema import FormatChecker
    from jsonschema.protocols import Validator
    from referencing import Registry

Profile = Literal["core", "strict"]
_FOLDERS = ("objects", "parameters")
_STRICT = {"unknown": {"$dynamicAnchor": "unknown", "not": {}}}


class UnknownSchema(KeyError):
    """A name that no schema has."""

    def __str__(self) -> str:
        return str(self.args[0])


@cache
def schema_names() -> tuple[str, ...]:
    """The names of all schemas: the objects' own, and ``<method>_parameters``."""
    return tuple(sorted(name for folder in _FOLDERS for name in names_in(folder)))


def load_schema(name: str, release: str | None = None) -> dict[str, Any]:
    """Return a copy of the schema ``name``, as it is in ``release`` where one is given.

    Without a release the schema holds what any release knows.

    Raises:
        UnknownSchema: there is no such schema.
        UnknownRelease: ``release`` names none.
    """
    for folder in _FOLDERS:
        if name in names_in(folder):
            schema: dict[str, Any] = deepcopy(read_json(f"{folder}/{name}.json"))
            return schema if release is None else _prune(schema, resolve(release))
    msg = f"schema: there is no {name!r}; allowed is one of {', '.join(schema_names())}"
    raise UnknownSchema(msg)


def _prune(node: Any, release: Release) -> Any:
    """Leave out what ``release`` does not know: members and values of enumerations."""
    if isinstance(node, list):
        return [_prune(item, release) for item in node]
    if not isinstance(node, dict):
        return node
    node = dict(node)
    if "properties" in node:
        node["properties"] = {k: v for k, v in node["properties"].items() if _known(v, release)}
    if "enum" in node:
        since = node.get("x-enum-since", {})
        node["enum"] = [
            value
            for value in node["enum"]
            if release.at_least(since.get(value, release_names()[0]))
        ]
    return {key: _prune(value, release) for key, value in node.items()}


def _known(piece: Any, release: Release) -> bool:
    return not isinstance(piece, dict) or release.covers(piece)


@cache
def _registry(release: str | None) -> "Registry[Any]":
    """All schemas in one registry that never fetches anything."""
    from referencing import Registry, Resource

    schemas = [load_schema(name, release) for name in schema_names()]
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas
    )
    return registry.crawl()  # or every dynamic reference looks for its anchors anew


@cache
def _format_checker() -> "FormatChecker":
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, reader in FORMATS.items():
        checker.checks(name, raises=ValueError)(_only_for_text(reader))
    return checker


def _only_for_text(reader: Any) -> Any:
    def holds(value: object) -> bool:
        if isinstance(value, str):
            reader(value)
        return True

    return holds


@cache
def validator(name: str, profile: Profile = "core", release: str | None = None) -> "Validator":
    """Return the jsonschema validator (``is_valid``, ``iter_errors``) of schema ``name``.

    Args:
        name: one of ``schema_names()``.
        profile: *core* allows unknown members, *strict* refuses them.
        release: narrows members and enumerations to a release; any release without it.

    Raises:
        UnknownSchema: there is no such schema.
        UnknownRelease: ``release`` names none.
        ValueError: ``profile`` is neither core nor strict.
    """
    from jsonschema import Draft202012Validator

    if profile not in ("core", "strict"):
        msg = f"profile: {profile!r} is not allowed; allowed is core or strict"
        raise ValueError(msg)
    base = load_schema(name)["$id"]
    schema: dict[str, Any] = {"$ref": base}
    if profile == "strict":
        schema = {"$id": f"{base}/strict", "$ref": base, "$defs": _STRICT}
    return Draft202012Validator(
        schema, registry=_registry(release), format_checker=_format_checker()
    )


def unknown_members(name: str, instance: Any, release: str | None = None) -> Iterator[str]:
    """Yield where ``instance`` has members that schema ``name`` does not know, as JSON Pointers."""
    for error in validator(name, "strict", release).iter_errors(instance):
        for leaf in _leaves(error):
            if leaf.validator == "unevaluatedProperties":
                base = "".join(f"/{part}" for part in leaf.absolute_path)
                yield base or "/"


def _leaves(error: Any) -> Iterator[Any]:
    if error.context:
        for cause in error.context:
            yield from _leaves(cause)
    else:
        yield error
