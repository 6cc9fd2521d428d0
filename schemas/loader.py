"""Read the JSON Schemas: narrow them to a release, close them, and make them self-contained.

A file of ``objects/`` or ``parameters/`` has the members of an object, and no rule for unknown
members. The profile *core* leaves objects open, for readers that tolerate unknown members; *strict*
closes each with ``additionalProperties``. That keyword sees only the ``properties`` beside it, so
an object that extends another one (``$ref`` beside other keywords) is written out in full.
"""

from collections.abc import Callable, Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from crmcom_kit.schemas.files import names_in, read_json
from crmcom_kit.schemas.formats import FORMATS, PATTERNS
from crmcom_kit.schemas.releases import Release, release_names, resolve

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

Profile = Literal["core", "strict"]
Schema = dict[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
#: Keywords that do not restrict values.
_REMARKS = {"title", "description"}

#: Annotations that a schema of one release keeps: it needs no dates.
_TIMELESS = {"x-evidence", "x-need", "x-method"}


class UnknownSchema(KeyError):
    """No schema has this name."""

    def __str__(self) -> str:
        return str(self.args[0])


def schema_names() -> tuple[str, ...]:
    """Return the names of all schemas: those of objects, and ``<method>_parameters``."""
    return tuple(sorted(_folders()))


@cache
def _folders() -> dict[str, str]:
    return {name: folder for folder in ("objects", "parameters") for name in names_in(folder)}


def _source(name: str) -> Schema:
    if name not in _folders():
        msg = f"schema: there is no {name!r}; allowed is one of {', '.join(schema_names())}"
        raise UnknownSchema(msg)
    source: Schema = read_json(f"{_folders()[name]}/{name}.json")
    return source


def load_schema(
    name: str, release: str | None = None, *, profile: Profile = "core", patterns: bool = False
) -> Schema:
    """Return schema ``name`` as one self-contained schema of draft 2020-12.

    Args:
        name: one of ``schema_names()``.
        release: narrows members and enumerations to a release. Without one, the schema has those
            of all releases, and annotations (``x-since``, ``x-until``) say which.
        profile: *core* leaves objects open, *strict* closes them.
        patterns: write the API's own formats as ``pattern``, for tools that do not know them.

    Raises:
        UnknownSchema: there is no such schema.
        UnknownRelease: ``release`` names none.
        ValueError: ``profile`` is neither core nor strict.
    """
    if profile not in ("core", "strict"):
        msg = f"profile: {profile!r} is not allowed; allowed is core or strict"
        raise ValueError(msg)
    reader = SchemaReader(
        release=None if release is None else resolve(release),
        closed=profile == "strict",
        patterns=patterns,
        annotations=None if release is None else _TIMELESS,
    )
    schema = {"$schema": _DRAFT, **reader.schema(name)}
    for key in _source(name).get("$defs", {}):
        reader.piece(name, key)
    if reader.pieces:
        schema["$defs"] = dict(sorted(reader.pieces.items()))
    return deepcopy(schema)  # the source is shared


@dataclass
class SchemaReader:
    """Expands schemas, and collects in ``pieces`` the named schemas that they refer to."""

    release: Release | None = None
    closed: bool = True
    patterns: bool = True
    root: str = "#/$defs/"  # the place of the pieces
    rename: Callable[[str], str] = str
    annotations: Collection[str] | None = None  # the ``x-`` keywords to keep; None keeps all
    pieces: dict[str, Schema] = field(default_factory=dict)

    def schema(self, name: str) -> Schema:
        """Return schema ``name``. Raises UnknownSchema."""
        schema: Schema = self.expand(_source(name), name, inline=True)
        return schema

    def member(self, name: str, key: str) -> Schema:
        """Return the schema of the member ``key`` of schema ``name``."""
        source = _source(name)
        while key not in source.get("properties", {}):
            source = _source(source["$ref"])
        member: Schema = self.expand(source["properties"][key], name)
        return member

    def piece(self, name: str, key: str = "") -> Schema:
        """Return a reference to schema ``name``, or to its definition ``key``, as a piece."""
        target = self.rename(key or name)
        if target not in self.pieces:
            self.pieces[target] = self.expand(_definition(name, key), name, inline=True)
        return {"$ref": f"{self.root}{target}"}

    def expand(self, node: Any, home: str, *, inline: bool = False) -> Any:
        """Return ``node`` of file ``home``; ``inline`` writes out a piece, too."""
        if not isinstance(node, dict):
            return node
        keywords = {key: value for key in node for key, value in self._keyword(key, node, home)}
        parts = [keywords]
        if "$ref" in node:
            name, _, key = node["$ref"].partition("#/$defs/")
            name = name or home
            definition = _definition(name, key)
            if not inline and _has_only_remarks(keywords) and _deserves_name(definition, key):
                return {**self.piece(name, key), **keywords}
            parts.insert(0, self.expand(definition, name, inline=True))
        schema = _merge(parts)
        if self.closed and "properties" in schema:
            schema["additionalProperties"] = False
        return schema

    def _keyword(self, key: str, node: Schema, home: str) -> Iterator[tuple[str, Any]]:
        """Yield the keyword of the expanded schema for ``key``, if any."""
        value = node[key]
        if key in ("$ref", "$defs"):
            return
        if key.startswith("x-"):
            if self.annotations is None or key in self.annotations:
                yield key, value
        elif key == "format" and self.patterns:
            yield "pattern", PATTERNS[value]
        elif key == "enum":
            yield (
                key,
                [member for member in value if self._has(node.get("x-enum-since", {}).get(member))],
            )
        elif key == "properties":
            members = {name: piece for name, piece in value.items() if self._covers(piece)}
            yield key, {name: self.expand(piece, home) for name, piece in members.items()}
        elif key == "anyOf":
            yield key, [self.expand(piece, home) for piece in value]
        elif key in ("if", "then", "not"):  # a condition need not name every member
            yield key, replace(self, closed=False).expand(value, home)
        else:
            yield key, self.expand(value, home)

    def _has(self, since: str | None) -> bool:
        return self.release is None or self.release.at_least(since or release_names()[0])

    def _covers(self, piece: Any) -> bool:
        return self.release is None or piece is True or self.release.covers(piece)


def _definition(name: str, key: str) -> Schema:
    """Return the source of schema ``name``, or of its definition ``key``."""
    source = _source(name)
    definition: Schema = source["$defs"][key] if key else source
    return definition


def _has_only_remarks(schema: Schema) -> bool:
    return all(key in _REMARKS or key.startswith("x-") for key in schema)


def _deserves_name(definition: Schema, key: str) -> bool:
    """Return True if a definition becomes a piece: a schema file, an object or an enumeration."""
    return not key or "properties" in definition or "enum" in definition


def _merge(parts: list[Schema]) -> Schema:
    """Return one schema with the keywords of all ``parts``; for most keywords the last counts."""
    schema: Schema = {}
    for part in parts:
        for key, value in part.items():
            if key == "properties":
                members = schema.get(key, {})
                schema[key] = members | {
                    name: _merge([members[name], piece]) if name in members else piece
                    for name, piece in value.items()
                }
            elif key == "required":
                schema[key] = list(dict.fromkeys([*schema.get(key, ()), *value]))
            else:
                schema[key] = value
    return schema


@cache
def validator(name: str, profile: Profile = "core", release: str | None = None) -> "Validator":
    """Return the jsonschema validator (``is_valid``, ``iter_errors``) of schema ``name``.

    It asserts formats. Arguments and errors are those of ``load_schema``.
    """
    from jsonschema import Draft202012Validator, FormatChecker
    from referencing import Registry

    formats = FormatChecker(formats=())
    for name_of_format, reader in FORMATS.items():
        formats.checks(name_of_format)(_format_check(reader))
    schema = load_schema(name, release, profile=profile)
    return Draft202012Validator(schema, registry=Registry(), format_checker=formats)


@cache
def compiled(name: str, profile: Profile = "core", release: str | None = None) -> Any:
    """Return the validator of jsonschema-rs for schema ``name``, to check many values.

    It is two hundred times as fast as jsonschema. Arguments and errors are those of
    ``load_schema``.
    """
    # Imported when needed: the packaged sample world is loaded without validation.
    import jsonschema_rs

    return jsonschema_rs.validator_for(
        load_schema(name, release, profile=profile),
        formats={
            name_of_format: _format_check(reader) for name_of_format, reader in FORMATS.items()
        },
        validate_formats=True,
    )


def _format_check(reader: Callable[[str], object]) -> Callable[[object], bool]:
    """Return a check of strings by ``reader``; the keyword ``type`` checks other values."""

    def fits(value: object) -> bool:
        if isinstance(value, str):
            try:
                reader(value)
            except ValueError:
                return False
        return True

    return fits
