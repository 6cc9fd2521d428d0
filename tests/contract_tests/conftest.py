"""Makes the broken servers importable, by their folder."""

import importlib.util
from pathlib import Path

_HOME = Path(__file__).resolve().parent.parent / "broken_servers" / "loading.py"
_SPEC = importlib.util.spec_from_file_location("broken_servers_loading", _HOME)
assert _SPEC is not None
assert _SPEC.loader is not None
_LOADING = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_LOADING)
_LOADING.load()
