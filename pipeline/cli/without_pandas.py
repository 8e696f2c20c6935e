"""Keeps pandas out of a process of ours: Arrow imports it wherever it is installed, only to find out that a list is none of its frames.

That takes longer than most commands do. Owns nothing else; programs that import the package are left alone, since only ``main`` calls this.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None, /) -> ModuleSpec | None:
        if fullname == "pandas":
            message = "no command uses pandas"
            raise ModuleNotFoundError(message, name=fullname)
        return None


def keep_pandas_out() -> None:
    """Let every import of pandas fail, from now on and in this process, as if it were not installed."""
    sys.meta_path.insert(0, _NoPandas())
