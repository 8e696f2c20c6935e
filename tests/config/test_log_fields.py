"""What may be written in ``fields``, and how a mistake is told."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from pipeline.base.errors import ConfigurationError
from pipeline.configuration.log_fields import Constant, FirstOf, Path, Sum, ValueMap, flattened, path_of, rules_of


@pytest.mark.parametrize(
    ("written", "steps"),
    [
        ("time", ("time",)),
        ("auth.key_id", ("auth", "key_id")),
        ('"gen_ai.usage.input_tokens"', ("gen_ai.usage.input_tokens",)),
        ('attributes."gen_ai.request.model"', ("attributes", "gen_ai.request.model")),
        ('"a.b".c."d.e"', ("a.b", "c", "d.e")),
        ("choices.0.finish reason", ("choices", "0", "finish reason")),
        (r'"a \"quoted\" key".x', ('a "quoted" key', "x")),
        (r'"\u00e9.b"', ("é.b",)),
        ('inner"quote', ('inner"quote',)),
    ],
)
def test_a_path_is_names_between_dots_and_a_quoted_name_may_have_dots(written: str, steps: tuple[str, ...]) -> None:
    assert path_of(written) == Path(written, steps)


@pytest.mark.parametrize("written", ["", ".", "a.", ".a", "a..b", '"a', '"a"b', '""', 'a."".b', r'"\x"'])
def test_what_is_no_path_is_refused(written: str) -> None:
    with pytest.raises(ConfigurationError, match=r"fields: ts = .* is no name and no path of names"):
        rules_of({"ts": written})


def test_every_kind_of_rule_is_read_as_it_would_stand_in_the_file() -> None:
    written = tomllib.loads("""
        ts = "time"
        api_key_id = { value = "team-a" }
        status = { from = ["code", "state"], success = 200, failure = 500 }
        request_id = ["id", "meta.id"]
        usage.prompt_tokens = { sum = ["in", "cached"] }
        usage.cached_tokens = "cached"
        request.model = "m"
    """)
    assert rules_of(flattened(written)) == {
        "ts": Path("time", ("time",)),
        "api_key_id": Constant("team-a"),
        "status": ValueMap(
            FirstOf((Path("code", ("code",)), Path("state", ("state",)))), {"success": 200, "failure": 500}
        ),
        "request_id": FirstOf((Path("id", ("id",)), Path("meta.id", ("meta", "id")))),
        "usage.prompt_tokens": Sum((Path("in", ("in",)), Path("cached", ("cached",)))),
        "usage.cached_tokens": Path("cached", ("cached",)),
        "request.model": Path("m", ("m",)),
    }


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"model": "m"}, "fields: there is no field 'model'; the fields are ts, request_id"),
        ({"ts": 5}, "fields: ts = 5 is none of a path"),
        ({"ts": {"form": "x"}}, "fields: ts = {'form': 'x'} is none of a path"),
        ({"ts": {}}, "fields: ts = {} is none of a path"),
        ({"ts": []}, "fields: ts = [] names nothing"),
        ({"ts": ["a", 5]}, "fields: ts = 5 is none of a path"),
        ({"ts": {"value": "2026-01-01"}}, "fields: ts = '2026-01-01' cannot be; it differs from line to line"),
        ({"status": {"value": 1000}}, "fields: status = 1000 cannot be; it is an HTTP status, 100 to 599"),
        ({"status": {"value": "ok"}}, "fields: status = 'ok' cannot be; it is an HTTP status"),
        ({"status": {"from": "s", "ok": True}}, "fields: status = true cannot be; it is an HTTP status"),
        ({"status": {"from": "s"}}, "fields: status = {'from': 's'} maps no values"),
        ({"status": {"from": 5, "ok": 200}}, "fields: status = 5 is none of a path"),
        ({"path": {"value": "/a", "sum": ["b"]}}, "says more than one thing"),
        ({"path": {"sum": ["a"]}}, "fields: path = {'sum': ['a']} is no sum; sums are of counts"),
        ({"usage.prompt_tokens": {"sum": []}}, "is no sum"),
        ({"usage.prompt_tokens": {"value": -1}}, "fields: usage.prompt_tokens = -1 cannot be; it is a whole number"),
        ({"request.stream": {"value": "yes"}}, "fields: request.stream = 'yes' cannot be; it is true or false"),
        ({"cache_hit": {"from": "c", "HIT": 1}}, "fields: cache_hit = 1 cannot be; it is true or false"),
        ({"ts": {"join": ["date"]}}, "fields: ts = {'join': ['date']} joins nothing; write { join = "),
        ({"ts": {"join": ["a", "b"], "with": 5}}, "joins nothing"),
        ({"ts": {"join": ["a", "b"], "sum": ["c"]}}, "joins nothing"),
        ({"api_key": {"join": ["a", "b"]}}, "fields: api_key = {'join': ['a', 'b']} cannot be joined; these can: ts, "),
        ({"status": {"join": ["a", "b"]}}, "cannot be joined"),
        ({"service_tier": {"value": " "}}, "fields: service_tier = ' ' cannot be; it is a text"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_with_its_field_and_value(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        rules_of(fields)
    assert told in str(refused.value)


def test_a_raw_key_that_somebody_writes_into_the_file_is_refused_and_not_shown() -> None:
    for written in ({"value": "sk-very-secret"}, {"from": "team", "a": "sk-very-secret"}):
        with pytest.raises(ConfigurationError, match="name the key by api_key_id") as refused:
            rules_of({"api_key": written})
        assert "secret" not in str(refused.value)
