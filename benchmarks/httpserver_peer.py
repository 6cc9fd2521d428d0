"""pytest-httpserver answering one target; runs in the peers' own environment: ``BODY PORT``."""

import sys
from pathlib import Path
from threading import Event

from pytest_httpserver import HTTPServer

if __name__ == "__main__":
    server = HTTPServer(host="127.0.0.1", port=int(sys.argv[2]))
    server.expect_request("/crmapi/rest/v2/webhook_requests/show").respond_with_data(
        Path(sys.argv[1]).read_bytes(), content_type="application/json"
    )
    server.start()
    Event().wait()
