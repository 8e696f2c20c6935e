"""The globs of a source mean the same of files and of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored_objects import put

from pipeline.base.errors import ConfigurationError
from pipeline.configuration.settings import read_settings
from pipeline.configuration.source_files import find_logs, is_named_by, source_text
from pipeline.configuration.stored.key_glob import KeyGlob
from pipeline.configuration.stored.stored_log import stored_log_at
from pipeline.objects.stores import ObjectStore

if TYPE_CHECKING:
    from pathlib import Path

KEYS = (
    *("logs/a.jsonl", "logs/a.jsonl.gz", "logs/b1.jsonl", "logs/b2.jsonl", "logs/b-.jsonl", "logs/.hidden.jsonl"),
    *("logs/2026/10/a.jsonl", "logs/2026/11/a.jsonl.zst", "logs/2026/.tmp/a.jsonl", "logs/2026-10", "logs2/a.jsonl"),
    *("logs/with blank.jsonl", "logs/[set].jsonl", "logs/ünï.jsonl", "logs/2026/x/y/z/deep.jsonl", "top.jsonl"),
)
GLOBS = (
    *("logs/*.jsonl", "logs/*", "logs/**", "logs/**/*.jsonl", "logs/**/*.jsonl*", "**/*.jsonl", "**/a.jsonl", "**"),
    *("logs/b?.jsonl", "logs/b[12].jsonl", "logs/b[!12].jsonl", "logs/[[]set].jsonl", "logs/a.jsonl", "logs/2026"),
    *("logs/2026/1[01]/*", "logs/2026*", "logs/*/10/*", "logs/**/10/**", "logs/2026/**/deep.jsonl", "*.jsonl", "*/*"),
    *("logs/.hidden.jsonl", "logs/2026/.tmp/*.jsonl", "logs/.*", "nothing/*.jsonl", "log*/a.jsonl", "**/**/a.jsonl"),
    *("logs/ü*", "logs/with *", "logs/**/x/**/*.jsonl"),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for key in KEYS:
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}\n")
    return root


@pytest.mark.parametrize("glob", GLOBS)
def test_a_glob_names_the_keys_that_it_names_as_files(files: Path, glob: str) -> None:
    named = sorted(source_text(files, log.path) for log in find_logs(files, (glob,)).logs)
    of_store = KeyGlob(f"s3://bucket/{glob}")
    assert sorted(key for key in KEYS if of_store.names(key)) == named


@pytest.mark.long
def test_what_is_listed_is_what_the_glob_names_and_begins_where_it_does(bucket: str, tmp_path: Path) -> None:
    for key in KEYS:
        put(f"{bucket}/{key}", b"{}\n")
    for glob in GLOBS:
        of_store = KeyGlob(f"{bucket}/{glob}")
        found = find_logs(tmp_path, (f"{bucket}/{glob}",))
        assert [source_text(tmp_path, log.path) for log in found.logs] == sorted(
            f"{bucket}/{key}" for key in KEYS if of_store.names(key)
        ), glob
        assert not found.refused


def test_the_beginning_of_keys_that_is_listed_holds_all_that_is_named() -> None:
    for glob in GLOBS:
        of_store = KeyGlob(f"s3://bucket/{glob}")
        for key in filter(of_store.names, KEYS):
            assert key.startswith(of_store.folder)
            assert of_store.after is None or key > of_store.after
    assert KeyGlob("s3://bucket/logs/2026/1[01]/*").folder == "logs/2026"
    assert KeyGlob("s3://bucket/logs/2026-1*.jsonl").after == "logs/2026-"


def test_an_object_is_known_for_one_of_its_source_without_a_listing(bucket: str, tmp_path: Path) -> None:
    put(f"{bucket}/logs/a.jsonl", b"{}\n")
    log = stored_log_at(f"{bucket}/logs/a.jsonl")
    assert log is not None
    assert is_named_by(tmp_path, log, ("logs/*", f"{bucket}/logs/*"))
    assert not is_named_by(tmp_path, log, ("logs/*", f"{bucket}-2/logs/*"))


def test_naming_a_file_asks_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"")
    monkeypatch.setattr(ObjectStore, "__init__", None)
    assert is_named_by(tmp_path, tmp_path / "a.jsonl", ("s3://bucket/logs/*", "*.jsonl"))


@pytest.mark.parametrize(
    "glob", ["s3://", "s3://bucket", "s3://bucket/", "s3://buck*/logs/*", "gs://b/a//b", "az://b/../x", "s3:///a"]
)
def test_a_glob_of_no_bucket_or_no_keys_is_refused_with_its_place(tmp_path: Path, glob: str) -> None:
    (tmp_path / "tallybook.toml").write_text(f'[[sources]]\nname = "gateway"\npaths = ["{glob}"]\n')
    with pytest.raises(ConfigurationError, match=r"tallybook.toml.*paths.*names no logs of a bucket"):
        read_settings(tmp_path)


@pytest.mark.parametrize(("days", "why"), [("-1", "from 0 to 31"), ("32", "from 0 to 31"), ("true", "whole number")])
def test_days_between_full_listings_are_a_number_within_a_month(tmp_path: Path, days: str, why: str) -> None:
    (tmp_path / "tallybook.toml").write_text(
        f'[[sources]]\nname = "gateway"\npaths = ["s3://bucket/*"]\nfull_listing_days = {days}\n'
    )
    with pytest.raises(ConfigurationError, match=why):
        read_settings(tmp_path)


def test_files_are_always_listed_whole(tmp_path: Path) -> None:
    (tmp_path / "tallybook.toml").write_text(
        '[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nfull_listing_days = 7\n'
    )
    with pytest.raises(ConfigurationError, match="is for logs on object stores"):
        read_settings(tmp_path)


@pytest.mark.parametrize("glob", ["abfs://logs/*.jsonl", "s3a://bucket/*.jsonl", "hdfs:///srv/logs/*.jsonl"])
def test_a_scheme_that_is_not_known_is_refused_and_not_taken_for_a_folder(tmp_path: Path, glob: str) -> None:
    (tmp_path / "tallybook.toml").write_text(f'[[sources]]\nname = "gateway"\npaths = ["{glob}"]\n')
    with pytest.raises(ConfigurationError, match=r"tallybook.toml.*paths.*has a scheme that is not known"):
        read_settings(tmp_path)
