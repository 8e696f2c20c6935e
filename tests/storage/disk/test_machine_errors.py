"""A full or failing disk, a read-only one, no permission, too few open files: one line, exit code 8, and a re-run."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import shutil
import subprocess
import sys
from itertools import count, cycle
from typing import TYPE_CHECKING

import pytest
from faulty_os import FaultyOs
from workspaces import fingerprints, make_workspace, plain, tallybook, tallybook_process, write_log

from pipeline.cli.surroundings import machine_error_text
from pipeline.objects import disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ERRORS = (errno.ENOSPC, errno.EROFS, errno.EMFILE, errno.EACCES, errno.EIO)
NIGHT = ("nightly", "--as-of", "2026-11-02")
ISSUE = ("invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
VOID = ("invoice", "void", "INV-000001", "--as-of", "2026-11-03")
PAID = ("invoice", "paid", "INV-000001", "--on", "2026-11-03", "--as-of", "2026-11-03")


def books(root: Path) -> Path:
    make_workspace(root)
    write_log(root, "l.jsonl", *(plain("2026-10-05T10:00:00Z", id=name) for name in "ab"), "no JSON")
    return root


def check_one_line(stderr: str, number: int) -> None:
    (line,) = (line for line in stderr.splitlines() if not line.startswith("warning:"))
    assert line.startswith("tallybook: ")
    assert os.strerror(number) in line
    assert "run the command again" in line


def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> int:
    """Let every ``step``-th call to the disk fail, over a life of commands; return how often one did.

    Errors take turns.
    """
    failures, errors = 0, cycle(ERRORS)
    begun = books(tmp_path / "begun")
    for command in (NIGHT, ISSUE, PAID, VOID):
        undisturbed = shutil.copytree(begun, tmp_path / f"after-{'-'.join(command[:2])}")
        assert tallybook(undisturbed, *command).returncode == 0
        for fail_at, number in zip(count(1, step), errors, strict=False):
            root = shutil.copytree(begun, tmp_path / f"failure-{'-'.join(command[:2])}-{fail_at}")
            fault = FaultyOs(root, fail_at=fail_at, failure=number)
            with monkeypatch.context() as disturbed:
                disturbed.setattr(disk, "os", fault)
                done = tallybook(root, *command)
            if fault.calls < fail_at:
                break
            if done.returncode:
                failures += 1
                assert done.returncode == 8, done
                check_one_line(done.stderr, number)
            assert tallybook(root, *command).returncode == 0
            assert settled(root) == settled(undisturbed)
            shutil.rmtree(root)
        begun = undisturbed
    return failures


def settled(root: Path) -> dict[str, str]:
    """Return what a life ends with, but for what an instant or a chance is part of."""
    found = fingerprints(root)
    return {name: digest for name, digest in found.items() if name.startswith("invoices/2026-10/")} | {
        name: "" for name in found if "/.tmp-" not in name and "/counted/" not in name
    }


@pytest.mark.long
def test_some_calls_that_the_machine_refuses_are_one_line_and_a_rerun_ends_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert interrupted(tmp_path, monkeypatch, step=59) >= 4


@pytest.mark.slow
def test_many_calls_that_the_machine_refuses_are_one_line_and_a_rerun_ends_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert interrupted(tmp_path, monkeypatch, step=7) >= 20


def test_what_is_no_refusal_of_the_machine_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def bug(*_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "a bug")

    monkeypatch.setattr("pipeline.cli.commands.proofs.verify.verify", bug)
    with pytest.raises(FileNotFoundError, match="a bug"):
        tallybook(make_workspace(tmp_path / "books"), "verify")


def test_a_refusal_names_the_path_and_what_to_do() -> None:
    said = machine_error_text(OSError(errno.ENOSPC, "", "/books/lake"))
    assert said == (
        "No space left on device at /books/lake; what was done before stays, the rest is not done: make room and run "
        "the command again"
    )
    renamed = machine_error_text(OSError(errno.EXDEV, "", "a", None, "b"))
    assert renamed is None
    assert "memory" in str(machine_error_text(MemoryError()))
    assert machine_error_text(ValueError("a bug")) is None
    assert machine_error_text(RuntimeError("a bug")) is None


def test_an_engine_that_cannot_write_is_a_refusal_too() -> None:
    import duckdb  # noqa: PLC0415 - only here, as in the program

    full = duckdb.IOException("IO Error: Could not write all bytes to file: No space left on device\nmore")
    assert str(machine_error_text(full)).endswith("make room and run the command again")
    assert "\n" not in str(machine_error_text(full))
    assert "that disk or mount" in str(machine_error_text(duckdb.IOException("IO Error: no")))
    assert "more memory" in str(machine_error_text(duckdb.OutOfMemoryException("Out of Memory Error: no")))
    full = duckdb.OutOfMemoryException("Out of Memory Error: failed to offload data block of size 256.0 KiB")
    assert str(machine_error_text(full)).endswith("make room and run the command again")


@pytest.mark.long
def test_a_crash_leaves_no_image_of_the_memory(tmp_path: Path) -> None:
    script = (
        "import resource, sys; from unittest import mock\n"
        "import pipeline.cli as cli\n"
        "with mock.patch.object(cli.os, '_exit'): cli.main(['--version'])\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE)[0])\n"
    )
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)),
    )
    assert done.stdout.splitlines()[-1] == "0"


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[Path]:
    """A folder to mount file systems on, where that is allowed."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    yield folder
    ctypes.CDLL(None).umount2(os.fsencode(folder), 2)


def mounted(folder: Path, options: str) -> None:
    """Mount a file system of memory. Skips where that is not allowed."""
    code = ctypes.CDLL(None, use_errno=True).mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options.encode())
    if code:
        pytest.skip(f"mounting is not allowed here: {os.strerror(ctypes.get_errno())}")


@pytest.mark.slow
def test_a_real_disk_of_any_size_is_full_in_one_line_and_the_night_is_done_once_there_is_room(mounts: Path) -> None:
    full = 0
    for kilobytes in count(40, 12):
        mounted(mounts, f"size={kilobytes}k")
        root = books(mounts / "books")
        done = tallybook_process(root, *NIGHT)
        if done.returncode == 0:
            break
        full += 1
        assert done.returncode == 8, done
        check_one_line(done.stderr, errno.ENOSPC)
        elsewhere = shutil.copytree(root, mounts.parent / f"moved-{kilobytes}")
        assert tallybook(elsewhere, *NIGHT).returncode == 0
        assert tallybook(elsewhere, "verify").returncode == 0
        ctypes.CDLL(None).umount2(os.fsencode(mounts), 2)
    assert full >= 3


@pytest.mark.slow
def test_too_few_open_files_are_one_line(tmp_path: Path) -> None:
    root, refused = books(tmp_path / "books"), 0
    for limit in range(4, 40):
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", "-w", str(root), *NIGHT],
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)),
        )
        if done.returncode == 8:
            refused += 1
            check_one_line(done.stderr, errno.EMFILE)
    assert refused
    assert tallybook(root, *NIGHT).returncode == 0


def test_a_thread_that_cannot_be_started_is_a_refusal_too() -> None:
    said = machine_error_text(RuntimeError("can't start new thread"))
    assert said is not None
    assert said.startswith("no thread can be started; what was done before stays")
    assert "ulimit -u" in said


def test_a_library_for_which_there_are_too_few_addresses_is_a_refusal_too() -> None:
    refused = ImportError("/lib/_duckdb.so: failed to map segment from shared object", path="/lib/_duckdb.so")
    said = machine_error_text(refused)
    assert said is not None
    assert said.startswith("/lib/_duckdb.so cannot be loaded; what was done before stays")
    assert "ulimit -v" in said
    assert machine_error_text(ImportError("No module named 'duckdb'")) is None


@pytest.mark.parametrize("folder", ["rates", "exchange", "invoices"])
def test_a_folder_that_may_not_be_listed_is_not_taken_for_one_without_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    root = books(tmp_path / "books")
    for name in ("exchange", "invoices"):
        (root / name).mkdir()
    real = os.scandir

    def refused(path: str | os.PathLike[str]) -> object:
        if os.fspath(path) == str(root / folder):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refused)
    done = tallybook(root, *NIGHT)
    assert done.returncode == 8
    check_one_line(done.stderr, errno.EACCES)
    assert f" at {root / folder};" in done.stderr
