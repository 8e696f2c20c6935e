"""What the engine is asked a second time, of the same rows by the same text, is answered as it was the first time.

Most of what a command takes on a small workspace is the engine, and most tests of commands count the same few events
as their neighbours do, or as the command before. What the engine answers follows from the rows and the text alone
(``tests/engines``, ``tests/warehouse``); so a question is known by all that a session was given and told to build, in
that order, byte by byte. Whatever differs in any of it is another question.

What is the same for all questions is made once too: one database that may read below one folder, where all workspaces
lie, and the list of the files of ``sql/``, which no test writes to.

Owns that, for a process in which it is put in place. Not for the suites that leave nothing out: ``tests/conftest.py``
says for which.
"""

from __future__ import annotations

import copy
import hashlib
import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.base.resources import sql_folder
from pipeline.objects.encoded.parquet_bytes import SomeRows, path_of
from pipeline.warehouse import relations
from pipeline.warehouse.engines import on_duckdb
from pipeline.warehouse.engines.engine import SUSPECTS_RELATION
from pipeline.warehouse.engines.on_duckdb import OnDuckDb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pytest

    from pipeline.objects.encoded.parquet_bytes import FileRows
    from pipeline.warehouse.engines.engine import Parameters, Rows
    from pipeline.warehouse.engines.on_duckdb import DuckDbSession
    from pipeline.warehouse.relations import Relation

KEPT_MAX = 50_000
_GLOB_CHARACTERS = frozenset("*?[]{}")

kept: dict[str, Any] = {}
"""The answers of this process, by their questions."""
asked = {"before": 0, "now": 0}
"""How many questions had been asked before, and how many were asked of the engine."""


@dataclass
class OnceSession:
    """A session that is opened when a question comes that was not asked before."""

    open: Callable[[], DuckDbSession]
    told: list[Callable[[DuckDbSession], None]] = field(default_factory=list)
    """What the engine was not told yet."""
    digest: str = ""
    """Of all that was told."""
    _session: DuckDbSession | None = None

    @property
    def connection(self) -> Any:
        """That of the engine, for tests that ask it something else."""
        return self._opened().connection

    def give_usage_events(self, files: Sequence[FileRows]) -> None:
        """See ``Session``."""
        self._tell(lambda session: session.give_usage_events(files), "events", *_contents(files))
        if any(_GLOB_CHARACTERS & set(str(file)) for file in files):
            self._opened()  # is refused, by name

    def give_suspects(self, files: Sequence[FileRows]) -> Callable[[], None]:
        """See ``Session``. They are looked for when they are waited for."""
        question = _digest("suspects", *_contents(files))
        return lambda: self.give(SUSPECTS_RELATION, _answer(question, lambda: on_duckdb.suspected_identities(files)))

    def give(self, name: str, rows: pa.Table) -> None:
        """See ``Session``."""
        self._tell(lambda session: session.give(name, rows), "give", name, _bytes_of(rows))

    def create(self, relation: Relation, parameters: Parameters) -> None:
        """See ``Session``."""
        words = (relation.name, str(relation.is_kept), relation.sql, parameters)
        self._tell(lambda session: session.create(relation, parameters), "create", *words)

    def fetch(self, name: str, schema: pa.Schema) -> pa.Table:
        """See ``Session``."""
        question = _digest(self.digest, "fetch", name, schema.to_string())
        return _answer(question, lambda: self._opened().fetch(name, schema))

    def rows(self, check: Relation, parameters: Parameters) -> Rows:
        """See ``Session``."""
        question = _digest(self.digest, "rows", check.sql, parameters)
        rows: Rows = _answer(question, lambda: self._opened().rows(check, parameters))
        return copy.deepcopy(rows)

    def _tell(self, what: Callable[[DuckDbSession], None], *words: object) -> None:
        self.digest = _digest(self.digest, *words)
        self.told.append(what)

    def _opened(self) -> DuckDbSession:
        if self._session is None:
            self._session = self.open()
        while self.told:
            self.told.pop(0)(self._session)
        return self._session


def put_in_place(patch: pytest.MonkeyPatch, *, below: Path | None = None) -> None:
    """Answer so whatever asks DuckDB through ``OnDuckDb``.

    Of lakes ``below`` a folder, all by one database, which may read there and spills nowhere: to make one a workspace
    took longer than to count most of them. Others have their own.
    """
    begin, folder, listed = OnDuckDb.session, sql_folder(), relations._files  # noqa: SLF001  # lists it at each question

    @contextmanager
    def session(self: OnDuckDb) -> Iterator[OnceSession]:
        is_below = below is not None and below in self.lake.resolve().parents
        asked_there = replace(self, lake=below, spill=None) if is_below else self
        with ExitStack() as stack:
            yield OnceSession(open=lambda: stack.enter_context(begin(asked_there)))

    patch.setattr(OnDuckDb, "session", session)
    files = listed(folder)
    patch.setattr(relations, "_files", lambda of: files if of == folder else listed(of))


def _answer(question: str, ask: Callable[[], Any]) -> Any:
    if question in kept:
        asked["before"] += 1
        return kept[question]
    asked["now"] += 1
    found = ask()
    if len(kept) >= KEPT_MAX:
        kept.clear()
    kept[question] = found
    return found


def _contents(files: Sequence[FileRows]) -> list[bytes]:
    """Return what tells files from others: their bytes, and which of their rows are meant."""
    spans = [repr(file.spans).encode() if isinstance(file, SomeRows) else b"" for file in files]
    return [hashlib.sha256(each + path_of(file).read_bytes()).digest() for file, each in zip(files, spans, strict=True)]


def _bytes_of(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return hashlib.sha256(sink.getvalue()).digest()


def _digest(*words: object) -> str:
    digest = hashlib.sha256()
    for word in words:
        content = word if isinstance(word, bytes) else json.dumps(word, sort_keys=True, default=repr).encode()
        digest.update(f"{len(content)}:".encode() + content)
    return digest.hexdigest()
