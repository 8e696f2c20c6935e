"""Every state in which a power cut may leave a folder, by the model of its disk.

A choice is a name that was not synced (it stands as it did at any moment since), or a file whose content was not (it
has one of ``variants``). A state makes each choice; so many choices can be made in so many ways that states are told
apart by sums of digests, and files are only laid out where somebody looks.

Owns which states there are. Does not own what they must hold (``power_cuts``).
"""

from __future__ import annotations

import hashlib
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from disk_model import Folder

from pipeline.objects import disk

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from disk_model import DiskModel, File

_MODE = 0o600
"""Of every file that is laid out: one that holds a secret is refused otherwise."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or a folder (no content), that is there in some states."""

    path: str
    content: bytes | None


@dataclass(slots=True)
class _Node:
    """What is there for certain below a folder (or under a name), and what by choice."""

    weight: int
    entries: list[Entry]
    choices: list[tuple[int, list[_Node]]]
    """Which choice, and what each way of it brings along."""


class States:
    """The states that a cut at this moment may leave.

    ``weigh`` gives each entry a number; a state's is the sum of them, and two of one number are taken for equal.
    """

    def __init__(self, model: DiskModel, weigh: Callable[[Entry], int]) -> None:
        self._weigh = weigh
        self._places: dict[tuple[int, str], int] = {}
        self.ways: list[int] = []
        """In how many ways each choice can be made."""
        self._root = self._of_folder(model.root, "")

    @property
    def count(self) -> int:
        """How many states there are, equal ones among them."""
        return math.prod(self.ways)

    def chosen(self, most: int, instants: random.Random) -> Iterator[tuple[int, ...]]:
        """Yield all states as the ways of their choices; of more than ``most`` the extreme ones, and others by chance.

        The extremes: nothing survives, everything does, and all but one, or one alone, in each way.
        """
        if self.count <= most:
            yield from itertools.product(*map(range, self.ways))
            return
        nothing, everything = tuple(0 for _ in self.ways), tuple(ways - 1 for ways in self.ways)
        extremes = [nothing, everything]
        for place, ways in enumerate(self.ways):
            for way in range(ways):
                extremes += [(*each[:place], way, *each[place + 1 :]) for each in (nothing, everything)]
        yield from extremes[:most]
        for _ in range(most - len(extremes)):
            yield tuple(int(instants.random() * ways) for ways in self.ways)

    def latest(self) -> tuple[int, ...]:
        """Return the state that running processes see: everything survives."""
        return tuple(ways - 1 for ways in self.ways)

    def weight(self, state: Sequence[int]) -> int:
        """Return the sum of what is there in a state."""
        return _weight(self._root, state)

    def entries(self, state: Sequence[int]) -> list[Entry]:
        """Return what is there in a state; a folder comes before what is in it."""
        found: list[Entry] = []
        _collect(self._root, state, found)
        return found

    def _of_folder(self, folder: Folder, path: str) -> _Node:
        node = _Node(0, [], [])
        for name in sorted(folder.names()):
            within = f"{path}/{name}" if path else name
            if name not in folder.since:
                self._add(node, self._of_value(folder.synced[name], within))
                continue
            values = list(dict.fromkeys((folder.synced.get(name), *folder.since[name])))
            values.append(values.pop(values.index(folder.since[name][-1])))  # what is there now is the last way
            ways = [_Node(0, [], []) if value is None else self._of_value(value, within) for value in values]
            self._choose(node, (folder.number, name), ways)
        return node

    def _of_value(self, value: File | Folder, path: str) -> _Node:
        if isinstance(value, Folder):
            below = self._of_folder(value, path)
            itself = self._there(Entry(path, None))
            self._add(itself, below)
            return itself
        if value.is_synced:
            return self._there(Entry(path, value.now))
        node = _Node(0, [], [])
        self._choose(node, (value.number, ""), [self._there(Entry(path, content)) for content in variants(value)])
        return node

    def _there(self, entry: Entry) -> _Node:
        return _Node(self._weigh(entry), [entry], [])

    def _choose(self, node: _Node, key: tuple[int, str], ways: list[_Node]) -> None:
        if len(ways) == 1:
            self._add(node, ways[0])
            return
        place = self._places.setdefault(key, len(self.ways))
        if place == len(self.ways):
            self.ways.append(len(ways))
        node.choices.append((place, ways))

    @staticmethod
    def _add(node: _Node, other: _Node) -> None:
        node.weight += other.weight
        node.entries += other.entries
        node.choices += other.choices


def variants(file: File) -> list[bytes]:
    """Return what may be in a file that was written since its last fsync, the whole of it last."""
    now = file.now
    half = len(now) // 2
    garbled = now[:half] + bytes(byte ^ 0x5A for byte in now[half : half + 512]) + now[half + 512 :]
    found = (file.synced, b"", now[:half], now[:-1], bytes(len(now)), now[:half] + bytes(len(now) - half), garbled, now)
    return list(dict.fromkeys(reversed(found)))[::-1]


def digest_of(entry: Entry) -> int:
    """Return 128 bits of an entry; 0 of what never counts: a temporary file, and the lock."""
    name = entry.path.rpartition("/")[2]
    if disk.TEMPORARY_NAME.fullmatch(name) or name == ".lock":
        return 0
    digest = hashlib.blake2b(entry.path.encode(), digest_size=16)
    if entry.content is not None:
        digest.update(b"\0" + hashlib.sha256(entry.content).digest())
    return int.from_bytes(digest.digest())


def lay_out(entries: list[Entry], into: Path) -> None:
    """Write a state into a new folder."""
    into.mkdir()
    for entry in entries:
        path = into / entry.path
        if entry.content is None:
            path.mkdir()
        else:
            path.write_bytes(entry.content)
            path.chmod(_MODE)


def _weight(node: _Node, state: Sequence[int]) -> int:
    weight = node.weight
    for place, ways in node.choices:
        way = ways[state[place]]
        weight += _weight(way, state) if way.choices else way.weight
    return weight


def _collect(node: _Node, state: Sequence[int], found: list[Entry]) -> None:
    found += node.entries
    for place, ways in node.choices:
        _collect(ways[state[place]], state, found)
