"""What the other mock servers are configured with: each answers the same bytes."""

import json
from pathlib import Path
from typing import Any

from benchmarks.options import WORK
from benchmarks.processes import run
from benchmarks.rows import BASE, BIN

_PATH = "/webhook_requests/show"
FOLDER = WORK / "peers"


def write_openapi(body: bytes) -> Path:
    """Write the mock's own OpenAPI document, with ``body`` as the one example of show."""
    document = json.loads(run([str(BIN / "crmcom-kit"), "openapi", "--release", "R9"]))
    content = document["paths"][_PATH]["get"]["responses"]["200"]["content"]
    for media in content.values():
        media.pop("example", None)
        media["examples"] = {"shown": {"value": json.loads(body)}}
    return _write("openapi.json", document)


def write_json_server(body: bytes) -> Path:
    """Write json-server's database: the answer as record 1 of a collection."""
    return _write("db.json", {"webhook_requests": [{"id": 1, **json.loads(body)}]})


def write_wiremock(body: bytes) -> Path:
    """Write WireMock's folder with one mapping, and return the folder."""
    answer = {
        "status": 200,
        "body": body.decode(),
        "headers": {"Content-Type": "application/json"},
    }
    request = {"method": "GET", "urlPath": BASE + _PATH}
    _write("wiremock/mappings/show.json", {"request": request, "response": answer})
    return FOLDER / "wiremock"


def write_mockoon(body: bytes) -> Path:
    """Write Mockoon's environment with one route."""
    response = {
        "uuid": "response", "body": body.decode(), "latency": 0, "statusCode": 200, "label": "",
        "headers": [{"key": "Content-Type", "value": "application/json"}],
        "bodyType": "INLINE", "filePath": "", "databucketID": "", "sendFileAsBody": False,
        "rules": [], "rulesOperator": "OR", "disableTemplating": True, "fallbackTo404": False,
        "default": True, "crudKey": "id", "callbacks": [],
    }  # fmt: skip
    route = {
        "uuid": "route", "type": "http", "documentation": "", "method": "get",
        "endpoint": (BASE + _PATH)[1:], "responses": [response], "responseMode": None,
        "streamingMode": None, "streamingInterval": 0,
    }  # fmt: skip
    tls = {
        "enabled": False, "type": "CERT", "pfxPath": "", "certPath": "", "keyPath": "",
        "caPath": "", "passphrase": "",
    }  # fmt: skip
    environment = {
        "uuid": "environment", "lastMigration": 33, "name": "show", "endpointPrefix": "",
        "latency": 0, "port": 18002, "hostname": "127.0.0.1", "folders": [], "routes": [route],
        "rootChildren": [{"type": "route", "uuid": "route"}], "proxyMode": False,
        "proxyHost": "", "proxyRemovePrefix": False, "tlsOptions": tls, "cors": False,
        "headers": [], "proxyReqHeaders": [], "proxyResHeaders": [], "data": [], "callbacks": [],
    }  # fmt: skip
    return _write("mockoon.json", environment)


def _write(name: str, value: Any) -> Path:
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path
