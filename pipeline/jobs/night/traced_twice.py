"""Spans of one trace that count the same in one moment: a call that was traced twice, or two calls.

Owns what makes spans look so, and what is said of them. Does not own which spans are one exchange: those that state
the answer's id, or lie within one another on one line (``pipeline.collectors.formats.spans``), and these are not
billed twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from pipeline.base.warning_codes import WarningCode
from pipeline.jobs.warned import NightWarning
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

_TRACE = r"^(?P<trace>[0-9A-Fa-f-]{16,36})/[^/]+$"
"""The ids of a trace and of a span, with a slash between: other ids hold slashes as well, such as names of hosts."""
_MOMENT = np.timedelta64(1, "s")
"""A framework asks its client sooner than that."""
_ASKED = ["event_id", "request_id", "occurred_at", "status", "prompt_tokens", "completion_tokens", "source"]
_ADVICE = (
    "where a framework and its client both trace a call, leave one of them out, or put the spans of a trace on one "
    "line (docs/sources.md#other-spans)"
)


def traced_twice(events: pa.Table) -> Iterator[NightWarning]:
    """Yield a warning for each log of which spans count what another one of their trace counts.

    Both begin within a second, and are exchanges of their own. ``events`` are rows of ``coded.CODED_EVENTS``.
    """
    has_slash = pc.match_substring(events["request_id"], "/")
    if not pc.any(has_slash).as_py():
        return
    twins = _twins(_measured_spans(events.select(_ASKED).filter(has_slash)))
    by_log = twins.group_by("source", use_threads=False).aggregate([("tokens", "count"), ("tokens", "sum")])
    for row in by_log.to_pylist():
        source, spans, tokens = row["source"], row["tokens_count"], row["tokens_sum"]
        yield NightWarning(
            code=WarningCode.TRACED_TWICE,
            subject=source,
            text=(
                f"{source}: {counted(spans, 'span')} of {counted(tokens, 'token')} may be billed twice: within a "
                f"second another span of the same trace counts the same; {_ADVICE}"
            ),
            counts={"events": spans, "tokens": tokens},
        )


def _measured_spans(events: pa.Table) -> pa.Table:
    """Return the spans among usage events that state tokens, with their ``trace`` and ``tokens``."""
    trace = pc.struct_field(pc.extract_regex(events["request_id"], _TRACE), "trace")
    tokens = pc.add(events["prompt_tokens"], events["completion_tokens"])
    is_measured = pc.and_(pc.equal(events["status"], "measured"), pc.greater(tokens, 0))
    with_both = events.append_column("trace", trace).append_column("tokens", tokens)
    return with_both.filter(pc.and_(is_measured, pc.is_valid(trace)))


def _twins(spans: pa.Table) -> pa.Table:
    """Return those that are the second of two, in the order of what they count."""
    exchange, trace = _codes(spans["event_id"]), _codes(spans["trace"])
    prompt, completion = spans["prompt_tokens"].to_numpy(), spans["completion_tokens"].to_numpy()
    began = spans["occurred_at"].to_numpy()
    order = np.lexsort((exchange, began, completion, prompt, trace))
    before, after = order[:-1], order[1:]
    are_twins = (exchange[before] != exchange[after]) & (began[after] - began[before] < _MOMENT)
    for column in (trace, prompt, completion):
        are_twins &= column[before] == column[after]
    return spans.take(after[are_twins])


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    codes: np.ndarray = column.combine_chunks().dictionary_encode().indices.to_numpy()
    return codes
