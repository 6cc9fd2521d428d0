"""Requests that the reading thread answers itself: which they are, and that threads are spared."""

import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.http.at_once import Task
from crmcom_kit.mock_server.http.fastlane import FastLane
from crmcom_kit.mock_server.http.server import Server, bound_socket
from crmcom_kit.schemas import API_PATH

CONTROL = ("/__admin/health", "/worlds/a/__admin/health")
SHOW = f"{API_PATH}/webhook_requests/show"


class _Slow:
    """An application whose answers wait, but for those of /quick."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
        if environ["PATH_INFO"] == "/broken":
            raise RuntimeError
        if environ["PATH_INFO"] not in ("/quick", *CONTROL):
            self.entered.set()
            self.go_on.wait(60)
        start_response("200 OK", [("Content-Length", "4")])
        return [b"done"]


def _quick(path: str, headers: Mapping[str, str]) -> bool:
    return path in ("/quick", "/broken") and "SLOWLY" not in headers


@pytest.fixture
def slow() -> Iterator[tuple[_Slow, int]]:
    """The slow application behind a server with one thread, and its port."""
    app = _Slow()
    server = Server(app, bound_socket("127.0.0.1", 0), threads=1, at_once=_quick)
    running = threading.Thread(target=server.run)
    running.start()
    yield app, server.port
    app.go_on.set()
    server.stop()
    running.join(60)


def _get(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_busy_threads_do_not_hold_up_what_needs_none(slow: tuple[_Slow, int]) -> None:
    """While the only thread is busy, prompt requests are answered and others wait for it."""
    app, port = slow
    answers: list[tuple[int, bytes]] = []
    waiting = [
        threading.Thread(target=lambda: answers.append(_get(port, "/slow"))),
        threading.Thread(target=lambda: answers.append(_get(port, "/quick", slowly="yes"))),
    ]
    waiting[0].start()
    assert app.entered.wait(60)
    waiting[1].start()

    for _ in range(3):
        assert _get(port, "/quick") == (200, b"done")
    assert answers == []
    app.go_on.set()
    for thread in waiting:
        thread.join(60)
    assert answers == [(200, b"done")] * 2


def test_busy_threads_do_not_hold_up_the_control_api(slow: tuple[_Slow, int]) -> None:
    """Whoever delays every call can still be told to stop it."""
    app, port = slow
    waiting = threading.Thread(target=lambda: _get(port, "/slow"))
    waiting.start()
    assert app.entered.wait(60)

    assert [_get(port, path) for path in CONTROL] == [(200, b"done")] * 2
    assert waiting.is_alive()
    app.go_on.set()
    waiting.join(60)


def test_an_application_that_breaks_does_not_end_the_server(slow: tuple[_Slow, int]) -> None:
    """An exception in the reading thread is answered with 500, and the next request as ever."""
    _, port = slow

    assert _get(port, "/broken")[0] == 500
    assert _get(port, "/quick") == (200, b"done")


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        (SHOW, {}, True),
        (SHOW, {"ACCEPT": "*/*"}, True),
        (SHOW, {"X_MOCK_PREFER": "fault=slow"}, False),
        (SHOW, {"X_MOCK_WORLD": "other"}, False),
        (SHOW + "/", {}, False),
        (f"/worlds/other{SHOW}", {}, False),
        (f"{API_PATH}/webhook_requests/list", {}, False),
        ("/__admin/requests", {}, False),
        ("/", {}, False),
    ],
)
def test_only_show_is_answered_at_once(path: str, headers: dict[str, str], expected: bool) -> None:  # noqa: FBT001
    """What may wait for something, or be long, or needs Flask, is left to the threads."""
    world = make_world(tokens=["T"])

    assert FastLane(create_app(world), world).at_once(path, headers) is expected


def test_with_faults_nothing_is_answered_at_once() -> None:
    """A fault may keep an answer waiting."""
    world = make_world(tokens=["T"])
    lane = FastLane(create_app(world), world)
    world.faults.has_active = True

    assert not lane.at_once(SHOW, {})


@pytest.mark.parametrize(
    ("parts", "announced", "sent"),
    [
        ([b"abcd"], "4", [b"HEAD:abcd"]),
        ([b"ab", b"cd"], "4", [b"HEAD:ab", b"cd"]),
        ([b"abcdef"], "4", [b"HEAD:", b"abcd"]),
        ([b"x" * 70_000], "70000", [b"HEAD:", b"x" * 70_000]),
        ([b"ab"], None, [b"HEAD:", b"2\r\nab\r\n"]),
        ([b""], "0", [b"HEAD:"]),
    ],
)
def test_head_and_body_leave_together(
    parts: list[bytes], announced: str | None, sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head goes with the first part of the body, where that is of the announced length."""
    written: list[bytes] = []
    channel = SimpleNamespace(write_soon=written.append)
    task = Task(channel, SimpleNamespace(version="1.1"))  # type: ignore[arg-type]
    task.complete = True
    task.content_length = None if announced is None else int(announced)

    def head(self: Task) -> bytes:
        self.chunked_response = announced is None
        return b"HEAD:"

    monkeypatch.setattr(Task, "build_response_header", head)
    for part in parts:
        task.write(part)

    assert written == sent


def test_an_ended_server_can_be_told_to_stop() -> None:
    """Whoever is late does not wake what has another's descriptor by now."""
    server = Server(_Slow(), bound_socket("127.0.0.1", 0), threads=1)
    running = threading.Thread(target=server.run)
    running.start()
    server.stop()
    running.join(60)

    server.stop()
    assert not running.is_alive()
