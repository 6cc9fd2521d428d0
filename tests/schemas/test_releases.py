"""Releases: which texts name a release, and what each release brings."""

from itertools import pairwise

import pytest

from crmcom_kit.schemas import UnknownRelease, load_dialect, methods, release_names, resolve
from crmcom_kit.schemas.releases import TokenKind, disputes, entities_since, supported_entities


def test_a_release_has_a_short_and_a_full_name() -> None:
    """Trailing zeros may be left out."""
    texts = ["R9", "R9.0.0", "r12.0", "R14.1", " R9 "]
    names = ["R9.0.0", "R9.0.0", "R12.0.0", "R14.1.0", "R9.0.0"]
    assert [resolve(text).name for text in texts] == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("R8", "release: R8 is not known"),
        ("R9.0.3", r"release: R9\.0\.3 is not known"),
        ("", "release: '' is not a release"),
        ("9.0.0", "release: '9.0.0' is not a release"),
        ("R9a", "release: 'R9a' is not a release"),
        ("R\N{ARABIC-INDIC DIGIT NINE}", "release: 'R.' is not a release"),
    ],
)
def test_a_text_that_names_no_known_release_is_refused(text: str, message: str) -> None:
    allowed = "R9, R10, R11, R12, R13, R14, R14.1, R15, R16, R17, R18"
    with pytest.raises(UnknownRelease, match=f"^{message}; allowed is one of {allowed}$"):
        resolve(text)


def test_names_are_in_order_and_name_themselves() -> None:
    releases = [resolve(name) for name in release_names()]

    assert [release.name for release in releases] == list(release_names())
    for older, newer in pairwise(releases):
        assert newer.at_least(older.name)
        assert not older.at_least(newer.name)


def test_tokens_change_with_r12() -> None:
    assert resolve("R11").token == TokenKind("hex", 3600, renewed_by_use=True)
    assert resolve("R12").token == TokenKind("jwt", 7200, renewed_by_use=False)


def test_web_api_keys_come_with_r10() -> None:
    """Their tokens never live longer by being used."""
    assert resolve("R9").web_api_key_token is None
    assert resolve("R10").web_api_key_token == TokenKind("hex", 7200, renewed_by_use=False)
    assert resolve("R12").web_api_key_token == TokenKind("jwt", 7200, renewed_by_use=False)


def test_parameters_come_with_their_release() -> None:
    """A method has a parameter from its release on; before, ``later`` names that release."""
    since = {
        ("resend", "fields_set"): "R10.0.0",
        ("delete", "fields_set"): "R10.0.0",
        ("list", "number_of_results"): "R13.0.0",
        ("list", "offset"): "R13.0.0",
        ("show", "fields_set"): "R9.0.0",
        ("list", "fields_set"): "R9.0.0",
    }
    for release in map(resolve, release_names()):
        known_methods = methods(release)
        for (method, parameter), first in since.items():
            there = release.at_least(first)
            assert (parameter in known_methods[method].parameters) == there
            assert known_methods[method].later.get(parameter) == (None if there else first)


def test_methods_come_and_are_deprecated() -> None:
    spans: dict[str, tuple[str, str | None]] = {
        **dict.fromkeys(("show", "list", "resend", "delete"), ("R9.0.0", "R18.0.0")),
        "token": ("R9.0.0", None),
        "token_release": ("R10.0.0", "R12.0.0"),
        "web_api_key_token": ("R10.0.0", None),
    }
    for release in map(resolve, release_names()):
        assert {name: known.deprecated for name, known in methods(release).items()} == {
            name: deprecated is not None and release.at_least(deprecated)
            for name, (since, deprecated) in spans.items()
            if release.at_least(since)
        }


@pytest.mark.parametrize(
    ("release", "disputed"),
    [("R10", ()), ("R11", ("REWARDOFFERS",)), ("R14.1", ("REWARDOFFERS",)), ("R15", ())],
)
def test_an_entity_is_disputed_between_the_releases_of_two_pages(
    release: str, disputed: tuple[str, ...]
) -> None:
    """From the earlier page's release until the later one's, a dial decides about the entity."""
    resolved = resolve(release)
    assert resolved.disputed_entities == disputed
    for entity, dispute in disputes().items():
        early = load_dialect().changed({dispute.dial: dispute.since})
        later = load_dialect().changed({dispute.dial: entities_since()[entity]})
        assert supported_entities(resolved, early) == resolved.entities + disputed
        assert supported_entities(resolved, later) == resolved.entities
