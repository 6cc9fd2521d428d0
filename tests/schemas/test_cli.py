"""The sub-commands that print the contract."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from crmcom_kit.cli import main
from crmcom_kit.schemas import dialect_names, load_dialect, load_schema, schema_names
from crmcom_kit.schemas.openapi import openapi_document


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_schemas_lists_names_and_titles() -> None:
    lines = run("schemas").stdout.splitlines()

    assert [line.split()[0] for line in lines] == list(schema_names())
    for line in lines:
        name, title = line.split(maxsplit=1)
        assert title == load_schema(name)["title"]


def test_schemas_prints_a_schema() -> None:
    result = run("schemas", "list_answer", "--release", "R9", "--profile", "strict")
    printed = json.loads(result.stdout)

    assert result.exit_code == 0
    assert printed == load_schema("list_answer", "R9", profile="strict", patterns=True)
    assert Draft202012Validator(printed).is_valid({"status": {"code": "OK"}, "data": []})
    assert not Draft202012Validator(printed).is_valid({"status": {"code": "OK"}, "dta": []})


def test_openapi_prints_the_document() -> None:
    result = run("openapi", "--release", "R14", "--dialect", "http")

    assert result.exit_code == 0
    assert json.loads(result.stdout) == openapi_document("R14", dialect=load_dialect("http"))


@pytest.mark.parametrize("name", dialect_names())
def test_dialect_prints_a_file_that_can_be_used(name: str, tmp_path: Path) -> None:
    file = tmp_path / "dialect.toml"
    file.write_bytes(run("dialect", name).stdout_bytes)

    assert run("dialect", str(file)).stdout_bytes == file.read_bytes()
    assert load_dialect(file)["errors.not_rejected.status"] == (409 if name == "http" else 200)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("schemas nonsense", "schema: there is no 'nonsense'; allowed is one of common, "),
        ("schemas --release R8", "release: R8 is not known"),
        ("openapi --dialect nonsense", "dialect: nonsense is neither a built-in name (default, h"),
        ("dialect nonsense", "dialect: nonsense is neither a built-in name (default, http)"),
    ],
)
def test_what_nothing_goes_by_is_refused_in_one_line(arguments: str, complaint: str) -> None:
    result = run(*arguments.split(" "))

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: {complaint}")
    assert result.stderr.count("\n") == 1
