"""A rule that was wrong yesterday does not cost the usage of yesterday."""

from __future__ import annotations

import csv
import gzip
import json
import random
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline import lake, usage
from pipeline.collectors import counting
from pipeline.collectors.families import reading
from pipeline.collectors.formats import log_format
from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.rules import finder

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = 'timezone = "UTC"\n'
APP = '[[sources]]\nname = "app"\npaths = ["logs/app*"]\nformat = "request-log"\n'
EDGE = '[[sources]]\nname = "edge"\npaths = ["logs/edge*"]\nformat = "request-log"\n'
WRONG = 'fields = { api_key_id = "auth.id" }\n'
RIGHT = 'fields = { api_key_id = "auth.key" }\n'


def edge(ts: str, **fields: Any) -> str:
    """A line of a gateway that writes the key at a place of its own."""
    line = json.loads(plain(ts, **fields))
    return json.dumps(line | {"auth": {"key": line.pop("api_key_id")}, "api_key_id": None})


def configure(root: Path, *texts: str) -> None:
    (root / "tallybook.toml").write_text(CONFIG + "".join(texts), encoding="utf-8")


def night(root: Path, as_of: str, *options: str, may_refuse: bool = False) -> dict[str, Any]:
    done = tallybook(root, "nightly", "--as-of", as_of, "--json", *options)
    assert done.returncode in ((0, 3) if may_refuse else (0,)), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run(root: Path, *arguments: str) -> str:
    done = tallybook(root, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def drafts(root: Path) -> dict[str, str]:
    totals = {}
    for path in sorted((root / "invoices").glob("*/invoices.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            totals |= {row["invoice_id"]: row["total"] for row in csv.DictReader(file)}
    return totals


@pytest.mark.long
def test_a_wrong_mapping_is_corrected_and_what_it_quarantined_is_billed_on_the_next_invoice(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books", config=CONFIG + APP + EDGE + WRONG)
    write_log(root, "app.jsonl", plain("2026-03-05T10:00:00Z", id="app"))
    write_log(root, "edge.jsonl", *(edge(f"2026-03-0{day}T10:00:00Z", id=f"edge-{day}") for day in (1, 2, 3)))
    found = night(root, "2026-04-01T03:00:00Z", "--force")
    assert (found["counts"]["quarantined"], found["counts"]["billed"]) == (3, 1)
    run(root, "invoice", "issue", "--period", "2026-03", "--as-of", "2026-04-01T09:00:00Z")
    assert drafts(root)["INV-000001"] == "2.00"

    configure(root, APP, EDGE, RIGHT)
    told = run(root, "nightly", "--as-of", "2026-04-02T03:00:00Z")
    assert told.count("of logs again") == 1
    assert "0 events superseded, 3 in their place or new; 3 lines out of the quarantine, 0 into it" in told
    assert "quarantined lines" not in told
    assert drafts(root) == {"INV-000001": "2.00", "draft-2026-04-acme": "6.00"}
    assert "ok    invoices_and_corrections_are_the_truth" in run(root, "verify")
    run(root, "recompute", "INV-000001")
    run(root, "doctor")
    assert "2.00 USD (1000000 tokens) was invoiced before" in run(root, "explain", "draft-2026-04-acme", "1")

    run(root, "invoice", "issue", "--period", "2026-04", "--as-of", "2026-05-01T09:00:00Z")
    for invoice in ("INV-000001", "INV-000002"):
        run(root, "recompute", invoice)
    assert "of logs again" not in run(root, "nightly", "--as-of", "2026-05-02T03:00:00Z")
    run(root, "verify")


def test_a_segment_that_comes_out_the_same_is_read_again_once(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books", config=CONFIG + EDGE)
    write_log(root, "edge.jsonl", edge("2026-03-01T10:00:00Z", id="a"))
    night(root, "2026-03-02", "--force")
    configure(root, EDGE, WRONG)
    assert night(root, "2026-03-02", "--force")["collected"]["again"]["segments"] == 1
    again = night(root, "2026-03-02")
    assert again["collected"]["again"]["segments"] == 0
    assert again["commit"] == 1


@pytest.mark.long
def test_a_new_version_of_the_reader_reads_again_what_the_old_one_could_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_workspace(tmp_path / "books", config=CONFIG + APP)
    write_log(root, "app.jsonl", plain("2026-03-01T10:00:00Z", id="a"), "no line of a log")
    write_log(root, "app-whole.jsonl", plain("2026-03-01T10:00:00Z", id="b"))
    night(root, "2026-03-02")
    monkeypatch.setattr(log_format, "READER_VERSION", log_format.READER_VERSION + 1)
    assert night(root, "2026-03-02")["collected"]["again"]["segments"] == 1
    assert night(root, "2026-03-02")["collected"]["again"]["segments"] == 0


@pytest.mark.long
def test_an_event_above_the_greatest_count_is_taken_out_of_a_lake_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_workspace(tmp_path / "books", config=CONFIG + APP)
    log = write_log(
        root,
        "app.jsonl",
        plain("2026-03-01T10:00:00Z", id="a"),
        plain("2026-03-01T11:00:00Z", id="b", prompt=usage.TOKENS_MAX + 1),
    )
    with monkeypatch.context() as before:
        for module in (usage, counting, reading):
            before.setattr(module, "TOKENS_MAX", 2**63 - 1)
        before.setattr(readers, "_idle", {})  # no shape is known that was asked of another reader
        before.setattr(finder, "_known", {})
        before.setattr(finder, "_met", {})
        run(root, "collect", "--as-of", "2026-03-02")
    assert lake.read_log(root / "lake").sources[0].events == {"measured": 2}
    assert "1 event superseded" in run(root, "collect", "--again", "--as-of", "2026-03-02")
    (record,) = lake.read_log(root / "lake").sources
    assert (record.events, record.quarantined) == ({"measured": 1}, {"invalid_usage": 1})
    assert night(root, "2026-03-02")["counts"]["billed_tokens"] == 1_000_000
    run(root, "verify")
    assert log.is_file()


@pytest.mark.long
@pytest.mark.parametrize(
    ("seed", "days"), [(0, 3), *(pytest.param(seed, 6, marks=pytest.mark.slow) for seed in range(12))]
)
def test_a_lake_that_was_read_again_counts_what_a_new_lake_of_the_same_logs_counts(
    tmp_path: Path, seed: int, days: int
) -> None:
    dice = random.Random(seed)
    root = make_workspace(tmp_path / "books", config=CONFIG + APP + EDGE + WRONG)
    settings = [
        EDGE + WRONG,
        EDGE + RIGHT,
        EDGE + 'fields = { ts = "time" }\n',
        EDGE + RIGHT + 'identity = "request-id"\n',
    ]
    number = 0
    for day in range(1, days + 1):
        configure(root, APP, dice.choice(settings))
        for kind in ("app", "edge"):
            log = root / "logs" / f"{kind}.jsonl"
            if log.is_file() and dice.random() < 0.4:  # rotated, perhaps compressed
                rotated = root / "logs" / f"{kind}.jsonl.{day}"
                log.rename(rotated)
                if dice.random() < 0.5:
                    (root / "logs" / f"{kind}.jsonl.{day}.gz").write_bytes(gzip.compress(rotated.read_bytes()))
                    rotated.unlink()
            with log.open("a", encoding="utf-8") as opened:
                for _ in range(dice.randrange(1, 5)):
                    number += dice.random() < 0.9  # now and then one response is logged twice
                    ts = f"2026-03-0{dice.randrange(1, day + 1)}T10:00:00Z"
                    line = (edge if kind == "edge" else plain)(
                        ts, id=f"id-{number}", request_id=f"req-{number}", time=f"2026-03-0{day}T1{number % 10}:00:00Z"
                    )
                    opened.write(line + "\n" if dice.random() < 0.9 else "no line of a log\n")
        if seed % 2:
            night(root, f"2026-03-0{day}T23:00:00Z", "--force")
        else:  # what is kept out is collected once the source is configured rightly
            night(root, f"2026-03-0{day}T23:00:00Z", may_refuse=True)
    configure(root, APP, EDGE, RIGHT)
    told = run(root, "collect", "--again", "--as-of", "2026-03-08")
    assert "could not be read again" not in told
    found = night(root, "2026-03-08")
    assert found["collected"]["again"]["segments"] == 0
    run(root, "verify")
    fresh = shutil.copytree(root, tmp_path / "fresh", ignore=shutil.ignore_patterns("lake", "invoices"))
    assert night(fresh, "2026-03-08")["counts"] == found["counts"]
    counted = [run(books, "usage", "--by", "key,model,status,fate,day") for books in (fresh, root)]
    assert counted[0] == counted[1] != ""
    assert drafts(fresh) == drafts(root)
    assert run(root, "collect", "--again", "--as-of", "2026-03-08").count("nothing differs") == 1


def test_collect_tells_as_json_what_it_read_again(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books", config=CONFIG + APP + EDGE + WRONG)
    write_log(root, "edge.jsonl", edge("2026-03-01T10:00:00Z", id="a"), edge("2026-03-02T10:00:00Z", id="b"))
    write_log(root, "app.jsonl", plain("2026-03-01T10:00:00Z", id="c"))
    run(root, "collect", "--force", "--as-of", "2026-03-02")
    (root / "logs" / "app.jsonl").unlink()
    configure(root, APP, EDGE, RIGHT)
    told = json.loads(tallybook(root, "collect", "--again", "--json", "--as-of", "2026-03-02").stdout)
    assert told["again"] == {
        "segments": 1,
        "replaced_events": 0,
        "new_events": 2,
        "released": 2,
        "new_quarantined": 0,
        "told_otherwise": 0,
        "gone": ["logs/app.jsonl"],
        "forgotten": 0,
        "without_batch": 0,
    }
    assert (told["lines"], told["problems"]) == (0, [])
