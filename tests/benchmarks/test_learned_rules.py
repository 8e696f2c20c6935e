"""What shakes the rules of the kernel finds one that is wrong, and none where rules are as they are."""

from __future__ import annotations

import json
import random

import pytest
from readings import sse

from benchmarks import learned_rules
from pipeline.collectors import LogFormat
from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.rules import finder, search

pytest.importorskip("wasmtime", reason="wasmtime is not installed")


@pytest.fixture(autouse=True)
def _knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_idle", {})
    monkeypatch.setattr(finder, "_known", {})
    monkeypatch.setattr(finder, "_known_of_forms", {})


@pytest.mark.long
def test_rules_that_are_learned_hold_with_whatever_counts_obey_them() -> None:
    lines, log_format = learned_rules.made_lines("3.1")
    found = learned_rules.shaken(lines[:8], log_format, random.Random(0), contents=10)
    assert found.compared > 10 * found.rules / 2 > 5
    assert not found.wrong


@pytest.mark.long
@pytest.mark.parametrize("is_noted", [True, False])
def test_a_rule_without_what_was_noted_of_counts_is_found(monkeypatch: pytest.MonkeyPatch, *, is_noted: bool) -> None:
    """What was cached is stated twice beside a stream that was cut: its output is the log's where both are equal."""
    if not is_noted:
        monkeypatch.setattr(search, "needed", lambda *_: ())
    usage = {"prompt_tokens": 730, "completion_tokens": 900, "cache_read_input_tokens": 30}
    usage |= {"prompt_tokens_details": {"cached_tokens": 30}}
    begun = {"input_tokens": 700, "cache_read_input_tokens": 30, "output_tokens": 1}
    start = {"type": "message_start", "message": {"id": "c", "model": "m", "usage": begun}}
    line = {"ts": "2026-03-01T06:51:19Z", "api_key_id": "k", "status": 200, "path": "/v1/messages", "usage": usage}
    log_format = LogFormat(fields={"usage": "usage"})
    lines = [json.dumps({**line, "response": sse(start)}).encode()]
    found = learned_rules.shaken(lines, log_format, random.Random(0), contents=200)
    assert bool(found.wrong) is not is_noted
