"""The pytest plugin: fixtures, options, strict tests, a network guard."""

import pytest

#: What would fail in a strict run, a line each.
WOULD_FAIL = pytest.StashKey[list[str]]()
#: How strict the running test is: *true*, *false* or *report*.
STRICTNESS = pytest.StashKey[str]()
