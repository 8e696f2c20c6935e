"""Request logs of a given size, seeded: equal recipes make equal files. A gigabyte takes well under a minute.

``python -m benchmarks.inputs.generate --kind streams --size 256MB LOG.jsonl[.gz|.zst]`` writes one. Owns files and
sizes; what is in a line is ``lines``' business.
"""

from __future__ import annotations

import gzip
import re
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from benchmarks.inputs.lines import KINDS, Recipe, lines_of
from pipeline.base.zstd import zstd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.inputs.lines import Line

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
_BLOCK_BYTES = 2**22


def number_of(text: str) -> int:
    """Read a size or a count, in powers of ten.

    >>> number_of("256MB"), number_of("20M")
    (256000000, 20000000)
    """
    matched = re.fullmatch(r"([0-9]+)([KMG]?)B?", text.strip().upper())
    if matched is None:
        message = f"{text!r} is no size; write one such as 256MB or 20M"
        raise ValueError(message)
    return int(matched[1]) * _UNITS[matched[2]]


def sized(recipe: Recipe, size: int) -> Iterator[Line]:
    """Yield lines until they have at least ``size`` bytes, terminators included."""
    written = 0
    for line in lines_of(recipe):
        yield line
        written += len(line.content)
        if written >= size:
            return


def write_log(path: Path, recipe: Recipe, size: int) -> int:
    """Write a log of at least ``size`` decompressed bytes, compressed as its name says.

    Return how many lines it has.
    """
    lines, waiting, waiting_bytes = 0, list[bytes](), 0
    with _compressing(path) as file:
        for line in sized(recipe, size):
            lines += 1
            waiting.append(line.content)
            waiting_bytes += len(line.content)
            if waiting_bytes >= _BLOCK_BYTES:
                file.write(b"".join(waiting))
                waiting, waiting_bytes = [], 0
        file.write(b"".join(waiting))
    return lines


def compress(path: Path, suffix: str) -> Path:
    """Write ``path`` once more beside itself, as ``.gz`` or ``.zst``, and return the new path."""
    compressed = path.with_name(path.name + suffix)
    with path.open("rb") as plain, _compressing(compressed) as file:
        while block := plain.read(_BLOCK_BYTES):
            file.write(block)
    return compressed


@contextmanager
def _compressing(path: Path) -> Iterator[IO[bytes]]:
    with path.open("wb") as file:
        if path.suffix == ".gz":
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as compressed:
                yield compressed  # type: ignore[misc]  # a GzipFile writes as any binary file does
        elif path.suffix == ".zst":
            with zstd.ZstdFile(file, "wb", level=3) as compressed:
                yield compressed
        else:
            yield file


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--kind", type=click.Choice(KINDS), default=KINDS[0], show_default=True)
@click.option("--size", default="256MB", show_default=True, help="Decompressed bytes, at least.")
@click.option("--seed", default=1, show_default=True)
@click.option("--prompts/--no-prompts", default=True, help="Log requests with their messages.")
def main(path: Path, kind: str, size: str, seed: int, *, prompts: bool) -> None:
    """Write a request log."""
    lines = write_log(path, Recipe(kind=kind, seed=seed, has_prompts=prompts), number_of(size))
    click.echo(f"{path}: {lines} lines")


if __name__ == "__main__":
    main()
