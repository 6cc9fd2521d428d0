"""The site of the docs: it builds without a warning, stands alone, and leads to every page."""

import html
import itertools
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from reference_pages.__main__ import pages

from crmcom_kit.cli import LazyCommand, main
from crmcom_kit.mock_server import MockWorld
from crmcom_kit.mock_server.admin.document import document
from crmcom_kit.schemas import API_PATH, dials, methods, release_names, resolve, response_fields
from crmcom_kit.schemas.dialect import error_kinds
from crmcom_kit.schemas.statements import statements

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("[a-z]*/*.md"))
DOCUMENTS = [*PAGES, *ROOT.glob("*.md")]


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the docs as `make docs` does. A link that leads nowhere is a warning, so an error."""
    site = tmp_path_factory.mktemp("site")
    options = ["-W", "--keep-going", "-q", "-b", "html", "-d", str(site / "doctrees")]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(DOCS), str(site / "html")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return site / "html"


@pytest.fixture(scope="module", name="made")
def _made() -> dict[Path, str]:
    """The pages that are made of code and data, as they would be made now."""
    return pages()


def _text(page: Path) -> str:
    """Return the text of a page, without its markup."""
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text("utf-8")))


def test_a_page_requests_nothing_from_another_host(site: Path) -> None:
    loaded = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"([^\"]+)\"")
    pages = list(site.rglob("*.html"))
    targets = {target for page in pages for target in loaded.findall(page.read_text("utf-8"))}
    assert targets
    assert not [target for target in targets if re.match(r"(?:\w+:)?//", target)]
    styles = " ".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert not re.findall(r"url\([\"']?(?:https?:)?//|@import", styles)


def test_a_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    """Sphinx fills up or cuts the others without a warning."""
    assert not [
        (page.name, row)
        for page in DOCUMENTS
        for head, row in itertools.pairwise(
            re.sub(r"\\[|]", "", page.read_text("utf-8")).splitlines()
        )
        if head.startswith("|") and row.startswith("|") and head.count("|") != row.count("|")
    ]


def test_figures_that_pages_quote_are_the_measured_ones() -> None:
    """A page that quotes an old figure fails by name."""
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text("utf-8")
    page = (DOCS / "how-to" / "operate.md").read_text("utf-8")
    for row in ("mock", "mock, --log off"):
        speed = re.findall(rf"\| {row} \| ([\d,]+) ", results)[0]
        assert f"{speed} requests/s" in page


def test_the_site_can_be_searched(site: Path) -> None:
    index = (site / "searchindex.js").read_text("utf-8")
    assert len(PAGES) > 25
    assert not [
        page for page in PAGES if f'"{page.relative_to(DOCS).with_suffix("")}"' not in index
    ]


def test_llms_txt_names_every_page(site: Path) -> None:
    """Each with a link, relative to wherever the site is, to its text."""
    links = re.findall(r"\]\(([^)]+)\)", (site / "llms.txt").read_text("utf-8"))
    assert not [link for link in links if not (site / link).is_file()]
    named = {link.removeprefix("_sources/").removesuffix(".txt") for link in links}
    assert not {str(page.relative_to(DOCS)) for page in PAGES} - named


def test_the_reference_is_current(made: dict[Path, str]) -> None:
    """What code and data say now is what the repository shows."""
    stale = [page.name for page, text in made.items() if page.read_text("utf-8") != text]
    assert not stale, f"run `make reference`, which writes {', '.join(stale)} anew"
    names = ("cli", "control-api", "dials", "methods", "python-api", "statements")
    assert sorted(page.stem for page in made) == [*names]


def test_the_reference_has_what_the_code_has(made: dict[Path, str]) -> None:
    texts = {page.stem: text for page, text in made.items()}
    for name, command in main.commands.items():
        section = texts["cli"].partition(f"\n### crmcom-kit {name}\n")[2].partition("\n### ")[0]
        assert isinstance(command, LazyCommand)
        options = [each for each in command.load().params if isinstance(each, click.Option)]
        names = [option.opts[0] for option in options if not option.hidden]
        assert not [each for each in names if not re.search(rf"\| `(-., )?{each}[ `]", section)]
    paths = document()["paths"]
    operations = [f"{verb.upper()} /__admin{path}" for path in paths for verb in paths[path]]
    assert not [each for each in operations if f"| `{each}` |" not in texts["control-api"]]
    members = [name for name in dir(MockWorld) if not name.startswith("_")]
    assert not [name for name in members if not re.search(rf"\b{name}`?[ \n]", texts["python-api"])]
    assert all(f"**`{each.id}`**" in texts["statements"] for each in statements())
    plain = [dial.key for dial in dials().values() if not dial.error_kind]
    assert not [key for key in plain if f"\n**`{key} = " not in texts["dials"]]
    kinds = [line.split("`")[1] for line in texts["dials"].splitlines() if line.startswith("| `")]
    assert kinds == [*error_kinds()]


def test_the_reference_can_be_read_on_a_git_host(made: dict[Path, str]) -> None:
    """It has Markdown only, and each link of a page leads to a file, and to a heading in it."""
    assert not [page for page in made if re.search(r"(?m)^(```|:::)\{", page.read_text("utf-8"))]
    link = re.compile(r"(?<!\\)\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
    dead = []
    for page in DOCUMENTS:
        for path, anchor in link.findall(_prose(page)):
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in _anchors(target)):
                dead.append(f"{page.relative_to(ROOT)}: {path}#{anchor}")
    assert not dead


def _prose(page: Path) -> str:
    """Return a page without blocks of code."""
    return re.sub(r"(?ms)^```.*?^```$", "", page.read_text("utf-8"))


def _anchors(page: Path) -> set[str]:
    """Return the anchors that Git hosts give to a page's headings."""
    anchors: set[str] = set()
    for heading in re.findall(r"(?m)^#+ (.+)$", _prose(page)):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = sum(re.fullmatch(rf"{slug}(-\d+)?", anchor) is not None for anchor in anchors)
        anchors.add(f"{slug}-{number}" if number else slug)
    return anchors


def test_the_page_on_methods_has_all_that_the_contract_has(site: Path) -> None:
    page = _text(site / "reference" / "methods.html")
    newest = resolve(release_names()[-1])
    for method in methods(newest).values():
        section = page.partition(f"{method.summary} Available from ")[2].partition("Returns:")[0]
        assert f"{method.verb} {API_PATH}/{method.path}\n" in section
        assert not [name for name in method.parameters if f"\n{name} (" not in section]
    assert not [name for name in response_fields() if f"\n{name} (" not in page]
    assert not [entity for entity in newest.entities if entity not in page]
    for error in error_kinds().values():
        assert error["code"] in page
        assert error["message"] in page
    links = (site / "reference" / "methods.html").read_text("utf-8")
    groups = {key.partition(".")[0] for key in dials()} - {"message"}
    anchors = [f'href="dials.html#{group.replace("_", "-")}"' for group in groups]
    assert not [anchor for anchor in anchors if anchor not in links]
