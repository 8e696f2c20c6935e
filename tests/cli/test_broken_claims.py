"""A claim of ``sql/checks`` that fails is heard: the night names it, nothing is frozen over it, ``verify`` lists it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from workspaces import append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.base import resources
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.claims import claims_of, refuse_broken_claims
from pipeline.warehouse.lists import written_out

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = ("--as-of", "2026-11-01T03:00:00Z")


@pytest.fixture
def sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of ``sql/`` that this test may write to, and that every command reads instead."""
    folder = tmp_path / "program" / "sql"
    shutil.copytree(resources.sql_folder(), folder)
    monkeypatch.setattr(resources, "_PACKAGE", folder.parent / "pipeline")
    return folder


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months with cached tokens, the first one issued, by ``sql/`` as it is."""
    root = make_workspace(tmp_path_factory.mktemp("made") / "books")
    lines = (plain("2026-09-05T10:00:00Z", id="a", cached=400), plain("2026-10-05T10:00:00Z", id="b", cached=400))
    write_log(root, "l.jsonl", *lines)
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-09", *AS_OF).returncode == 0
    return root


@pytest.fixture
def books(made_once: Path, tmp_path: Path, sql: Path) -> Path:
    """A copy of them, of which every command reads the copy of ``sql/``."""
    assert resources.sql_folder() == sql
    return shutil.copytree(made_once, tmp_path / "books")


def break_metered_totals(sql: Path) -> None:
    rewrite(sql / "intermediate" / "metered_totals.sql", "then attributed_totals.prompt_cached_tokens", "then 0")


def rewrite(file: Path, right: str, wrong: str) -> None:
    text = written_out(file.read_text(encoding="utf-8"), file)  # one column of many is made wrong
    assert text.count(right) == 1
    file.write_text(text.replace(right, wrong), encoding="utf-8")


def add_check(sql: Path, name: str, select: str, severity: str = "blocking") -> Path:
    file = sql / "checks" / severity / f"{name}.sql"
    file.write_text(f"-- Claim: a test's own.\n-- grain: whatever\n{select}\n", encoding="utf-8")
    return file


def assert_asked(root: Path, name: str) -> None:
    """The night, issue and verify name the claim, each with its exit code."""
    night = tallybook(root, "nightly", *AS_OF)
    assert night.returncode == 7, night.stderr
    assert f"the claim {name} does not hold" in night.stdout
    assert f"the claim {name} does not hold" in night.stderr
    refused = tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF)
    assert (refused.returncode, name in refused.stderr) == (4, True), refused.stderr
    verified = tallybook(root, "verify")
    assert verified.returncode == 6
    assert f"FAIL  {name}: 1 row breaks it" in verified.stdout or f"FAIL  {name}: 2 rows break it" in verified.stdout


def assert_heard(root: Path, name: str) -> None:
    """So do a second night, a draft and void, and nothing is frozen."""
    register = fingerprints(root / "invoices" / "register")
    assert_asked(root, name)
    night = tallybook(root, "nightly", "--json", *AS_OF)
    assert night.returncode == 7, night.stderr
    assert [claim["name"] for claim in json.loads(night.stdout)["broken_claims"]] == [name]
    assert f"the claim {name} does not hold" in night.stderr
    assert tallybook(root, "invoice", "draft", "--period", "2026-10").returncode == 7
    refused = tallybook(root, "invoice", "void", "INV-000001", *AS_OF)
    assert (refused.returncode, name in refused.stderr) == (4, True), refused.stderr
    assert fingerprints(root / "invoices" / "register") == register


@pytest.mark.long
def test_a_wrong_select_is_heard_by_the_night_by_issue_by_void_and_by_verify(books: Path, sql: Path) -> None:
    break_metered_totals(sql)
    assert_heard(books, "tokens_on_another_meter")


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "claim"),
    [
        (("slice_totals", "sum(usage_events.prompt_cached_tokens)", "sum(0)"), "tokens_lost_between_slices"),
        (("exchange_totals", "sum(prompt_cached_tokens)", "sum(0)"), "tokens_lost_between_fates"),
        (
            ("attributed_totals", "exchange_totals.prompt_cached_tokens", "0::bigint as prompt_cached_tokens"),
            "tokens_lost_between_fates",
        ),
    ],
    ids=["slice_totals", "exchange_totals", "attributed_totals"],
)
def test_tokens_lost_on_the_way_to_the_marts_are_heard(
    books: Path, sql: Path, change: tuple[str, str, str], claim: str
) -> None:
    relation, right, wrong = change
    rewrite(sql / "intermediate" / f"{relation}.sql", right, wrong)
    assert_asked(books, claim)


@pytest.mark.long
def test_a_wrong_select_is_heard_where_only_new_dates_are_counted(books: Path, sql: Path) -> None:
    break_metered_totals(sql)
    append_log(books, "l.jsonl", plain("2026-10-06T10:00:00Z", id="c", cached=7))
    assert_heard(books, "tokens_on_another_meter")


@pytest.mark.long
def test_once_the_select_is_right_again_the_next_night_is_right_and_the_month_can_be_issued(
    books: Path, sql: Path
) -> None:
    right = fingerprints(books / "invoices")
    text = (sql / "intermediate" / "metered_totals.sql").read_text(encoding="utf-8")
    break_metered_totals(sql)
    assert tallybook(books, "nightly", *AS_OF).returncode == 7
    assert fingerprints(books / "invoices") != right
    (sql / "intermediate" / "metered_totals.sql").write_text(text, encoding="utf-8")
    assert tallybook(books, "nightly", *AS_OF).returncode == 0
    assert fingerprints(books / "invoices") == right
    assert tallybook(books, "invoice", "issue", "--period", "2026-10", *AS_OF).returncode == 0
    assert tallybook(books, "verify").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "reads",
    [
        "usage_events where status = 'measured' and line = 2",
        "slice_totals where events > 0 and slice_at >= timestamp '2026-10-01'",
        "attributed_totals where billing_period = '2026-10'",
        "usage_daily where billing_period = '2026-10' and meter = 'prompt_cached'",
        "committed_events where status = 'measured'",
        "usage_by_utc_day where utc_date = date '2026-10-05'",
        (
            "usage_events inner join exchanges_daily on exchanges_daily.api_key_id = usage_events.api_key_id and "
            "usage_date = occurred_at::date where line = 2"
        ),
        "slice_totals where slice_at >= timestamp '2026-10-01' and $unmeasured = 'list'",
    ],
    ids=lambda reads: reads.split(" where ")[0].replace(" ", "_")[:60],
)
def test_a_check_that_somebody_adds_is_asked_wherever_it_reads_from(books: Path, sql: Path, reads: str) -> None:
    add_check(sql, "our_own", f"select 1::bigint as found from {reads}")  # noqa: S608  # a test's own text
    assert_asked(books, "our_own")


@pytest.mark.slow
def test_a_check_that_somebody_takes_away_again_is_forgotten(books: Path, sql: Path) -> None:
    check = add_check(sql, "our_own", "select 1::bigint as found from usage_daily where billing_period = '2026-10'")
    assert_heard(books, "our_own")
    check.unlink()
    assert tallybook(books, "nightly", *AS_OF).returncode == 0


@pytest.mark.long
def test_a_check_that_holds_is_listed_by_verify_and_changes_nothing_else(books: Path, sql: Path) -> None:
    before = fingerprints(books / "invoices")
    add_check(sql, "no_negative_quantity", "select account_id from usage_daily where quantity < 0")
    assert tallybook(books, "nightly", *AS_OF).returncode == 0
    assert "ok    no_negative_quantity: no row breaks it" in tallybook(books, "verify").stdout
    assert fingerprints(books / "invoices") == before


@pytest.mark.long
def test_an_advisory_check_that_somebody_adds_becomes_a_warning_and_blocks_nothing(books: Path, sql: Path) -> None:
    add_check(
        sql,
        "heavy_keys",
        "select api_key_id, sum(quantity)::bigint as tokens from usage_daily group by api_key_id",
        "advisory",
    )
    night = tallybook(books, "nightly", *AS_OF)
    assert night.returncode == 0
    assert "warning: heavy_keys: 1 row: api_key_id 'key_a', tokens 2000000;" in night.stderr
    assert tallybook(books, "invoice", "issue", "--period", "2026-10", *AS_OF).returncode == 0


def test_marts_of_which_no_check_was_asked_are_shown_and_never_taken_for_right(books: Path) -> None:
    workspace = open_workspace(books)
    asked, unasked = aggregate(workspace), aggregate(workspace, is_checked=False)
    assert unasked.marts.usage_daily == asked.marts.usage_daily
    assert unasked.marts.exchanges_daily == asked.marts.exchanges_daily
    assert {check.name for check in claims_of(asked.marts)} == asked.marts.broken_claims.keys() != set()
    with pytest.raises(ValueError, match=r"committed_events_lost, .* were not asked of these marts"):
        refuse_broken_claims(workspace, unasked)


def test_a_check_of_a_relation_that_is_nowhere_is_refused_by_name(books: Path, sql: Path) -> None:
    add_check(sql, "mistyped", "select 1 as found from usage_dayly")
    for command in (("nightly",), ("verify",)):
        refused = tallybook(books, *command)
        assert (refused.returncode, "the check mistyped reads usage_dayly" in refused.stderr) == (2, True), (
            refused.stderr
        )


@pytest.mark.parametrize("command", [("nightly", *AS_OF), ("verify",), ("sql", "slice_totals")])
def test_a_list_that_does_not_exist_is_named_with_its_place(books: Path, sql: Path, command: tuple[str, ...]) -> None:
    file = sql / "intermediate" / "slice_totals.sql"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    (number,) = (number for number, line in enumerate(lines) if "sum(usage_events.@counts)" in line)
    lines[number] = lines[number].replace("@counts", "@count", 1)
    file.write_text("".join(lines), encoding="utf-8")
    done = tallybook(books, *command)
    assert done.returncode == 2
    assert f"{file}:{number + 1}: there is no list @count; did you mean @counts? the lists are" in done.stderr
