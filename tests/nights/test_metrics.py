"""The metrics of a night are those of its JSON, in the text format of Prometheus, and named in the runbook."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.base.warning_codes import WarningCode

AS_OF = ("--as-of", "2026-11-01T03:00:00Z")
RUNBOOK = Path(__file__).parents[2] / "docs/runbook.md"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], Decimal]
SAMPLE = re.compile(
    r"([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*=\"[^\"\\\n]*\",?)+)\})? (-?[0-9]+(?:\.[0-9]+)?)", re.ASCII
)


def parsed(text: str) -> Samples:
    """Read the text format: each metric has its HELP, its TYPE and then its samples, and none is stated twice."""
    assert text.endswith("\n")
    samples: Samples = {}
    lines, declared = text.splitlines(), []
    for number, line in enumerate(lines):
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert lines[number + 1] == f"# TYPE {name} gauge"
            declared.append(name)
        elif not line.startswith("# TYPE "):
            match = SAMPLE.fullmatch(line)
            assert match, line
            assert match[1] == declared[-1]
            labels = tuple(re.findall(r'(\w+)="([^"]*)"', match[2] or ""))
            assert (match[1], labels) not in samples
            samples[match[1], labels] = Decimal(match[3])
    assert len(set(declared)) == len(declared)
    return samples


@pytest.fixture
def books(tmp_path: Path) -> Path:
    root = make_workspace(tmp_path / "books")
    lines = [plain(f"2026-10-05T10:00:{n:02}Z", id="chosen", request_id=f"r{n}") for n in range(3)]
    lines += [plain("2026-10-05T11:00:00Z", id="x", key="key_x", prompt=30), "not json"]
    write_log(root, "l.jsonl", *lines, plain("2026-10-05T12:00:00Z", id="u", model="new", prompt=11))
    return root


def night(root: Path, path: Path, *options: str) -> tuple[int, dict[str, Any], Samples]:
    done = tallybook(root, "nightly", *AS_OF, "--json", "--metrics-file", str(path), *options)
    document: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, document, parsed(path.read_text(encoding="utf-8"))


@pytest.mark.long
def test_metrics_are_what_json_says_of_the_night(books: Path, tmp_path: Path) -> None:
    code, document, found = night(books, tmp_path / "tallybook.prom", "--strict")
    assert code == found["tallybook_night_exit_code", ()] == 3
    assert found["tallybook_night_new_lines", ()] == document["collected"]["lines"] == 6
    assert found["tallybook_lake_quarantined_lines", ()] == document["counts"]["quarantined"] == 1
    for status in ("measured", "estimated", "unknown", "failed", "not_metered"):
        assert found["tallybook_lake_exchanges", (("status", status),)] == document["counts"][status]
    assert found["tallybook_lake_measurements", (("fate", "duplicate"),)] == document["counts"]["duplicates"] == 2
    assert found["tallybook_lake_suspicious_copies", ()] == 2
    assert found["tallybook_lake_unpriced_tokens", ()] == 11
    assert found["tallybook_lake_unassigned_tokens", ()] == 30
    assert found["tallybook_warnings_amount", (("code", "suspicious_copies"), ("currency", "USD"))] == Decimal("4.00")
    assert found["tallybook_drafts", ()] == len(document["invoices"]) == 1
    assert found["tallybook_drafts_amount", (("currency", "USD"),)] == Decimal(document["invoices"][0]["total"])


@pytest.mark.long
def test_warnings_of_every_code_are_counted_by_whether_they_are_new(books: Path, tmp_path: Path) -> None:
    def counted(found: Samples, state: str) -> dict[str, Decimal]:
        return {code: found["tallybook_warnings", (("code", code), ("state", state))] for code in WarningCode}

    _, document, found = night(books, tmp_path / "m.prom")
    assert sum(counted(found, "new").values()) == len(document["warnings"])
    assert sum(counted(found, "known").values()) == 0
    assert tallybook(books, "acknowledge", "unassigned", "key_x", "--reason", "test", *AS_OF).returncode == 0
    _, document, found = night(books, tmp_path / "m.prom")
    assert sum(counted(found, "new").values()) == 0
    assert sum(counted(found, "known").values()) == len(document["warnings"]) - 1
    assert counted(found, "acknowledged") == {code: int(code == "unassigned") for code in WarningCode}


@pytest.mark.long
def test_the_file_is_replaced_at_once_and_nothing_is_left_beside_it(books: Path, tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    path = tmp_path / "metrics/tallybook.prom"
    night(books, path)
    before = path.stat().st_ino
    with path.open(encoding="utf-8") as reader:
        night(books, path)
        assert parsed(reader.read())["tallybook_night_new_lines", ()] == 6  # whoever reads has the old one, whole
    assert path.stat().st_ino != before
    assert [each.name for each in path.parent.iterdir()] == ["tallybook.prom"]


def test_a_folder_that_is_not_there_is_refused_before_the_night(books: Path, tmp_path: Path) -> None:
    done = tallybook(books, "nightly", *AS_OF, "--metrics-file", str(tmp_path / "none/m.prom"))
    assert done.returncode == 2
    assert "there is no folder" in done.stderr
    assert not (books / "lake/usage_events").exists()


def test_the_runbook_names_every_metric_and_its_labels_in_their_order(books: Path, tmp_path: Path) -> None:
    (books / "budgets.toml").write_text('[[budgets]]\nname = "all"\namount = 1\n', encoding="utf-8")
    _, _, found = night(books, tmp_path / "m.prom")
    table = RUNBOOK.read_text(encoding="utf-8").partition("### Metrics")[2].partition("\n### ")[0]
    named = re.findall(r"^\| `(\w+)` \| ([^|]*)\|", table, re.MULTILINE)
    labels = {name: ", ".join(f"`{label}`" for label, _ in each) for name, each in found}
    assert [(name, listed.strip()) for name, listed in named] == list(labels.items())
