"""Which lines are the same exchange, and what stands in for a key."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from pipeline.base.errors import ConfigurationError
from pipeline.collectors import KeyFingerprint, LogFormat
from pipeline.collectors.identity import (
    EntryOfLine,
    SharedLine,
    beginning_of_identity,
    event_id,
    kinds_of_ids,
    lengthed,
)

SECRET = bytes(range(32))


def _id(collect: Any, line: Any, **log_format: Any) -> bytes:
    identity: bytes = collect(line, **log_format).event["event_id"]
    assert len(identity) == 16
    return identity


def test_the_same_response_logged_twice_has_one_identity(collect: Any, exchange: Any) -> None:
    one = exchange(request_id="a", ts="2026-09-01T12:00:00Z")
    other = exchange(request_id="b", ts="2026-09-02T12:00:00Z")
    other["response"]["usage"] = {"prompt_tokens": 99, "completion_tokens": 99}
    assert _id(collect, one) == _id(collect, json.dumps(other, indent=None, separators=(",", ":")))


def test_the_same_response_id_of_another_key_is_another_exchange(collect: Any, exchange: Any) -> None:
    assert _id(collect, exchange(api_key_id="key_1")) != _id(collect, exchange(api_key_id="key_2"))


def test_without_a_response_id_the_request_id_decides(collect: Any, exchange: Any) -> None:
    one, other = exchange(response=None, note=1), exchange(response=None, note=2)
    assert _id(collect, one) == _id(collect, other) != _id(collect, exchange(response=None, request_id="req-2"))


def test_without_any_id_the_whole_line_decides(collect: Any, exchange: Any) -> None:
    line = exchange(response=None, request_id=...)
    assert _id(collect, line) == _id(collect, line)
    assert _id(collect, line) != _id(collect, json.dumps(line) + " ")


def test_a_source_whose_response_ids_repeat_goes_by_the_request_id(collect: Any, exchange: Any) -> None:
    one, other = exchange(request_id="a"), exchange(request_id="b")
    assert _id(collect, one) == _id(collect, other)
    assert _id(collect, one, identity="request-id") != _id(collect, other, identity="request-id")
    assert _id(collect, exchange(request_id=...), identity="request-id") == _id(collect, exchange(request_id=...))


def test_where_callers_choose_response_ids_both_ids_decide(collect: Any, exchange: Any) -> None:
    ids = [_id(collect, exchange(request_id=request, note=note), identity="both") for request in "ab" for note in "12"]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    other = exchange(request_id="a")
    other["response"]["id"] = "another"
    assert _id(collect, other, identity="both") not in ids
    assert _id(collect, exchange(request_id=...), identity="both") == _id(collect, exchange(request_id=...))
    bodiless = exchange(response=None, request_id="a")
    assert _id(collect, bodiless, identity="both") == _id(collect, bodiless)


def test_two_ids_together_are_not_told_by_where_one_ends() -> None:
    one = event_id(api_key_id="k", response_id="ab", request_id="c", line=b"", rule="both")
    assert one != event_id(api_key_id="k", response_id="a", request_id="bc", line=b"", rule="both")


def test_kinds_of_identity_never_meet() -> None:
    ids = {
        event_id(api_key_id="k", response_id="x", request_id=None, line=b""),
        event_id(api_key_id="k", response_id=None, request_id="x", line=b""),
        event_id(api_key_id="k", response_id=None, request_id=None, line=b"x"),
        event_id(api_key_id="kx", response_id="", request_id=None, line=b""),
        event_id(api_key_id="k", response_id="x", request_id="", line=b"", rule="both"),
        event_id(api_key_id="k", response_id="", request_id="x", line=b"", rule="both"),
    }
    assert len(ids) == 6


PINNED = {
    ("response-id", "r", "q", None): ("response", "r"),
    ("response-id", None, "q", None): ("request", "q"),
    ("response-id", None, None, None): ("line", "a line"),
    ("request-id", "r", "q", None): ("request", "q"),
    ("request-id", "r", None, None): ("response", "r"),
    ("request-id", None, None, None): ("line", "a line"),
    ("both", "r", "q", None): ("response+request", "r", "q"),
    ("both", "r", None, None): ("response", "r"),
    ("both", None, "q", None): ("request", "q"),
    ("both", None, None, None): ("line", "a line"),
    ("response-id", "r", "q", "iteration 1"): ("response+part", "r", "iteration 1"),
    ("both", "r", "q", "iteration 1"): ("response+request+part", "r", "q", "iteration 1"),
    ("both", None, None, ""): ("line+part", "a line", ""),
}
"""Rule, response id, request id and part; and of what the identity is: the kind of it, and the ids that count."""


@pytest.mark.parametrize("stated", PINNED, ids=str)
def test_an_identity_is_the_same_in_every_version(stated: tuple[str, str | None, str | None, str | None]) -> None:
    """A lake that goes on with other identities bills every copy of before once more."""
    rule, response_id, request_id, part = stated
    kind, *ids = PINNED[stated]
    digested = b"tallybook usage event\0" + b"".join(
        len(each).to_bytes(8, "big") + each.encode() for each in (kind, "key_1", *ids)
    )
    found = event_id(
        api_key_id="key_1", response_id=response_id, request_id=request_id, line=b"a line", rule=rule, part=part
    )
    assert found == hashlib.sha256(digested).digest()[:16]
    beginning = beginning_of_identity(kind.split("+"), "key_1")
    assert digested == beginning + b"".join(lengthed(each.encode()) for each in ids)


def test_one_identity_is_pinned_by_its_digits() -> None:
    found = event_id(api_key_id="key_1", response_id="chatcmpl-1", request_id="req-1", line=b"")
    assert found.hex() == "cc9192ce891ba226f730fc3d5e726ef2"


def test_the_rule_says_which_of_the_stated_ids_count() -> None:
    both, neither = ("request", "response"), ()
    assert kinds_of_ids("response-id", both) == ("response",)
    assert kinds_of_ids("request-id", both) == ("request",)
    assert kinds_of_ids("both", both) == ("response", "request")
    for rule in ("response-id", "request-id", "both"):
        assert kinds_of_ids(rule, neither) == ()
        assert kinds_of_ids(rule, ("response",)) == ("response",)
        assert kinds_of_ids(rule, ("request",)) == ("request",)


def test_the_key_id_is_the_keyed_digest_of_the_raw_key() -> None:
    digest = hmac.new(SECRET, b"sk-live-1", hashlib.sha256).hexdigest()
    assert KeyFingerprint(secret=SECRET)("sk-live-1") == f"key_{digest[:32]}"


@pytest.mark.parametrize(
    "raw", ["sk-live-1 ", "\tsk-live-1\n", "Bearer sk-live-1", "bearer   sk-live-1", " BEARER sk-live-1 "]
)
def test_blanks_and_bearer_are_not_part_of_a_key(collect: Any, exchange: Any, raw: str) -> None:
    fingerprint = KeyFingerprint(secret=SECRET)
    assert fingerprint(raw) == fingerprint("sk-live-1")
    lines = [
        exchange(api_key_id=..., api_key=key, request_id=key and f"r{number}")
        for number, key in enumerate((raw, "sk-live-1"))
    ]
    assert len({event["api_key_id"] for event in collect(*lines).events}) == 1


def test_another_secret_gives_other_ids_and_another_check() -> None:
    one, other = KeyFingerprint(secret=SECRET), KeyFingerprint(secret=SECRET[::-1])
    assert one("sk-live-1") != other("sk-live-1")
    assert one.check() != other.check()
    assert one.check() == KeyFingerprint(secret=SECRET).check()
    assert one.check() == hmac.new(SECRET, b"tallybook secret check", hashlib.sha256).hexdigest()[:16]


def test_a_short_secret_is_refused_and_no_secret_is_ever_shown() -> None:
    with pytest.raises(ConfigurationError, match="31 bytes"):
        KeyFingerprint(secret=SECRET[:31])
    assert repr(SECRET) not in repr(KeyFingerprint(secret=SECRET))
    assert "secret" not in repr(KeyFingerprint(secret=SECRET))


@pytest.mark.parametrize(
    "settings",
    [
        {"fields": {"timestamp": "ts"}},
        {"fields": {"ts": ""}},
        {"fields": {"ts": "a..b"}},
        {"identity": "none"},
        {"dialect": "openai"},
        {"line_bytes_max": 0},
    ],
)
def test_a_log_format_that_cannot_be_meant_is_a_configuration_error(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(settings))):
        LogFormat(**settings)


@pytest.mark.parametrize("part", [None, "model 2"])
def test_an_entry_without_ids_is_known_by_the_line_and_its_number_behind_a_nul(part: str | None) -> None:
    line = SharedLine(b"[{}, {}]")
    for key, number in (("k", 1), ("k", 2), ("k", 10), ("other", 1), ("k", 1)):
        own = event_id(api_key_id=key, response_id=None, request_id=None, line=EntryOfLine(line, number), part=part)
        whole = b"[{}, {}]\0%d" % number
        assert own == event_id(api_key_id=key, response_id=None, request_id=None, line=whole, part=part)
