"""The program compiled for this machine: made once, and kept where Python keeps its own compiled modules.

To compile takes 30 ms, which is a tenth of a short run; to load what was compiled takes less than one. What is kept is
machine code, and whoever can change it can run what he likes. So it lies in ``__pycache__`` beside the program, under
Python's own switches (``PYTHONPYCACHEPREFIX``, ``PYTHONDONTWRITEBYTECODE``): whoever may write there could change our
modules as well. Nothing is loaded that somebody else owns or may write to, nor what is not what was written.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from contextlib import suppress
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any, NamedTuple

KERNEL = Path(__file__).with_name("kernel.wasm")
_DIGEST_BYTES = 32
_GUARD_BYTES = 2**28
"""Addresses behind the program's memory at which the machine stops it: more than its arrays lie away from an index, so
that no instruction has to compare the two."""
_OF_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Compiled(NamedTuple):
    """What instances are made of."""

    engine: Any
    module: Any


@cache
def compiled() -> Compiled:
    """Return the program for this machine."""
    import wasmtime  # noqa: PLC0415 - it is optional, and takes a while

    config = wasmtime.Config()
    config.cranelift_opt_level = "speed"
    config.memory_guard_size = _GUARD_BYTES
    engine = wasmtime.Engine(config)
    program = KERNEL.read_bytes()
    path = kept_at(program)
    code = kept(path)
    if code is not None:
        with suppress(wasmtime.WasmtimeError):  # of another version of wasmtime, or for another processor
            return Compiled(engine, wasmtime.Module.deserialize(engine, code))
    module = wasmtime.Module(engine, program)
    if not sys.dont_write_bytecode:
        keep(path, bytes(module.serialize()))
    return Compiled(engine, module)


def kept_at(program: bytes) -> Path:
    """Return where the machine code of a program is kept: the name says which program it is."""
    digest = hashlib.sha256(program).hexdigest()[:16]
    return Path(cache_from_source(str(KERNEL))).with_name(f"{KERNEL.stem}.{digest}.compiled")


def kept(path: Path) -> bytes | None:
    """Return the machine code in a file; ``None`` where there is none, or none that is to be trusted."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not _is_ours(os.fstat(descriptor)):
            return None
        digest, code = file.read(_DIGEST_BYTES), file.read()
    return code if hashlib.sha256(code).digest() == digest else None


def keep(path: Path, code: bytes) -> None:
    """Write machine code to a file, whole or not at all; where that cannot be, it is compiled again the next time."""
    import tempfile  # noqa: PLC0415 - once a machine and version

    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent)  # for its owner alone
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(hashlib.sha256(code).digest() + code)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink()
            raise


def _is_ours(state: os.stat_result) -> bool:
    """Tell whether a file can have been written by nobody but us, or who installed the program."""
    if not hasattr(os, "geteuid"):  # such systems have other rights, and others' files are not where ours are
        return stat.S_ISREG(state.st_mode)
    owners = (os.geteuid(), _owner_of_program())
    return stat.S_ISREG(state.st_mode) and state.st_uid in owners and not state.st_mode & _OF_OTHERS


def _owner_of_program() -> int:
    return KERNEL.stat().st_uid
