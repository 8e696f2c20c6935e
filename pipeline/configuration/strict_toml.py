"""TOML files of the workspace, read strictly.

Every key is known, every value has its type, every refusal has its address.

Owns how a value is fetched from a table and how a refusal names file, table, key and value. Does not own what any file
may say (``settings``, ``accounts`` and ``rate_cards`` do).
"""

from __future__ import annotations

import decimal
import re
import stat
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.base.raw_keys import masked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.base.errors import ConfigurationError

_VALUE_CHARACTERS_MAX = 80
_FILE_BYTES_MAX = 2**26
"""Ten times what 100,000 accounts take."""
_DEEP_KEY = re.compile(
    r"(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|\"[^\"\n]{0,200}\"|'[^'\n]{0,200}')[ \t]*+\.[ \t]*+){64}"
)
"""A key of parts between dots. The memory that tomllib takes grows by the square of them: 50,000 take 10 GB."""
_AT_LINE = re.compile(r" \(at line ([0-9]+), column [0-9]+\)$")
_NAMES = re.compile(r"\[+([^\[\]]+)\]+")
_AT_END = " (at end of document)"

_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a TOML file, with the address that its refusals begin with."""

    file: str
    """As a person would name it: ``rates/standard.toml``."""
    name: str
    """``""`` for the top of the file, ``[policy]``, or ``[[rates]] 2`` for the second of its kind."""
    values: Mapping[str, Any]
    error: type[ConfigurationError]
    """What a refusal is raised as."""
    outer: Table | None = None
    """The table that it lies in."""
    known: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    """The keys that it may have, once ``allow_only`` was asked."""

    @property
    def address(self) -> str:
        """File and table, as refusals begin: ``rates/standard.toml: [[rates]] 2``."""
        return f"{self.file}: {self.name}" if self.name else self.file

    def refusal(self, what: str) -> ConfigurationError:
        """Make the error that says what is wrong with this table."""
        return self.error(f"{self.address}: {what}")

    def allow_only(self, *keys: str) -> None:
        """Raise for a key that is not among these: a misspelt key must not be a silent default.

        One that the table around this one may have was written below its head, where TOML takes it for this one's.
        """
        self.known.update(keys)
        for key in self.values:
            if key not in keys:
                import difflib  # noqa: PLC0415  # only for a refusal

                close = difflib.get_close_matches(key, keys, n=1, cutoff=0.5)
                hint = self._where_it_belongs(key) or (f"did you mean {close[0]!r}? " if close else "")
                what = f"unknown key {key!r}; {hint}allowed here: {', '.join(dict.fromkeys(keys))}"
                raise self.refusal(what)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string that is not blank; raise where it is missing and there is no default."""
        value = self.values.get(key, default)
        if value is None:
            raise self._missing(key, "a string")
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, value, "a string that is not empty")
        return value

    def texts(self, key: str, *, is_shown: bool = True) -> tuple[str, ...]:
        """Return a list of strings that are not blank; raise where it is missing.

        Values that may be secret are not shown.
        """
        value = self.values.get(key)
        if value is None:
            raise self._missing(key, "a list of strings")
        if not isinstance(value, list):
            raise self._wrong(key, value if is_shown else type(value).__name__, "a list of strings")
        for number, item in enumerate(value, start=1):
            if not isinstance(item, str) or not item.strip():
                where = f"{key}, entry {number},"
                raise self._wrong(where, item if is_shown else type(item).__name__, "a string that is not empty")
        return tuple(value)

    def integer(self, key: str, *, default: int, smallest: int, greatest: int) -> int:
        """Return a whole number of ``smallest`` to ``greatest``."""
        value = self.values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not smallest <= value <= greatest:
            raise self._wrong(key, value, f"a whole number from {smallest} to {greatest}")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a truth value."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, value, "true or false")
        return value

    def choice(self, key: str, default: _Choice) -> _Choice:
        """Return one of a few words: a member of the default's enumeration."""
        choices = type(default)
        value = self.values.get(key, default.value)
        if not isinstance(value, str) or value not in {choice.value for choice in choices}:
            raise self._wrong(key, value, " or ".join(f'"{choice}"' for choice in choices))
        return choices(value)

    def table(self, key: str) -> Table:
        """Return a sub-table; one that is missing is empty."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            how = f"{key} = {{ … }}" if self.name.startswith("[[") else f"[{self._path(key)}] on a line of its own"
            raise self._wrong(key, value, f"a table; write {how}")
        return Table(file=self.file, name=f"[{key}]", values=value, error=self.error, outer=self)

    def tables(self, key: str) -> tuple[Table, ...]:
        """Return the tables of a list, numbered from 1; a list that is missing is empty."""
        if key not in self.values:
            return ()
        value = self.values[key]
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._wrong(key, value, f"a list of tables; write [[{self._path(key)}]] above each")
        return tuple(
            Table(file=self.file, name=f"[[{key}]] {number}", values=item, error=self.error, outer=self)
            for number, item in enumerate(value, start=1)
        )

    def _where_it_belongs(self, key: str) -> str:
        outer = self.outer
        while outer is not None and key not in outer.known:
            outer = outer.outer
        if outer is None:
            return ""
        return f"it is a key of {outer.name or 'the file itself'}, so write it above this table; "

    def _path(self, key: str) -> str:
        """Return what a table within this one is called where it stands alone: ``accounts.terms``."""
        return ".".join((*_NAMES.findall(self.name), key))

    def _missing(self, key: str, kind: str) -> ConfigurationError:
        return self.refusal(f"{key} is missing; it is {kind}")

    def _wrong(self, key: str, value: object, kind: str) -> ConfigurationError:
        return self.refusal(f"{key} is {value_text(value)}; it must be {kind}")


def inner_table(table: Table, name: str, values: Mapping[str, Any]) -> Table:
    """Return a table within a table, whose refusals name both."""
    return Table(file=table.file, name=f"{table.name} {name}".strip(), values=values, error=table.error, outer=table)


def read_table(path: Path, *, file: str, error: type[ConfigurationError]) -> Table | None:
    """Read a TOML file into its top table; None where there is no such file.

    Raises ``error`` where it cannot be read.
    """
    content = configured_bytes(path, file=file, error=error)
    return None if content is None else table_from_toml(content, file=file, error=error)


def configured_bytes(path: Path, *, file: str, error: type[ConfigurationError]) -> bytes | None:
    """Return what a file of the configuration holds; None where there is no such file.

    Raises ``error`` for whatever is there and cannot be read: a folder, a pipe, which would be waited for, a link that
    leads nowhere, which would be taken for a file that nobody wrote.
    """
    try:
        found = path.stat()
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            message = f"{file} cannot be read: it is no regular file"
            raise error(message)
        if found.st_size > _FILE_BYTES_MAX:
            message = f"{file} has {found.st_size} bytes, and {_FILE_BYTES_MAX} at most are read; make it smaller"
            raise error(message)
        return path.read_bytes()
    except FileNotFoundError:
        if not path.is_symlink():
            return None
        message = f"{file} cannot be read: it is a link, and what it leads to is not there; restore that, or remove it"
        raise error(message) from None
    except OSError as refused:
        message = f"{file} cannot be read: {refused.strerror}"
        raise error(message) from refused


def table_from_toml(content: bytes, *, file: str, error: type[ConfigurationError]) -> Table:
    """Parse TOML with exact decimals; the message of a refusal names file and line."""
    import tomllib  # noqa: PLC0415  # who reads logs without a workspace reads none

    try:
        text = content.decode("utf-8-sig")
        if deep := _DEEP_KEY.search(text):
            message = f"{file}, line {_line_at(text[: deep.start()].encode())}: a key of more than 64 parts"
            raise error(message)
        values = tomllib.loads(text, parse_float=_exact)
    except UnicodeDecodeError as wrong:
        message = f"{file}, line {_line_at(content[: wrong.start])}: a byte that is not UTF-8; save the file as UTF-8"
        raise error(message) from wrong
    except (ValueError, RecursionError) as wrong:
        said = str(wrong)
        match = _AT_LINE.search(said)
        line = match[1] if match else _line_at(content)
        message = f"{file}, line {line}: not TOML: {_AT_LINE.sub('', said).removesuffix(_AT_END)}"
        raise error(message) from wrong
    return Table(file=file, name="", values=values, error=error)


def value_text(value: object) -> str:
    """Write a TOML value for a message: as in the file, cut where it is long, and without what may be a raw key."""
    if isinstance(value, bool):
        return str(value).lower()
    text = masked(repr(value) if isinstance(value, (str, list, dict)) else str(value))
    return text if len(text) <= _VALUE_CHARACTERS_MAX else f"{text[:_VALUE_CHARACTERS_MAX]}…"


def _exact(text: str) -> Decimal:
    try:
        return Decimal(text)
    except decimal.InvalidOperation as refused:
        message = f"the number {text[:_VALUE_CHARACTERS_MAX]} is out of every range"
        raise ValueError(message) from refused


def _line_at(content: bytes) -> int:
    return content.count(b"\n") + 1
