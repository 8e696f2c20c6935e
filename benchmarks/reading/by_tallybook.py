"""The pipeline's own readers: the entrance that jobs use, and the plain path line by line, which is the oracle."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from os import cpu_count
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.collectors import LogFormat, read_log
from pipeline.collectors.segment import coded_together
from pipeline.tables.coded import plain

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.collectors.reading.log_reading import Reader

_FORMAT = LogFormat()
# Commands import these where a log has something new. They are imports like any other contender's, and counted as such:
# whole processes have them, and "without start-up" leaves them out.
for _name in ("pipeline.collectors.reading.splitting", "pipeline.collectors.kernel.in_order", "wasmtime"):
    with suppress(ImportError):  # without wasmtime lines are read plainly
        import_module(_name)


def through_the_entrance(path: Path, reader: Reader = "fast") -> pa.Table:
    """Read as ``tallybook collect`` does, whatever fast paths there are; return what is committed to the lake."""
    reading = read_log(
        path,
        source=path.name,
        name="benchmark",
        log_format=_FORMAT,
        fingerprint=_no_raw_key,
        processes=cpu_count() or 1,
        reader=reader,
    )
    return coded_together(reading)


def line_by_line(path: Path) -> pa.Table:
    """Read every line by the plain reader."""
    return through_the_entrance(path, "plain")


def compared(events: pa.Table) -> pa.Table:
    """Return the columns that all contenders answer with."""
    import pyarrow.compute as pc  # noqa: PLC0415 - reading needs none of it

    events = plain(events)
    is_measured = pc.equal(events["status"], "measured")
    nothing = pa.scalar(None, pa.int64())
    return pa.table(
        {
            "response_id": events["response_id"],
            "api_key_id": events["api_key_id"],
            "model": pc.coalesce(events["model_reported"], events["model_requested"]),
            "http_status": events["http_status"],
            "prompt_tokens": events["prompt_tokens"],
            "completion_tokens": pc.if_else(is_measured, events["completion_tokens"], nothing),
            "cached_tokens": events["prompt_cached_tokens"],
            "usage_date": events["occurred_at"].cast(pa.timestamp("us")).cast(pa.date32()),
        }
    )


def _no_raw_key(_raw: str) -> str:
    message = "the benchmark's logs hold key ids, and this one a raw key"
    raise ValueError(message)
