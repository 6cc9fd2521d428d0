"""The schemas in plain keywords, for tools that know neither ``$dynamicRef`` nor other files.

A plain schema stands alone: what it refers to is put beside it, formats become patterns, and an
object is closed by ``additionalProperties``. That keyword sees only its own object's
``properties``, so whatever an object takes over from elsewhere is written out in it.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from crmcom_kit.schemas.formats import FORMAT_PATTERNS
from crmcom_kit.schemas.loader import Profile, load_schema

Schema = dict[str, Any]

#: Keywords that say something about a value without restricting it.
_REMARKS = {"title", "description"}

#: Keywords that are of no use, or have been dealt with, once a schema stands alone.
_LEFT_OUT = {"$schema", "$id", "$ref", "$defs", "allOf"}

#: Annotations that do not tell one release from another.
_TIMELESS = {"x-evidence", "x-need", "x-method"}

#: Definitions that are no piece of their own: the profile's anchor, and members to take over.
_PARTS = {"unknown", "members"}


@dataclass
class PlainSchemas:
    """Makes schemas plain, and gathers what they refer to in ``pieces``."""

    release: str | None = None
    closed: bool = True
    root: str = "#/$defs/"  # where the pieces will stand
    rename: Callable[[str], str] = str
    annotations: Collection[str] | None = None  # the ``x-`` keywords to keep; None keeps all
    pieces: dict[str, Schema] = field(default_factory=dict)

    def schema(self, name: str) -> Schema:
        """Return schema ``name``. Raises UnknownSchema where there is none."""
        whole: Schema = self._plain(load_schema(name, self.release), name)
        return whole

    def member(self, name: str, key: str) -> Schema:
        """Return what schema ``name`` says of its member ``key``."""
        found: Schema = self._plain(load_schema(name, self.release)["properties"][key], name)
        return found

    def piece(self, name: str, key: str = "") -> Schema:
        """Return a reference to schema ``name``, or to its definition ``key``, as a piece."""
        target = self.rename(key or name)
        if target not in self.pieces:
            self.pieces[target] = {}  # its place, for a piece that refers to itself
            self.pieces[target] = self._plain(self._definition(name, key), name)
        return {"$ref": f"{self.root}{target}"}

    def _definition(self, name: str, key: str) -> Schema:
        schema = load_schema(name, self.release)
        found: Schema = schema["$defs"][key] if key else schema
        return found

    def _plain(self, node: Any, home: str, *, follow: bool = False) -> Any:
        """Return ``node`` of schema ``home``; ``follow`` writes out even what could be a piece."""
        if not isinstance(node, dict):
            return node
        own = {key: new for key in node for key, new in self._keyword(key, node[key], home)}
        parts = [self._plain(part, home, follow=True) for part in node.get("allOf", ())]
        if "$ref" in node:
            name, _, key = node["$ref"].partition("#/$defs/")
            name = name or home
            definition = self._definition(name, key)
            if not follow and _only_remarks(own) and _worth_a_name(definition, key):
                return {**self.piece(name, key), **own}
            parts.insert(0, self._plain(definition, name, follow=follow))
        first = {key: own[key] for key in own if key in _REMARKS}
        return merged([first, *parts, own])

    def _keyword(self, key: str, value: Any, home: str) -> list[tuple[str, Any]]:
        """Return the plain keyword that stands for this one, if any does."""
        if key in _LEFT_OUT or (key == "required" and not value):
            return []
        if key.startswith("x-"):
            kept = self.annotations is None or key in self.annotations
            return [(key, value)] if kept else []
        if key == "unevaluatedProperties":
            return [("additionalProperties", False)] if self.closed else []
        if key == "format":
            return [("pattern", FORMAT_PATTERNS[value])]
        if key == "properties":
            return [(key, {name: self._plain(piece, home) for name, piece in value.items()})]
        if key == "anyOf":
            return [(key, [self._plain(piece, home) for piece in value])]
        if key in {"if", "then", "else", "not", "items"}:
            return [(key, self._plain(value, home))]
        return [(key, value)]


def _only_remarks(schema: Schema) -> bool:
    return all(key in _REMARKS or key.startswith("x-") for key in schema)


def _worth_a_name(definition: Schema, key: str) -> bool:
    """Whether a reader gains from a piece: a whole schema, an object or an enumeration."""
    return key not in _PARTS and (not key or "properties" in definition or "enum" in definition)


def merged(parts: list[Schema]) -> Schema:
    """Return one schema that says what all ``parts`` say; of remarks the last one counts.

    Raises:
        ValueError: two parts give one keyword different values, so that no single schema says both.
    """
    whole: Schema = {}
    for part in parts:
        for key, value in part.items():
            if key == "properties":
                known = whole.get(key, {})
                whole[key] = known | {
                    name: merged([known[name], piece]) if name in known else piece
                    for name, piece in value.items()
                }
            elif key == "required":
                whole[key] = list(dict.fromkeys([*whole.get(key, ()), *value]))
            elif whole.setdefault(key, value) == value or _only_remarks({key: value}):
                whole[key] = value
            else:
                msg = f"schema: {key} is both {whole[key]!r} and {value!r}"
                raise ValueError(msg)
    return whole


def plain_schema(name: str, profile: Profile = "core", release: str | None = None) -> Schema:
    """Return schema ``name`` as one self-contained schema in plain keywords.

    The *core* profile leaves objects open, the *strict* one closes them.

    Raises:
        UnknownSchema: there is no such schema.
        UnknownRelease: ``release`` names none.
    """
    source = load_schema(name, release)
    kept = None if release is None else _TIMELESS  # what is narrowed to a release needs no dates
    plain = PlainSchemas(release=release, closed=profile == "strict", annotations=kept)
    whole = {"$schema": source["$schema"], **plain.schema(name)}
    for key in source.get("$defs", {}).keys() - _PARTS:
        plain.piece(name, key)
    if plain.pieces:
        whole["$defs"] = dict(sorted(plain.pieces.items()))
    return whole
