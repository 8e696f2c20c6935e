"""A change of what the reader makes of a line raises its version, or what could not be read would never be read again.

The lines are made up: of all families, sound and damaged.
"""

from __future__ import annotations

from readings_now import ROWS, rows_now

from pipeline.collectors.formats.log_format import READER_VERSION


def test_what_the_reader_makes_of_a_line_changes_with_its_version() -> None:
    version, *expected = ROWS.read_text(encoding="utf-8").split()
    now = rows_now()
    differing = [number for number, (one, other) in enumerate(zip(expected, now, strict=True), 1) if one != other]
    assert int(version) == READER_VERSION, "READER_VERSION was raised: run tests/golden/readings/readings_now.py"
    assert not differing, (
        f"the reader makes something else of lines {differing[:10]} of lines.jsonl.gz: raise READER_VERSION in "
        "pipeline/collectors/formats/log_format.py, then run tests/golden/readings/readings_now.py"
    )


def test_the_stored_lines_are_of_every_outcome() -> None:
    assert len(set(rows_now())) > 700
