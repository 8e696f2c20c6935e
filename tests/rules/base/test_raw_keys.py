"""What may be a raw key is not shown; ids, digests, paths and words are."""

from __future__ import annotations

import pytest

from pipeline.base.errors import AccountsError, ConfigurationError
from pipeline.base.raw_keys import holds_raw_key, is_raw_key, masked

RAW = [
    "sk-0123456789abcdefABCDEFGHIJKLmnop",
    "sk-proj-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "sk-ant-api03-AbCd_EfGh-0123456789",
    "gsk_0123456789abcdefghijABCDEFGHIJ",
    "AIzaSyA0123456789abcdefghijABCDEFGHIJKL",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLW9m",
    "xai-0123456789abcdefghijABCDEFGHIJ0123456789",
]
NONE = [
    "key_a",
    "key_0c52be8847d14f3b9e6dd18a2f7c4305",
    "0c52be8847d14f3b9e6dd18a2f7c4305",
    "sk-team-a",
    "sk-...cdef",
    "sk-****************",
    "task-force-of-twenty-people",
    "6f1c2e1a-7b3d-4f60-9a51-0c52be8847d1",
    "01a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f80",
    "a-customer-whose-name-is-very-long-indeed-2026",
    "/srv/Xa0Yb1Zc2Xa0Yb1Zc2Xa0Yb1Zc2Xa0Yb1Zc2/books/accounts.toml",
]


@pytest.mark.parametrize("raw", RAW)
def test_a_known_form_is_a_raw_key_and_is_not_shown_wherever_it_stands(raw: str) -> None:
    assert is_raw_key(raw)
    assert is_raw_key(f"user:{raw}\n")
    for text in (raw, f"name {raw!r} is wrong", f"rates/{raw}.toml", f"/srv/{raw}/x", f'{{"{raw}": ["{raw}"]}}'):
        assert raw not in masked(text)
        assert "characters that may be a raw key]" in masked(text)
        assert holds_raw_key(text)
        assert masked(masked(text)) == masked(text)


def test_what_is_drawn_at_random_is_not_shown_and_yet_may_be_an_id() -> None:
    unknown = "Zk3qT9vLw8Xb2Rn7Yc5Hd1Gf6Js4Mp0Aa9Be8Cu7"
    assert unknown not in masked(f"keys is '{unknown}'; it must be a list of strings")
    assert not is_raw_key(unknown)


@pytest.mark.parametrize("text", NONE)
def test_ids_digests_words_and_paths_are_shown(text: str) -> None:
    assert masked(f"{text} is unknown") == f"{text} is unknown"
    assert not is_raw_key(text)


def test_15_characters_behind_the_beginning_are_no_key_and_16_are() -> None:
    assert [is_raw_key("sk-" + "a" * size) for size in (15, 16)] == [False, True]


@pytest.mark.parametrize("error", [ConfigurationError, AccountsError])
def test_no_error_of_a_configuration_shows_a_raw_key(error: type[ConfigurationError]) -> None:
    assert str(error(f"accounts.toml: id {RAW[0]!r} cannot be used")) == (
        "accounts.toml: id '[35 characters that may be a raw key]' cannot be used"
    )
