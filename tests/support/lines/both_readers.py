"""Some lines, read by the kernel as one block, and each by the plain reader: what tests of the kernel compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzing import expected_rows

from pipeline.collectors import LogFormat
from pipeline.collectors.decode import decode_line
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.logs.lines import Line, bare_span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.collectors.kernel.blocks import DecodedLines

FORMAT = LogFormat()


def fingerprint(raw: str) -> str:
    return f"key_{len(raw)}"


def by_kernel(lines: Iterable[bytes], log_format: LogFormat = FORMAT) -> DecodedLines:
    decoder = BlockDecoder(source="s", log_format=log_format, fingerprint=fingerprint)
    found = decoder.decoded(b"".join(line + b"\n" for line in lines), start=0, first_line=1)
    assert decoder.failures == 0
    return found


def read_plainly(lines: Iterable[bytes], log_format: LogFormat = FORMAT) -> dict[int, Any]:
    """Return the rows of each line that has any, by its number."""
    found, at = {}, 0
    for number, line in enumerate(lines, 1):
        end = at + len(line) + 1
        content = line[slice(*bare_span(line, 0, len(line)))]
        rows = decode_line(Line(number, at, end, content), source="s", log_format=log_format, fingerprint=fingerprint)
        if rows:
            found[number] = expected_rows(rows)
        at = end
    return found
