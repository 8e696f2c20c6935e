"""Keeps out of a process of ours what libraries would load, or start, and no command uses.

Arrow imports pandas wherever it is installed, only to find out that a list is none of its frames, and dateutil to find
out that a text is no span of time; with its Parquet files come the clients of remote file systems, for addresses that
we never give it; numpy puts docstrings together, makes types for five results of its linear algebra, and starts a
thread a processor for matrices that we have none of;
Arrow's own allocator gives back what is freed, and asks for huge pages, which are zeroed whole. Together that takes
longer than most commands do. Arrow expects that modules may not be installed, and goes without; numpy's own manual is
made without its docstrings. Programs that import the package are left alone: only commands call this (``start``). What
does use one of them says so first.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec


UNUSED = frozenset(
    {
        "dateutil",
        "pandas",
        "pyarrow._azurefs",
        "pyarrow._gcsfs",
        "pyarrow._hdfs",
        "pyarrow._s3fs",
    }
)
"""Modules that no command uses, as a rule."""
_OF_DOCSTRINGS = "pyarrow.vendored.docscrape"
"""What Arrow parses docstrings with when its functions are imported: half of what that takes."""
_DOCSTRINGS = ("numpy._core._add_newdocs", "numpy._core._add_newdocs_scalars")
"""What does nothing but put docstrings to numpy's functions: an eighth of what its import takes."""
_TYPES = "numpy._typing"
"""What arrays are annotated with, of which numpy itself asks one name: a fifth of what its import takes."""
_OBJECTS_BETWEEN_COLLECTIONS = 300_000
_let_in: set[str] = set()


class _NotInstalled:
    """A finder, as ``sys.meta_path`` has them; its base class would bring modules that read resources of packages."""

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        if fullname in UNUSED - _let_in:
            message = f"no command uses {fullname}"
            raise ModuleNotFoundError(message, name=fullname)
        return None


class _NoSections(dict[str, tuple[()]]):
    """What stands in a docstring, of which nobody asks: no section has anything."""

    def __init__(self, _docstring: str) -> None: ...

    def __missing__(self, _section: str) -> tuple[()]:
        return ()


class _NotYet(ModuleType):
    """Stands for a module, with what is asked of it at a start; it is loaded where somebody asks for more."""

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":  # which each import from a module asks for
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
            vars(self).update(vars(import_module(self.__name__)))
        return getattr(sys.modules[self.__name__], name)


def keep_imports_lean() -> None:
    """Let every import of ``UNUSED`` fail, from now on and in this process, as if it were not installed.

    Let Arrow find no parameters in the docstrings of its options, what numpy has in C have no docstrings, and its types
    be made when they are asked for. Let numpy start no threads, and Arrow take its memory from the system's allocator,
    unless the environment says otherwise. To be called before they are imported.
    """
    sys.meta_path.insert(0, _NotInstalled())
    for name in (_OF_DOCSTRINGS, *_DOCSTRINGS):
        sys.modules.setdefault(name, ModuleType(name))
    vars(sys.modules[_OF_DOCSTRINGS])["NumpyDocString"] = _NoSections
    vars(sys.modules.setdefault(_TYPES, _NotYet(_TYPES))).setdefault("NDArray", list)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def look_for_garbage_seldom() -> None:
    """Let Python look for garbage in cycles after 300,000 new objects, and not after 700.

    It would look again and again while modules are loaded, where there is none, and take a quarter of a night over
    20,000 accounts. A night ends with 130,000 objects, most of them modules and classes; to look through 100,000 once
    takes as long as counting a day does, and finds 600. Memory stays what it is, since rows lie in Arrow and in DuckDB.
    """
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


def let_in(*names: str) -> None:
    """Let modules of ``UNUSED`` be imported after all."""
    _let_in.update(names)
