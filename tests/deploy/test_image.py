"""The container image: built as `make image` builds it, and run as an engine would run it.

The base is made here, from Debian's packages, so that no container registry is needed. That takes
more than a minute: `.ci/image` does it, and a run of all tests leaves it out.
"""

import json
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from resource import RLIMIT_NOFILE, RLIMIT_NPROC, getrlimit
from typing import Any

import pytest
from helpers.patience import PATIENCE
from helpers.serving import reserved_port
from helpers.tools import tool

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("CRMCOM_KIT_IMAGE") != "1",
        reason="builds a container image, which takes long: .ci/image does it",
    ),
    pytest.mark.timeout(900),
]

BASE = "localhost/library/python:3.13-slim"
IMAGE = "localhost/crmcom-kit:test"
#: A container without an engine: namespaces for mounts and processes, and a root that cannot be
#: written to. As in any container, what it runs has the process id 1.
CONTAINER = """
root=$1 user=$2
shift 2
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --rbind /dev "$root/dev"
exec chroot --userspec="$user" "$root" "$@"
"""


class Image:
    """The files of an image, and its configuration."""

    def __init__(self, root: Path, config: dict[str, Any]) -> None:
        self.root = root
        self.config = config

    @contextmanager
    def running(self, *command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """Run a command in a container, with the image's user and environment; end it at last."""
        variables = dict(each.split("=", 1) for each in self.config["Env"])
        unshare = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
        with subprocess.Popen(
            [*unshare, "sh", "-euc", CONTAINER, "sh", self.root, self.config["User"], *command],
            env={**variables, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a container to its end."""
        with self.running(*command, **environment) as process:
            output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(command, process.returncode, output, errors)


@pytest.fixture(name="image", scope="module")
def _image(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image, on a base with Debian's Python."""
    buildah, mmdebstrap = tool("buildah"), tool("mmdebstrap")
    if os.geteuid() != 0:
        pytest.skip("needs root, to make a base and containers without an engine")
    folder = tmp_path_factory.mktemp("image")
    storage = folder / "storage.conf"
    storage.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/store"\nrunroot = "{folder}/run"\n'
    )
    environment = {
        **os.environ,
        "BUILDAH_ISOLATION": "chroot",
        "CONTAINERS_STORAGE_CONF": str(storage),
    }

    def done(*command: str | Path, cwd: Path = folder) -> str:
        run = subprocess.run(
            command, cwd=cwd, env=environment, check=False, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout.strip()

    packages = "python3,python3-venv,ca-certificates"
    variant = ("--mode=root", "--variant=minbase", f"--include={packages}")
    done(mmdebstrap, *variant, "trixie", "rootfs.tar")
    (folder / "Containerfile").write_text("FROM scratch\nADD rootfs.tar /\n")
    done(buildah, "build", "--network", "host", "--tag", BASE, ".")
    # The builder shares this machine's network, limits and certificates of authorities.
    files, processes = (getrlimit(each)[1] for each in (RLIMIT_NOFILE, RLIMIT_NPROC))
    options = (
        f"--build-arg BASE={BASE} --network host --volume /etc/ssl/certs:/etc/ssl/certs:ro"
        f" --ulimit nofile={files}:{files} --ulimit nproc={processes}:{processes}"
    )
    make = ("make", "image", f"ENGINE={buildah}", f"IMAGE={IMAGE}", f"ARGS={options}")
    done(*make, cwd=project_root)
    config = json.loads(done(buildah, "inspect", "--type", "image", IMAGE))["Docker"]["config"]
    container = done(buildah, "from", IMAGE)
    return Image(Path(done(buildah, "mount", container)), config)


@pytest.fixture(name="port")
def _port() -> Iterator[int]:
    """A port for the container to use."""
    with reserved_port() as port:
        yield port


def test_it_serves_with_a_read_only_root_and_stops_at_a_signal(image: Image, port: int) -> None:
    """READY, healthy by its own check, never root, and SIGTERM ends it with 0."""
    kind, probe = image.config["Healthcheck"]["Test"]
    assert kind == "CMD-SHELL"
    assert image.run("sh", "-c", probe, CRMCOM_SERVE_PORT=str(port)).returncode == 1

    command = [*image.config["Entrypoint"], *image.config["Cmd"]]
    options = {"CRMCOM_SERVE_PORT": str(port), "CRMCOM_SERVE_TOKEN": "T"}
    with image.running(*command, **options) as process:
        assert process.stdout is not None
        assert re.match(rf"READY http://[^ ]*:{port}/", process.stdout.readline())
        assert image.run("sh", "-c", probe, CRMCOM_SERVE_PORT=str(port)).returncode == 0
        url = f"http://127.0.0.1:{port}/crmapi/rest/v2/webhook_requests/list?token=T&entity=JOBS"
        with urllib.request.urlopen(url) as response:
            assert json.load(response)["status"]["code"] == "OK"

        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        status = Path(f"/proc/{children[0]}/status").read_text()
        assert re.search(r"^Uid:\t10001\t10001\t10001\t10001$", status, re.MULTILINE)
        assert re.search(r"^Gid:\t10001\t10001\t10001\t10001$", status, re.MULTILINE)
        assert re.search(r"^NSpid:\t\d+\t1$", status, re.MULTILINE)
        os.kill(int(children[0]), signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def test_nothing_superfluous_is_in_it(image: Image) -> None:
    """The installation without extras, compiled, and no pip, source or cache beside it."""
    installation = image.root / "opt" / "crmcom-kit"
    (packages,) = installation.glob("lib/python3.*/site-packages")
    present = {path.name.lower() for path in packages.iterdir()}
    assert {"crmcom_kit", "flask", "uvicorn"} <= present
    assert not present & {"pip", "setuptools", "hatchling", "hypothesis", "pytest", "faker"}
    assert list(packages.glob("crmcom_kit/mock_server/__pycache__/*.pyc"))
    for absent in ("pip", "source", "root/.cache"):
        assert not (image.root / absent).exists()
    assert not any((image.root / "data").iterdir())
    state = (image.root / "state").stat()
    assert (state.st_uid, state.st_gid) == (10001, 10001)
    size = sum(path.lstat().st_size for path in installation.rglob("*") if not path.is_dir())
    assert size < 100 << 20, f"{size / (1 << 20):.0f} MiB on top of the base"
