"""The digest of a segment: by which algorithm, and what becomes of records of the other one."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import append_log, make_workspace, plain, tallybook, write_log

from pipeline import lake
from pipeline.base.errors import LakeIsNewer
from pipeline.collectors.logs import digests
from pipeline.collectors.logs.digests import DigestUnavailable, new_digest, usual_algorithm
from pipeline.lake.log import parsing
from pipeline.lake.log.source_records import source_record, stated_record
from pipeline.objects import layout
from pipeline.usage.events import BLAKE3_SINCE
from pipeline.usage.sources import Algorithm

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = '[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nformat = "request-log"\n'
MARCH = [plain(f"2026-03-0{day}T10:00:00Z", id=f"id-{day}") for day in (1, 2, 3)]
HAS_BLAKE3 = importlib.util.find_spec("blake3") is not None
WITH_BLAKE3 = pytest.mark.skipif(not HAS_BLAKE3, reason="blake3 has no wheel here")


@pytest.fixture
def without_blake3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_blake3", None)


def books_of(tmp_path: Path, *, time: str | None = None) -> Path:
    """A workspace whose log is collected, by a wrong field of time where one is named."""
    root = make_workspace(
        tmp_path / "books", config=SOURCE + ("" if time is None else f'fields = {{ ts = "{time}" }}\n')
    )
    lines = MARCH if time is None else [json.dumps(json.loads(line) | {time: "2026-03-09T10:00:00Z"}) for line in MARCH]
    write_log(root, "a.jsonl", *lines)
    assert tallybook(root, "collect", "--as-of", "2026-03-10").returncode == 0
    return root


def stated(root: Path) -> list[dict[str, Any]]:
    """The source records of all log entries, as they stand there."""
    entries = sorted(layout.delta_log(root / "lake").glob("*.json"))
    actions = [json.loads(line) for entry in entries for line in entry.read_text().splitlines()]
    return [record for action in actions for record in action.get("commitInfo", {}).get("sources", ())]


@WITH_BLAKE3
def test_a_new_record_states_the_blake3_of_its_bytes(tmp_path: Path) -> None:
    from blake3 import blake3  # noqa: PLC0415 - it may not be here

    root = books_of(tmp_path)
    (record,) = stated(root)
    assert record["blake3"] == blake3((root / "logs" / "a.jsonl").read_bytes()).hexdigest()
    assert "sha256" not in record


@pytest.mark.usefixtures("without_blake3")
def test_without_its_package_a_new_record_states_the_sha256_of_its_bytes(tmp_path: Path) -> None:
    root = books_of(tmp_path)
    (record,) = stated(root)
    assert record["sha256"] == hashlib.sha256((root / "logs" / "a.jsonl").read_bytes()).hexdigest()
    assert "blake3" not in record


@WITH_BLAKE3
def test_the_digest_is_blake3_by_its_authors_test_vector() -> None:
    digest = new_digest(Algorithm.BLAKE3)
    assert digest.hexdigest() == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


@pytest.mark.long
@pytest.mark.parametrize("first", list(Algorithm))
def test_a_log_goes_on_and_is_read_again_whatever_the_digest_of_its_earlier_segments_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: Algorithm
) -> None:
    if not HAS_BLAKE3:
        pytest.skip("blake3 has no wheel here")
    with monkeypatch.context() as before:
        if first is Algorithm.SHA256:
            before.setattr(digests, "_blake3", None)
        root = books_of(tmp_path, time="time")
    append_log(root, "a.jsonl", plain("2026-03-04T10:00:00Z", id="id-4"))
    (root / "tallybook.toml").write_text(SOURCE, encoding="utf-8")
    told = tallybook(root, "collect", "--again", "--as-of", "2026-03-11")
    assert told.returncode == 0, told.stderr
    records = stated(root)
    assert [first.value in record for record in records if record["start"] == 0] == [True, True]
    assert len({record[first.value] for record in records if record["start"] == 0}) == 1
    assert sum(sum(record.events.values()) for record in lake.read_log(root / "lake").sources) == 4
    assert tallybook(root, "verify").returncode == 0


@WITH_BLAKE3
def test_a_segment_whose_digest_cannot_be_made_here_is_an_error_that_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = books_of(tmp_path)
    monkeypatch.setattr(digests, "_blake3", None)
    told = tallybook(root, "collect", "--again", "--as-of", "2026-03-11")
    assert told.returncode != 0
    assert "pip install blake3" in told.stderr
    with pytest.raises(DigestUnavailable):
        new_digest(Algorithm.BLAKE3)
    assert usual_algorithm() is Algorithm.SHA256


@WITH_BLAKE3
def test_a_program_that_knows_sha256_alone_is_told_to_upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = books_of(tmp_path)
    monkeypatch.setattr(parsing, "LAKE_VERSION", BLAKE3_SINCE - 1)
    monkeypatch.setattr(parsing, "LAKE_VERSION_MAX", BLAKE3_SINCE - 1)
    with pytest.raises(LakeIsNewer, match=f"states version {BLAKE3_SINCE} of the lake"):
        lake.read_log(root / "lake")


@pytest.mark.parametrize("change", [{"sha256": "ab" * 32, "blake3": "ab" * 32}, {}, {"blake3": 1}])
def test_a_record_has_one_digest(tmp_path: Path, change: dict[str, Any]) -> None:
    (record,) = lake.read_log(books_of(tmp_path) / "lake").sources
    found = stated_record(record)
    assert source_record(found) == record
    bare = {name: value for name, value in found.items() if name not in ("sha256", "blake3")}
    with pytest.raises(ValueError, match="a source"):
        source_record(bare | change)
