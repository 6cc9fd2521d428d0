"""Authentication codes: test vectors, every argument, and a comparison in constant time."""

import hmac
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.schemas.signing import (
    ALGORITHMS,
    CANONICAL_FORMS,
    CHARSETS,
    ENCODINGS,
    canonical_bytes,
    sign,
    verify,
)

DATA: dict[str, Any] = {
    "number": "7",
    "name": "Σάμος",
    "amount": 83.04,
    "a": [2, 1, {"z": 1, "c": 0}],
}
CHOICES = {
    "algorithm": ALGORITHMS,
    "encoding": ENCODINGS,
    "canonical_form": CANONICAL_FORMS,
    "charset": CHARSETS,
}
OPTIONS = st.fixed_dictionaries({name: st.sampled_from(one) for name, one in CHOICES.items()})
SHA256 = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"


@pytest.mark.parametrize(
    ("options", "key", "code"),
    [
        # Test case 1 of RFC 2202 (md5, sha1) and of RFC 4231 (sha256, sha512).
        ({"algorithm": "md5"}, b"\x0b" * 16, "9294727a3638bb1c13f48ef8158bfc9d"),
        ({"algorithm": "sha1"}, b"\x0b" * 20, "b617318655057264e28bc0b6fb378c8ef146be00"),
        (
            {"algorithm": "sha512"},
            b"\x0b" * 20,
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
            "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
        ),
        ({}, "\x0b" * 20, SHA256),
        ({"encoding": "hex_upper"}, b"\x0b" * 20, SHA256.upper()),
        ({"encoding": "base64"}, b"\x0b" * 20, "sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/c="),
    ],
)
def test_published_test_vectors_are_reproduced(options: Any, key: str | bytes, code: str) -> None:
    """By each algorithm, and in each encoding."""
    assert sign(b"Hi There", key, **options) == code


@pytest.mark.parametrize(
    ("form", "charset", "expected"),
    [
        (
            "compact",
            "utf-8",
            '{"number":"7","name":"Σάμος","amount":83.04,"a":[2,1,{"z":1,"c":0}]}',
        ),
        ("sorted", "utf-8", '{"a":[2,1,{"c":0,"z":1}],"amount":83.04,"name":"Σάμος","number":"7"}'),
        (
            "spaced",
            "utf-8",
            '{"number": "7", "name": "Σάμος", "amount": 83.04, "a": [2, 1, {"z": 1, "c": 0}]}',
        ),
        (
            "compact",
            "ascii",
            r'{"number":"7","name":"\u03a3\u03ac\u03bc\u03bf\u03c2","amount":83.04,'
            '"a":[2,1,{"z":1,"c":0}]}',
        ),
    ],
)
def test_each_form_has_its_bytes(form: str, charset: str, expected: str) -> None:
    signed = canonical_bytes(DATA, canonical_form=form, charset=charset)

    assert signed == expected.encode()
    assert sign(DATA, "k", canonical_form=form, charset=charset) == sign(signed, "k")


@given(key=st.text(min_size=1), other=st.text(min_size=1), options=OPTIONS)
def test_a_code_verifies_with_its_own_key_alone(
    key: str, other: str, options: dict[str, str]
) -> None:
    code = sign(DATA, key, **options)

    assert verify(code, DATA, key, **options)
    # HMAC fills a key up with zero bytes: keys that differ in those alone are the same key.
    if key.rstrip("\0") != other.rstrip("\0"):
        assert not verify(code, DATA, other, **options)
    assert not verify(code, {**DATA, "one more": 1}, key, **options)


def test_no_other_text_verifies() -> None:
    right = sign(DATA, "k", encoding="base64")

    for wrong in ("", right[:-1], f"{right}=", right.swapcase(), f" {right}", f"{right[:-1]}ß"):
        assert not verify(wrong, DATA, "k", encoding="base64")


@pytest.mark.parametrize(
    ("name", "value"), [*((name, "SHA256") for name in CHOICES), ("charset", None)]
)
def test_an_option_that_is_no_choice_is_refused(name: str, value: Any) -> None:
    text = f"{name}: {value!r} is not allowed; allowed is one of {', '.join(CHOICES[name])}"

    with pytest.raises(ValueError, match=re.escape(text)):
        sign(b"{}", "k", **{name: value})
    with pytest.raises(ValueError, match=re.escape(text)):
        verify("code", DATA, "k", **{name: value})


@pytest.mark.parametrize(
    ("function", "arguments", "error", "name"),
    [
        (sign, ({"a": float("nan")}, "k"), ValueError, "data"),
        (sign, ({"a": "\ud800"}, "k"), ValueError, "data"),
        (sign, ({"a": {1, 2}}, "k"), ValueError, "data"),
        (sign, ([1], "k"), TypeError, "data: list"),
        (sign, ({}, ""), ValueError, "key: an empty key"),
        (sign, ({}, None), TypeError, "key: NoneType"),
        # A null authentication_code is no wrong code, but a mistake in the test that checks it.
        (verify, (None, {}, "k"), TypeError, "code: NoneType"),
    ],
)
def test_what_cannot_be_signed_is_refused(
    function: Callable[..., Any], arguments: tuple[Any, ...], error: type[Exception], name: str
) -> None:
    with pytest.raises(error, match=f"^{name}"):
        function(*arguments)


def test_codes_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is compare_digest's, of both whole codes, and its verdict is the result."""
    seen: list[tuple[bytes, bytes]] = []

    def compare(right: bytes, code: bytes) -> bool:
        seen.append((right, code))
        return True

    monkeypatch.setattr(hmac, "compare_digest", compare)

    assert verify("\ud800", b"Hi There", "\x0b" * 20) is True
    assert seen == [(SHA256.encode(), "\ud800".encode("utf-8", "surrogatepass"))]
