"""The program in WebAssembly: its memory, and what it says of a block, as arrays.

Owns the way in and out. Does not own what a line amounts to (``rules``), nor rows (``blocks``). An instance is not to
be used by two threads at once; it gives the interpreter away while it works, and can touch no memory but its own.
"""

from __future__ import annotations

import atexit
import ctypes
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.base.errors import TallybookError
from pipeline.base.raw_keys import BEGINNINGS
from pipeline.collectors.formats.log_format import LogFormat
from pipeline.collectors.kernel.compiled import compiled
from pipeline.collectors.kernel.places import names_of
from pipeline.collectors.values.fields import IDENTIFIER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from pipeline.collectors.formats.found import Format
    from pipeline.collectors.kernel.names import Name

    Array: TypeAlias = np.ndarray[Any, Any]

NO_RULE = 2**32 - 1
"""The rule of a row that obeys none."""
HANDED_OVER, TOLD, BLANK, ODD = range(4)
"""Fates of lines; what lies in an odd one is for whoever takes a wrapper off by itself."""

_NAME = np.dtype([("bytes", "S64"), ("size", "u4"), ("owner", "u4"), ("kind", "u4")])
"""A name, as ``names.h`` has it."""
_TYPES: dict[int, Any] = {1: np.uint8, 4: np.uint32, 8: np.int64, _NAME.itemsize: _NAME}
"""Of elements of arrays, by their sizes."""
_STATED_BYTES, _STATED_NAME_MAX = 20, 32
"""So long is what the program states of each array, and the name of one at most."""
WRAPPERS = ("docker", "cri")
"""Those that it takes off, by their names, numbered from 1 as in ``wrapped.h``."""
_PAD = 64
"""So many bytes behind a block the program writes to."""
_FULL = 0.75
_DEPTH_MAX = 200
"""Of objects in objects: the program's own stack is bounded."""


class Told(NamedTuple):
    """What the program said of one block; arrays are views of its memory, and gone with the next block."""

    line_ends: Array
    """Where each line ends in the block, its LF included."""
    line_counts: Array
    """How many lines of the log each was made of."""
    fates: Array
    lines: Array
    """Which line each told one is, from 0; so below, an element a told line."""
    shapes: Array
    first_holes: Array
    """Where its holes begin in ``holes``."""
    holes: Array
    texts: Array
    texts_size: int
    """How much of ``texts`` is used."""


class ProgramFailed(TallybookError):
    """The program stopped where it should not: what was asked of it is to be done without it."""


class Program:
    """One instance, for lines of one format."""

    def __init__(self, log_format: LogFormat, found: Format | None = None) -> None:
        """Make an instance; ``found`` is the format of the lines, ``None`` where they are a request log's own.

        Raises ``ValueError`` where it cannot read logs of the format, and ``ProgramFailed`` where the machine does not
        give it the 4 GiB of addresses (not of memory) that it is to have: under a limit of these (``ulimit -v``), or of
        the size of files (``ulimit -f``), since its memory is a file without a name.
        """
        import wasmtime  # noqa: PLC0415 - it is optional, and takes a while

        self.names: tuple[Name, ...] = names_of(log_format, found)
        self._store = wasmtime.Store(compiled().engine)
        try:
            exports = wasmtime.Instance(self._store, compiled().module, []).exports(self._store)
        except wasmtime.WasmtimeError as refused:
            raise ProgramFailed(str(refused).partition("\n")[0]) from None
        self._exports: dict[str, Any] = {str(name): function for name, function in exports.items()}
        memory = self._exports["memory"]
        base, size = ctypes.addressof(memory.data_ptr(self._store).contents), memory.data_len(self._store)
        whole: Any = (ctypes.c_uint8 * size).from_address(base)
        whole.store = self._store  # whoever has a view of it keeps what it lies in
        self._memory: Array = np.ctypeslib.as_array(whole)
        self._at = self._arrays()
        self.block_bytes_max = len(self._at["block"])
        self.shapes_max, self.rules_max = len(self._at["shapes.at"]), len(self._at["rule_at"])
        """How many shapes, and how many rules, can have a number."""
        self._room = self._at["block"].data
        self._lent = 0
        """So much of the room is lent."""
        self._rule_words_used = 1
        self._set_up(log_format)

    def room(self, size: int) -> memoryview | None:
        """Return where the program reads a block, for so many bytes; ``None`` where they are too many.

        What else is read lies behind them, until room for others is asked for.
        """
        if size > self.block_bytes_max:
            return None
        self._lent = size and size + _PAD
        return self._room[:size]

    def has_room(self, content: bytes | memoryview) -> bool:
        """Whether a block can be read, which may lie in its ``room``."""
        is_there = isinstance(content, memoryview) and self.has(content)
        return is_there or len(content) + self._lent <= self.block_bytes_max

    def has(self, content: memoryview) -> bool:
        """Whether some bytes lie in its ``room``."""
        return content.obj is self._room.obj

    def read(self, content: bytes | memoryview, *, wrapper: str | None = None, lines_max: int = 2**32 - 1) -> Told:
        """Read the first of the whole lines in some bytes, for which it has room.

        It reads as many lines as there is room for answers: mostly all. Of those that a ``wrapper`` is around, it ends
        where none goes on. Raises ``ProgramFailed`` at a trap.
        """
        import wasmtime  # noqa: PLC0415 - it is optional, and takes a while

        at, begin = self._at, self._lent
        if isinstance(content, memoryview) and self.has(content):
            begin = np.frombuffer(content, np.uint8).ctypes.data - at["block"].ctypes.data if len(content) else 0
        elif isinstance(content, bytes) or isinstance(content.obj, bytes):
            copied = np.frombuffer(content, np.uint8)
            at["block"][begin : begin + len(content)] = copied  # which gives the interpreter away
        else:
            message = "a block lies in the memory of another instance"
            raise ValueError(message)
        number = 0 if wrapper is None else WRAPPERS.index(wrapper) + 1
        try:
            lines = self._call("read", begin, begin + len(content), number, lines_max)
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            raise ProgramFailed(str(error).partition("\n")[0]) from None
        told = int(at["rows"][0])
        return Told(
            line_ends=at["line_ends"][:lines],
            line_counts=at["line_counts"][:lines],
            fates=at["fates"][:lines],
            lines=at["row_lines"][:told],
            shapes=at["row_shapes"][:told],
            first_holes=at["row_holes"][:told],
            holes=at["holes"],
            texts=at["texts"],
            texts_size=int(at["texts_size"][0]),
        )

    def shape(self, number: int) -> bytes:
        """Return a shape."""
        return self._text("shapes", number)

    @property
    def is_nearly_full(self) -> bool:
        """Whether there is little room left for shapes, keys or rules, beyond which lines are handed over."""
        at = self._at
        rooms = {"shapes.count": "shapes.at", "shapes.bytes": "shapes.texts", "keys.count": "keys.at"}
        is_full = any(at[used][0] > _FULL * len(at[room]) for used, room in rooms.items())
        return is_full or self._rule_words_used > _FULL * len(at["rule_words"])

    def key(self, number: int) -> bytes:
        """Return a key or an id of one, as it was logged: not to be kept, nor shown."""
        return self._text("keys", number)

    def identities(self, beginnings: Sequence[bytes], which: Array, starts: Sequence[Array], sizes: Array) -> Array:
        """Return the identities of events: digests of their beginnings, and behind these of their ids.

        ``which`` of the beginnings each has; where each of its ids is in ``Told.texts``, one of no size being none.
        """
        at, rows = self._at, len(which)
        size = at["beginnings"].shape[1]
        whole = b"".join([beginning.ljust(size, b"\0") for beginning in beginnings])
        at["beginnings"][: len(beginnings)] = np.frombuffer(whole, np.uint8).reshape(-1, size)
        at["beginning_sizes"][: len(beginnings)] = [*map(len, beginnings)]
        at["id_beginnings"][:rows] = which
        at["id_places"][:, :rows], at["id_sizes"][:, :rows] = starts, sizes
        self._call("identities", rows, len(beginnings))
        return at["event_ids"][:rows].copy()

    def beginnings_in(self, size: int) -> Array:
        """Return where in the first bytes of ``Told.texts`` a raw key may have begun: behind the beginnings of keys."""
        return self._at["key_places"][: self._call("keys_in", size)].astype(np.int64)

    def add_rule(self, number: int, words: Sequence[int], before: int | None) -> bool:
        """State the rule of a number, which is tried where a row does not obey the one ``before``.

        The first one of a shape has the shape's number. Tell whether there was room for its words (``rules.h``).
        """
        at = self._rule_words_used
        if number >= self.rules_max or at + len(words) > len(self._at["rule_words"]):
            return False
        self._at["rule_words"][at : at + len(words)] = words
        self._at["rule_at"][number] = at
        if before is not None:
            self._at["rule_behind"][before] = number
        self._rule_words_used += len(words)
        return True

    def apply_rules(self, shapes: Array, columns: int) -> tuple[Array, Array]:
        """Work out so many columns of all rows of the block, of which these are the shapes.

        Return the rule that each row obeys, or ``NO_RULE``, and an array of columns, in which rows without a rule have
        anything.
        """
        rows = len(shapes)
        self._at["row_shapes"][:rows] = shapes
        self._call("apply_rules", rows, columns)
        return self._at["row_rules"][:rows], self._at["columns"][:columns, :rows]

    def forget(self) -> None:
        """Let shapes and keys be numbered anew, and forget the rules."""
        self._call("forget")
        self._at["rule_at"][:] = self._at["rule_behind"][:] = 0
        self._rule_words_used = 1

    def _set_up(self, log_format: LogFormat) -> None:
        by_ending = sorted(BEGINNINGS, key=lambda beginning: beginning[::-1])
        for row, beginning in zip(self._at["key_beginnings"], by_ending, strict=False):
            row[0], row[-len(beginning) :] = len(beginning), np.frombuffer(beginning.encode(), np.uint8)
        names = [(name.text.encode(), len(name.text), name.owner, name.kind) for name in self.names]
        if len(names) > len(self._at["names"]):
            message = "there are more names than the program has room for"
            raise ValueError(message)
        self._at["names"][: len(names)] = names
        depth_max = min(log_format.depth_max, _DEPTH_MAX)
        self._call("set_up", len(names), depth_max, log_format.time_zone in (None, "UTC"))
        for code in range(128):
            self._at["identifier_characters"][code] = IDENTIFIER.fullmatch(chr(code)) is not None

    def _text(self, of: str, number: int) -> bytes:
        """Return the text that has a number: ``of`` the shapes, or of the keys."""
        at = int(self._at[f"{of}.at"][number])
        return bytes(self._at[f"{of}.texts"][at : at + int(self._at[f"{of}.sizes"][number])].data)

    def _arrays(self) -> dict[str, Array]:
        """Return its arrays by their names, as ``shared`` of ``kernel.c`` states them."""
        found: dict[str, Array] = {}
        for at in count(self._call("shared"), _STATED_BYTES):
            stated = self._memory[at : at + _STATED_BYTES].view("u4")
            name, begin, size, row_size, element_size = stated.tolist()
            if not name:
                break
            array = self._memory[begin : begin + size].view(_TYPES[element_size])
            text, *_ = self._memory[name : name + _STATED_NAME_MAX].tobytes().split(b"\0", 1)
            found[text.decode()] = array.reshape(-1, row_size // element_size) if row_size else array
        return found

    def _call(self, name: str, *arguments: int) -> Any:
        return self._exports[name](self._store, *arguments)


def has_kernel() -> bool:
    """Whether the program can run here: it reads the line of a made-up log."""
    try:
        program = Program(LogFormat())
        line = b'{"ts": "2026-03-01T06:51:19Z"}\n'
        return len(program.read(line).lines) == 1
    except (ImportError, OSError, ValueError, ProgramFailed):
        return False


atexit.register(compiled.cache_clear)  # wasmtime cannot give it back once the interpreter has gone
