"""A process that decodes blocks for another one.

``python -m pipeline.collectors.worker DESCRIPTOR``, never called by hand.

Owns its side of the conversation (``workers`` owns the other): a JSON object a line, from the standard input and to the
standard output. The first says what the log is, and is answered when this process listens; each other names a block in
the memory that ``DESCRIPTOR`` shares, and is answered when its rows lie there instead. A raw key is not decoded here,
since the secret is not: such a block is given back as it is. Ends with its input.
"""

from __future__ import annotations

import json
import marshal
import mmap
import sys
from typing import Any

from pipeline.base.errors import TallybookError
from pipeline.collectors.fast.blocks import BlockDecoder
from pipeline.collectors.formats.log_format import LogFormat
from pipeline.collectors.logs.line_blocks import spans_of


class _RawKeyMet(TallybookError):
    """A block holds a raw key."""


def _refuse(_raw: str) -> str:
    raise _RawKeyMet


def answer(memory: mmap.mmap, slot_bytes: int, decoder: BlockDecoder, asked: dict[str, Any]) -> dict[str, Any]:
    """Decode one block, put its rows where it was, and return what to say of them.

    ``{}`` where it must be decoded elsewhere.
    """
    at = asked["slot"] * slot_bytes
    content = memory[at : at + asked["size"]]
    try:
        spans = spans_of(content)
        decoded = decoder.decoded(content, spans, start=asked["start"], first_line=asked["first_line"])
    except _RawKeyMet:
        return {}
    written = marshal.dumps(tuple(decoded))
    if len(written) > slot_bytes:
        return {}
    memory[at : at + len(written)] = written
    return {"size": len(written)}


def main() -> None:
    """Answer until there are no more questions."""
    said, sys.stdout = sys.stdout, sys.stderr  # nothing else may be written between the answers
    memory = mmap.mmap(int(sys.argv[1]), 0)
    log = json.loads(sys.stdin.readline())
    log_format = LogFormat(**log["format"])
    decoder = BlockDecoder(source=log["source"], log_format=log_format, fingerprint=_refuse)
    said.write(json.dumps({"is_listening": True}) + "\n")
    said.flush()
    for line in sys.stdin:
        said.write(json.dumps(answer(memory, log["slot_bytes"], decoder, json.loads(line))) + "\n")
        said.flush()


if __name__ == "__main__":
    main()
