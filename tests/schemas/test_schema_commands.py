"""The sub-commands that print the contract."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from rich.console import Console

from crmcom_kit.cli import READER_WENT_AWAY, main
from crmcom_kit.schemas import dialect_names, dials, load_dialect, load_schema, schema_names
from crmcom_kit.schemas.commands import statement_table
from crmcom_kit.schemas.openapi import openapi_document
from crmcom_kit.schemas.releases import resolve
from crmcom_kit.schemas.statements import statements


def run(*arguments: str) -> Result:
    """Run `crmcom-kit` with these arguments, its output in a pipe."""
    return CliRunner().invoke(main, list(arguments))


def test_schemas_lists_names_and_titles() -> None:
    """Without a name every schema is listed, with its title."""
    lines = run("schemas").stdout.splitlines()

    assert [line.split()[0] for line in lines] == list(schema_names())
    for line in lines:
        name, title = line.split(maxsplit=1)
        assert title == load_schema(name)["title"]


def test_schemas_prints_a_schema() -> None:
    """With a name that schema is printed as JSON, ready for a validator."""
    answer = run("schemas", "list_answer", "--release", "R9", "--profile", "strict")
    printed = json.loads(answer.stdout)

    assert answer.exit_code == 0
    assert printed == load_schema("list_answer", "R9", profile="strict", patterns=True)
    assert Draft202012Validator(printed).is_valid({"status": {"code": "OK"}, "data": []})
    assert not Draft202012Validator(printed).is_valid({"status": {"code": "OK"}, "dta": []})


def test_schemas_is_core_and_of_all_releases_by_default() -> None:
    """The tolerant profile, with what any release knows, is what one gets unasked."""
    assert json.loads(run("schemas", "log_information").stdout) == load_schema(
        "log_information", patterns=True
    )


def test_openapi_prints_the_document() -> None:
    """The document of the release, in the dialect and for the server that were named."""
    url = "https://crm.example/crmapi/rest/v2"
    answer = run("openapi", "--release", "R14", "--dialect", "http", "--server-url", url)

    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == openapi_document(
        "R14", dialect=load_dialect("http"), server_url=url
    )


def test_openapi_writes_a_file(tmp_path: Path) -> None:
    """With --out the same text is in the file, and nothing on standard output."""
    file = tmp_path / "openapi.json"
    answer = run("openapi", "--out", str(file))

    assert answer.exit_code == 0
    assert answer.output == ""
    assert file.read_bytes() == run("openapi").stdout_bytes
    assert json.loads(file.read_bytes()) == openapi_document()


def test_statements_prints_whole_lines_into_a_pipe() -> None:
    """Each statement is one line, with nothing cut from its text or source."""
    lines = run("statements", "--release", "R9").stdout.splitlines()

    for statement in statements("R9"):
        (line,) = [line for line in lines if line.split()[:1] == [statement.id]]
        assert statement.text in line
        assert statement.source in line
        assert f"{statement.evidence} " in line


def test_statements_selects_a_method() -> None:
    """Only statements about the method, in force in the release, are printed."""
    printed = json.loads(
        run("statements", "--method", "resend", "--release", "R9", "--format", "json").stdout
    )

    assert [entry["id"] for entry in printed] == [
        statement.id
        for statement in statements("R9")
        if "resend" in statement.methods_in(resolve("R9"))
    ]
    assert "fields_set.names" not in [entry["id"] for entry in printed]  # of R10 and later


def test_statements_prints_everything_as_json() -> None:
    """JSON has every field of every statement of all releases."""
    printed = json.loads(run("statements", "--format", "json").stdout)

    assert len(printed) == len(statements())
    for entry, statement in zip(printed, statements(), strict=True):
        assert entry == {
            "id": statement.id,
            "methods": list(statement.methods),
            "since": statement.since,
            "until": statement.until,
            "evidence": statement.evidence,
            "text": statement.text,
            "source": statement.source,
            "later": statement.later,
            "unchecked": statement.unchecked,
        }


@pytest.mark.parametrize("width", [80, 60])
def test_statements_fit_a_narrow_window(width: int) -> None:
    """In a window nothing is cut off either: what doesn't fit is folded."""
    console = Console(width=width, markup=False, highlight=False)
    with console.capture() as captured:
        console.print(statement_table(statements(), stacked=True))
    lines = captured.get().splitlines()
    letters = "".join(captured.get().split())

    assert max(map(len, lines)) <= width
    assert "…" not in letters
    for statement in statements():
        for word in statement.text.split():
            assert word in captured.get() or len(word) > width // 3


@pytest.mark.parametrize("name", dialect_names())
def test_dialect_prints_a_file_that_can_be_used(name: str, tmp_path: Path) -> None:
    """What is printed, saved, is a dialect file with the same values, and prints as itself."""
    file = tmp_path / "dialect.toml"
    file.write_bytes(run("dialect", name).stdout_bytes)

    assert run("dialect", str(file)).stdout_bytes == file.read_bytes()
    assert load_dialect(file)["errors.status.not_rejected"] == (409 if name == "http" else 200)


def test_dialect_keeps_letters_of_any_alphabet(tmp_path: Path) -> None:
    """A changed dialect, with Greek, quotes and control characters in a message, comes back."""
    message = 'Λάθος αίτημα: \\"7\\"\\t\\\\ \\u007f 🚫'  # as TOML writes it
    file, again = tmp_path / "one.toml", tmp_path / "two.toml"
    file.write_text(f'[errors.message]\nunknown_webhook_request = "{message}"\n', encoding="utf-8")
    again.write_bytes(run("dialect", str(file)).stdout_bytes)

    key = "errors.message.unknown_webhook_request"
    assert load_dialect(again)[key] == load_dialect(file)[key]
    assert load_dialect(again)[key].endswith(': "7"\t\\ \x7f 🚫')


def test_dialect_without_a_name_is_the_default() -> None:
    """Unasked, the default dialect is printed."""
    assert run("dialect").stdout == run("dialect", "default").stdout


def test_dialect_lists_the_built_in_names() -> None:
    """The names stand in the help, and --list prints them alone."""
    assert run("dialect", "--list").stdout.split() == list(dialect_names())
    assert f"Built-in dialects: {', '.join(dialect_names())}." in run("dialect", "--help").output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("schemas nonsense", "schema: there is no 'nonsense'; allowed is one of common, "),
        ("schemas unit --release R8", "release: R8 is older than R9.0.0"),
        ("schemas --release R8", "release: R8 is older than R9.0.0"),
        ("openapi --release nine", "release: 'nine' is not a release; allowed is R<major>"),
        ("openapi --dialect nonsense", "dialect: nonsense is neither a built-in name (default, h"),
        ("openapi --out no/such/folder/file", "out: cannot write no/such/folder/file: "),
        ("openapi --server-url nonsense", "--server-url: 'nonsense' is not allowed; allowed is"),
        ("openapi --server-url http://{host}/", "--server-url: 'http://{host}/' is not allowed"),
        ("openapi --server-url http://[", "--server-url: 'http://[' is not allowed"),
        ("openapi --server-url=", "--server-url: '' is not allowed"),
        ("statements --release R8", "release: R8 is older than R9.0.0"),
        ("statements --method sho", "--method: 'sho' is not allowed; allowed is one of delete, "),
        ("dialect nonsense", "dialect: nonsense is neither a built-in name (default, http)"),
    ],
)
def test_what_nothing_goes_by_is_refused_in_one_line(arguments: str, complaint: str) -> None:
    """A bad name or value ends with status 2 and one line on standard error that says so."""
    answer = run(*arguments.split(" "))

    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith(f"Error: {complaint}")
    assert answer.stderr.count("\n") == 1


def test_a_bad_dialect_file_is_refused_in_one_line(tmp_path: Path) -> None:
    """The key that is wrong is named, with its choices."""
    file = tmp_path / "mine.toml"
    file.write_text('[list]\norder = "sideways"\n', encoding="utf-8")

    for command in (["openapi", "--dialect"], ["dialect"]):
        answer = run(*command, str(file))
        assert answer.exit_code == 2
        assert answer.stderr == (
            f"Error: dialect {file}: list.order = 'sideways' is not allowed; "
            f"allowed is {dials()['list.order'].allowed()}\n"
        )


@pytest.mark.parametrize(
    "arguments", [["openapi"], ["statements"], ["dialect"], ["schemas", "unit"]]
)
def test_a_reader_that_goes_away_is_no_error(arguments: list[str]) -> None:
    """`crmcom-kit … | head` ends without a traceback, and with the status of a broken pipe."""
    command = [sys.executable, "-m", "crmcom_kit", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        complaint = process.stderr.read()

    assert complaint == b""
    assert process.returncode == READER_WENT_AWAY


@pytest.mark.parametrize("arguments", [["schemas"], ["openapi", "--help"], ["dialect"]])
def test_slow_libraries_are_imported_only_where_needed(arguments: list[str]) -> None:
    """A command that validates nothing and draws no table starts without jsonschema and rich."""
    script = (
        "import sys\n"
        "from crmcom_kit.cli import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )

    assert not {"jsonschema", "referencing", "rich"} & set(found.stderr.split())


def test_the_reference_in_docs_is_the_catalogue(project_root: Path) -> None:
    """docs/reference/statements.md is what `crmcom-kit statements --format markdown` prints."""
    printed = run("statements", "--format", "markdown").stdout

    assert (project_root / "docs/reference/statements.md").read_text("utf-8") == printed
    assert all(f"**`{statement.id}`**" in printed for statement in statements())
