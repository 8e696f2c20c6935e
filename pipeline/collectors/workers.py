"""Blocks of one log decoded by several processes at once, this one among them.

What comes out is in the order in which it went in.

Owns the other processes (``worker``), the memory that is shared with them, and what happens when one fails: its blocks
are decoded here. They are begun as commands of their own, never forked, since other threads may hold locks at that
moment. Does not own the decoding (``fast.blocks``), nor how many processes there are.
"""

from __future__ import annotations

import json
import marshal
import mmap
import os
import select
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.collectors.decode import EventRow, QuarantineRow, decode_line
from pipeline.collectors.event_columns import EventColumns
from pipeline.collectors.fast.blocks import DecodedLines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.collectors.fast.blocks import BlockDecoder
    from pipeline.collectors.logs.line_blocks import LineBlock

PROCESSES_MAX = 4
"""More are not fed fast enough by the one that reads, and each takes 70 MB."""

_WORTHWHILE_SECONDS = 1.5
"""What is left to read must take so long at least: another process needs a third of a second to begin, and then saves a
third of the time or more.
"""
_SAMPLE_BYTES = 2**25
"""So much is read before it is known how long the rest will take: patterns are learned from the first lines."""
_SLOT_BYTES = 2**22
_SLOTS_EACH = 2
_WAITING_MAX = 8
_PATIENCE_SECONDS = 60.0
_BEGINNING_SECONDS = 0.0
"""So long is a process waited for that has not begun to listen: what it would decode meanwhile is decoded here."""


@dataclass(slots=True)
class _Waiting:
    """A block that went in, with what came of it, or who is asked."""

    block: LineBlock
    decoded: DecodedLines | None = None
    worker: Worker | None = None
    slot: int = 0


class InOrder:
    """Takes in blocks, and gives out what they amount to. To be closed."""

    def __init__(self, decoder: BlockDecoder, *, processes: int, size: int) -> None:
        """Decode here, and, where it is worthwhile, in ``processes - 1`` others, at most ``PROCESSES_MAX`` in all.

        Some ``size`` bytes will come.
        """
        self.waiting_lines = 0
        self._decoder = decoder
        self._waiting: deque[_Waiting] = deque()
        self._others = min(processes, PROCESSES_MAX) - 1 if sys.executable and hasattr(os, "memfd_create") else 0
        self._pool: _Pool | None = None
        self._size = size
        self._done = 0
        self._began = time.monotonic()

    def add(self, block: LineBlock) -> Iterator[DecodedLines]:
        """Take in a block, and yield what is ready, or has to be, to make room. Raises what ``fingerprint`` raises."""
        if self._pool is None and self._others and self._is_worthwhile():
            self._pool = _Pool(self._decoder, self._others)
        self._done += len(block.content)
        waiting = _Waiting(block)
        if self._pool is None or not self._pool.submit(waiting):
            waiting.decoded = self._decoded(block)
        self._waiting.append(waiting)
        self.waiting_lines += len(block.spans)
        while self._waiting and (len(self._waiting) > _WAITING_MAX or self._is_ready(self._waiting[0])):
            yield self._next()

    def rest(self) -> Iterator[DecodedLines]:
        """Yield what has not been given out yet. Raises what ``fingerprint`` raises."""
        while self._waiting:
            yield self._next()

    def close(self) -> None:
        """Let the other processes end."""
        if self._pool is not None:
            self._pool.close()

    def _is_worthwhile(self) -> bool:
        """Tell whether reading the rest as fast as what is done will take long."""
        spent = time.monotonic() - self._began
        return self._done >= _SAMPLE_BYTES and spent * (self._size - self._done) >= _WORTHWHILE_SECONDS * self._done

    def _is_ready(self, waiting: _Waiting) -> bool:
        return waiting.decoded is not None or (waiting.worker is not None and waiting.worker.has_answered())

    def _next(self) -> DecodedLines:
        waiting = self._waiting.popleft()
        self.waiting_lines -= len(waiting.block.spans)
        if waiting.decoded is None and waiting.worker is not None:
            waiting.decoded = waiting.worker.answer(waiting)
        return waiting.decoded or self._decoded(waiting.block)

    def _decoded(self, block: LineBlock) -> DecodedLines:
        """Decode a block here, or the one long line that it is."""
        decoder = self._decoder
        if block.line is None:
            return decoder.decoded(block.content, block.spans, start=block.start, first_line=block.first_line)
        row = decode_line(
            block.line, source=decoder.source, log_format=decoder.log_format, fingerprint=decoder.fingerprint
        )
        events = EventColumns(decoder.source)
        if isinstance(row, EventRow):
            events.add(row.values)
        quarantined = [row.values] if isinstance(row, QuarantineRow) else []
        return DecodedLines(events.columns, quarantined, int(row is None), 0, 0)


class _Pool:
    def __init__(self, decoder: BlockDecoder, count: int) -> None:
        self._descriptor = os.memfd_create("blocks")  # never a file: what is shared are prompts and answers
        os.truncate(self._descriptor, count * _SLOTS_EACH * _SLOT_BYTES)
        self._memory = mmap.mmap(self._descriptor, 0)
        self._workers = [Worker(self._memory, self._descriptor, index * _SLOTS_EACH, decoder) for index in range(count)]

    def submit(self, waiting: _Waiting) -> bool:
        """Ask a worker that has room, if there is one and the block fits."""
        block = waiting.block
        if block.long_line_digest is not None or len(block.content) > _SLOT_BYTES:
            return False
        return any(worker.ask(waiting) for worker in self._workers)

    def close(self) -> None:
        for worker in self._workers:
            worker.end()
        self._memory.close()
        os.close(self._descriptor)


class Worker:
    """One other process. Once it has failed, or met what it must not decode, it is not asked again."""

    def __init__(self, memory: mmap.mmap, descriptor: int, first_slot: int, decoder: BlockDecoder) -> None:
        self._memory = memory
        self._free = list(range(first_slot, first_slot + _SLOTS_EACH))
        self._said = b""
        self._is_listening = False
        command = [sys.executable, "-P", "-m", "pipeline.collectors.worker", str(descriptor)]
        self._process: subprocess.Popen[bytes] | None = None
        with suppress(OSError):  # no more processes, or no interpreter of that name: all is decoded here
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(descriptor,),
            )
        self._say(
            {
                "source": decoder.source,
                "slot_bytes": _SLOT_BYTES,
                "format": decoder.log_format.settings(),
            }
        )

    def ask(self, waiting: _Waiting) -> bool:
        """Hand a block over; false where there is no room, or nobody."""
        if self._process is None or not self._free or not self._has_begun():
            return False
        slot, block = self._free[-1], waiting.block
        self._memory[slot * _SLOT_BYTES : slot * _SLOT_BYTES + len(block.content)] = block.content
        if not self._say(
            {"slot": slot, "size": len(block.content), "start": block.start, "first_line": block.first_line}
        ):
            return False
        self._free.pop()
        waiting.worker, waiting.slot = self, slot
        return True

    def _has_begun(self) -> bool:
        if not self._is_listening and self._is_readable(_BEGINNING_SECONDS):
            self._is_listening = bool(self._heard())
            if not self._is_listening:
                self.end()
        return self._is_listening

    def has_answered(self) -> bool:
        """Tell whether ``answer`` would not have to wait."""
        return self._process is None or b"\n" in self._said or self._is_readable(0)

    def answer(self, waiting: _Waiting) -> DecodedLines | None:
        """Wait for what came of the block that was handed over first; ``None`` where it is to be decoded here."""
        said = self._heard()
        if not said:
            self.end()
            return None
        at = waiting.slot * _SLOT_BYTES
        decoded = DecodedLines(*marshal.loads(self._memory[at : at + said["size"]]))  # noqa: S302 - from our own process, over memory without a name
        self._free.append(waiting.slot)
        return decoded

    def end(self) -> None:
        """Let the process end, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _say(self, what: dict[str, Any]) -> bool:
        process = self._process
        if process is None or process.stdin is None:
            return False
        try:
            process.stdin.write(json.dumps(what).encode() + b"\n")  # far less than a pipe holds: this never waits
        except OSError:
            self.end()
            return False
        return True

    def _heard(self) -> dict[str, Any] | None:
        until = time.monotonic() + _PATIENCE_SECONDS
        while b"\n" not in self._said:
            if self._process is None or self._process.stdout is None or not self._is_readable(until - time.monotonic()):
                return None
            said = os.read(self._process.stdout.fileno(), 2**16)
            if not said:
                return None
            self._said += said
        line, _, self._said = self._said.partition(b"\n")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def _is_readable(self, seconds: float) -> bool:
        process = self._process
        if process is None or process.stdout is None:
            return False
        return bool(select.select([process.stdout], [], [], max(seconds, 0))[0])
