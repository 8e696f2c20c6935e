"""Two lives of one business, alike but that one of them compacts its lake at any time: every answer is the same."""

from __future__ import annotations

import json
import re
from random import Random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from at_rest import values_of
from workspaces import account, append_log, make_workspace, plain, tallybook, write_log

from pipeline import lake, register
from pipeline.cli.commands.upkeep import compact as command
from pipeline.objects import layout
from pipeline.objects.encoded.parquet_bytes import rows_as
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = 'timezone = "UTC"\n'
APP = '[[sources]]\nname = "app"\npaths = ["logs/app*"]\nformat = "request-log"\n'
EDGE = '[[sources]]\nname = "edge"\npaths = ["logs/edge*"]\nformat = "request-log"\n'
FIELDS = ('fields = { api_key_id = "auth.id" }\n', 'fields = { api_key_id = "auth.key" }\n')
ACCOUNTS = account("acme", "key_a", "key_b") + account("tokyo", "key_t", timezone="Asia/Tokyo")
OF_ITS_LAKE = ("commit", "commit_sha256", "previousSha256", "sealSha256")
"""What a document states of its lake and of the documents before it."""
_COMMIT = re.compile(r"commit \d+")
_ID = re.compile(rb"NUMBER[0-9]{4}")


class Life:
    """A chance, and what it makes of both lives. The second one compacts."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.chance = Random(f"compacting {seed}")
        self.roots = [make_workspace(folder / name, accounts=ACCOUNTS) for name in ("one", "other")]
        self.fields = 0
        self.number = 0
        self.day = 1
        """Of a calendar that begins with August."""
        self.lines: list[str] = []
        self.compactions = 0
        self.done: set[str] = set()
        self.configure()

    @property
    def clock(self) -> str:
        month = 8 + self.day // 28
        return f"2026-{month:02}-{self.day % 28 + 1:02}T05:00:00Z"

    def configure(self) -> None:
        for root in self.roots:
            text = CONFIG + APP + EDGE + FIELDS[self.fields]
            (root / "tallybook.toml").write_text(text, encoding="utf-8")

    def both(self, *arguments: str, may_fail: bool = False) -> int:
        done = [tallybook(root, *arguments, "--as-of", self.clock) for root in self.roots]
        assert done[0].returncode == done[1].returncode, (arguments, [each.stderr for each in done])
        assert may_fail or done[0].returncode == 0, (arguments, done[0].stdout, done[0].stderr)
        return done[0].returncode

    def log(self) -> None:
        """Log new lines, late ones, and copies of others, equal or not; some of a gateway with a field of its own."""
        lines: dict[str, list[str]] = {"app.jsonl": [], "edge.jsonl": []}
        for _ in range(self.chance.randrange(1, 5)):
            name = self.chance.choice(sorted(lines))
            if self.lines and self.chance.random() < 0.3:
                line = json.loads(self.chance.choice(self.lines))
                if self.chance.random() < 0.5:
                    line["response"]["usage"]["prompt_tokens"] += 1
                    line["response"]["usage"]["total_tokens"] += 1
            else:
                line = json.loads(self._line())
            self.lines.append(json.dumps(line))
            if name == "edge.jsonl":
                line |= {"auth": {"key": line.pop("api_key_id")}, "api_key_id": None}
            lines[name].append(json.dumps(line))
        if self.chance.random() < 0.2:
            lines["app.jsonl"].append("no line of a log")
        for name, more in lines.items():
            for root in self.roots if more else ():
                (append_log if (root / "logs" / name).exists() else write_log)(root, name, *more)

    def _line(self) -> str:
        self.number += 1
        back = self.chance.choice((0, 0, 0, 1, 20)) if self.day > 20 else 0
        day = max(self.day - back, 1)
        return plain(
            f"2026-{8 + day // 28:02}-{day % 28 + 1:02}T0{self.chance.randrange(4)}:{self.number % 60:02}:00Z",
            id=f"chatcmpl-NUMBER{self.number:04}",
            request_id=f"req-NUMBER{self.number:04}",
            key=self.chance.choice(("key_a", "key_b", "key_t", "key_nobody")),
            prompt=self.chance.randrange(1, 2_000_000),
            completion=self.chance.randrange(400_000),
        )

    def step(self) -> None:
        """Do one thing to both."""
        what = self.chance.choice(("collect",) * 6 + ("nightly", "nightly", "issue", "void", "again", "forget"))
        self.done.add(what)
        if what in ("collect", "nightly"):
            self.log()
            self.both(what, "--force")
        elif what == "issue":
            self.both("nightly", "--force")
            for month in range(8, 8 + self.day // 28):
                self.both("invoice", "issue", "--period", f"2026-{month:02}", may_fail=True)
        elif what == "void":
            issued = register.read(self.roots[0])
            if issued:
                self.both("invoice", "void", self.chance.choice(issued)["invoice_id"], "--yes", may_fail=True)
        elif what == "again":
            self.fields = 1 - self.fields
            self.configure()
            self.both("collect", "--again", "--force")
        else:
            rule = self.chance.choice(
                (("--before", f"2026-{8 + self.day // 28:02}-01"), ("--key", "key_b"), ("--account", "tokyo"))
            )
            self.both("forget", *rule, "--with-uninvoiced", "--yes", may_fail=True)
        self.day += self.chance.choice((0, 0, 1, 1, 5))

    def compact(self) -> None:
        """Compact the second one, up to a day of chance and into files of a size of chance."""
        bound = () if self.chance.random() < 0.7 else ("--before", self.clock[:8] + "01")
        size = self.chance.choice((14, 20, 40, 1000))
        done = tallybook(self.roots[1], "compact", "--max-size", str(size), *bound, "--as-of", self.clock)
        assert done.returncode == 0, done.stderr
        self.compactions += "became" in done.stderr
        again = tallybook(self.roots[1], "compact", "--max-size", str(size), *bound, "--as-of", self.clock, "--dry-run")
        assert again.returncode == 0, "nothing is left to do"

    def compare(self) -> None:
        one, other = (_answers(root) for root in self.roots)
        assert one.keys() == other.keys()
        for name, answer in one.items():
            assert answer == other[name], name


def _answers(root: Path) -> dict[str, Any]:
    lake_dir = root / "lake"
    snapshot = lake.read_log(lake_dir)
    found: dict[str, Any] = {
        "events": _rows([rows_as(each, USAGE_EVENTS) for each in lake.verified_files(lake_dir, snapshot)]),
        "lines": _rows([rows_as(each, QUARANTINE) for each in lake.verified_quarantine(lake_dir, snapshot)]),
        "superseded": [
            {"events": each.events, "files": [(file.path.partition("/")[0], file.rows) for file in each.data_files]}
            for each in snapshot.superseded
        ],
        "documents": [
            {name: value for name, value in document.items() if name not in OF_ITS_LAKE}
            for document in register.read(root)
        ],
        "files": {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted((root / "invoices").glob("2*/**/*"))
            if path.is_file() and path.suffix == ".csv"
        },
    }
    asked = [
        ("usage", "--by", "key,model,day,fate,status", "-o", "csv"),
        ("cost", "--by", "account,day", "-o", "csv"),
        ("invoice", "list", "-o", "csv"),
        ("explain", "req-NUMBER0001"),
    ]
    ids = [document["invoice_id"] for document in found["documents"]]
    asked += [("recompute", each) for each in ids] + [("explain", each, "1") for each in ids]
    for arguments in asked:
        done = tallybook(root, *arguments)
        found[" ".join(arguments)] = done.returncode, _COMMIT.sub("commit N", done.stdout), done.stderr
    done = tallybook(root, "verify")
    assert done.returncode == 0, done.stdout
    found["verify"] = [
        _COMMIT.sub("commit N", line)
        for line in done.stdout.splitlines()
        if not re.search(r" files? |_is_what_the_events_say|_are_what_", line)  # of numbers of files, and of the commit
    ]
    return found


def _rows(tables: list[pa.Table]) -> list[dict[str, Any]]:
    if not tables:
        return []
    rows = pa.concat_tables(tables)
    return rows.take(pc.sort_indices(rows, [(name, "ascending") for name in rows.column_names])).to_pylist()


def files_at_rest(root: Path) -> set[str]:
    lake_dir = root / "lake"
    folders = (layout.usage_events(lake_dir), layout.quarantine(lake_dir))
    return {path.relative_to(lake_dir).as_posix() for folder in folders for path in folder.rglob("*.parquet")} - {
        path.relative_to(lake_dir).as_posix() for path in layout.delta_log(lake_dir).glob("*.parquet")
    }


def as_others_see_it(root: Path) -> list[dict[str, Any]]:
    deltalake = pytest.importorskip("deltalake")
    table = deltalake.DeltaTable(str(layout.usage_events(root / "lake"))).to_pyarrow_table()
    wanted = [name for name in USAGE_EVENTS.names if name in table.column_names]
    return _rows([table.select(wanted)])


def ids_at_rest(folder: Path) -> set[bytes]:
    """Return the ids of requests that stand in any byte below a folder, or in any value where it is of tables."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {each for path in files for each in _ID.findall(path.read_bytes() + b"".join(values_of(path)))}


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=pytest.mark.slow) for seed in range(12)])
def test_whatever_is_compacted_and_whenever_no_answer_changes(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_MEGABYTE", 1000)
    life = Life(seed, tmp_path)
    for _ in range(3):
        life.log()
        life.both("collect", "--force")
        life.day += 1
    for _ in range(28):
        life.step()
        if life.chance.random() < 0.4:
            life.compact()
            snapshot = lake.read_log(life.roots[1] / "lake")
            named = {path.relative_to(life.roots[1] / "lake").as_posix() for path in named_files(life.roots[1])}
            assert files_at_rest(life.roots[1]) == named, "what lies elsewhere is gone"
            assert len(snapshot.data_files) == len(lake.read_log(life.roots[0] / "lake").data_files)
        if life.chance.random() < 0.4:
            life.compare()
    life.compact()
    life.compare()
    assert life.compactions
    rows = as_others_see_it(life.roots[0])
    assert rows == as_others_see_it(life.roots[1])
    ids = [ids_at_rest(root / "lake") for root in life.roots]
    assert ids[0] == ids[1], "what was forgotten lies in no file, whichever it was compacted into"
    assert ids[0] or not rows, "unless all was forgotten, ids are found"


def named_files(root: Path) -> set[Path]:
    from pipeline.lake.commits import named_files as named  # noqa: PLC0415

    found = named(root / "lake", lake.read_log(root / "lake"))
    return {path for path in found if path.parent != layout.forgotten(root / "lake")}
