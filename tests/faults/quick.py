"""What a kind need not wait for, nor have done twice; and the share of its points that one process tries.

Owns these short cuts, each of which ``run.py --simply`` leaves out: a disk in memory that nobody waits for, answers of
the engine that were given before to the same question (``tests/support/counted_once``), and several processes. Does not
own which points are equal to one that was tried (``machine_refusals``), nor what is recovered once (``recovery``).
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from unittest import mock

import counted_once
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a kind that one of several processes tries."""

    number: int = 0
    of: int = 1

    def in_a_row(self, points: Sequence[_T]) -> Sequence[_T]:
        """Return a part of points that lie beside each other: neighbours leave the same, which is recovered once."""
        begin, end = (len(points) * each // self.of for each in (self.number, self.number + 1))
        return points[begin:end]

    def in_turn(self, points: Sequence[_T]) -> Sequence[_T]:
        """Return every ``of``-th of points that have nothing in common."""
        return points[self.number :: self.of]


WHOLE = Share()


def _not_waited_for(descriptor: int) -> None:
    """Refuse a descriptor that is none, as fsync does; no power is cut, so that nothing else can be seen of it."""
    os.fstat(descriptor)


@contextmanager
def quickly(*, asks_anew: bool) -> Iterator[None]:
    """Do not wait for the disk, and, unless ``asks_anew``, ask the engine nothing again that it has answered."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(os, "fsync", _not_waited_for))
        if not asks_anew:
            counted_once.put_in_place(stack.enter_context(pytest.MonkeyPatch.context()))
        yield


def memory() -> Path | None:
    """Return a folder in memory for files that are to outlive nothing; ``None`` where the machine has none."""
    return _MEMORY if _MEMORY.is_dir() else None
