"""Work that is no SQL, done by the workers of a server: a task a row in, parts of its answer out.

What is sent is one small function by value, the name of ours that it calls, and texts: so that a worker without
Tallybook, or with another version of it, says so instead of breaking. Nothing secret is sent.

Owns the way there and back. Does not own what is done there, nor the session (``on_spark``).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline import __version__
from pipeline.base.errors import EngineRefused
from pipeline.warehouse.engines.on_spark import COLLECTING, address_of, connected, explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_PART = "task int, number int, kind string, content binary"
_TYPES = (pa.int32(), pa.int32(), pa.string(), pa.binary())
_BATCH_BYTES = 2**22
_REFUSED = "refused"
_END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of what a task answers."""

    task: int
    """The place of the task among those that were given."""
    number: int
    """The place of the part among those of its task; parts may come in any order."""
    kind: str
    content: bytes


def answered(remote: str, tasks: Sequence[str], *, work: str, shared: str, at_once: int) -> Iterator[Part]:
    """Let the workers of a server answer tasks, some ``at_once``, and yield the parts of their answers as they come.

    ``work`` names the function that answers one, as ``module:function``; it is called there with ``shared`` and the
    task, and yields kinds and contents. Its kind ``refused`` says in words why it cannot. Once this has ended, every
    task was answered whole. Raises ``EngineRefused`` where one was not, and ``ExtraMissing`` without the client.
    """
    found: dict[int, set[int]] = defaultdict(set)
    wanted: dict[int, int] = {}
    spark = connected(remote, COLLECTING)
    with explained(remote, COLLECTING):
        try:
            rows = spark.createDataFrame(
                pa.table({"task": pa.array(range(len(tasks)), pa.int32()), "content": pa.array(tasks, pa.string())})
            )
            parts = rows.repartition(min(len(tasks), at_once)).mapInArrow(_at_worker(work, shared, __version__), _PART)
            for row in parts.toLocalIterator():
                if row.kind == _REFUSED:
                    raise _refusal(remote, bytes(row.content).decode())
                if row.kind == _END:
                    wanted[row.task] = row.number
                    continue
                if row.number in found[row.task]:
                    raise _refusal(remote, f"task {row.task} of {len(tasks)} was answered twice")
                found[row.task].add(row.number)
                yield Part(task=row.task, number=row.number, kind=row.kind, content=bytes(row.content))
        finally:
            spark.stop()
    for task in range(len(tasks)):
        if found[task] != set(range(wanted.get(task, -1))):
            raise _refusal(remote, f"task {task} of {len(tasks)} was answered in part")


def _refusal(remote: str, why: str) -> EngineRefused:
    return EngineRefused(
        f"the engine at {address_of(remote)} cannot collect: {why}; nothing of this was collected and nothing is lost: "
        "see docs/scale.md, or collect here with --engine duckdb"
    )


def _at_worker(work: str, shared: str, version: str) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """Return what a worker runs. It is sent by value, so it must find all that it needs by itself."""
    ours = __name__

    def at_worker(batches: Iterable[Any]) -> Iterator[Any]:
        from importlib import import_module  # noqa: PLC0415  # at the worker

        import pyarrow as pa  # noqa: PLC0415  # likewise

        try:
            there = import_module("pipeline").__version__
            why = "" if there == version else f"Tallybook {there}, and this is {version}; install the same on both"
            answers = None if why else import_module(ours).answers_of_tasks
        except ImportError as missing:
            answers, why = None, f"no Tallybook {version} ({missing}); install it there, with what it depends on"
        if answers is not None:
            yield from answers(batches, work, shared)
            return
        refused = {"kind": ["refused"], "content": [f"a worker has {why}".encode()]}
        yield pa.record_batch({"task": pa.array([0], pa.int32()), "number": pa.array([0], pa.int32()), **refused})

    return at_worker


def answers_of_tasks(batches: Iterable[pa.RecordBatch], work: str, shared: str) -> Iterator[pa.RecordBatch]:
    """Answer the tasks of a worker, and yield the parts as rows, some MB at a time; for ``_at_worker`` there."""
    module, _, name = work.partition(":")
    answers = getattr(import_module(module), name)
    held: list[tuple[int, int, str, bytes]] = []
    size = 0
    for task, asked in _tasks_of(batches):
        number = -1
        for number, (kind, content) in enumerate(answers(shared, asked)):  # it is used behind the loop
            held.append((task, number, kind, content))
            size += len(content)
            if size >= _BATCH_BYTES:
                yield _batch_of(held)
                held, size = [], 0
        held.append((task, number + 1, _END, b""))
    if held:
        yield _batch_of(held)


def _tasks_of(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, str]]:
    for batch in batches:
        yield from zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)


def _batch_of(rows: Sequence[tuple[int, int, str, bytes]]) -> pa.RecordBatch:
    columns = [pa.array(list(each), kind) for each, kind in zip(zip(*rows, strict=True), _TYPES, strict=True)]
    return pa.RecordBatch.from_arrays(columns, ["task", "number", "kind", "content"])
