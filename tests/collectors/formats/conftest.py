"""What the entries of one logged document amount to, each read as a line of a request log is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pipeline.collectors import KeyFingerprint, LogFormat
from pipeline.collectors.exchange import read_exchange
from pipeline.collectors.formats.entries import entries_of
from pipeline.collectors.formats.found import by_name, format_of
from pipeline.collectors.formats.request_log import read_envelope
from pipeline.collectors.values.strict_json import parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from pipeline.collectors.counting import BodyReading
    from pipeline.collectors.formats.request_log import Envelope

SECRET = b"a secret of thirty-two bytes, ok!"
_COUNTS = (
    *("prompt_tokens", "completion_tokens", "prompt_cached_tokens", "prompt_cache_write_tokens"),
    "reasoning_tokens",
)


class Exchange(NamedTuple):
    """One entry: what stands around its body, and what the body amounts to."""

    envelope: Envelope
    reading: BodyReading

    @property
    def tokens(self) -> tuple[int | None, ...] | None:
        """Prompt, completion, cached, cache-write and reasoning tokens."""
        counts = self.reading.tokens
        return None if counts is None else tuple(getattr(counts, name) for name in _COUNTS)


@pytest.fixture(scope="session")
def exchanges() -> Callable[..., list[Exchange]]:
    """Read a document by a format: ``exchanges(otel, document)``; text is a line as it was written."""

    def read(module: ModuleType, document: dict[str, Any] | str) -> list[Exchange]:
        line = parse(document if isinstance(document, str) else json.dumps(document))
        assert format_of(line) is by_name()[module.NAME], "it is not recognised, or by another format first"
        entries, log_format = entries_of(line, LogFormat())
        envelopes = [read_envelope(entry, log_format, KeyFingerprint(secret=SECRET)) for entry in entries]
        return [Exchange(envelope, read_exchange(envelope, log_format)) for envelope in envelopes]

    return read
