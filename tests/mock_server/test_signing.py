"""Authentication codes: known answers, every argument, and a comparison that tells nothing."""

import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.mock_server.signing import canonical_bytes, sign, verify
from crmcom_kit.schemas.signing import ALGORITHMS, CANONICAL_FORMS, CHARSETS, ENCODINGS

#: RFC 4231, test cases 1 to 4, 6 and 7 (5 is about cutting codes short).
RFC_4231 = [
    (
        b"\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        b"\xaa" * 20,
        b"\xdd" * 50,
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ),
    (
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. "
        b"The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
]

#: Test case 1 of RFC 2202 (md5, sha1) and RFC 4231 (sha512).
OTHER_ALGORITHMS = [
    ("md5", b"\x0b" * 16, "9294727a3638bb1c13f48ef8158bfc9d"),
    ("sha1", b"\x0b" * 20, "b617318655057264e28bc0b6fb378c8ef146be00"),
    (
        "sha512",
        b"\x0b" * 20,
        "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
        "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
    ),
]

DATA: dict[str, Any] = {"number": "7", "name": "Σάμος", "amount": 83.04, "a": [1, None, {"z": 1}]}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # No unpaired surrogates: UTF-8 cannot carry them.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("aΩ\n", max_size=2), inner),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("abcΩ", max_size=3), JSON, max_size=4)
OPTIONS = st.fixed_dictionaries(
    {
        "algorithm": st.sampled_from(ALGORITHMS),
        "encoding": st.sampled_from(ENCODINGS),
        "canonical_form": st.sampled_from(CANONICAL_FORMS),
        "charset": st.sampled_from(CHARSETS),
    }
)


@pytest.mark.parametrize(("key", "data", "code"), RFC_4231)
def test_sha256_gives_the_known_answers(key: bytes, data: bytes, code: str) -> None:
    """The codes of RFC 4231 come out, for short and long keys and data."""
    assert sign(data, key) == code
    assert verify(code, data, key)


@pytest.mark.parametrize(("algorithm", "key", "code"), OTHER_ALGORITHMS)
def test_other_algorithms_give_the_known_answers(algorithm: str, key: bytes, code: str) -> None:
    """The codes of RFC 2202 and RFC 4231 come out of every other algorithm."""
    assert sign(b"Hi There", key, algorithm=algorithm) == code


@pytest.mark.parametrize(
    ("encoding", "code"),
    [
        ("hex", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        ("hex_upper", "B0344C61D8DB38535CA8AFCEAF0BF12B881DC200C9833DA726E9376C2E32CFF7"),
        ("base64", "sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/c="),
    ],
)
def test_each_encoding_writes_the_same_code(encoding: str, code: str) -> None:
    """A code is written in lower-case or upper-case hexadecimal, or in base64 with its padding."""
    assert sign(b"Hi There", "\x0b" * 20, encoding=encoding) == code


@pytest.mark.parametrize(
    ("canonical_form", "charset", "expected"),
    [
        ("compact", "utf-8", '{"number":"7","name":"Σάμος","amount":83.04,"a":[1,null,{"z":1}]}'),
        (
            "sorted",
            "utf-8",
            '{"a":[1,null,{"z":1}],"amount":83.04,"name":"Σάμος","number":"7"}',
        ),
        (
            "spaced",
            "utf-8",
            '{"number": "7", "name": "Σάμος", "amount": 83.04, "a": [1, null, {"z": 1}]}',
        ),
        (
            "compact",
            "ascii",
            r'{"number":"7","name":"\u03a3\u03ac\u03bc\u03bf\u03c2","amount":83.04,'
            '"a":[1,null,{"z":1}]}',
        ),
    ],
)
def test_each_form_has_its_bytes(canonical_form: str, charset: str, expected: str) -> None:
    """The bytes that are signed are those that the form and the charset say."""
    signed = canonical_bytes(DATA, canonical_form=canonical_form, charset=charset)

    assert signed == expected.encode()
    assert sign(DATA, "k", canonical_form=canonical_form, charset=charset) == sign(signed, "k")


def test_inner_objects_are_sorted_too() -> None:
    """The sorted form orders the members of every object, and leaves arrays alone."""
    data = {"b": [{"d": 1, "c": 2}, 3, 1], "a": {"z": 1, "y": 2}}

    assert canonical_bytes(data, canonical_form="sorted") == (
        b'{"a":{"y":2,"z":1},"b":[{"c":2,"d":1},3,1]}'
    )


@given(data=OBJECTS, key=st.text(min_size=1), other=st.text(min_size=1), options=OPTIONS)
def test_a_code_verifies_with_its_own_key_alone(
    data: dict[str, Any], key: str, other: str, options: dict[str, str]
) -> None:
    """For any data and key, in any spelling: the right key verifies, another one does not."""
    code = sign(data, key, **options)

    assert verify(code, data, key, **options)
    # HMAC fills a key up with zero bytes: keys that differ in those alone are the same key.
    if key.rstrip("\0") != other.rstrip("\0"):
        assert not verify(code, data, other, **options)
    assert not verify(code, {**data, "one more": 1}, key, **options)


@given(code=st.text(), options=OPTIONS)
def test_no_other_text_verifies(code: str, options: dict[str, str]) -> None:
    """Any other text is simply wrong: empty, cut, in another case, or beyond ASCII."""
    right = sign(DATA, "k", **options)

    assert verify(code, DATA, "k", **options) == (code == right)
    for wrong in ("", right[:-1], right + "=", right.swapcase(), f" {right}", f"{right[:-1]}ß"):
        assert not verify(wrong, DATA, "k", **options)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("algorithm", ALGORITHMS),
        ("encoding", ENCODINGS),
        ("canonical_form", CANONICAL_FORMS),
        ("charset", CHARSETS),
    ],
)
@pytest.mark.parametrize("value", ["SHA256", "utf8", "", None, "hex "])
@pytest.mark.parametrize("data", [DATA, b"{}"])
def test_an_option_that_is_no_choice_is_refused(
    name: str, allowed: tuple[str, ...], value: Any, data: Mapping[str, Any] | bytes
) -> None:
    """A wrong option raises ValueError with its name, what was seen and what is allowed."""
    text = re.escape(f"{name}: {value!r} is not allowed; allowed is one of {', '.join(allowed)}")

    with pytest.raises(ValueError, match=text):
        sign(data, "k", **{name: value})
    with pytest.raises(ValueError, match=text):
        verify("code", data, "k", **{name: value})


def circle() -> dict[str, Any]:
    """Return data that holds itself."""
    data: dict[str, Any] = {}
    data["self"] = data
    return data


NO_JSON = "data: not valid as JSON in UTF-8: "
#: Function, arguments, what is raised.
MISTAKES: list[tuple[Callable[..., Any], tuple[Any, ...], type[Exception], str]] = [
    (sign, ({"a": float("nan")}, "k"), ValueError, NO_JSON),
    (sign, ({"a": "\ud800"}, "k"), ValueError, NO_JSON),
    (sign, ({"a": {1, 2}}, "k"), ValueError, NO_JSON),
    (sign, (circle(), "k"), ValueError, NO_JSON),
    (sign, (None, "k"), TypeError, "data: NoneType is not allowed; allowed is a JSON object"),
    (sign, ([1], "k"), TypeError, "data: list is not allowed"),
    (sign, ({}, ""), ValueError, "key: an empty key is not allowed"),
    (sign, ({}, None), TypeError, "key: NoneType is not allowed"),
    # A null authentication_code is no wrong code, but a mistake in the test that checks it.
    (verify, (None, {}, "k"), TypeError, "code: NoneType is not allowed"),
    (verify, (b"bytes", {}, "k"), TypeError, "code: bytes is not allowed"),
]


@pytest.mark.parametrize(("function", "arguments", "error", "message"), MISTAKES)
def test_what_cannot_be_signed_is_refused(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    error: type[Exception],
    message: str,
) -> None:
    """A wrong type or value is named, with what is allowed."""
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        function(*arguments)


@pytest.mark.parametrize("code", ["right", "b0344c61", "\ud800"])
def test_codes_are_compared_in_constant_time(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is compare_digest's, of both whole codes, and its verdict is the answer."""
    seen: list[tuple[bytes, bytes]] = []

    def compare(right: bytes, given: bytes) -> bool:
        seen.append((right, given))
        return True

    monkeypatch.setattr(hmac, "compare_digest", compare)

    assert verify(code, b"Hi There", "\x0b" * 20) is True
    assert seen == [(RFC_4231[0][2].encode(), code.encode("utf-8", "surrogatepass"))]
