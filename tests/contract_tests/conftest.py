"""What several of these modules need: applications that are served over loopback."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from helpers.serving import served


@pytest.fixture(name="serve")
def _serve() -> Iterator[Callable[..., str]]:
    """Serve a WSGI application on a free port; return the base URL."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(served(app))
