"""Rules for every file: which modules it may import, and what it must not name."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

#: Room → the other rooms that it may import.
ALLOWED = {
    "schemas": set[str](),
    "fixtures": {"schemas"},
    "mock_server": {"schemas", "fixtures"},
    "contract_tests": {"schemas"},
}
#: The one file that starts the mock as a target of the kit.
ALLOWED_BESIDES = {"contract_tests/client/targets.py": {"mock_server"}}
#: Modules of src/crmcom_kit that every room may import; of the rooms they import schemas only.
SHARED = {
    *("config_file", "deadline_streams", "har", "headed_help", "machine_time", "output"),
    *("progress", "redaction", "removed_names", "toml_files", "usage_errors"),
}

#: The layers of mock_server, lowest first. Modules in its root, shown as "", are the lowest, except
#: the entry points, which may import everything. A folder imports folders of lower layers; on one
#: layer the imports must not form a cycle. Late imports and those for type checkers count as well.
LAYERS = (
    ("",),
    ("store", "protocol"),
    ("faults", "deliveries"),
    ("journal",),
    ("world",),
    ("api", "admin", "console"),
    ("http",),
    ("python_api", "cli"),
    ("pytest_plugin",),
)
ENTRY_POINTS = {"__init__", "__main__"}
Layers = tuple[tuple[str, ...], ...]

#: The layers of contract_tests, lowest first: folders, and the modules of its root by name.
CONTRACT_LAYERS = (
    ("options",),
    ("client", "plugin"),
    ("belief",),
    ("oracle",),
    ("templates",),
    ("safety", "strategies"),
    ("campaign", "recorded"),
    ("run",),
    ("reports",),
    ("cli", "machine"),
    ("pytest_fixtures", "calibration"),
    ("suite",),
)
MAX_ROOT_MODULES = 12
#: What is imported from these is a room, or a folder or module of a room's root.
HOLDERS = ("crmcom_kit", "crmcom_kit.mock_server", "crmcom_kit.contract_tests")
#: Folders for the makers of the project; an installation does not have them.
FOR_MAKERS_ONLY = {"benchmarks", "docs", "tests"}

# Concatenated, so that this file does not contain what it looks for.
REGISTRY_HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "deb.debian" + ".org")
OUTSIDE_FOLDERS = ("../" + "shared", "/" + "work/")


@cache
def imports_of(source: str) -> list[ast.Import | ast.ImportFrom]:
    """Return every import of the source, wherever it stands."""
    nodes = ast.walk(ast.parse(source))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def imported_modules(source: str) -> Iterator[str]:
    """Yield every module that the source imports anywhere; a relative one begins with a dot."""
    for node in imports_of(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            module = "." * node.level + (node.module or "")
            # `from crmcom_kit import schemas` imports a room, and so does a folder of a room.
            names = [f"{module}.{alias.name}" for alias in node.names]
            yield from names if module in HOLDERS else [module]


def complaints(path: str, source: str) -> Iterator[str]:
    """Yield what the imports of a file break, one sentence each."""
    room = path.split("/", maxsplit=1)[0]
    if room == "src":  # a module that rooms share
        allowed = {"schemas"} | SHARED
    else:
        allowed = {room} | ALLOWED[room] | ALLOWED_BESIDES.get(path, set()) | SHARED
    for module in imported_modules(source):
        top, *rest = module.split(".")
        if module.startswith("."):
            yield f"{path}: imports {module} relatively"
        elif top in ALLOWED:
            yield f"{path}: imports {module} without crmcom_kit, which makes a second copy of it"
        elif top in FOR_MAKERS_ONLY:
            yield f"{path}: imports {module}, which no installation has"
        elif top == "crmcom_kit" and rest[:1] != ["__version__"] and rest[0] not in allowed:
            yield f"{path}: may not import {module}"


def place_of(module: str, layers: Layers) -> str:
    """Return the folder of a module, or the module itself if it is on a layer; else ""."""
    place = module.partition(".")[0]
    return place if any(place in layer for layer in layers) else ""


def imports_across(room: str, layers: Layers, files: dict[str, str]) -> set[tuple[str, str]]:
    """Return importer and imported module for the imports of a room from one place to another."""
    prefix, found = f"crmcom_kit.{room}.", set()
    for path, source in files.items():
        importer = path.removeprefix(f"{room}/").removesuffix(".py").replace("/", ".")
        for module in imported_modules(source) if importer not in ENTRY_POINTS else ():
            imported = module.removeprefix(prefix)
            places = {place_of(importer, layers), place_of(imported, layers)}
            if module.startswith(prefix) and len(places) > 1:
                found.add((importer, imported))
    return found


def upward(imports: set[tuple[str, str]], layers: Layers) -> set[tuple[str, str]]:
    layer = {place: at for at, places in enumerate(layers) for place in places}
    return {
        (importer, imported)
        for importer, imported in imports
        if layer[place_of(importer, layers)] < layer[place_of(imported, layers)]
    }


def cycle_of_folders(imports: set[tuple[str, str]], layers: Layers) -> list[str]:
    """Return folders that import each other in a circle; none if there is no circle."""
    graph: dict[str, set[str]] = {}
    for importer, imported in imports:
        graph.setdefault(place_of(importer, layers), set()).add(place_of(imported, layers))
    return cycle_in(graph)


def cycle_of_modules(files: dict[str, str]) -> list[str]:
    """Return modules that import each other in a circle, late imports included."""
    sources = {path.removesuffix(".py").replace("/", "."): text for path, text in files.items()}
    sources = {name.removesuffix(".__init__"): text for name, text in sources.items()}
    graph: dict[str, set[str]] = {}
    for importer, source in sources.items():
        for node in imports_of(source):
            if isinstance(node, ast.ImportFrom):
                module = (node.module or "").removeprefix("crmcom_kit.")
                names = {f"{module}.{alias.name}" for alias in node.names}
                inner = names & sources.keys()
                graph.setdefault(importer, set()).update((inner or {module}) - {importer})
    return cycle_in(graph)


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def python_files(project_files: frozenset[str], *folders: str) -> list[str]:
    return sorted(
        path for path in project_files if path.endswith(".py") and path.split("/")[0] in folders
    )


def test_rooms_import_one_way(project_root: Path, project_files: frozenset[str]) -> None:
    """A room imports only the rooms below it, and always by their full names."""
    files = python_files(project_files, *ALLOWED)
    files += [path for path in project_files if path in {f"src/crmcom_kit/{n}.py" for n in SHARED}]
    found = [
        complaint
        for path in files
        for complaint in complaints(path, (project_root / path).read_text(encoding="utf-8"))
    ]

    assert {path.split("/")[0] for path in files} >= set(ALLOWED)
    assert not found, "\n".join(found)


def test_folders_of_the_mock_import_one_way(
    project_root: Path, project_files: frozenset[str]
) -> None:
    """Every folder is on a layer, imports go down, and no circle of folders is left."""
    paths = python_files(project_files, "mock_server")
    sources = {path: (project_root / path).read_text(encoding="utf-8") for path in paths}
    imports = imports_across("mock_server", LAYERS, sources)
    folders = {path.split("/")[1] for path in paths if path.count("/") > 1}
    root = {path.split("/")[1].removesuffix(".py") for path in paths if path.count("/") == 1}

    assert folders == {folder for layer in LAYERS for folder in layer} - {""}
    assert len(imports) > 100
    assert upward(imports, LAYERS) == set()
    assert cycle_of_folders(imports, LAYERS) == []
    assert cycle_of_modules(sources) == []
    assert len(root - {"__init__", "__main__"}) <= MAX_ROOT_MODULES, sorted(root)


def test_folders_of_the_kit_import_one_way(
    project_root: Path, project_files: frozenset[str]
) -> None:
    """Every folder and root module is on a layer, imports go down, and nothing goes in a circle."""
    paths = python_files(project_files, "contract_tests")
    sources = {path: (project_root / path).read_text(encoding="utf-8") for path in paths}
    names = {path.split("/")[1].removesuffix(".py") for path in paths} - {"__init__"}

    assert names == {name for layer in CONTRACT_LAYERS for name in layer}
    imports = imports_across("contract_tests", CONTRACT_LAYERS, sources)
    assert len(imports) > 100
    assert upward(imports, CONTRACT_LAYERS) == set()
    assert cycle_of_folders(imports, CONTRACT_LAYERS) == []
    assert cycle_of_modules(sources) == []


def test_an_import_against_the_layers_is_found() -> None:
    """Late imports, those for type checkers, and circles on one layer are seen as well."""
    files = {
        "mock_server/store/a.py": "def f():\n    from crmcom_kit.mock_server.world.world import W",
        "mock_server/clock.py": "if TYPE_CHECKING:\n    from crmcom_kit.mock_server import api",
        "mock_server/deliveries/a.py": "import crmcom_kit.mock_server.faults.b\nimport flask",
        "mock_server/faults/b.py": "from crmcom_kit.mock_server.deliveries.a import x",
        "mock_server/api/show.py": "from crmcom_kit.mock_server.clock import Clock",
        "mock_server/world/world.py": "from crmcom_kit.mock_server.world.epoch import Epoch",
        "mock_server/cli/serve.py": "from crmcom_kit.mock_server.cli.options import OPTIONS",
    }
    found = imports_across("mock_server", LAYERS, files)

    assert upward(found, LAYERS) == {("store.a", "world.world"), ("clock", "api")}
    assert set(cycle_of_folders(found - {("clock", "api")}, LAYERS)) == {"deliveries", "faults"}
    assert cycle_of_modules(files) == []
    files["mock_server/world/world.py"] += (
        "\ndef f():\n    from crmcom_kit.mock_server.store import a"
    )
    assert set(cycle_of_modules(files)) == {"mock_server.store.a", "mock_server.world.world"}
    assert ("api.show", "clock") in found
    assert len(found) == 5


def test_a_forbidden_import_is_found() -> None:
    """``complaints`` sees every form that a forbidden import can take, and no other."""
    forbidden = [
        ("schemas/a.py", "from crmcom_kit import mock_server"),
        ("schemas/a.py", "import crmcom_kit.fixtures.worlds"),
        ("fixtures/a.py", "def f():\n    from crmcom_kit.mock_server import app"),
        ("mock_server/a.py", "if TYPE_CHECKING:\n    from crmcom_kit.contract_tests.x import y"),
        ("contract_tests/a.py", "from crmcom_kit.mock_server.http.app import create_app"),
        ("mock_server/a.py", "from crmcom_kit.cli import main"),
        ("mock_server/a.py", "from .app import create_app"),
        ("mock_server/a.py", "from . import app"),
        ("mock_server/a.py", "import schemas"),
        ("mock_server/a.py", "from tests.conftest import project_root"),
        ("src/crmcom_kit/redaction.py", "from crmcom_kit.mock_server.world.world import World"),
        ("src/crmcom_kit/redaction.py", "from crmcom_kit import fixtures"),
    ]
    allowed = [
        ("schemas/a.py", "from crmcom_kit.schemas.loader import load_schema"),
        ("mock_server/a.py", "from crmcom_kit import __version__, fixtures, redaction"),
        ("contract_tests/a.py", "from crmcom_kit.redaction import redact"),
        (
            "contract_tests/client/targets.py",
            "from crmcom_kit.mock_server.http.app import create_app",
        ),
        ("mock_server/a.py", "import flask, schemas_of_others"),
        ("src/crmcom_kit/redaction.py", "from crmcom_kit.schemas import API_PATH"),
    ]

    assert [one for one in forbidden if not list(complaints(*one))] == []
    assert [one for one in allowed if list(complaints(*one))] == []


def test_a_clone_stands_alone(project_root: Path, project_files: frozenset[str]) -> None:
    needles = [needle.encode() for needle in (*REGISTRY_HOSTS, *OUTSIDE_FOLDERS)]
    texts = {path: (project_root / path).read_bytes() for path in project_files}

    assert [path for path, text in texts.items() if any(one in text for one in needles)] == []
