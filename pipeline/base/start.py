"""What a process of ours does before all else, so that it starts quickly: commands, and what measures them."""

from __future__ import annotations

from pipeline.base.late_methods import compile_methods_late
from pipeline.base.lean_imports import keep_imports_lean, look_for_garbage_seldom


def start_quickly() -> None:
    """Keep out what no command uses, put off what few do, and look for garbage seldom. To be called before imports."""
    keep_imports_lean()
    compile_methods_late()
    look_for_garbage_seldom()
