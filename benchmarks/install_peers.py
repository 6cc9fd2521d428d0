"""Install the mock servers to compare with into a folder that is not under version control."""

import os
import shutil
import sys

import click

from benchmarks.options import HERE, PEERS
from benchmarks.peers import peer_versions
from benchmarks.processes import Failed, run

#: json-server 1.0 is another program, and has been in beta for years.
_FROM_NPM = ("@stoplight/prism-cli", "@mockoon/cli", "json-server@0.17.4", "wiremock",
             "json-schema-faker")  # fmt: skip
_SECONDS = 900


def main() -> None:
    """Install what can be, and say what is left out and why."""
    PEERS.mkdir(exist_ok=True)
    left_out = [*_npm(), *_pypi(), *_schemathesis(), *_wrk()]
    for name, version in peer_versions().items():
        click.echo(f"installed: {name} {version}")
    for text in left_out:
        click.echo(f"left out: {text}", err=True)


def _npm() -> list[str]:
    """Install what is on npm, WireMock's jar among it."""
    left_out = []
    if shutil.which("node") is None or shutil.which("npm") is None:
        return [
            "Prism, Mockoon, json-server, WireMock, json-schema-faker: "
            "they need node and npm (18 or newer)"
        ]
    if shutil.which("java") is None:
        left_out.append("WireMock: it needs java (11 or newer)")
    folder = PEERS / "npm"
    folder.mkdir(exist_ok=True)
    command = ["npm", "install", "--no-fund", "--no-audit", "--prefix", str(folder), *_FROM_NPM]
    return left_out + _tried("Prism, Mockoon, json-server, WireMock, json-schema-faker", command)


def _pypi() -> list[str]:
    """Install the servers on PyPI into an environment of their own."""
    venv = PEERS / "venv"
    names = "moto, pytest-httpserver"
    failed = _tried(names, [sys.executable, "-m", "venv", str(venv)])
    if failed:
        return failed
    requirements = str(HERE / "requirements-peers.txt")
    command = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "-r", requirements]
    return _tried(names, command)


def _schemathesis() -> list[str]:
    """Install Schemathesis into an environment of its own: it shares packages with the others."""
    venv = PEERS / "schemathesis"
    failed = _tried("Schemathesis", [sys.executable, "-m", "venv", str(venv)])
    python = str(venv / "bin" / "python")
    command = [python, "-m", "pip", "install", "--quiet", "schemathesis>=4"]
    return failed or _tried("Schemathesis", command)


def _wrk() -> list[str]:
    """Install the load generator, where this user may."""
    if shutil.which("wrk") is not None:
        return []
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return ["wrk, without which servers cannot be compared: install your system's package wrk"]
    return _tried("wrk", ["apt-get", "update"]) or _tried(
        "wrk", ["apt-get", "install", "--yes", "--no-install-recommends", "wrk"]
    )


def _tried(names: str, command: list[str]) -> list[str]:
    """Run a command; return what its failure leaves out."""
    try:
        run(command, seconds=_SECONDS)
    except Failed as error:
        return [f"{names}: {error}"]
    return []


if __name__ == "__main__":
    main()
