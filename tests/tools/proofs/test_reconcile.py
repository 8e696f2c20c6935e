"""``tallybook reconcile``: our billed tokens per key, model and UTC day beside a provider's own export."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.base.errors import ConfigurationError
from pipeline.jobs.answers.provider_usage import read_key_names, read_provider_usage
from pipeline.jobs.answers.reconcile import Tolerance

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = '[[accounts]]\nid = "acme"\nname = "Acme"\ntimezone = "Asia/Tokyo"\nkeys = ["key_a", "key_b"]\n'
HEADER = "date,api_key_id,model,prompt_tokens,completion_tokens,prompt_cached_tokens,requests\n"


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """October 1st and 2nd in UTC; in Tokyo, where the account is, the second request is on the 2nd already."""
    root = make_workspace(tmp_path_factory.mktemp("reconcile") / "books", accounts=ACCOUNTS)
    write_log(
        root,
        "gateway.jsonl",
        plain("2026-10-01T10:00:00Z", id="a1", prompt=1_000, completion=100, cached=400),
        plain("2026-10-01T20:00:00Z", id="a2", prompt=2_000, completion=200, model="jamba-large-1.7"),
        plain("2026-10-01T20:00:05Z", id="a2", prompt=2_000, completion=200, model="jamba-large-1.7"),
        plain("2026-10-02T20:00:00Z", id="a3", prompt=10_000, completion=1),
        plain("2026-10-02T21:00:00Z", id="b1", prompt=7, completion=7, key="key_b"),
        plain("2026-10-09T21:00:00Z", id="a4", prompt=7, completion=7),
    )
    assert tallybook(root, "collect").returncode == 0
    return root


def export(path: Path, *rows: str) -> Path:
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


MATCHING = (
    "2026-10-01,key_a,jamba-large,3000,300,400,2",
    "2026-10-02,key_a,jamba-large,10000,1,0,1",
    "2026-10-02,key_b,jamba-large,7,7,,",
)


def listed(done: Any) -> dict[tuple[str, str], str]:
    return {
        (row["utc_date"], row["api_key_id"]): row["agreement"]
        for row in csv.DictReader(io.StringIO(done.stdout, newline=""))
    }


def test_equal_counts_match_by_utc_day_and_a_duplicate_is_not_counted(books: Path, tmp_path: Path) -> None:
    done = tallybook(books, "reconcile", str(export(tmp_path / "there.csv", *MATCHING)), "-o", "csv")
    assert done.returncode == 0, done.stdout
    assert listed(done) == {
        ("2026-10-01", "key_a"): "matched",
        ("2026-10-02", "key_a"): "matched",
        ("2026-10-02", "key_b"): "matched",
    }


def test_every_kind_of_drift_has_its_name_and_its_numbers(books: Path, tmp_path: Path) -> None:
    there = export(
        tmp_path / "there.csv",
        "2026-10-01,key_a,jamba-large,3001,300,400,2",
        "2026-10-02,key_c,jamba-large,5,5,0,1",
        "2026-10-02,key_a,jamba-large,10000,1,0,1",
    )
    done = tallybook(books, "reconcile", str(there), "-o", "json")
    answer = json.loads(done.stdout)
    assert done.returncode == 6
    assert (answer["ok"], answer["first_date"], answer["end_date"]) == (False, "2026-10-01", "2026-10-03")
    assert answer["counts"] == {"matched": 1, "different": 1, "missing_here": 1, "missing_there": 1}
    different = next(row for row in answer["comparisons"] if row["agreement"] == "different")
    assert (
        different["prompt_tokens_here"],
        different["prompt_tokens_there"],
        different["prompt_tokens_difference"],
    ) == (3000, 3001, -1)
    assert tallybook(books, "reconcile", str(there)).stdout.endswith(
        "UTC days from 2026-10-01 to (excluding) 2026-10-03, by key, model and day: "
        "1 matched, 1 different, 1 missing here, 1 missing there\n"
    )


@pytest.mark.parametrize(("tolerance", "code"), [("0", 6), ("29", 6), ("30", 0), ("1%", 0), ("0.9%", 6)])
def test_drift_within_the_tolerance_matches(books: Path, tmp_path: Path, tolerance: str, code: int) -> None:
    there = export(tmp_path / "there.csv", "2026-10-01,key_a,jamba-large,3030,300,400,2")
    assert tallybook(books, "reconcile", str(there), "--tolerance", tolerance).returncode == code


def test_a_percentage_is_of_their_count_and_exact() -> None:
    tolerance = Tolerance.parse("0.5%")
    assert tolerance == Tolerance(percent=Decimal("0.5"))
    assert tolerance.allows(9_950, 10_000)
    assert not tolerance.allows(9_949, 10_000)
    assert not tolerance.allows(1, 0)
    for wrong in ("", "%", "-1", "1.5", "1,5%", "x", "1e3"):
        with pytest.raises(ConfigurationError, match="tolerance"):
            Tolerance.parse(wrong)


def test_cached_tokens_count_where_the_export_states_them(books: Path, tmp_path: Path) -> None:
    assert (
        tallybook(
            books, "reconcile", str(export(tmp_path / "a.csv", "2026-10-01,key_a,jamba-large,3000,300,401,2"))
        ).returncode
        == 6
    )
    assert (
        tallybook(
            books, "reconcile", str(export(tmp_path / "b.csv", "2026-10-01,key_a,jamba-large,3000,300,,"))
        ).returncode
        == 0
    )


def test_their_key_ids_can_stand_for_ours_and_our_other_keys_be_left_out(books: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.csv"
    keys.write_text("provider_key_id,api_key_id\nkey_theirs,key_a\n", encoding="utf-8")
    there = export(tmp_path / "there.csv", "2026-10-02,key_theirs,jamba-large-1.7,10000,1,0,1")
    assert tallybook(books, "reconcile", str(there), "--keys", str(keys)).returncode == 6
    assert tallybook(books, "reconcile", str(there), "--keys", str(keys), "--only-their-keys").returncode == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "its header lacks provider_key_id, api_key_id; the columns are provider_key_id,api_key_id"),
        (b"provider_key_id,api_key_id\ncaf\xe9,key_a\n", "it is not UTF-8 at byte 30"),
        (b"provider_key_id,api_key_id\nkey_theirs\n", "line 2 has another number of cells than the header"),
        (b"provider_key_id,api_key_id\nkey_theirs,key_a,x\n", "line 2 has another number of cells than the header"),
        (b"provider_key_id,api_key_id\nkey_theirs," + b"x" * 200_000, "is no CSV (field larger than field limit"),
        (b"x" * 200_000, "is no CSV (field larger than field limit"),
        (
            b"provider_key_id,api_key_id\nt,key_a\nt,key_a\nt,key_b\n",
            "line 4: provider_key_id 't' stands there twice, with different ids of ours",
        ),
    ],
)
def test_key_ids_that_cannot_be_meant_are_refused_in_a_line(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "keys.csv").write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        read_key_names(tmp_path / "keys.csv")
    assert told in str(refused.value)


def test_a_count_of_thousands_of_digits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"line 2: prompt_tokens is '9{40}', not a count"):
        read_provider_usage([export(tmp_path / "there.csv", f"2026-10-02,key_a,jamba,{'9' * 5000},1,0,1")])


def page(*buckets: tuple[str, list[dict[str, Any]]], **more: Any) -> dict[str, Any]:
    found = []
    for day, results in buckets:
        start = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
        found.append({"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": results})
    return {"object": "page", "data": found, "has_more": False, "next_page": None} | more


def result(key: str | None = "key_a", **more: Any) -> dict[str, Any]:
    counts = {"input_tokens": 3_000, "output_tokens": 300, "input_cached_tokens": 400, "num_model_requests": 2}
    return {
        "object": "organization.usage.completions.result",
        **counts,
        "api_key_id": key,
        "model": "jamba-large-1.7",
        "batch": None,
    } | more


def test_openai_usage_buckets_are_read_page_by_page(books: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "1.json", tmp_path / "2.json"
    half = {"input_tokens": 1_500, "output_tokens": 150, "input_cached_tokens": 200, "num_model_requests": 1}
    one.write_text(
        json.dumps(
            page(
                ("2026-10-01", [result(batch=False, **half), result(batch=True, **half)]), has_more=True, next_page="p"
            )
        )
    )
    two.write_text(json.dumps(page(("2026-10-03", []))))
    done = tallybook(books, "reconcile", str(one), str(two), "-o", "csv")
    assert listed(done) == {
        ("2026-10-01", "key_a"): "matched",
        ("2026-10-02", "key_a"): "missing_there",
        ("2026-10-02", "key_b"): "missing_there",
    }
    alone = tallybook(books, "reconcile", str(one))
    assert alone.returncode == 2
    assert "has_more" in alone.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps(page(("2026-10-01", [result(key=None)]))), "group_by"),
        (json.dumps(page(("2026-10-01", [result(input_tokens=1.5)]))), "not a count"),
        (json.dumps(page(("2026-10-01", [result(output_tokens=True)]))), "not a count"),
        (json.dumps(page(("2026-10-01T12:00", [result()]))), "within a UTC day"),
        (json.dumps(page()), "no day"),
        ('{"error": "no"}', "no list 'data'"),
        ('{"data": [', "not JSON"),
        ("date,model\n", "lacks api_key_id"),
        (HEADER, "no day"),
        (HEADER + "2026-10-01,key_a,jamba-large,many,1,,\n", "line 2: prompt_tokens is 'many'"),
        (HEADER + "2026-13-01,key_a,jamba-large,1,1,,\n", "line 2"),
        (HEADER + "2026-10-01,key_a,jamba-large,1\n", "number of cells"),
    ],
)
def test_an_export_that_is_not_understood_is_refused_with_its_place(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "export"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said) as refusal:
        read_provider_usage([path])
    assert str(path) in str(refusal.value)
