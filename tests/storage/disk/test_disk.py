from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.base.errors import DataFileDamaged
from pipeline.objects import disk, verified

if TYPE_CHECKING:
    from pathlib import Path


class MeagreOs:
    """Takes at most three bytes at a write, or has no space left."""

    def __init__(self, *, is_full: bool) -> None:
        self.is_full = is_full

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def write(self, descriptor: int, content: bytes) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "no space left")
        return os.write(descriptor, content[:3])


def test_a_content_is_written_whole_though_the_system_takes_it_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "os", MeagreOs(is_full=False))
    disk.replace_durably(tmp_path / "a", b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_a_full_disk_is_told_and_keeps_what_was_there_and_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.replace_durably(tmp_path / "a", b"old")
    monkeypatch.setattr(disk, "os", MeagreOs(is_full=True))
    with pytest.raises(OSError, match="no space left"):
        disk.replace_durably(tmp_path / "a", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]


def test_a_temporary_file_never_follows_nor_replaces_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "urandom", bytes)
    first = disk.write_temporary(tmp_path, b"first")
    assert disk.TEMPORARY_NAME.fullmatch(first.name)
    with pytest.raises(FileExistsError):
        disk.write_temporary(tmp_path, b"second")
    assert first.read_bytes() == b"first"


def test_a_link_to_a_taken_name_is_refused_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "0.json").write_bytes(b"first")
    with pytest.raises(FileExistsError):
        disk.link_new(disk.write_temporary(tmp_path, b"second"), tmp_path / "0.json")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("0.json", b"first")]


def test_a_mode_is_kept_for_what_only_its_owner_may_read(tmp_path: Path) -> None:
    assert disk.write_temporary(tmp_path, b"secret", mode=0o600).stat().st_mode & 0o777 == 0o600


def test_folders_are_made_below_a_folder_that_exists_and_nowhere_else(tmp_path: Path) -> None:
    disk.make_folders(tmp_path, tmp_path / "a" / "b", tmp_path / "a" / "c", tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", "c"]
    with pytest.raises(ValueError, match="subpath"):
        disk.make_folders(tmp_path / "a", tmp_path / "b")
    with pytest.raises(FileNotFoundError):
        disk.make_folders(tmp_path / "x", tmp_path / "x" / "y")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        disk.make_folders(tmp_path, tmp_path / "file" / "a")


def test_a_file_that_is_gone_already_needs_no_removing(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"")
    assert disk.remove_files(tmp_path, ["a", "b"]) == ["b"]


def test_what_is_opened_to_be_written_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"others'")
    (tmp_path / "a").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic links"):
        disk.open_note(tmp_path / "a")
    (tmp_path / "b").write_bytes(b"old")
    with pytest.raises(OSError, match="symbolic links"), disk.replaced_by_another(tmp_path / "b") as temporary:
        temporary.symlink_to(tmp_path / "other")
    assert (tmp_path / "b").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "other"]


def test_a_file_is_what_its_size_and_digest_say_or_it_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"a file")
    sha256 = hashlib.sha256(b"a file").hexdigest()
    assert verified.has_sha256(f"{tmp_path}/a", sha256)
    assert not verified.has_sha256(f"{tmp_path}/a", "0" * 64)
    assert not verified.has_sha256(f"{tmp_path}/b", sha256)
    verified.check_size(tmp_path / "a", size=6, advice="restore it")
    for path, size, told in (("a", 5, "has 6 bytes, and its log says 5; restore it"), ("b", 6, "is missing")):
        with pytest.raises(DataFileDamaged, match=told):
            verified.check_size(tmp_path / path, size=size, advice="restore it")
    monkeypatch.setattr(verified, "os", UnreadableOs())
    with pytest.raises(PermissionError):
        verified.verified_file(tmp_path / "a", sha256=sha256, size=6, advice="restore it")


class UnreadableOs:
    """Lets nobody open a file."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Path, flags: int) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path, flags)


class ClosedOs:
    """Takes no new name: neither a file's nor a folder's."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: str, *_: int) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))

    def mkdir(self, path: str, _: int) -> None:
        self.open(path)


def test_a_folder_that_takes_no_new_name_is_what_is_named_and_not_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "os", ClosedOs())
    for refused in (
        lambda: disk.write_temporary(tmp_path, b"content"),
        lambda: disk.make_folders(tmp_path, tmp_path / "invoices"),
        lambda: disk.make_derived_folder(tmp_path / "counted"),
    ):
        with pytest.raises(PermissionError) as told:
            refused()
        assert told.value.filename == str(tmp_path)
