"""Redaction: a secret is hidden by its name and as it stands, in every spelling."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.redaction import MASK, Redactor, is_secret, redact_query, redact_url

SECRET = "Zx81SecretQuiteSecret"  # under a secret's name
TOKEN = "Known-Ticket.of_the-World9"  # known
PASSWORD = 'p"ä s+w/ord'  # known, and of characters that each spelling writes in its own way
REDACTOR = Redactor({PASSWORD: "$PASSWORD"}, is_token={TOKEN}.__contains__)


def percent(text: str, layers: int = 1) -> str:
    for _ in range(layers):
        text = "".join(f"%{byte:02x}" for byte in text.encode())
    return text


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(each):04X}" for each in text)


def test_names_of_secrets() -> None:
    for name in ("token", "TOKEN", "access_token", "passwd", "web api key", "api+key", "X-API-Key",
                 "client_secret", percent("token", 3), "Authorization"):  # fmt: skip
        assert is_secret(name), name
    for name in ("entity", "tokn", "", "fields_set", "%", "x" * 1000):
        assert not is_secret(name), name


def test_queries_and_urls() -> None:
    """What stands behind a secret's name is hidden; everything else stays as it was."""
    found = {
        redact_query(f"token={SECRET}&entity=JOBS"): f"token={MASK}&entity=JOBS",
        redact_query(f"token%3D{SECRET}"): f"token%3D{MASK}",
        redact_query(f"odd=token={SECRET}"): f"odd=token={MASK}",
        redact_query("a=%20b&c"): "a=%20b&c",
        redact_url(f"https://me:{SECRET}@host:8/x"): f"https://{MASK}@host:8/x",
        redact_url(f"https://host/tokens/v2?api_key={SECRET}"): (
            f"https://host/tokens/v2?api_key={MASK}"
        ),
        redact_url("http://host/a%20b"): "http://host/a%20b",
        redact_url("/hooks/x?a=b"): "/hooks/x?a=b",
        redact_url(f"http://me:{SECRET}@host/x://y"): f"http://{MASK}@host/x://y",
        redact_url(f"me:{SECRET}@host/x"): f"{MASK}@host/x",
        redact_url(f"http:/me:{SECRET}@host/x"): f"http:/{MASK}@host/x",
        redact_url("http://host/@me/a@b?c=d@e"): "http://host/@me/a@b?c=d@e",
    }  # fmt: skip
    assert list(found) == list(found.values())


def test_user_and_password_of_a_url_are_hidden_in_any_text() -> None:
    """In a parameter, encoded or not, in JSON, in a header; an e-mail address is left alone."""
    hidden = "Zx81Quite"
    url = f"http://me:{hidden}@host/x"
    for shown in (
        REDACTOR.query(f"url={url}&a=b"),
        REDACTOR.query(f"url={quote(url, safe='')}"),
        REDACTOR.query(f"url={quote(quote(url, safe=''), safe='')}"),
        REDACTOR.body(json.dumps({"url": url}).encode()),
        REDACTOR.body(json.dumps({"url": url}).replace("/", "\\/").encode()),
        REDACTOR.header("Referer", url),
        REDACTOR.text(f"cannot call {url}"),
    ):
        assert hidden not in shown
        assert "host" in shown
    for text in ("mail me@host // or you@host", "http://host/a@b", "//", "@"):
        assert REDACTOR.text(text) == text


def test_a_token_is_hidden_as_a_parameter_name() -> None:
    """A token that slipped into the place of a name is a token still, in a query and in a body."""
    for name in (TOKEN, percent(TOKEN), escaped(TOKEN)):
        shown = [
            REDACTOR.body(f'{{"{name}": 1, "token": "x"}}'.encode()),
            REDACTOR.body(f'{{"{name}": 1}}'.encode()),
            REDACTOR.text(f'unknown parameter "{name}"'),
        ]
        if "%" in name or name == TOKEN:
            shown.append(REDACTOR.query(f"{name}=1&x=2"))
        for text in shown:
            assert name not in text, text
            assert MASK in text, text
    assert REDACTOR.value("", {TOKEN: 1}) == {MASK: 1}


@given(st.lists(st.sampled_from(["raw", "percent", "twice", "escape", "json"]), min_size=1))
def test_a_known_secret_is_hidden_in_any_spelling(spellings: list[str]) -> None:
    """Each character may be encoded in its own way, under whatever name the secret stands."""
    write: dict[str, Callable[[str], str]] = {
        "raw": str,
        "percent": percent,
        "twice": lambda each: quote(percent(each), safe=""),
        "escape": escaped,
        "json": lambda each: json.dumps(each)[1:-1],
    }
    spelled = "".join(
        write[spellings[at % len(spellings)]](each) for at, each in enumerate(PASSWORD)
    )
    for text in (f"x={spelled}&y=1", f"it was {spelled}!"):
        assert REDACTOR.redact_known(text) == text.replace(spelled, "$PASSWORD")


def test_a_known_secret_is_hidden_where_it_is_encoded_under_a_harmless_name() -> None:
    for secret in (PASSWORD, TOKEN):
        for encoded in (quote(secret, safe=""), percent(secret), percent(secret, 2)):
            assert encoded not in REDACTOR.query(f"x={encoded}&y=1")
            assert REDACTOR.query(f"x={encoded}&y=1").endswith("&y=1")


def test_a_word_is_hidden_as_a_whole() -> None:
    """Dots and other marks may be around it, letters may not; a phrase is hidden anywhere."""
    redactor = Redactor({"abc123": "$A", "two words": "$B"})
    text = "abc123x abc123 a.abc123.b a-b_abc123 xtwo%20wordsy"
    assert redactor.redact_known(text) == "abc123x $A a.$A.b a-b_$A x$By"


def test_what_stands_beside_a_secret_stays() -> None:
    """Also in a JSON string, and where a character takes two escapes."""
    redactor = Redactor({"pass 😀": "$P"}, is_token={TOKEN}.__contains__)
    shown = {
        r'{"a": "\u00e9 pass \ud83d\ude00\n"}': r'{"a": "\u00e9 $P\n"}',
        r'{"a": "x\npass%20%F0%9F%98%80%25"}': r'{"a": "x\n$P%25"}',
        rf'{{"a": "\u00e9\n{TOKEN}\t"}}': r'{"a": "\u00e9\n***\t"}',
    }
    assert [redactor.redact_known(text) for text in shown] == list(shown.values())


def test_what_is_no_secret_stays() -> None:
    body = '{ "entity" : "JOBS", "odd":"\\u00e9", "n": 1e3, "x": [1, 2 ] }'
    for text in (body, "plain text", "100 % sure", "a\\b \\u0041", '"', "C:\\x\\y"):
        assert REDACTOR.body(text.encode()) == text
        assert REDACTOR.text(text) == text
    body = '{"message":"A token is mandatory.","code":"X"}'
    assert REDACTOR.body(body.encode()) == body
    assert REDACTOR.text('add "token": "..." or token=...') == 'add "token": "..." or token=...'


def test_bodies_of_every_kind() -> None:
    """What cannot be read is not shown; what can be keeps its form, without secrets."""
    for body, shown in [
        (b"", ""),
        (b"\xff\xfe", r"\xff\xfe"),
        (b"a\x00b", "(3 bytes that are not text)"),
        (b"token=abc&x=y", "token=***&x=y"),
        (b"%74oken=abc&x=%7B%22token%22%3A%22abc%22%7D", "%74oken=***&x=***"),
        (b'{"token": "a', '{"token": "***'),
        (b'{"token": ["a", 7', '{"token": "***"'),
        (b'{"token": "a", "x": 1,}', '{"token": "***", "x": 1,}'),
        (b"<token>abc def</token>", "<token>***</token>"),
        (b'{"token": "a", "token": "b", "x": 1}', '{"token": "***", "token": "***", "x": 1}'),
        (
            b'{"token":[{"a":"abc"},"abc", 7],"x":null}',
            '{"token":[{"a": "***"}, "***", "***"],"x":null}',
        ),
        (b'{"x": [{"password" : 7}]}', '{"x": [{"password" : "***"}]}'),
        (b'{"a": "{\\"token\\": \\"abc\\"}"}', r'{"a": "{\"token\": \"***\"}"}'),
        (b'{"\\u0074oken": "abc", "x": 1}', '{"token": "***", "x": 1}'),
        (b'{"path": "authentication/tokens", "x": "my password"}', None),
    ]:
        assert Redactor().body(body) == (body.decode() if shown is None else shown)
    deep = b"[" * 90_000 + b'"token=abc"' + b"]" * 90_000
    assert "abc" not in Redactor().body(deep)
    response = b'{"data":{"token":"abc"},"status":{"message":"token=abc and token %3Dabc"}}'
    assert "=abc" not in Redactor().body(response)
    assert Redactor().body(response).startswith('{"data":{"token":"***"},"status":')


@given(st.one_of(st.text(), st.text().map(lambda text: f'{{"token": "x", "a": {json.dumps(text)}')))
def test_any_text_can_be_shown(text: str) -> None:
    """Whatever a body holds, what is shown is a text that UTF-8 and JSON can carry."""
    known = Redactor({text: MASK} if text else {}, is_token={"x"}.__contains__)
    for redactor in (Redactor(), known):
        for body in (text.encode("utf-8", "surrogatepass"), json.dumps([text]).encode()):
            shown = redactor.body(body)
            json.loads(json.dumps(shown).encode())
            shown.encode()


def test_values_are_safe_json() -> None:
    """Infinite and unbounded numbers, and halves of surrogate pairs, become texts."""
    value: dict[str, Any] = {"i": float("inf"), "n": 10**200, "s": "\ud800", "ok": 7}
    shown = Redactor().value("", value)
    assert shown == {
        "i": "inf", "n": "(a number of more than 100 digits)", "s": "\\ud800", "ok": 7,
    }  # fmt: skip
    assert Redactor().value("token", None) is None
    assert Redactor().value("token", 5) == MASK
    assert Redactor().value("token", "...") == "..."


def test_headers() -> None:
    """Some are secret by their name; in all, known tokens and what is named as a secret."""
    redactor = Redactor(is_token={TOKEN}.__contains__)
    for name, value, shown in [
        ("Authorization", "Bearer x", MASK),
        ("Cookie", "a=b", MASK),
        ("Referer", "http://x/?token=abc", f"http://x/?token={MASK}"),
        ("X-Odd", f"it is {TOKEN}", f"it is {MASK}"),
        ("Ocp-Apim-Subscription-Key", "abc", MASK),
        ("X_AUTH", "abc", MASK),
        ("Set-Cookie", "a=b", MASK),
        ("X-Monkey", "abc", "abc"),
        ("Author", "abc", "abc"),
        ("X-Odd", "error=expired_token", "error=expired_token"),
        ("Accept", "*/*", "*/*"),
    ]:
        assert redactor.header(name, value) == shown


def test_public_values_are_shown() -> None:
    """A value that anybody may know stays, also behind a secret's name; names stay."""
    redactor = Redactor({"KEY-0001": "$KEY"}, public={"made-up"})
    assert redactor.query("tokens=made-up&x=the%20token") == "tokens=made-up&x=the%20token"
    assert redactor.query("tokens=KEY-0001&token=other") == "tokens=$KEY&token=***"
