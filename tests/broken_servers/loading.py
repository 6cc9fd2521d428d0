"""How the package comes to be imported: by its folder, with nothing put on ``sys.path``.

Load this file by its own path (``importlib.util.spec_from_file_location``) and call ``load``;
from then on ``import broken_servers`` works in the whole process.
"""

import importlib.util
import sys
from pathlib import Path


def load() -> None:
    """Make ``broken_servers`` importable in this process."""
    name, here = "broken_servers", Path(__file__).resolve().parent
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(
        name, here / "__init__.py", submodule_search_locations=[str(here)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
