"""What months of more and more events come to: measured where one machine can, else computed from what was measured.

``python -m benchmarks.nights.on_paper [--into docs/scale.md]`` prints two Markdown tables: time and cost of 10^6 to
10^12 events a month, and 10^12 events a month in detail. Every figure is one of ``Measured``, or follows from them and
from ``Month`` here; nobody has run the large ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.turns.report import write_table

_DAYS = 30
_DAY_SECONDS = 86_400
_COMMIT_EVENTS = 10**6
"""At most; see ``pipeline.jobs.night.collect``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured, each on two processors that had others to serve too: CPU seconds, not seconds."""

    lake_bytes: int = 72
    """Of an event: ``benchmarks.inputs.events``, 10^8 events."""
    read_microseconds: float = 7.3
    """CPU of a worker for a line of 1,900 bytes of a plain log, handing it back included: what 10^6 lines cost more
    than 270,000 (``benchmarks.nights.collecting``)."""
    taken_in_microseconds: float = 4.3
    """CPU of this machine for an event that a worker read: to take it in, sort it, and commit it. Likewise."""
    named_microseconds: float = 0.5
    """CPU of this machine for an event that a worker read and wrote: to look at its file, and commit that. Likewise, of
    a lake in a folder, one turn, on a day when ``taken_in_microseconds`` was 6.1."""
    named_of_store_microseconds: float = 0.9
    """The same of a lake on a store (``--store``), of which each file is fetched: one turn, without TLS."""
    counted_microseconds: float = 1.04
    """CPU for an event where DuckDB counts all of 10^8: 104 s (``docs/performance.md``)."""
    counted_there: float = 2.3
    """Times that of Sail: ``benchmarks.nights.engines``, 10^6 and 10^7 events."""
    counting_bytes: float = 23
    """Memory of an event where DuckDB counts all: 2.3 GB for 10^8."""
    entry_bytes: int = 398
    """Of an entry of the log with neither files nor logs: one with one of each has 1,099."""
    file_bytes: int = 242
    """Of an entry, for each data file: 30 files of one commit beside one file of one."""
    source_bytes: int = 459
    """Of an entry, for each segment of a log. Likewise."""
    log_microseconds_per_kb: float = 64
    """CPU to read the log of a lake, strictly, as each night does: 70 µs for an entry of 1,099 bytes."""
    log_memory: float = 1.9
    """Bytes that a night keeps of each byte of the log: 2,140 of such an entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What is assumed."""

    line_bytes: int = 2_000
    """Of the log, for an event."""
    log_bytes: int = 10**9
    """Of a log when it is rotated; one worker reads it."""
    dates_of_commit: int = 2
    """Dates that the logs of a commit are of: one data file each."""
    keys: int = 5_000
    models: int = 5
    meters: int = 3
    processor_hour: float = 0.05
    """USD for a processor of a rented machine for an hour."""
    stored_month: float = 0.023
    """USD for a GB of an object store for a month; logs are not counted in."""


SIZES = tuple(10**power for power in range(6, 13))
READ_UP_TO, COUNTED_UP_TO = 10**6, 10**8
"""Of events that were read, and of such that were counted."""
SIZE_OF_ENGINE = ((10**9, 2), (10**10, 16), (10**11, 64), (10**12, 1024))
"""Up to so many events a month: so many processors."""


_TIMES = "\N{MULTIPLICATION SIGN}"
_HEADER = (
    *("events a month", "logs", "lake", "reading, CPU h", "taking in and committing, CPU h of one machine"),
    *(
        "counting all of it once, CPU h here",
        "and there",
        "processors",
        "a night's logs: read on them, committed here",
        "counting all on them",
        "USD a month",
        "",
    ),
)
_MICROSECONDS_OF_HOUR = 3.6e9
_PROCESSORS = 1024
_TOKENS = 10**4


def cost_table(measured: Measured, month: Month) -> str:
    """Return time and cost by events a month."""
    return _table(_HEADER, [_cost_row(events, measured, month) for events in SIZES])


def _cost_row(events: int, measured: Measured, month: Month) -> tuple[str, ...]:
    read, taken, here = (
        events * each / _MICROSECONDS_OF_HOUR
        for each in (measured.read_microseconds, measured.taken_in_microseconds, measured.counted_microseconds)
    )
    there = here * measured.counted_there
    processors = next(count for most, count in SIZE_OF_ENGINE if events <= most)
    is_here = processors == SIZE_OF_ENGINE[0][1]
    night = (here if is_here else there) / processors
    # Nights of one machine count what is new; a server counts what there is by then, half the month on average.
    counting = here if is_here else there * _DAYS / 2
    lake_bytes = events * measured.lake_bytes
    money = (read + taken + counting) * month.processor_hour + lake_bytes / 1e9 * month.stored_month
    of_counting = "CPU of counting measured, the rest computed" if events <= COUNTED_UP_TO else "computed"
    return (
        _power(events),
        _bytes(events * month.line_bytes),
        _bytes(lake_bytes),
        *(f"{hours:.2g}" if hours < 1 else f"{hours:,.0f}" for hours in (read, taken, here, there)),
        f"{processors:,}",
        f"{_duration(read * 3600 / _DAYS / processors)}, {_duration(taken * 3600 / _DAYS)}",
        _duration(night * 3600),
        f"{money:,.2f}" if is_here else f"{money:,.0f}",
        "CPU measured" if events <= READ_UP_TO else of_counting,
    )


def month_table(measured: Measured, month: Month, events: int = 10**12) -> str:
    """Return one month in detail, and where it breaks."""
    second = events / _DAYS / _DAY_SECONDS
    one_machine = 1e6 / measured.taken_in_microseconds
    counting = events * measured.counted_microseconds * measured.counted_there
    daily = month.keys * month.models * month.meters
    keys = f"{month.keys:,} keys {_TIMES} {month.models} models {_TIMES} {month.meters} meters {_TIMES} {_DAYS} days"
    rows = [
        ("events", f"in {_DAYS} days", f"{second:,.0f} a second", ""),
        ("logs", f"{month.line_bytes:,} bytes a line", f"{_bytes(events * month.line_bytes / _DAYS)} a day", ""),
        (
            "processors of workers, all day",
            f"{measured.read_microseconds} µs a line",
            f"{second * measured.read_microseconds / 1e6:.1f}",
            "plain logs of JSON lines; sixteen times that where lines are read one at a time",
        ),
        (
            "**what one machine takes in and commits**",
            f"{measured.taken_in_microseconds} µs an event, mostly one processor",
            f"{one_machine:,.0f} a second, {_power_of(one_machine * _DAYS * _DAY_SECONDS)} a month",
            f"{second / one_machine:.1f} of them would be needed: **breaks first**",
        ),
        (
            "what it names and commits, where workers write",
            f"{measured.named_microseconds} µs an event",
            f"{1e6 / measured.named_microseconds:,.0f} a second",
            f"{second * measured.named_microseconds / 1e6:.2f} of a processor: then the log of the lake breaks first",
        ),
        (
            "the same, with the lake on a store",
            f"{measured.named_of_store_microseconds} µs an event",
            f"{1e6 / measured.named_of_store_microseconds:,.0f} a second",
            f"{second * measured.named_of_store_microseconds / 1e6:.2f} of a processor, TLS not counted",
        ),
        *_of_the_lake(measured, month, events),
        (
            "counting all of it once",
            f"{measured.counted_microseconds} {_TIMES} {measured.counted_there} µs an event",
            f"{counting / _MICROSECONDS_OF_HOUR:,.0f} CPU h",
            f"{_duration(counting / 1e6 / _PROCESSORS)} on {_PROCESSORS:,} processors",
        ),
        ("`usage_daily`", keys, f"{daily * _DAYS:,} rows", "however many events; rated and invoiced on one machine"),
        (
            "sums of tokens",
            f"{_power(_TOKENS)} an event",
            f"{_power_of(events * _TOKENS)}, and a count holds {_power_of(2**63)}",
            "what files state as their greatest could be more, so exact sums are asked for first",
        ),
    ]
    return _table(("", "by", "comes to", ""), rows)


def _of_the_lake(measured: Measured, month: Month, events: int) -> list[tuple[str, ...]]:
    commits = events / _COMMIT_EVENTS
    files = commits * month.dates_of_commit
    logs = events * month.line_bytes / month.log_bytes
    segments = logs + commits  # a commit ends within a log, as a rule
    log_bytes = commits * measured.entry_bytes + files * measured.file_bytes + segments * measured.source_bytes
    reading, kept = log_bytes / 1e3 * measured.log_microseconds_per_kb / 1e6, log_bytes * measured.log_memory
    of_entry = (measured.entry_bytes, measured.file_bytes, measured.source_bytes)
    size = _bytes(events * measured.lake_bytes / files)
    nightly = (
        f"read whole each night: {_duration(reading)} of CPU and {_bytes(kept)} of memory after a month, "
        f"{_duration(12 * reading)} and {_bytes(12 * kept)} after a year: **breaks second**"
    )
    return [
        ("commits", f"{_power(_COMMIT_EVENTS)} events each", f"{commits / _DAYS / 24:,.0f} an hour", ""),
        (
            "data files",
            f"{month.dates_of_commit} dates a commit",
            f"{files / _DAYS:,.0f} a day, as many in a partition, of {size}",
            "small for a scan: commits of more events would be better",
        ),
        ("lake", f"{measured.lake_bytes} bytes an event", f"{_bytes(events * measured.lake_bytes)} a month", ""),
        (
            "**log of the lake**",
            "{} bytes an entry, {} a file, {} a segment".format(*of_entry),
            f"{_bytes(log_bytes)} a month in {_power(int(commits))} entries",
            nightly,
        ),
        (
            "logs that a night looks at",
            f"{_bytes(month.log_bytes)} each",
            f"{logs / _DAYS:,.0f} new ones a night",
            "their first 64 KiB are read here, of files new or not: move old ones away; of objects those of new ones",
        ),
    ]


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ("---",) * len(header), *rows)) + "\n"


def _power(number: int) -> str:
    return "10" + str(len(str(number)) - 1).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _power_of(number: float) -> str:
    power = len(f"{number:.0f}") - 1
    return f"{number / 10**power:.1f} {_TIMES} {_power(10**power)}"


def _bytes(number: float) -> str:
    units = ("bytes", "kB", "MB", "GB", "TB", "PB")
    power = (len(f"{number:.0f}") - 1) // 3
    return f"{number / 1000**power:.3g} {units[power]}"


def _duration(seconds: float) -> str:
    if seconds < 120:  # noqa: PLR2004  # units change where the smaller one has three digits
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:,.0f} h"


@click.command()
@click.option("--into", type=click.Path(path_type=Path), help="Write the tables between their marks of this page, too.")
def main(into: Path | None) -> None:
    """Print both tables."""
    tables = {"months": cost_table(Measured(), Month()), "a-great-month": month_table(Measured(), Month())}
    for name, text in tables.items():
        print(text)
        if into is not None:
            write_table(into, name, text)


if __name__ == "__main__":
    main()
