"""The oracle says what can be worked out by hand, and agrees with the labels of every random line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from compare import COUNTS, assert_same
from oracle import LineKey, bill, decompressed
from random_logs import make_workspace
from wire import Event

if TYPE_CHECKING:
    from maker import Label
    from oracle import OracleResult

SETTINGS = '{top}\n[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nformat = "request-log"\n'
ACCOUNTS = '[[accounts]]\nid = "acme"\nname = "Acme"\ntimezone = "Europe/Berlin"\nkeys = ["key_a"]\n'
CARD = 'id = "standard"\n[[rates]]\nmodel = "m"\nprompt = 1\ncompletion = 8\n'
MODULES = (
    *("oracle", "wire", "family_wire", "bodies", "maker", "traps", "other_apis", "silences", "refusals"),
    *("random_logs", "compare", "python_zstd"),
)


def workspace(path: Path, lines: list[dict[str, Any]], *, top: str = "", card: str = CARD) -> Path:
    for folder in ("logs", "rates"):
        (path / folder).mkdir()
    (path / "tallybook.toml").write_text(SETTINGS.format(top=top), encoding="utf-8")
    (path / "accounts.toml").write_text(ACCOUNTS, encoding="utf-8")
    (path / "rates" / "standard.toml").write_text(card, encoding="utf-8")
    (path / "logs" / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def line(
    response_id: str,
    prompt: int,
    completion: int,
    *,
    ts: str = "2026-10-05T08:00:00Z",
    key: str = "key_a",
    **usage: object,
) -> dict[str, Any]:
    response = {
        "id": response_id,
        "choices": [],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion, **usage},
    }
    return {"ts": ts, "api_key_id": key, "status": 200, "request": {"model": "m"}, "response": response}


def test_two_calls_make_two_lines_rounded_once(tmp_path: Path) -> None:
    # prompt 4,000 + 1,000 at 1.00 is exactly 0.005; completion 700 at 8.00 is 0.0056
    result = bill(workspace(tmp_path, [line("a", 4_000, 300), line("b", 1_000, 400)]))
    assert result.lines == {
        ("acme", "2026-10"): {
            LineKey("key_a", "m", "", "prompt", Decimal(1)): (5_000, Decimal("0.01")),
            LineKey("key_a", "m", "", "completion", Decimal(8)): (700, Decimal("0.01")),
        }
    }
    assert result.totals == {("acme", "2026-10"): Decimal("0.02")}


def test_half_even_rounds_half_a_cent_to_the_even_cent(tmp_path: Path) -> None:
    result = bill(workspace(tmp_path, [line("a", 5_000, 0)], top='rounding = "half-even"'))
    assert result.totals == {("acme", "2026-10"): Decimal("0.00")}


def test_a_month_starts_at_midnight_where_the_account_is(tmp_path: Path) -> None:
    calls = [line("a", 10, 0, ts="2026-09-30T21:59:59.999999Z"), line("b", 20, 0, ts="2026-09-30T22:00:00Z")]
    result = bill(workspace(tmp_path, calls))
    assert {owner[1]: [quantity for quantity, _ in lines.values()] for owner, lines in result.lines.items()} == {
        "2026-09": [10],
        "2026-10": [20],
    }


def test_a_price_change_at_noon_splits_the_day_and_ends_before_noon(tmp_path: Path) -> None:
    card = CARD.replace("prompt = 1", "effective_to = 2026-10-10T12:00:00Z\nprompt = 1")
    card += '[[rates]]\nmodel = "m"\neffective_from = 2026-10-10T12:00:00Z\nprompt = 3\ncompletion = 8\n'
    calls = [line("a", 10, 0, ts="2026-10-10T11:59:59.999999Z"), line("b", 20, 0, ts="2026-10-10T14:00:00+02:00")]
    result = bill(workspace(tmp_path, calls, card=card))
    assert {key.rate: quantity for key, (quantity, _) in result.lines["acme", "2026-10"].items()} == {
        Decimal(1): 10,
        Decimal(3): 20,
    }


def test_cached_tokens_are_on_a_meter_of_their_own_at_the_prompt_rate(tmp_path: Path) -> None:
    result = bill(workspace(tmp_path, [line("a", 100, 0, prompt_tokens_details={"cached_tokens": 60})]))
    assert {(key.meter, key.rate): quantity for key, (quantity, _) in result.lines["acme", "2026-10"].items()} == {
        ("prompt", Decimal(1)): 40,
        ("prompt_cached", Decimal(1)): 60,
    }


def test_the_earliest_copy_is_billed_and_a_zero_placeholder_is_a_duplicate(tmp_path: Path) -> None:
    copies = [line("a", 10, 1, ts="2026-11-05T00:00:00Z"), line("a", 10, 1), line("a", 0, 0, ts="2026-12-05T00:00:00Z")]
    result = bill(workspace(tmp_path, copies))
    assert [event.fate for event in result.read.values() if isinstance(event, Event)] == [
        "duplicate",
        "billed",
        "duplicate",
    ]
    assert list(result.lines) == [("acme", "2026-10")]


def test_of_two_different_usages_the_later_is_billed(tmp_path: Path) -> None:
    result = bill(
        workspace(
            tmp_path,
            [
                line("a", 10, 9, ts="2026-10-05T09:00:00Z"),
                line("a", 10, 1),
                line("a", 10, 9, ts="2026-10-06T09:00:00Z"),
            ],
        )
    )
    assert [event.fate for event in result.read.values() if isinstance(event, Event)] == [
        "billed",
        "conflict",
        "duplicate",
    ]


def test_a_cut_stream_is_billed_only_where_the_policy_says_so(tmp_path: Path) -> None:
    chunk = 'data: {"id":"a","choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
    cut = {**line("a", 0, 0), "response": chunk * 3}
    for number, (policy, billed) in enumerate(
        [("", {}), ('[policy]\nunmeasured = "bill-estimate"', {("acme", "2026-10"): 3})]
    ):
        (tmp_path / str(number)).mkdir()
        folder = workspace(tmp_path / str(number), [cut])
        (folder / "tallybook.toml").write_text(SETTINGS.format(top="") + policy, encoding="utf-8")
        result = bill(folder)
        assert result.counts["estimated"] == 1
        assert {
            owner: sum(quantity for quantity, _ in lines.values()) for owner, lines in result.lines.items()
        } == billed


def test_usage_without_a_rate_or_an_account_is_listed_never_dropped(tmp_path: Path) -> None:
    calls = [{**line("a", 10, 2), "request": {"model": "other"}}, line("b", 7, 1, key="key_z")]
    result = bill(workspace(tmp_path, calls))
    assert result.unpriced == {("acme", "other", "prompt"): 10, ("acme", "other", "completion"): 2}
    assert result.unassigned == {("key_z", "m", "prompt"): 7, ("key_z", "m", "completion"): 1}
    assert result.counts["billed"] == 2
    assert not result.lines


@pytest.mark.parametrize("seed", range(4))
def test_the_oracle_reads_every_random_line_as_it_was_meant(tmp_path: Path, seed: int) -> None:
    made = make_workspace(tmp_path / "w", seed, lines=900)
    result = bill(tmp_path / "w")
    wrong = {
        place: (label, result.read.get(place))
        for place, label in made.labels.items()
        if not is_as_meant(label, result.read.get(place))
    }
    assert not wrong
    assert result.read.keys() == made.labels.keys()
    billed = [
        label
        for label in made.labels.values()
        if label.fate == "billed" and (label.what == "measured" or made.bills_estimates)
    ]
    tokens = sum(label.tokens.prompt + label.tokens.completion for label in billed if label.tokens)
    on_lines = sum(quantity for lines in result.lines.values() for quantity, _ in lines.values())
    assert on_lines + sum(result.unpriced.values()) + sum(result.unassigned.values()) == tokens
    measured = [
        (event, made.labels[place])
        for place, event in result.read.items()
        if isinstance(event, Event) and event.status == "measured"
    ]
    # copies of equal bytes are interchangeable, so fates are compared by line
    assert Counter((event.line, event.fate) for event, _ in measured) == Counter(
        (event.line, label.fate) for event, label in measured
    )


def is_as_meant(label: Label, found: Event | str | None) -> bool:
    if not isinstance(found, Event):
        return found == label.what
    return found.status == label.what and found.tokens == label.tokens


@pytest.mark.long
def test_the_default_workspace_holds_every_kind_of_trap(tmp_path: Path) -> None:
    made = make_workspace(tmp_path / "w", seed=0)
    result = bill(tmp_path / "w")
    traps = {label.trap for label in made.labels.values()}
    stated = {trap.split("/")[1] for trap in traps if trap.startswith("usage/")}
    assert stated >= {"plain", "cached-details", "cache-write", "reasoning-apart", "cached-unknown"}
    assert {trap.split("/")[1] for trap in traps if trap.startswith("stream/")} >= {
        "ai21",
        "openai",
        "groq",
        "azure",
        "zero-placeholder",
        "no-done",
    }
    assert {label.what for label in made.labels.values() if "refused" in label.trap} == {
        *("invalid_utf8", "invalid_json", "duplicate_key", "not_an_object", "line_too_long"),
        *("missing_field", "invalid_field", "invalid_usage", "contradictory_usage"),
    }
    assert all(
        result.counts[name]
        for name in ("measured", "estimated", "unknown", "failed", "not_metered", "blank", "duplicates", "conflicts")
    )
    assert result.unpriced
    assert result.unassigned
    assert len({period for _, period in result.lines}) >= 3
    assert len({key.rate for lines in result.lines.values() for key in lines}) >= 10


def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_workspace(tmp_path / name, seed=5, lines=50)
    files = [
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("one", "two")
    ]
    assert files[0] == files[1]


def test_no_module_of_the_oracle_imports_the_product() -> None:
    for name in MODULES:
        (module,) = Path(__file__).parents[1].rglob(f"{name}.py")
        source = module.read_text(encoding="utf-8")
        assert not [
            row
            for row in source.splitlines()
            if row.split()[:1] in (["import"], ["from"])
            and row.split()[1].split(".")[0] in ("pipeline", "duckdb", "pyarrow")
        ]


def verify_document(result: OracleResult) -> dict[str, Any]:
    return {"ok": True, "counts": {name: result.counts[name] for name in COUNTS}, "checks": []}


def write_invoices(folder: Path, result: OracleResult) -> None:
    """What a pipeline that agrees would write, as far as the comparison reads it."""
    for (account, period), lines in result.lines.items():
        out = folder / "invoices" / period
        out.mkdir(parents=True)
        rows = [
            f"d,{account},{n},usage,{k.api_key_id},{k.model},,{k.meter},{q},{k.rate},USD,{a},x"
            for n, (k, (q, a)) in enumerate(lines.items(), 1)
        ]
        header = (
            "invoice_id,account_id,line,kind,api_key_id,model,service_tier,meter,quantity,rate_per_million,currency,"
            "amount,description"
        )
        (out / "lines.csv").write_text("\r\n".join([header, *rows, ""]), encoding="utf-8")
        header = (
            "invoice_id,status,account_id,account_name,period,period_start,period_end,currency,subtotal,total,lines"
        )
        total = result.totals[account, period]
        row = f"d,draft,{account},Acme,{period},x,y,USD,{total},{total},{len(lines)}"
        (out / "invoices.csv").write_text(f"{header}\r\n{row}\r\n", encoding="utf-8")


def test_the_comparison_accepts_what_is_equal(tmp_path: Path) -> None:
    folder = workspace(tmp_path, [line("a", 40_000, 3_000)])
    result = bill(folder)
    write_invoices(folder, result)
    assert_same(folder, result, verify_document(result))


def test_the_comparison_names_a_cent_that_differs(tmp_path: Path) -> None:
    folder = workspace(tmp_path, [line("a", 40_000, 3_000)])
    result = bill(folder)
    write_invoices(folder, result)
    lines = folder / "invoices" / "2026-10" / "lines.csv"
    lines.write_text(lines.read_text(encoding="utf-8").replace("USD,0.04", "USD,0.05"), encoding="utf-8")
    with pytest.raises(
        AssertionError, match=r"prompt.*the oracle says \(40000, '0.04'\), written is \(40000, '0.05'\)"
    ):
        assert_same(folder, result, verify_document(result))


@pytest.mark.parametrize("name", ["lines", "billed", "conflicts"])
def test_the_comparison_names_a_count_that_differs(tmp_path: Path, name: str) -> None:
    folder = workspace(tmp_path, [line("a", 40_000, 3_000)])
    result = bill(folder)
    write_invoices(folder, result)
    document = verify_document(result)
    document["counts"][name] = 7
    with pytest.raises(AssertionError, match=f"count {name}: the oracle says {result.counts[name]}, written is 7"):
        assert_same(folder, result, document)


def test_the_comparison_misses_a_missing_invoice(tmp_path: Path) -> None:
    folder = workspace(tmp_path, [line("a", 40_000, 3_000)])
    result = bill(folder)
    with pytest.raises(AssertionError, match=r"invoice \('acme', '2026-10'\).*written is None"):
        assert_same(folder, result, verify_document(result))


def test_the_committed_sample_holds_some_of_every_trap() -> None:
    result = bill(Path(__file__).parents[3] / "data")
    assert 300 <= result.counts["lines"] <= 500
    assert all(
        result.counts[name]
        for name in ("blank", "quarantined", "estimated", "unknown", "failed", "not_metered", "duplicates", "conflicts")
    )
    assert {period for _, period in result.totals} == {"2026-09", "2026-10"}
    assert len({account for account, _ in result.totals}) == 4
    assert result.unpriced
    assert result.unassigned


def test_the_committed_sample_is_what_its_script_makes(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    shutil.copy(root / "data" / "accounts.toml", tmp_path)
    subprocess.run([sys.executable, root / "benchmarks" / "inputs" / "make_sample.py", tmp_path], check=True)
    names = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert names == sorted(path.name for path in (root / "data" / "logs").iterdir())
    for name in names:  # compared as text: how well gzip packs is a matter of the zlib at hand
        assert decompressed((tmp_path / "logs" / name).read_bytes()) == decompressed(
            (root / "data" / "logs" / name).read_bytes()
        )
