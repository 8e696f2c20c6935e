"""The relations of ``sql/``.

One SELECT per file, the file's name is the relation's, built in an order in which each comes after what it reads.

A file may say ``-- kept as: table``; the others are views. Only kept relations and checks may have bound
``$parameters``. Lists of columns are named (``pipeline.warehouse.lists``); a relation's text has them written out.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pipeline.base.errors import ConfigurationError
from pipeline.base.resources import sql_folder
from pipeline.warehouse.lists import written_out

if TYPE_CHECKING:
    from collections.abc import Iterable


_NAME = re.compile(r"[a-z][a-z0-9_]*")
PARAMETER = re.compile(r"\$([a-z_]+)")
"""A bound parameter, by its name."""
_READ = re.compile(r"\b(?:from|join)\s+([a-z][a-z0-9_]*)")
_OWN = re.compile(r"([a-z][a-z0-9_]*) as \(")
"""A common table expression, by its name."""
_NO_CODE = re.compile(r"--[^\n]*|'[^']*'")
LAYERS = ("staging", "intermediate", "marts")
Severity: TypeAlias = Literal["blocking", "advisory"]
"""What a broken claim does, and the folder of ``sql/checks`` that its file lies in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One SELECT: its name, its text, the tables it reads and its parameters."""

    name: str
    sql: str
    reads: frozenset[str]
    parameters: frozenset[str]
    is_kept: bool

    @classmethod
    def of(cls, file: Path, sql: str) -> Relation:
        """Understand the text of a file: it reads what stands behind ``from`` and ``join``.

        The engine's parser says the same, and to ask it took a tenth of counting a small lake: a test does.
        """
        if not _NAME.fullmatch(file.stem):
            message = f"{file}: the file's name is the relation's, in lower case letters, digits and _"
            raise ConfigurationError(message)
        code = _NO_CODE.sub("", sql)
        return cls(
            name=file.stem,
            sql=sql,
            reads=frozenset(_READ.findall(code)) - frozenset(_OWN.findall(code)),
            parameters=frozenset(PARAMETER.findall(code)),
            is_kept="-- kept as: table\n" in sql,
        )


def load_relations(folder: Path) -> dict[str, Relation]:
    """Read the relations of all layers below ``folder``, in an order in which each comes after what it reads."""
    return dict(_in_order(_files(folder), folder))


def load_checks(folder: Path, severity: Severity) -> dict[str, Relation]:
    """Read the checks of one severity by name: what there is, is asked."""
    return dict(_relations(_files(folder), folder / "checks" / severity))


def check_names(folder: Path, severity: Severity) -> frozenset[str]:
    """Return the names of the checks of one severity, without reading them."""
    return frozenset(file.stem for file in (folder / "checks" / severity).glob("*.sql"))


def needed_for(relations: dict[str, Relation], wanted: Iterable[str]) -> list[Relation]:
    """Return what must be built for ``wanted``, in order."""
    needed: set[str] = set()
    pending = [name for name in wanted if name in relations]
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending.extend(relations[name].reads & relations.keys())
    return [relation for name, relation in relations.items() if name in needed]


def sql_digest() -> str:
    """Return the sha256 (hex) over what is run, with the places of its files.

    A check that moves to another folder is another check; a column that the lists have is another text.
    """
    folder = sql_folder()
    return _digest(_files(folder), folder)


class _File(NamedTuple):
    """A file as it lies there: where any of this is another, it is read again."""

    path: str
    number: int
    written_at: int
    size: int


def _files(folder: Path) -> tuple[_File, ...]:
    """List the files with SQL below a folder. A run asks some fifty times, and to read them all takes 3 ms each."""
    found: list[_File] = []
    pending = [str(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    pending.append(entry.path)
                elif entry.name.endswith(".sql"):
                    stat = entry.stat()
                    found.append(_File(entry.path, stat.st_ino, stat.st_mtime_ns, stat.st_size))
    return tuple(sorted(found))


@lru_cache(maxsize=8)
def _texts(files: tuple[_File, ...]) -> dict[Path, str]:
    paths = sorted(Path(file.path) for file in files)
    return {path: written_out(path.read_text(encoding="utf-8"), path) for path in paths}


@lru_cache(maxsize=8)
def _digest(files: tuple[_File, ...], folder: Path) -> str:
    digest = hashlib.sha256()
    for path, text in _texts(files).items():
        content = text.encode("utf-8")
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@lru_cache(maxsize=8)
def _in_order(files: tuple[_File, ...], folder: Path) -> dict[str, Relation]:
    relations = {name: each for layer in LAYERS for name, each in _relations(files, folder / layer).items()}
    graph = {name: relation.reads & relations.keys() for name, relation in relations.items()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        message = f"{folder}: relations read each other in a circle: {' -> '.join(error.args[1])}"
        raise ConfigurationError(message) from error
    return {name: relations[name] for name in order}


@lru_cache(maxsize=32)
def _relations(files: tuple[_File, ...], folder: Path) -> dict[str, Relation]:
    return {path.stem: Relation.of(path, text) for path, text in _texts(files).items() if path.parent == folder}
