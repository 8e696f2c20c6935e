"""What rotations of the key secret keep: one meaning of an alias for ever, and nothing that contradicts itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.base.errors import CommitConflict, LogEntryRefused
from pipeline.configuration.keys.key_aliases import (
    KeyAliases,
    add_beginning,
    add_finish,
    add_seen,
    read_key_aliases,
)
from pipeline.objects import append_log, layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 3, 2, tzinfo=UTC)
A, B, C = ("a" * 16, "b" * 16, "c" * 16)


def digest(number: int) -> str:
    return f"key_{number:032x}"


@pytest.fixture
def rotated(tmp_path: Path) -> KeyAliases:
    """Key 1 is called 11 under the secret B, and was seen."""
    begun = add_beginning(tmp_path, KeyAliases(), check_before=A, check=B, now=NOW)
    return add_seen(tmp_path, begun, {digest(11): digest(1)}, now=NOW)


def test_what_was_added_is_what_is_read(tmp_path: Path, rotated: KeyAliases) -> None:
    assert read_key_aliases(tmp_path) == rotated
    assert (rotated.ids, rotated.checks, rotated.is_open) == ({digest(11): digest(1)}, (A, B), True)
    finished = add_finish(tmp_path, rotated, now=NOW)
    assert read_key_aliases(tmp_path) == finished
    assert (finished.ids, finished.is_open, finished.seen) == (rotated.ids, False, {digest(1)})


def test_an_alias_that_is_kept_already_is_no_new_entry(tmp_path: Path, rotated: KeyAliases) -> None:
    assert add_seen(tmp_path, rotated, {digest(11): digest(1)}, now=NOW) == rotated
    assert read_key_aliases(tmp_path) == rotated


def test_with_the_next_rotation_every_key_is_to_be_seen_again(tmp_path: Path, rotated: KeyAliases) -> None:
    finished = add_finish(tmp_path, rotated, now=NOW)
    again = add_beginning(tmp_path, finished, check_before=B, check=C, now=NOW)
    assert (again.checks, again.seen) == ((A, B, C), frozenset())
    seen = add_seen(tmp_path, again, {digest(21): digest(1)}, now=NOW)
    assert seen.ids == {digest(11): digest(1), digest(21): digest(1)}


def test_of_two_writers_one_adds(tmp_path: Path, rotated: KeyAliases) -> None:
    add_finish(tmp_path, rotated, now=NOW)
    with pytest.raises(CommitConflict):
        add_seen(tmp_path, rotated, {digest(12): digest(2)}, now=NOW)


CONTRADICTIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "another meaning": lambda entry: entry["aliases"].update({digest(11): digest(3)}),
    "an alias of an alias": lambda entry: entry["aliases"].update({digest(31): digest(11)}),
    "an alias of itself": lambda entry: entry["aliases"].update({digest(31): digest(31)}),
    "an alias of one beside it": lambda entry: entry["aliases"].update({digest(31): digest(12)}),
    "no digest": lambda entry: entry["aliases"].update({"key_x": digest(2)}),
    "a number": lambda entry: entry["aliases"].update({digest(31): 2}),
    "another step": lambda entry: entry.update(step="undo"),
    "a second beginning": lambda entry: entry.update(step="begin", check_before=B, check=C, aliases={}),
    "no check": lambda entry: entry.update(check="B"),
    "another number": lambda entry: entry.update(entry=4),
    "a field of its own": lambda entry: entry.update(region="x"),
}


@pytest.mark.parametrize("change", CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_an_entry_that_contradicts_those_before_it_is_refused(
    tmp_path: Path, rotated: KeyAliases, change: Callable[[dict[str, Any]], object]
) -> None:
    add_seen(tmp_path, rotated, {digest(12): digest(2)}, now=NOW)
    path = layout.key_aliases(tmp_path) / f"{3:020}.json"
    entry = json.loads(path.read_bytes())
    entry["sealSha256"] = append_log.UNSEALED
    change(entry)
    path.write_bytes(append_log.seal(json.dumps(entry).encode()))
    with pytest.raises(LogEntryRefused, match=r"0003\.json is refused.*restore key-aliases from a backup"):
        read_key_aliases(tmp_path)


@pytest.mark.parametrize("step", ["seen", "finish"])
def test_a_rotation_that_was_never_begun_neither_goes_on_nor_ends(
    tmp_path: Path, rotated: KeyAliases, step: str
) -> None:
    told = "it belongs to a rotation, and none was begun"
    with pytest.raises(ValueError, match=told):
        add_finish(tmp_path / "another", KeyAliases(), now=NOW)
    with pytest.raises(ValueError, match=told):
        add_seen(tmp_path / "another", KeyAliases(), rotated.ids, now=NOW)
    assert not (tmp_path / "another").exists()
    first, second = (layout.key_aliases(tmp_path) / f"{number:020}.json" for number in (1, 2))
    entry = json.loads(first.read_bytes()) | {"step": step, "sealSha256": append_log.UNSEALED}
    first.write_bytes(append_log.seal(json.dumps(entry).encode()))
    second.unlink()
    with pytest.raises(LogEntryRefused, match=rf"0001\.json is refused: {told}; restore key-aliases from a backup"):
        read_key_aliases(tmp_path)


@pytest.mark.parametrize(("check_before", "check"), [(A, C), (B, A)])
def test_a_rotation_begins_with_the_secret_in_force_and_ends_with_one_that_never_was(
    tmp_path: Path, rotated: KeyAliases, check_before: str, check: str
) -> None:
    finished = add_finish(tmp_path, rotated, now=NOW)
    with pytest.raises(ValueError, match=f"where {B} is in force"):
        add_beginning(tmp_path, finished, check_before=check_before, check=check, now=NOW)
    assert read_key_aliases(tmp_path) == finished
