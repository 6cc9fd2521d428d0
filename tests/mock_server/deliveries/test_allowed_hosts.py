"""Whom the mock calls: every way out that was thought of, with a resolver and a connector of ours.

No packet leaves loopback: the resolver reads a table, and the connector notes where it was
sent and connects to nobody.
"""

import socket
from typing import Any

import httpcore
import pytest
from helpers.tables import raises_for

from crmcom_kit.mock_server.deliveries.allowed_hosts import AllowedHosts
from crmcom_kit.mock_server.deliveries.http_delivery import HttpDelivery
from crmcom_kit.mock_server.deliveries.messages import CallFailed, OutgoingMessage
from crmcom_kit.schemas import Dialect
from crmcom_kit.usage_errors import UsageError

PUBLIC, PRIVATE = "93.184.216.34", "10.1.2.3"
#: Each is refused before a connection is made, and before anybody is asked about a name.
BLOCKED = [
    # private, link-local and other networks, by their plain addresses
    "http://10.0.0.1/", "http://10.255.255.255/", "http://172.16.0.1/",
    "http://172.31.255.254:9080/in", "http://192.168.1.1/", "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://0.0.0.0:8080/", "http://0.1.2.3/",
    "http://224.0.0.1/", "http://239.255.255.250:1900/", "http://255.255.255.255/",
    "http://240.0.0.1/", "http://192.0.2.1/", f"http://{PUBLIC}/",
    # the same in notations that some programs understand
    "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/",
    "http://017700000001/", "http://127.1/", "http://127.0.1/", "http://127.0.0.1./",
    "http://127.000.000.001/", "http://10.0.0.0x1/", "http://3232235777/", "http://0/",
    "http://0x0a000001.0x/", "http://127.0.0.1.1/", "http://\uff11\uff12\uff17.0.0.1/",
    "http://127\u30020\u30020\u30021/", "http://\u246027.0.0.1/", "http://%31%32%37.0.0.1/",
    "http://127.0.0.1%2f@10.0.0.1/",
    # IPv6, mapped and carried
    "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
    "http://[::ffff:10.0.0.1]/", "http://[0:0:0:0:0:ffff:a9fe:a9fe]/", "http://[::127.0.0.1]/",
    "http://[::10.0.0.1]/", "http://[64:ff9b::10.0.0.1]/", "http://[64:ff9b:1::a00:1]/",
    "http://[2002:0a00:0001::]/", "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "http://[fe80::1]/", "http://[fe80::1%25lo]/",
    "http://[fe80::1%lo]/", "http://[::1%25lo]/", "http://[fec0::1]/", "http://[fc00::1]/",
    "http://[fd12:3456:789a::1]/", "http://[ff02::1]/", "http://[2001:db8::1]/",
    "http://[2606:2800:220:1:248:1893:25c8:1946]/", "http://[2606:2800:220:0001:0:0:0:42]/",
    "http://[127.0.0.1]/", "http://[::1/", "http://::1/", "http://[::1]x/", "http://[v1.a]/",
    # names that nobody allowed are not even looked up
    "http://example.com/", "http://www.crm.com/", "http://metadata.google.internal/",
    "http://localhost.example.com/", "http://notlocalhost/", "http://localhost.localdomain/",
    "http://127.0.0.1.nip.io/", "http://hooks.example.com.evil.org/",
    "http://evil-hooks.example.com/", "http://sub.hooks.example.com/", "http://hooks.example.com./",
    "http://hooks.example.com\u2024evil.org/", "http://xn--lclhst-xua.example/",
    "http://l\u043ecalhost/",  # its second letter is Cyrillic
    # another port than the one that is allowed
    "https://ported.example.com/", "https://ported.example.com:8444/", "http://10.7.7.7/",
    "http://10.7.7.7:8081/",
    # user and password, and what looks like them
    "http://user:pass@127.0.0.1/", "http://127.0.0.1@10.0.0.1/",
    "http://hooks.example.com@10.0.0.1/", "http://hooks.example.com:80@10.0.0.1/",
    "http://@127.0.0.1/", "http://127.0.0.1:80@evil.org:80/", "http://127.0.0.1\\@10.0.0.1/",
    "http://10.0.0.1\\.hooks.example.com/", "http:\\\\10.0.0.1\\",
    "http://127.0.0.1#@10.0.0.1:80@x/\\", "http://10.0.0.1?@hooks.example.com/",
    "http://10.0.0.1#hooks.example.com",
    # schemes
    "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL",
    "javascript://127.0.0.1/%0aalert(1)", "data:text/plain,hello", "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/x", "ws://127.0.0.1/", "//127.0.0.1/",
    "http:/127.0.0.1/", "http:127.0.0.1/", "http:///127.0.0.1/", "127.0.0.1", "www.crm.com", "",
    "http://", "http:// 127.0.0.1/", " http://127.0.0.1/", "http://127.0.0.1/ x",
    "ht\ntp://127.0.0.1/", "http://127.0.0.1\r\nX-Evil: 1/", "http://127.0.0.1/\r\nX-Evil: 1",
    "http://127.0.0.1/a\tb", "http://127.0.0.1/\0", "http://127.0.0.1/ü",
    "http://127.0.0.1\n.evil.org/", f"http://127.0.0.1/{'a' * 3000}",
    # ports
    "http://127.0.0.1:0/", "http://127.0.0.1:22/", "http://127.0.0.1:25/", "http://127.0.0.1:110/",
    "http://127.0.0.1:993/", "http://127.0.0.1:65536/", "http://127.0.0.1:99999/",
    "http://127.0.0.1:080/", "http://127.0.0.1:+80/", "http://127.0.0.1:-80/",
    "http://127.0.0.1:8 0/", "http://127.0.0.1:/", "http://127.0.0.1:\uff18\uff10/",
    "http://127.0.0.1:80:80/", "http://127.0.0.1:0x50/", "http://127.0.0.1,10.0.0.1/",
    "http://127.0.0.1;10.0.0.1/", "http://*.example.com/",
]  # fmt: skip
#: What is allowed beside loopback in these tests.
ALLOWED = [
    "hooks.example.com", "ported.example.com:8443", "turncoat.example.com", "two.example.com",
    "zone.example.com", "metadata.example.com", "mapped.example.com",
    "broken.example.com", "inside.example.com", "10.7.7.7:8080", "93.184.216.99",
    "[2606:2800:220:1::99]:8080", "[2606:2800:220:1::98]",
]  # fmt: skip
NAMES: dict[str, list[list[str]]] = {
    "hooks.example.com": [[PUBLIC]],
    "ported.example.com": [[PUBLIC]],
    "turncoat.example.com": [[PUBLIC], ["169.254.169.254"], ["127.0.0.1"]],
    "two.example.com": [[PUBLIC, PRIVATE]],
    "zone.example.com": [["fe80::1%eth0"]],
    "metadata.example.com": [["169.254.169.254"]],
    "mapped.example.com": [["::ffff:10.1.2.3"]],
    "broken.example.com": [["no address"]],
    "inside.example.com": [[PRIVATE]],
}


class Outside:
    """The world outside: who was asked for, and where connections went."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.connected: list[tuple[str, int]] = []

    def resolve(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        """Return addresses from the table, each time the next ones."""
        self.asked.append(host)
        results = NAMES.get(host)
        if results is None:
            raise OSError(host)
        addresses = results[min(self.asked.count(host), len(results)) - 1]
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    def connect(self, address: str, port: int, *_: Any) -> httpcore.NetworkStream:
        """Note it, and refuse as a host does where nobody listens."""
        self.connected.append((address, port))
        raise httpcore.ConnectError from ConnectionRefusedError()


@pytest.fixture(name="outside")
def _outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    """The names resolved and the addresses connected to, of all deliveries of the test."""
    outside = Outside()
    monkeypatch.setattr(socket, "getaddrinfo", outside.resolve)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", outside.connect)
    return outside


@pytest.fixture(name="delivery")
def _delivery(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> HttpDelivery:
    del outside
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://{PRIVATE}:3128")
    monkeypatch.setenv("no_proxy", "")
    return HttpDelivery(Dialect("test"), AllowedHosts(ALLOWED))


def sent_to(delivery: HttpDelivery, url: str) -> str:
    """Return what came of sending to a URL."""
    return delivery.send(OutgoingMessage(url, b'{"a":1}', "code")).name


def test_each_way_out_is_closed(delivery: HttpDelivery, outside: Outside) -> None:
    """No connection is made, no name is resolved, and the record has the reason."""
    for url in BLOCKED:
        outcome = delivery.send(OutgoingMessage(url, b'{"a":1}', "code"))

        assert outcome.name in ("blocked", "bad_url"), url
        assert outcome.error_code in ("SocketException", "MalformedURLException")
        assert outcome.error_description
        assert outcome.why
        assert outside.connected == [], url
        assert outside.asked == [], url


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("two.example.com", "blocked"),
        ("zone.example.com", "blocked"),
        ("metadata.example.com", "blocked"),
        ("mapped.example.com", "blocked"),
        ("broken.example.com", "unknown_host"),
        ("inside.example.com", "blocked"),
    ],
)
def test_an_allowed_name_leads_to_no_other_network(
    delivery: HttpDelivery, outside: Outside, name: str, outcome: str
) -> None:
    """Every address that it has is checked; one that may not be called blocks the call."""
    assert sent_to(delivery, f"http://{name}/in") == outcome
    assert outside.asked == [name]
    assert outside.connected == []


def test_a_name_that_changes_its_mind_is_asked_once_each_time(
    delivery: HttpDelivery, outside: Outside
) -> None:
    """The connection goes to the address that was checked; the next delivery checks anew."""
    url = "http://turncoat.example.com/in"

    assert sent_to(delivery, url) == "refused"
    assert (outside.asked, outside.connected) == (["turncoat.example.com"], [(PUBLIC, 80)])
    assert sent_to(delivery, url) == "blocked"
    assert outside.connected == [(PUBLIC, 80)]
    assert sent_to(delivery, url) == "refused"
    assert outside.connected[1:] == [("127.0.0.1", 80)]


@pytest.mark.parametrize(
    ("url", "connected"),
    [
        ("http://127.0.0.1/", [("127.0.0.1", 80)]),
        ("http://127.0.0.1:9080/crmapi/x?y=1#z", [("127.0.0.1", 9080)]),
        ("http://127.9.9.9:9080", [("127.9.9.9", 9080)]),
        ("HTTP://LOCALHOST:9080/", [("127.0.0.1", 9080), ("::1", 9080)]),
        ("http://a.b.localhost/", [("127.0.0.1", 80), ("::1", 80)]),
        ("https://[::1]/", [("::1", 443)]),
        ("http://[0:0::0:1]:8081/", [("::1", 8081)]),
        ("http://hooks.example.com/in", [(PUBLIC, 80)]),
        ("https://HOOKS.example.COM:8444/in", [(PUBLIC, 8444)]),
        ("https://ported.example.com:8443/in", [(PUBLIC, 8443)]),
        ("http://10.7.7.7:8080/", [("10.7.7.7", 8080)]),
        ("http://93.184.216.99/", [("93.184.216.99", 80)]),
        ("http://[2606:2800:220:0001:0:0:0:99]:8080/", [("2606:2800:220:1::99", 8080)]),
        ("http://[2606:2800:220:1::98]:8888/", [("2606:2800:220:1::98", 8888)]),
    ],
)
def test_loopback_and_allowed_hosts_are_connected_to(
    delivery: HttpDelivery, outside: Outside, url: str, connected: list[tuple[str, int]]
) -> None:
    """The connection goes straight there, whatever proxy the environment names."""
    assert sent_to(delivery, url) == "refused"
    assert outside.connected == connected


@pytest.mark.usefixtures("outside")
def test_a_private_address_behind_a_name_needs_its_own_permission() -> None:
    """With both allowed the name is connected to, as the refusal before suggests."""
    name, url = "inside.example.com", "http://inside.example.com/"
    with pytest.raises(CallFailed, match=rf"allow it: --allow-host {PRIVATE}"):
        AllowedHosts([name]).check(url)

    assert AllowedHosts([name, PRIVATE]).check(url).addresses == (PRIVATE,)


def test_another_protocols_port_needs_its_own_permission() -> None:
    """Naming host and port together opens it; naming the host alone does not."""
    url = "http://127.0.0.1:993/"
    assert AllowedHosts(["127.0.0.1:993"]).check(url).url.port == 993
    with pytest.raises(CallFailed, match="another protocol"):
        AllowedHosts(["127.0.0.1"]).check(url)


NO_HOSTS = [
    "", "*", "*.example.com", "http://x.example", "10.0.0.0/8", "x y", "a@b", "x.example:0",
    "x.example:70000", "0x7f.1", "2130706433", "169.254.169.254", "[fe80::1]",
    "[::ffff:10.0.0.1]", "2001:db8::1", "0.0.0.0", "224.0.0.1", "ü.example", "[::", "x:y",  # noqa: S104 - nothing is bound to it
]  # fmt: skip


def test_what_is_no_host_cannot_be_allowed() -> None:
    """An entry is one host; networks, patterns and odd notations are refused by name."""
    for entry in NO_HOSTS:
        with raises_for(entry, UsageError, match="allow_hosts"):
            AllowedHosts([entry])
