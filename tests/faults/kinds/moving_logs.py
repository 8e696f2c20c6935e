"""Logs move while they are collected: half written, rotated, compressed, copied and truncated, replaced, cut.

A writer and its rotation do what they like, in an order that chance chooses; between their steps the workspace is
collected, or a whole night is run. Compressed logs also grow byte by byte, and are cut at every byte. Once the writer
has stopped, every request of which a log with the whole line was there when it was collected, or is there at the end,
is billed once. What is gone is told where a collection had seen a part of it: no one can tell what no one saw.

Owns the logs' ways. Does not own how a log is known again (``pipeline.collectors.logs.lineage``).
"""

from __future__ import annotations

import gzip
import json
import random
import shutil
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import lives
from quick import WHOLE
from tally import Tally
from workspaces import make_workspace, plain

from pipeline.base.zstd import zstd
from pipeline.cli.context import EXIT_BAD_INPUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from quick import Share
    from workspaces import Done

SEED = 16
LIVES = 200
"""Lives of a log in a whole run."""
MOVES = 40
"""Of a life."""
NIGHT = ("nightly", "--as-of", "2026-11-02")
COLLECT = ("collect",)
LIVE = "app.jsonl"
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda content: gzip.compress(content, mtime=0),
    "zst": zstd.compress,
}
_CUTS = ("ends_inside_member", "no line end yet", "document_not_whole")
"""How a cut is told; the last of what is a part of the first line, which may be a document over several."""
OUTCOMES = frozenset({"billed once", "gone before anybody saw it", "told", "a cut was told"})


def line_of(request: int) -> bytes:
    """Return a logged response of so many prompt tokens as its number: no two are the same."""
    day = 1 + request % 28
    return plain(f"2026-10-{day:02}T10:00:00Z", id=f"r-{request}", prompt=request).encode() + b"\n"


def requests_in(content: bytes) -> set[int]:
    """Return the requests whose whole lines are in a log."""
    found = set()
    for line in content.split(b"\n")[:-1]:
        try:
            found.add(json.loads(line)["response"]["usage"]["prompt_tokens"])
        except ValueError:
            continue  # what a truncation has put together
    return found


def plain_bytes(path: Path) -> bytes:
    """Return what a log says, compressed or not, up to where a cut one can be read."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        found, rest = b"", content
        while rest:
            member = zlib.decompressobj(wbits=31)
            try:
                found += member.decompress(rest)
            except zlib.error:
                return found
            rest = member.unused_data
        return found
    if path.suffix == ".zst":
        found, rest = b"", content
        while rest:
            frame = zstd.ZstdDecompressor()
            try:
                found += frame.decompress(rest)
            except zstd.ZstdError:
                return found
            rest = frame.unused_data
        return found
    return content


@dataclass(slots=True)
class Gateway:
    """What writes the logs of a workspace, and what moves them."""

    folder: Path
    chance: random.Random
    written: int = 0
    """Requests that were written, or begun: they are numbered from 1."""
    pending: bytes = b""
    """The rest of a line that is half written."""
    number: int = 0
    """Of rotated logs."""
    compressing: tuple[Path, Path, bytes] | None = None
    """A rotated log, the file that it is compressed into, and the bytes that are not yet in it."""
    copying: Path | None = None
    """The copy after which the live log will be truncated."""
    moves: list[str] = field(default_factory=list)

    def move(self) -> str:
        """Do one thing, and say what."""
        name, do = self.chance.choice(list(self._possible()))
        do()
        self.moves.append(name)
        return name

    def stop(self) -> None:
        """Finish what was begun: the half line, the compression, the copy."""
        if self.pending:
            self._finish_line()
        if self.compressing:
            self._compress_rest()
        if self.copying:
            self._truncate()

    @property
    def live(self) -> Path:
        """Return the log that is written to."""
        return self.folder / LIVE

    def _possible(self) -> Iterator[tuple[str, Callable[[], None]]]:
        if self.pending:
            yield "a line grew", self._grow_line
            yield "a half line was finished", self._finish_line
        else:
            yield from [("lines were written", self._write)] * 3
            yield "a line was half written", self._write_half
            yield from (
                (f"a member of {kind} was appended", lambda kind=kind: self._append(kind)) for kind in COMPRESSORS
            )
        if self.copying:
            yield "it was truncated", self._truncate
        elif self.live.exists():
            if not self.pending:
                yield "it was rotated", self._rotate
                yield "it was replaced", self._replace
            yield "it was copied, to be truncated", self._copy
        rotated = [path for path in self.folder.glob(f"{LIVE}.*") if path.suffix not in {".gz", ".zst"}]
        if self.compressing:
            yield "a bit more was compressed", self._compress_more
            yield "a compression was finished", self._compress_rest
        elif rotated:
            yield "a compression was begun", lambda: self._compress(self.chance.choice(rotated))
        if rotated and not self.compressing:
            yield "a rotated log was deleted", lambda: self.chance.choice(rotated).unlink()

    def _add(self, content: bytes) -> None:
        with self.live.open("ab") as log:
            log.write(content)

    def _next(self) -> bytes:
        self.written += 1
        return line_of(self.written)

    def _write(self) -> None:
        for _ in range(self.chance.randint(1, 4)):
            self._add(self._next())

    def _write_half(self) -> None:
        line = self._next()
        at = self.chance.randint(1, len(line) - 1)
        self._add(line[:at])
        self.pending = line[at:]

    def _grow_line(self) -> None:
        at = self.chance.randint(0, len(self.pending) - 1)
        self._add(self.pending[:at])
        self.pending = self.pending[at:]

    def _finish_line(self) -> None:
        self._add(self.pending)
        self.pending = b""

    def _append(self, kind: str) -> None:
        with (self.folder / f"members.{kind}").open("ab") as log:
            log.write(COMPRESSORS[kind](b"".join(self._next() for _ in range(self.chance.randint(1, 3)))))

    def _rotate(self) -> None:
        self.number += 1
        self.live.rename(self.folder / f"{LIVE}.{self.number}")

    def _replace(self) -> None:
        """Put another log in its place, as a program does that begins anew on every start; what was there is gone."""
        other = self.folder.parent / "other.jsonl"
        other.write_bytes(self._next())
        other.rename(self.live)

    def _copy(self) -> None:
        self.number += 1
        self.copying = self.folder / f"{LIVE}.{self.number}"
        shutil.copyfile(self.live, self.copying)

    def _truncate(self) -> None:
        """Truncate what was copied; what was written since is gone, and of a half line the rest comes first."""
        self.live.write_bytes(b"")
        self.copying = None

    def _compress(self, rotated: Path) -> None:
        kind = self.chance.choice(list(COMPRESSORS))
        content = rotated.read_bytes()
        at = content.rfind(b"\n", 0, len(content) // 2) + 1
        members = [content[:at], content[at:]] if at and self.chance.random() < 1 / 2 else [content]
        into = rotated.with_name(f"{rotated.name}.{kind}")
        into.write_bytes(b"")
        self.compressing = (rotated, into, b"".join(COMPRESSORS[kind](member) for member in members))
        self._compress_more()

    def _compress_more(self) -> None:
        assert self.compressing is not None
        rotated, into, rest = self.compressing
        at = self.chance.randint(0, len(rest))
        with into.open("ab") as log:
            log.write(rest[:at])
        self.compressing = (rotated, into, rest[at:])

    def _compress_rest(self) -> None:
        assert self.compressing is not None
        rotated, into, rest = self.compressing
        with into.open("ab") as log:
            log.write(rest)
        rotated.unlink()
        self.compressing = None


def tried(scratch: Path, *, every: int, share: Share = WHOLE) -> Tally:
    """Let ``LIVES / every`` logs live; cut compressed ones at every ``every``-th byte, and let them grow so."""
    tally = Tally("moving_logs", OUTCOMES)
    for number in share.in_turn(range(-(-LIVES // every))):
        life(tally, make_workspace(scratch / "moving"), random.Random(f"{SEED} {number}"), f"life {number}")
        shutil.rmtree(scratch / "moving")
    for kind, members in share.in_turn([(kind, members) for members in (1, 3) for kind in COMPRESSORS]):
        content = b"".join(
            COMPRESSORS[kind](b"".join(line_of(3 * member + each) for each in range(1, 4))) for member in range(members)
        )
        _cut(tally, scratch, f"{members} members of {kind}", kind, content, every)
    return tally


def life(tally: Tally, root: Path, chance: random.Random, where: str) -> None:
    """Let a log live, and check what is billed of it."""
    gateway = Gateway(root / "logs", chance)
    whole: set[int] = set()
    in_part: dict[int, int] = {}
    """Requests of which a collection met the beginning of a line, by the place of what it said."""
    said: list[Done] = []
    for _ in range(MOVES):
        tally.injected[gateway.move()] += 1
        if chance.random() < 1 / 3:
            seen, half = _seen(gateway)
            whole |= seen
            if half:
                in_part[half] = len(said)
            said.append(lives.run(root, chance.choice((COLLECT, COLLECT, NIGHT))))
    gateway.stop()
    seen, _ = _seen(gateway)
    whole |= seen
    said += [lives.run(root, NIGHT) for _ in range(2)]  # the second finds nothing new
    _look_at_ends(tally, said, where)
    check_billed(tally, root, whole, f"{where}: {'; '.join(gateway.moves)}")
    for request in set(range(1, gateway.written + 1)) - whole:
        if request not in in_part:
            tally.outcomes["gone before anybody saw it"] += 1
        elif any("tail_unread" in each.stderr or "invalid_json" in each.stderr for each in said[in_part[request] :]):
            tally.outcomes["told"] += 1
        elif any("no line end yet" in each.stderr for each in (said[in_part[request]], said[-1])):
            tally.outcomes["told when half of it was seen"] += 1
        else:
            tally.silent.append(f"{where}: request {request} is gone, and its beginning was seen: {gateway.moves}")


def _look_at_ends(tally: Tally, said: list[Done], where: str) -> None:
    """Let runs end well, or by telling that the first that a new source shows, half a line, is kept out until later."""
    for each in said:
        if each.returncode == EXIT_BAD_INPUT and "nothing of it was collected" in each.stderr:
            tally.outcomes["told"] += 1
        elif each.returncode:
            tally.silent.append(f"{where}: ended with {each.returncode}: {each.stderr[-300:]}")


def _seen(gateway: Gateway) -> tuple[set[int], int | None]:
    """Return the requests that a collection can read now, and that of a half line."""
    found: set[int] = set()
    for path in gateway.folder.iterdir():
        found |= requests_in(plain_bytes(path))
    written = gateway.live.read_bytes() if gateway.live.exists() else b""
    is_half = gateway.pending and written and not written.endswith(b"\n")  # not where it was truncated since
    return found, gateway.written if is_half else None


def check_billed(tally: Tally, root: Path, expected: set[int], where: str) -> None:
    """Check that these requests, by their tokens, are in the lake, and what is billed is each of them once."""
    rows = json.loads(lives.run(root, ("sql", "select distinct prompt_tokens from usage_events", "-o", "json")).stdout)
    found = {row["prompt_tokens"] for row in rows["rows"]}
    if expected - found:
        tally.lost.append(f"{where}: requests {sorted(expected - found)}")
    if found - expected:
        tally.doubled.append(f"{where}: requests {sorted(found - expected)} that no log has")
    rows = json.loads(lives.run(root, ("sql", "select sum(quantity) as tokens from usage_daily", "-o", "json")).stdout)
    billed = int(rows["rows"][0]["tokens"] or 0)
    if billed != sum(found):
        (tally.doubled if billed > sum(found) else tally.lost).append(f"{where}: {billed} tokens, not {sum(found)}")
    tally.outcomes["billed once"] += len(found)


def _cut(  # noqa: PLR0917 - one log
    tally: Tally, scratch: Path, where: str, kind: str, content: bytes, every: int
) -> None:
    """Collect a log that is cut at a byte, then the whole; and one that grows by so many bytes each time."""
    growing = make_workspace(scratch / "growing")
    expected = {1 + number for number in range(3 * (3 if where.startswith("3") else 1))}
    for at in range(0, len(content), every):
        root = make_workspace(scratch / "cut")
        for each in (root, growing):
            (each / "logs" / f"app.{kind}").write_bytes(content[:at])
        tally.injected[f"cut in {where}"] += 1
        done = lives.run(root, COLLECT)
        if any(told in done.stderr for told in _CUTS):
            tally.outcomes["a cut was told"] += 1
        elif at and not _is_boundary(kind, content[:at]):
            tally.silent.append(f"{where}, cut at {at}: nothing was told: {done.stderr!r}")
        lives.run(growing, COLLECT)
        (root / "logs" / f"app.{kind}").write_bytes(content)
        lives.run(root, NIGHT)
        check_billed(tally, root, expected, f"{where}, cut at {at}")
        shutil.rmtree(root)
    (growing / "logs" / f"app.{kind}").write_bytes(content)
    lives.run(growing, NIGHT)
    check_billed(tally, growing, expected, f"{where}, grown")
    shutil.rmtree(growing)


def _is_boundary(kind: str, content: bytes) -> bool:
    """Say whether a compressed log is whole as it is."""
    try:
        if kind == "gz":
            gzip.decompress(content)
        else:
            rest = content
            while rest:
                frame = zstd.ZstdDecompressor()
                frame.decompress(rest)
                if not frame.eof:
                    return False
                rest = frame.unused_data
    except (EOFError, OSError, zlib.error, zstd.ZstdError):
        return False
    return True
