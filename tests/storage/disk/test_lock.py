from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline.base.errors import ConfigurationError, WorkspaceLocked
from pipeline.objects import layout
from pipeline.objects.lock import last_used, locked, user_since

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

HOLDER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from pipeline.objects.lock import locked
with locked(Path(sys.argv[1]), command="tallybook collect", started_at=datetime(2026, 3, 2, 12, tzinfo=UTC)):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_ends_at_once_and_is_told_who_holds_the_workspace(tmp_path: Path) -> None:
    with locked(tmp_path / "lake", command="tallybook nightly", started_at=NOON):
        told = re.escape(
            f"{tmp_path} is in use by `tallybook nightly` (process {os.getpid()}, since 2026-03-02T12:00:00+00:00)"
        )
        with (
            pytest.raises(WorkspaceLocked, match=told),
            locked(tmp_path / "lake", command="tallybook collect", started_at=NOON),
        ):
            pytest.fail("both hold the lock")
    with locked(tmp_path / "lake", command="tallybook collect", started_at=NOON):
        pass
    assert layout.lock(tmp_path / "lake").read_bytes() == b""


def test_an_error_under_the_lock_frees_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "lake", command="tallybook collect", started_at=NOON):
        _ = 1 // 0
    with locked(tmp_path / "lake", command="tallybook collect", started_at=NOON):
        pass


def test_a_killed_holder_leaves_no_stale_lock(tmp_path: Path) -> None:
    lake_dir = tmp_path / "lake"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(lake_dir)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(WorkspaceLocked, match=f"`tallybook collect` .process {holder.pid}"),
            locked(lake_dir, command="x", started_at=NOON),
        ):
            pytest.fail("both hold the lock")
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert layout.lock(lake_dir).read_bytes() != b""  # it had no time to tidy up
    with locked(lake_dir, command="tallybook collect", started_at=NOON):
        pass


@pytest.mark.parametrize("note", [b"", b'{"pid": 1, "comm', b"[]", b"\xff"])
def test_a_note_that_is_half_written_still_names_another_run(tmp_path: Path, note: bytes) -> None:
    with locked(tmp_path, command="tallybook collect", started_at=NOON):
        layout.lock(tmp_path).write_bytes(note)
        with (
            pytest.raises(WorkspaceLocked, match="in use by another run"),
            locked(tmp_path, command="x", started_at=NOON),
        ):
            pytest.fail("both hold the lock")


def test_a_lock_with_another_name_is_refused_and_what_it_names_is_not_overwritten(tmp_path: Path) -> None:
    """Somebody's file under the lock's name would be emptied."""
    other = tmp_path / "accounts.toml"
    other.write_bytes(b"precious")
    (tmp_path / "lake").mkdir()
    layout.lock(tmp_path / "lake").hardlink_to(other)
    told = r"lake/\.lock has 2 names .* remove this one"
    with (
        pytest.raises(ConfigurationError, match=told),
        locked(tmp_path / "lake", command="tallybook nightly", started_at=NOON),
    ):
        pytest.fail("the lock was held")
    assert other.read_bytes() == b"precious"
    layout.lock(tmp_path / "lake").unlink()
    with locked(tmp_path / "lake", command="tallybook nightly", started_at=NOON):
        assert other.read_bytes() == b"precious"


def test_a_lock_that_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    os.mkfifo(layout.lock(tmp_path / "lake"))
    with (
        pytest.raises(ConfigurationError, match="is no regular file"),
        locked(tmp_path / "lake", command="tallybook nightly", started_at=NOON),
    ):
        pytest.fail("the lock was held")


@pytest.mark.parametrize(
    "name",
    [
        "lake/usage_events",
        "lake/usage_events/_delta_log",
        "lake/usage_events/date=2026-03-02",
        "lake/quarantine",
        "invoices/register",
        "invoices/2026-03",
        "invoices/2026-03/INV-000001",
        "invoices/2026-03/lines.csv",
    ],
)
def test_a_link_within_lake_or_invoices_is_refused_wherever_it_leads(tmp_path: Path, name: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "books" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(ConfigurationError, match=f"{name} is a symbolic link"),
        locked(tmp_path / "books" / "lake", command="tallybook nightly", started_at=NOON),
    ):
        pytest.fail("the lock was held")
    assert not list((tmp_path / "elsewhere").iterdir())
    link.unlink()
    link.mkdir()
    with locked(tmp_path / "books" / "lake", command="tallybook nightly", started_at=NOON):
        pass


def test_lake_and_invoices_themselves_may_lie_on_another_disk(tmp_path: Path) -> None:
    for name in ("lake", "invoices"):
        (tmp_path / "large" / name).mkdir(parents=True)
        (tmp_path / name).symlink_to(tmp_path / "large" / name)
    with locked(tmp_path / "lake", command="tallybook nightly", started_at=NOON):
        assert (tmp_path / "large" / "lake" / ".lock").stat().st_size


def test_who_used_the_workspace_since_is_told_at_once_and_by_its_own_lock(tmp_path: Path) -> None:
    lake_dir = tmp_path / "lake"
    assert user_since(lake_dir, last_used(lake_dir)) is None
    with locked(lake_dir, command="tallybook nightly", started_at=NOON):
        held = last_used(lake_dir)
        told = f"`tallybook nightly` (process {os.getpid()}, since 2026-03-02T12:00:00+00:00)"
        assert [user_since(lake_dir, before) for before in (0, held)] == [told, told]
    assert user_since(lake_dir, held) == "a run that has ended since"
    assert user_since(lake_dir, last_used(lake_dir)) is None
    (tmp_path / "other").mkdir()
    layout.lock(tmp_path / "other").symlink_to(layout.lock(lake_dir))
    with pytest.raises(OSError, match=f"{os.strerror(errno.ELOOP)}.*other/.lock"):
        user_since(tmp_path / "other", 0)
