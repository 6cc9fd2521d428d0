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
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    schemas = [load_schema(name, release) for name in schema_names()]
    for schema in schemas:
        del schema["$schema"]  # it would make jsonschema fall back to its own validator class
    pairs = [(schema["$id"], DRAFT202012.create_resource(schema)) for schema in schemas]
    return Registry().with_resources(pairs).crawl()  # uncrawled, every look-up crawls anew


@cache
def _validator_class() -> Any:
    """Draft 2020-12, telling each unknown member by itself, where it stands."""
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    judge: Any = Draft202012Validator.VALIDATORS["unevaluatedProperties"]

    def each_member(validator: Any, closed: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if not any(judge(validator, closed, instance, schema)):
            return
        for name, value in instance.items():
            if any(judge(validator, closed, {name: value}, schema)):
                msg = f"{name!r} is no member known here"
                yield ValidationError(msg, path=[name], instance=value)

    extended: Any = extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {"unevaluatedProperties": each_member}
    )
    return extended


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
    if profile not in ("core", "strict"):
        msg = f"profile: {profile!r} is not allowed; allowed is core or strict"
        raise ValueError(msg)
    return _validator(name, profile, None if release is None else resolve(release).name)


@cache
def _validator(name: str, profile: Profile, release: str | None) -> "Validator":
    """Build each validator once, however its release was spelt."""
    base = load_schema(name)["$id"]
    schema: dict[str, Any] = {"$ref": base}
    if profile == "strict":
        schema = {"$id": f"{base}/strict", "$ref": base, "$defs": _STRICT}
    judge: Validator = _validator_class()(
        schema, registry=_registry(release), format_checker=_format_checker()
    )
    return judge


def unknown_members(name: str, instance: Any, release: str | None = None) -> Iterator[str]:
    """Yield where ``instance`` has members that schema ``name`` does not know, as JSON Pointers."""
    for error in validator(name, "strict", release).iter_errors(instance):
        for leaf in _leaves(error):
            if leaf.validator == "unevaluatedProperties":
                yield "".join(f"/{_escaped(part)}" for part in leaf.absolute_path)


def _escaped(step: str | int) -> str:
    """Write one step of a JSON Pointer (RFC 6901)."""
    return str(step).replace("~", "~0").replace("/", "~1")


def _leaves(error: Any) -> Iterator[Any]:
    if error.context:
        for cause in error.context:
            yield from _leaves(cause)
    else:
        yield error
