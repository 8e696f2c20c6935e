"""What was compiled is kept, and believed only where nobody else can have written it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from pipeline.collectors.kernel import compiled
from pipeline.collectors.kernel.compiled import keep, kept, kept_at

if TYPE_CHECKING:
    from pathlib import Path

CODE = b"machine code"


def test_what_is_kept_comes_back_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "kernel.compiled"
    keep(path, CODE)
    assert kept(path) == CODE
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_what_others_may_write_to_is_not_believed(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "kernel.compiled"
    keep(path, CODE)
    path.chmod(mode)
    assert kept(path) is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    path, link = tmp_path / "kernel.compiled", tmp_path / "link"
    keep(path, CODE)
    link.symlink_to(path)
    assert kept(link) is None


def test_what_somebody_else_owns_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, program = tmp_path / "kernel.compiled", tmp_path / "kernel.wasm"
    keep(path, CODE)
    program.write_bytes(b"")
    monkeypatch.setattr(compiled, "KERNEL", program)
    monkeypatch.setattr("os.geteuid", lambda: path.stat().st_uid + 1)
    assert kept(path) == CODE  # who installed the program wrote it
    monkeypatch.setattr(compiled, "_owner_of_program", lambda: path.stat().st_uid + 2)
    assert kept(path) is None


@pytest.mark.parametrize("damaged", [b"", bytes(32), bytes(32) + CODE])
def test_what_is_not_what_was_written_is_not_believed(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "kernel.compiled"
    keep(path, CODE)
    path.write_bytes(damaged)
    assert kept(path) is None


def test_what_wasmtime_does_not_know_is_compiled_again_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wasmtime")
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = kept_at(compiled.KERNEL.read_bytes())
    assert path.is_relative_to(tmp_path)
    path.parent.mkdir(parents=True)
    keep(path, CODE)
    compiled.compiled.__wrapped__()
    code = kept(path)
    assert code is not None
    assert code != CODE
    monkeypatch.setattr("wasmtime.Module.__init__", None)  # which compiles
    compiled.compiled.__wrapped__()


def test_nothing_is_kept_where_python_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wasmtime")
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    compiled.compiled.__wrapped__()
    assert not list(tmp_path.rglob("*.compiled"))
