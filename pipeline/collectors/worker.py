"""A process that decodes blocks for another one: ``python -m pipeline.collectors.worker DESCRIPTOR``, never called by hand.

Owns its side of the conversation (``workers`` owns the other): a JSON object a line, from the standard input and to the standard output.
The first says what the log is; each other names a block in the memory that ``DESCRIPTOR`` shares, and is answered when its rows lie there
instead. A raw key is not decoded here, since the secret is not: such a block is given back as it is. Ends with its input.
"""

from __future__ import annotations

import json
import mmap
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.collectors.fast.blocks import BlockDecoder
from pipeline.collectors.line_blocks import spans_of
from pipeline.collectors.log_format import LogFormat
from pipeline.collectors.stretch import counts_of
from pipeline.columns import record_batch
from pipeline.errors import TallybookError
from pipeline.schemas import QUARANTINE, USAGE_EVENTS

if TYPE_CHECKING:
    from pipeline.collectors.fast.blocks import DecodedLines


class _RawKeyMet(TallybookError):
    """A block holds a raw key."""


def _refuse(_raw: str) -> str:
    raise _RawKeyMet


def answer(memory: mmap.mmap, slot_bytes: int, decoder: BlockDecoder, asked: dict[str, Any]) -> dict[str, Any]:
    """Decode one block, put its rows where it was, and return what to say of them: ``{}`` where it must be decoded elsewhere."""
    at = asked["slot"] * slot_bytes
    content = memory[at : at + asked["size"]]
    try:
        spans = spans_of(content, is_first=asked["start"] == 0)
        decoded = decoder.decoded(content, spans, start=asked["start"], first_line=asked["first_line"])
    except _RawKeyMet:
        return {}
    written = _as_arrow(decoded)
    if len(written) > slot_bytes:
        return {}
    memory[at : at + len(written)] = written
    statuses, reasons = counts_of(decoded.events, decoded.quarantined)
    return {"size": len(written), "blank": decoded.blank, "events": statuses, "quarantined": reasons}


def _as_arrow(decoded: DecodedLines) -> bytes:
    sink = pa.BufferOutputStream()
    for rows, schema in ((decoded.events, USAGE_EVENTS), (decoded.quarantined, QUARANTINE)):
        with pa.ipc.new_stream(sink, schema) as writer:
            writer.write_batch(record_batch(rows, schema))
    written: bytes = sink.getvalue().to_pybytes()
    return written


def main() -> None:
    """Answer until there are no more questions."""
    said, sys.stdout = sys.stdout, sys.stderr  # nothing else may be written between the answers
    memory = mmap.mmap(int(sys.argv[1]), 0)
    log = json.loads(sys.stdin.readline())
    log_format = LogFormat(identity=log["identity"], line_bytes_max=log["line_bytes_max"], depth_max=log["depth_max"])
    decoder = BlockDecoder(source=log["source"], log_format=log_format, fingerprint=_refuse)
    for line in sys.stdin:
        said.write(json.dumps(answer(memory, log["slot_bytes"], decoder, json.loads(line))) + "\n")
        said.flush()


if __name__ == "__main__":
    main()
