"""Starts servers without the cost of starting Python: run as a script, it forks one for each line.

A line on standard input has the flags of ``crmcom-kit serve`` as JSON; the answer is the server's
process id, and whatever the server prints. The next line is read once that server was killed; it
is ended, and says where it stands, if that takes long.
"""

import faulthandler
import json
import os
import sys

from crmcom_kit.cli import main
from crmcom_kit.mock_server.admin import routing
from crmcom_kit.mock_server.http import app, asgi_shell, server
from crmcom_kit.mock_server.world import factory, state_file

# Imported before the fork, so that no server has to.
NEEDED = (app, asgi_shell, factory, routing, server, state_file)
PATIENCE = 60  # seconds; a server here lives for one or two


def serve_each() -> None:
    """Fork a server for each line."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            faulthandler.dump_traceback_later(PATIENCE, exit=True)
            main(["serve", *json.loads(line)])
        print(child, flush=True)  # noqa: T201 - the test reads it
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return


if __name__ == "__main__":
    serve_each()
