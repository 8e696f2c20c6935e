"""Canaries, and the search for them in whatever was written, however it was packed or spelled.

A canary is a text that may never leave a log: a raw key, a prompt, a completion. It is found as it is, in either case
of its letters, backwards, in hex, in base64 at each of its three offsets, percent-encoded, and as any piece of
``PIECE`` characters of these.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pypdf import PdfReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PIECE = 12
"""So many characters of a canary in a row are too many. Ids, digests and words meet none by chance."""
KEYS = (
    "sk-c4N7rYkQ2mV9xT5bW8eZ1pL6",
    "sk-proj-h3GjU0oS4aD7fK1qX8cB",
    "sk-ant-api03-R5tN2vM9wJ6yH1zL4kE8-uQ_AA",
    "sk-or-v1-d81c05f3a97b64e20d81c05f3a97b64e",
    "gsk_P8sF3dA6gH1jK9lZ4xC7vB2n",
    "AIzaSyE4rT7yU1iO0pA3sD6fG9hJ2kL5zX8cV1b",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjNG5hcnkifQ.bTdRMnRaOXZYNHdLOGNM",
    "xai-V6bN9mQ2wE5rT8yU1iO4pA7sD0fG3hJ6",
    "hf_kLzXcVbNmAsDfGhJqWeRtYuIoP",
    "r8_Xw3Ze6Cr9Vt2By5Nu8Mi1Kl4Oj7Ph0QgA5s",
    "pplx-9d2f5b8e1a4c7f0d3b6e9a2c5f8b1e4d",
    "nvapi-T1gB6yH2nU7jM3iK8oL4pZ9aQ5wS",
    "csk-e5rf8tg2yh6uj9ik3ol7pq4wz1ax",
    "ghp_J2kH5gF8dS1aQ4wE7rT0yU3iO6pL9zXcVbNm",
    "github_pat_11ABQ7W2E0k9RtYu_Zx3Cv6Bn8Ml1Kj4Hg5Fd",
    "glpat-Zt4Qw8Lr2Mv6Bx9Ny3Kd",
    "fw_3ZqX7vB1nM5kL9jH2gF4dS6a",
    "AQ.Ab8RN6Kc2Vd5Hq9Lt3Zw7Xm1Pf4Js8Gy0",
    "ya29.a0Rt5Yu8Io2Pl4Kj7Hg1Fd",
    "ABSKQmVkcm9ja0FQSUtleS03ZTJ4OXY1bjFrOGo0aDZnM2YwZDJz",
)
"""Raw keys of the forms that providers give: one of each, of no account of anybody."""

WRITTEN = {
    place: f"quiet lynx {hashlib.sha256(place.encode()).hexdigest()[:12]}, of moss"
    for place in (
        *("prompt", "completion", "reasoning", "arguments of a tool", "metadata", "user", "name of a file", "error"),
        *("system", "image", "header", "cookie", "query", "broken", "beside", "name of a field", "batch", "piece"),
    )
}
"""What customers wrote, or what was written to them, by where it stands."""
SECRET = "a-secret-of-key-ids-that-nobody-may-ever-read-2Kx9"  # noqa: S105 - made up


def spelled_otherwise(canary: str) -> Iterator[bytes]:
    """Yield the ways in which a canary may be spelled; pieces of them are looked for in small letters."""
    raw = canary.encode()
    yield raw
    yield raw[::-1]
    yield raw.hex().encode()
    yield "".join(f"%{byte:02x}" for byte in raw).encode()
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + raw)
        yield text[(0, 2, 3)[offset] : len(text) - 4]


class Search:
    """Looks for pieces of canaries in bytes."""

    def __init__(self, canaries: Iterable[str]) -> None:
        """Cut every spelling of every canary into pieces, and remember whose each is."""
        self._whose = {
            spelling[at : at + PIECE].lower(): canary
            for canary in canaries
            for spelling in spelled_otherwise(canary)
            for at in range(len(spelling) - PIECE + 1)
        }

    def __call__(self, written: bytes) -> set[str]:
        """Return the canaries of which at least a piece is there."""
        text = written.lower()
        found = set()
        for spread in {text, text.replace(b"\0", b"")}:  # UTF-16 too
            pieces = {spread[at : at + PIECE] for at in range(len(spread) - PIECE + 1)}
            found |= {self._whose[piece] for piece in pieces & self._whose.keys()}
        return found


SEARCH = Search((*KEYS, *WRITTEN.values(), SECRET))


def unpacked(name: str, written: bytes) -> Iterator[bytes]:
    """Yield the bytes of a file, and what lies in it where it is packed: streams, members, columns, tables, pages."""
    yield written
    if name.endswith(".gz"):
        yield gzip.decompress(written)
    elif name.endswith((".zip", ".whl")):
        with zipfile.ZipFile(io.BytesIO(written)) as archive:
            for member in archive.namelist():
                yield from unpacked(member, archive.read(member))
    elif name.endswith(".pdf"):
        for stream in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", written, re.DOTALL):
            yield zlib.decompressobj().decompress(stream[1]) if stream[1][:1] == b"\x78" else stream[1]
        yield _text_of_pdf(written).encode("utf-8", "surrogatepass")
    elif written[:4] == b"PAR1":
        ends = [found.start() for found in re.finditer(b"PAR1", written)]
        for begin, end in zip(ends[::2], ends[1::2], strict=True):  # some files of a lake hold several
            table = pq.read_table(pa.BufferReader(written[begin : end + 4]))
            yield repr(table.schema).encode()
            for column in table.columns:
                yield repr(column.to_pylist()).encode("utf-8", "surrogatepass")


def _text_of_pdf(written: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(written)).pages)


def texts_of_database(path: Path) -> Iterator[bytes]:
    """Yield all tables of a database of DuckDB, its views too."""
    with duckdb.connect(str(path), read_only=True) as connection:
        for (name,) in connection.execute("select table_name from information_schema.tables").fetchall():
            yield repr(connection.table(f'"{name}"').fetchall()).encode("utf-8", "surrogatepass")


def found_in_files(folder: Path, search: Search, *, beside: Iterable[Path] = ()) -> dict[str, set[str]]:
    """Return which canaries are in which files of a folder, in their names too; ``beside`` are not looked into."""
    left_out = set(beside)
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*")):
        if path in left_out or not left_out.isdisjoint(path.parents):
            continue
        name = path.relative_to(folder).as_posix()
        parts = [name.encode("utf-8", "surrogateescape")]
        if path.is_file():
            parts += unpacked(path.name, path.read_bytes())
            if path.suffix == ".duckdb":
                parts += texts_of_database(path)
        there = set().union(*map(search, parts))
        if there:
            found[name] = there
    return found
