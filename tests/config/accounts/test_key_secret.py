"""The secret behind key ids: made once, kept from others, never shown."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from pipeline.base.errors import ConfigurationError
from pipeline.configuration.keys.key_secret import create_key_secret, find_key_secret

if TYPE_CHECKING:
    from pathlib import Path

LONG = b"canary-secret-of-thirty-two-bytes!"


def write_secret(workspace: Path, content: bytes, mode: int = 0o600) -> None:
    path = workspace / "key-secret"
    path.write_bytes(content)
    path.chmod(mode)


def test_a_secret_made_is_the_secret_read(tmp_path: Path) -> None:
    made = create_key_secret(tmp_path)
    assert len(made) == 64
    assert find_key_secret(tmp_path, environment=None) == made
    assert stat.S_IMODE((tmp_path / "key-secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key-secret"]


def test_a_secret_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_key_secret(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key-secret").stat().st_mode) == 0o600


def test_two_workspaces_get_two_secrets(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    assert create_key_secret(one) != create_key_secret(other)


def test_a_secret_is_never_replaced(tmp_path: Path) -> None:
    made = create_key_secret(tmp_path)
    with pytest.raises(ConfigurationError, match="exists already and is kept"):
        create_key_secret(tmp_path)
    assert find_key_secret(tmp_path, environment=None) == made
    assert [path.name for path in tmp_path.iterdir()] == ["key-secret"]


def test_a_death_before_the_link_leaves_no_half_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(_temporary: Path, _final: Path) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("pipeline.objects.disk.link_new", die)
    with pytest.raises(OSError, match="no space"):
        create_key_secret(tmp_path)
    assert find_key_secret(tmp_path, environment=None) is None
    monkeypatch.undo()
    assert create_key_secret(tmp_path) == find_key_secret(tmp_path, environment=None)


def test_the_environment_wins_and_is_stripped(tmp_path: Path) -> None:
    write_secret(tmp_path, b"x" * 32)
    assert find_key_secret(tmp_path, environment=LONG + b"\n") == LONG


def test_the_files_text_is_the_secret_without_blanks_around_it(tmp_path: Path) -> None:
    write_secret(tmp_path, b"\n " + LONG + b" \n", mode=0o400)
    assert find_key_secret(tmp_path, environment=None) == LONG


def test_without_a_secret_there_is_none(tmp_path: Path) -> None:
    assert find_key_secret(tmp_path, environment=None) is None


@pytest.mark.parametrize("secret", [b"", b"   ", b"canary", b"canary" * 5 + b"  "])
def test_a_secret_that_is_too_short_is_refused_without_being_shown(tmp_path: Path, secret: bytes) -> None:
    with pytest.raises(
        ConfigurationError, match=r"TALLYBOOK_KEY_SECRET has \d+ bytes; it needs at least 32"
    ) as refused:
        find_key_secret(tmp_path, environment=secret)
    assert "canary" not in str(refused.value)
    write_secret(tmp_path, secret)
    with pytest.raises(ConfigurationError, match=r"key-secret has \d+ bytes") as refused:
        find_key_secret(tmp_path, environment=None)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o601])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    write_secret(tmp_path, LONG, mode)
    with pytest.raises(ConfigurationError, match=rf"has mode {mode:04o}; .*chmod 600"):
        find_key_secret(tmp_path, environment=None)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(LONG)
    (tmp_path / "elsewhere").chmod(0o600)
    (tmp_path / "key-secret").symlink_to("elsewhere")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        find_key_secret(tmp_path, environment=None)


@pytest.mark.parametrize(
    "make", [lambda path: path.mkdir(mode=0o700), lambda path: os.mkfifo(path, mode=0o600)], ids=["folder", "fifo"]
)
def test_only_a_plain_file_is_read(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / "key-secret")
    with pytest.raises(ConfigurationError, match="plain file"):
        find_key_secret(tmp_path, environment=None)
