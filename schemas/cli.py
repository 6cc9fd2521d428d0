"""The sub-commands that print the contract: schemas, openapi, dialect."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from crmcom_kit.config_file import Refused
from crmcom_kit.output import OutputError, write_text
from crmcom_kit.schemas.dialect import DialectError, dialect_names, load_dialect
from crmcom_kit.schemas.loader import Profile, UnknownSchema, load_schema, schema_names
from crmcom_kit.schemas.releases import UnknownRelease, default_release


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Turn unknown names into one-line errors."""
    try:
        yield
    except (UnknownRelease, UnknownSchema, DialectError) as error:
        raise Refused(str(error)) from None


def _print(text: str) -> None:
    try:
        write_text(text)
    except OutputError as error:
        raise Refused(str(error)) from None


def _as_json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


@click.command(context_settings={"show_default": True})
@click.argument("name", required=False)
@click.option("--release", metavar="R", help="Narrow the schema to a release, R9 or newer.")
@click.option(
    "--profile",
    type=click.Choice(["core", "strict"]),
    default="core",
    help="core allows undocumented members; strict does not.",
)
def schemas(name: str | None, release: str | None, profile: Profile) -> None:
    """List the JSON Schemas, or print the one called NAME.

    The schema is self-contained and uses only standard keywords of draft 2020-12, so any validator
    can read it: schemas that it refers to are in its $defs, date formats are written as patterns,
    and the profile is already applied.
    """
    with _usage_errors():
        if name is not None:
            _print(_as_json(load_schema(name, release, profile=profile, patterns=True)))
            return
        titles = {key: load_schema(key, release)["title"] for key in schema_names()}
    width = max(map(len, titles))
    _print("".join(f"{key:{width}}  {title}\n" for key, title in titles.items()))


@click.command()
@click.option("--release", metavar="R", help=f"R9 or newer.  [default: {default_release()}]")
@click.option(
    "--dialect",
    "dialect_source",
    metavar="D",
    default="default",
    help=f"A built-in dialect ({', '.join(dialect_names())}) or a TOML file as "
    "`crmcom-kit dialect` prints it.  [default: default]",
)
def openapi(release: str | None, dialect_source: str) -> None:
    """Print the OpenAPI 3.1 document of a release, as JSON.

    The document is self-contained and uses only standard keywords. The dialect decides the
    form of responses and messages, and the HTTP statuses of errors.
    """
    from crmcom_kit.schemas.openapi import openapi_document

    with _usage_errors():
        document = openapi_document(release, dialect=load_dialect(dialect_source))
    _print(_as_json(document))


@click.command(epilog=f"Built-in dialects: {', '.join(dialect_names())}.")
@click.argument("source", metavar="[NAME_OR_FILE]", default="default")
def dialect(source: str) -> None:
    """Print a dialect as a commented TOML file.

    The file lists each choice that the documentation leaves open (a dial), with its evidence and
    its allowed values. The kinds of errors are one table, a line for each kind with its HTTP
    status, code and message. Save the file, edit it, and pass it to any command that has --dialect.
    """
    from crmcom_kit.schemas.dialect_file import write_dialect

    with _usage_errors():
        _print(write_dialect(load_dialect(source)))
