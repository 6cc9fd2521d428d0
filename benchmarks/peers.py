"""The other mock servers: which are installed, in which version, and how each is started."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.loopback import HOST, ask
from benchmarks.options import HERE, PEERS
from benchmarks.peer_files import (
    write_json_server,
    write_mockoon,
    write_openapi,
    write_wiremock,
)
from benchmarks.processes import Failed, run
from benchmarks.rows import BASE, BODY_FILE, SHOW, Missing, Row, Rows

NODE = PEERS / "npm" / "node_modules"
PYTHON = PEERS / "venv" / "bin"
_INSTALL = "not installed: make bench-peers"

PRISM, JSON_SERVER, MOCKOON, WIREMOCK = "Prism", "json-server", "Mockoon", "WireMock"
JSON_SCHEMA_FAKER = "json-schema-faker"
MOTO, HTTPSERVER = "moto_server (S3 GET)", "pytest-httpserver"


def peer_rows(body: bytes) -> Rows:
    """Return a row for each peer that is installed; each answers ``body``."""
    rows: list[Row] = []
    missing: list[Missing] = []
    for name, (needs, path, make) in _TABLE.items():
        if shutil.which(needs) is None:
            missing.append(Missing(name, f"needs {needs}"))
        elif not path().exists():
            missing.append(Missing(name, _INSTALL))
        else:
            rows.append(make(body))
    return rows, missing


def _jar() -> Path:
    found = sorted((NODE / "wiremock" / "build").glob("wiremock-standalone-*.jar"))
    return found[-1] if found else NODE / "wiremock" / "no.jar"


def _prism(body: bytes) -> Row:
    document = str(write_openapi(body))
    command = [str(NODE / ".bin" / "prism"), "mock", "-h", HOST, "-v", "error"]
    return Row(
        name=PRISM,
        command=lambda port: [*command, "-p", str(port), document],
        target=SHOW.removeprefix(BASE),  # Prism serves a document without its base path
        warm_seconds=2,
    )


def _json_server(body: bytes) -> Row:
    database = str(write_json_server(body))
    command = [str(NODE / ".bin" / "json-server"), "--quiet", "--host", HOST]
    return Row(
        name=JSON_SERVER,
        command=lambda port: [*command, "--port", str(port), database],
        target="/webhook_requests/1",
        warm_seconds=2,
    )


def _mockoon(body: bytes) -> Row:
    data = str(write_mockoon(body))
    command = [str(NODE / ".bin" / "mockoon-cli"), "start", "--data", data]
    command += ["--disable-log-to-file"]
    return Row(
        name=MOCKOON,
        command=lambda port: [*command, "--port", str(port)],
        warm_seconds=2,
    )


def _wiremock(body: bytes) -> Row:
    folder = str(write_wiremock(body))
    command = ["java", "-jar", str(_jar()), "--bind-address", HOST, "--root-dir", folder]
    command += ["--disable-banner", "--no-request-journal"]
    return Row(
        name=WIREMOCK,
        command=lambda port: [*command, "--port", str(port)],
        warm_seconds=8,  # its compiler needs a while
    )


def _moto(body: bytes) -> Row:
    command = [str(PYTHON / "moto_server"), "-H", HOST]
    return Row(
        name=MOTO,
        command=lambda port: [*command, "-p", str(port)],
        target="/bucket/show.json",
        ready=("/moto-api/data.json", 200),
        prepare=lambda port: _fill_bucket(port, body),
    )


def _fill_bucket(port: int, body: bytes) -> None:
    """Put ``body`` where everybody may read it. Raises Failed."""
    scope = "AKIA/20260101/us-east-1/s3/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"
    headers = {"Authorization": signed, "x-amz-acl": "public-read"}
    for target, content in (("/bucket", b""), ("/bucket/show.json", body)):
        put = ask(port, target, verb="PUT", body=content, headers=headers)
        if put.status != 200:
            msg = f"PUT {target}: {put.status} {put.body[:200]!r}"
            raise Failed(msg)


def _httpserver(_body: bytes) -> Row:
    command = [str(PYTHON / "python"), str(HERE / "httpserver_peer.py"), str(BODY_FILE)]
    return Row(name=HTTPSERVER, command=lambda port: [*command, str(port)])


#: Name → the command that it needs, the file that shows it is installed, and what makes its row.
_TABLE: dict[str, tuple[str, Callable[[], Path], Callable[[bytes], Row]]] = {
    PRISM: ("node", lambda: NODE / ".bin" / "prism", _prism),
    JSON_SERVER: ("node", lambda: NODE / ".bin" / "json-server", _json_server),
    MOCKOON: ("node", lambda: NODE / ".bin" / "mockoon-cli", _mockoon),
    WIREMOCK: ("java", _jar, _wiremock),
    MOTO: ("python3", lambda: PYTHON / "moto_server", _moto),
    HTTPSERVER: ("python3", lambda: PYTHON / "python", _httpserver),
}


def peer_versions() -> dict[str, str]:
    """Return the version of each peer that is installed."""
    found = {}
    packages = {
        PRISM: "@stoplight/prism-cli", JSON_SERVER: "json-server", MOCKOON: "@mockoon/cli",
        WIREMOCK: "wiremock", JSON_SCHEMA_FAKER: "json-schema-faker",
    }  # fmt: skip
    for name, package in packages.items():
        path = NODE / package / "package.json"
        if path.exists():
            found[name] = str(json.loads(path.read_text(encoding="utf-8"))["version"])
    ask_python = "from importlib.metadata import version as v; print(v('moto'), v('{}'))"
    try:
        printed = run([str(PYTHON / "python"), "-c", ask_python.format("pytest-httpserver")])
        found[MOTO], found[HTTPSERVER] = printed.split()
    except Failed:
        pass
    return found
