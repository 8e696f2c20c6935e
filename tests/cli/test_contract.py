"""The contract of the command line, from outside: exit codes, files, and what a second run may change."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import counted_once
import pyarrow as pa
import pytest
from workspaces import (
    STANDARD,
    append_log,
    fingerprints,
    make_workspace,
    plain,
    stream,
    tallybook,
    tallybook_process,
    write_log,
)

from pipeline.jobs.proofs.claims import file_checks
from pipeline.warehouse.engines.on_duckdb import DuckDbSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AS_OF = ("--as-of", "2026-11-01T03:00:00Z")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return make_logged(tmp_path / "books")


def make_logged(path: Path) -> Path:
    root = make_workspace(path)
    write_log(
        root,
        "october.jsonl",
        plain("2026-10-01T10:00:00Z", id="a", prompt=1_000_000, completion=500_000),
        stream("2026-10-02T10:00:00Z", id="b", pieces=["Hi", " there"], usage=(250_000, 125_000)),
    )
    return root


@pytest.fixture(scope="module")
def drafted_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_logged(tmp_path_factory.mktemp("drafted") / "books")
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    return root


@pytest.fixture
def drafted(drafted_once: Path, tmp_path: Path) -> Path:
    """The same workspace after its night."""
    return shutil.copytree(drafted_once, tmp_path / "books")


def test_one_night_makes_the_draft_and_its_csv(workspace: Path) -> None:
    done = tallybook(workspace, "nightly", *AS_OF)
    assert done.returncode == 0, done.stderr
    (invoice,) = rows(workspace / "invoices/2026-10/invoices.csv")
    assert {name: text for name, text in invoice.items() if text} == {
        "invoice_id": "draft-2026-10-acme",
        "status": "draft",
        "account_id": "acme",
        "account_name": "Acme",
        "period": "2026-10",
        "period_start": "2026-10-01T00:00:00+00:00",
        "period_end": "2026-11-01T00:00:00+00:00",
        "currency": "USD",
        "subtotal": "7.50",
        "total": "7.50",
        "lines": "2",
        "buyer_name": "Acme",
    }
    lines = rows(workspace / "invoices/2026-10/lines.csv")
    assert [(line["meter"], line["quantity"], line["rate_per_million"], line["amount"]) for line in lines] == [
        ("prompt", "1250000", "2.00", "2.50"),
        ("completion", "625000", "8.00", "5.00"),
    ]


def test_a_second_night_changes_no_byte(workspace: Path) -> None:
    assert tallybook(workspace, "nightly", *AS_OF).returncode == 0
    before = fingerprints(workspace)
    assert tallybook(workspace, "nightly", "--as-of", "2026-11-02").returncode == 0
    assert fingerprints(workspace) == before


def test_the_same_files_give_the_same_lake_and_invoices_elsewhere(workspace: Path, tmp_path: Path) -> None:
    twin = make_workspace(tmp_path / "elsewhere" / "twin")
    for log in (workspace / "logs").iterdir():
        (twin / "logs" / log.name).write_bytes(log.read_bytes())
    for each in (workspace, twin):
        assert tallybook(each, "nightly", *AS_OF).returncode == 0
    assert fingerprints(workspace) == fingerprints(twin)


def test_json_of_verify_has_counts_and_checks(drafted: Path) -> None:
    done = tallybook(drafted, "verify", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["ok"]) == (0, True)
    names = (
        "lines",
        "blank",
        "quarantined",
        "events",
        "measured",
        "estimated",
        "unknown",
        "failed",
        "not_metered",
        "billed",
        "duplicates",
        "conflicts",
    )
    assert [answer["counts"][name] for name in names] == [2, 0, 0, 2, 2, 0, 0, 0, 0, 2, 0, 0]
    assert all({"name", "ok", "detail"} == set(check) for check in answer["checks"])


def test_verify_finds_a_changed_data_file(drafted: Path) -> None:
    file = next((drafted / "lake/usage_events").glob("date=*/*.parquet"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    done = tallybook(drafted, "verify")
    assert done.returncode == 6
    assert file.name in done.stdout


def test_verify_finds_a_changed_csv(drafted: Path) -> None:
    file = drafted / "invoices/2026-10/lines.csv"
    file.write_bytes(file.read_bytes().replace(b"5.00", b"4.00"))
    done = tallybook(drafted, "verify", "--json")
    assert done.returncode == 6
    failed = {check["name"] for check in json.loads(done.stdout)["checks"] if not check["ok"]}
    assert failed == {"csv_files_are_what_the_invoices_say", "csv_totals_are_the_sum_of_csv_lines"}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: content.replace(b"5.00", b"five"), "lines.csv row 3 has no invoice_id or no amount"),
        (lambda content: content.replace(b"5.00", b"\xff"), "lines.csv is no CSV in UTF-8"),
        (lambda content: content.replace(b",amount", b",sum"), "lines.csv row 2 has no invoice_id or no amount"),
        (lambda content: content.replace(b"invoice_id,", b"id,"), "lines.csv row 2 has no invoice_id or no amount"),
        (lambda _: b"\0\n", "lines.csv"),
        (lambda content: content[:60], "2026-10: draft-2026-10-acme"),
        (lambda content: content.replace(b"5.00", b"9" * 101), "2026-10: draft-2026-10-acme"),
        (lambda content: content + b"INV-000009,acme,1,usage,,,,prompt,1,2.00,USD,7.00,\r\n", "2026-10: INV-000009"),
    ],
    ids=["no number", "no UTF-8", "column renamed", "id renamed", "NUL", "cut", "too long a number", "of no invoice"],
)
def test_verify_names_a_damaged_csv_and_never_raises(
    drafted: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    file = drafted / "invoices/2026-10/lines.csv"
    file.write_bytes(damage(file.read_bytes()))
    done = tallybook(drafted, "verify")
    assert (done.returncode, "Traceback" in done.stderr) == (6, False)
    assert said in done.stdout


def test_verify_names_a_csv_that_cannot_be_read(drafted: Path) -> None:
    with mock.patch.object(file_checks, "read_period_file", side_effect=PermissionError(13, "Permission denied")):
        done = tallybook(drafted, "verify")
    assert (done.returncode, "Traceback" in done.stderr) == (6, False)
    assert "2026-10/invoices.csv cannot be read (Permission denied)" in done.stdout


def test_collecting_first_and_verifying_is_no_difference(drafted: Path) -> None:
    append_log(drafted, "october.jsonl", plain("2026-10-03T10:00:00Z", id="c"))
    assert tallybook(drafted, "collect").returncode == 0
    assert tallybook(drafted, "verify").returncode == 0


def test_strict_fails_on_a_quarantined_line_after_doing_all_else(workspace: Path) -> None:
    append_log(workspace, "october.jsonl", '{"ts": "2026-10-01T10:00:00Z"')
    done = tallybook(workspace, "nightly", "--strict", *AS_OF)
    assert done.returncode == 3
    assert "1 invalid_json" in done.stderr
    assert "--strict: new or unread: quarantined" in done.stderr
    assert rows(workspace / "invoices/2026-10/invoices.csv")[0]["total"] == "7.50"


def test_strict_fails_on_a_conflict(workspace: Path) -> None:
    append_log(workspace, "october.jsonl", plain("2026-10-01T11:00:00Z", id="a", prompt=7))
    assert tallybook(workspace, "nightly", "--strict", *AS_OF).returncode == 3


def test_unpriced_usage_is_listed_blocks_issuing_and_is_never_zero(workspace: Path) -> None:
    append_log(workspace, "october.jsonl", plain("2026-10-05T10:00:00Z", id="n", model="jamba-next", prompt=11))
    night = tallybook(workspace, "nightly", *AS_OF)
    assert "11 tokens of acme for model 'jamba-next' are unpriced" in night.stderr
    assert {line["model"] for line in rows(workspace / "invoices/2026-10/lines.csv")} == {"jamba-large"}
    blocked = tallybook(workspace, "invoice", "issue", "--period", "2026-10", *AS_OF)
    assert blocked.returncode == 4
    assert "jamba-next" in blocked.stderr
    assert not (workspace / "invoices/register").exists()


@pytest.mark.long
def test_issuing_numbers_without_gaps_freezes_and_repeats_nothing(tmp_path: Path) -> None:
    accounts = (
        '[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\n[[accounts]]\nid = "beta"\nname = "Beta"\nkeys = '
        '["key_b"]\n'
    )
    root = make_workspace(tmp_path / "books", accounts=accounts)
    write_log(
        root, "l.jsonl", plain("2026-10-01T10:00:00Z", id="a"), plain("2026-10-01T10:00:00Z", id="b", key="key_b")
    )
    tallybook(root, "nightly", *AS_OF)
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", "--account", "beta", *AS_OF).returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF).returncode == 0
    before = fingerprints(root)
    again = tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF)
    assert (again.returncode, fingerprints(root)) == (0, before)
    listed = {
        row["invoice_id"]: (row["account_id"], row["status"]) for row in rows(root / "invoices/2026-10/invoices.csv")
    }
    assert listed == {"INV-000001": ("beta", "issued"), "INV-000002": ("acme", "issued")}
    assert tallybook(root, "verify").returncode == 0


@pytest.mark.long
def test_late_usage_never_changes_an_issued_invoice_and_is_never_lost(drafted: Path) -> None:
    tallybook(drafted, "invoice", "issue", "--period", "2026-10", *AS_OF)
    frozen = fingerprints(drafted / "invoices/register")
    append_log(drafted, "october.jsonl", plain("2026-10-31T23:00:00Z", id="late", prompt=1_000_000))
    night = tallybook(drafted, "nightly", "--as-of", "2026-11-02")
    assert night.returncode == 0
    assert fingerprints(drafted / "invoices/register") == frozen
    assert "INV-000001" in night.stderr
    assert "2.00" in night.stderr
    assert "the correction stands on draft-2026-11-acme" in night.stderr
    (line,) = rows(drafted / "invoices/2026-11/lines.csv")
    assert (line["kind"], line["original_period"], line["quantity"], line["amount"]) == (
        "correction",
        "2026-10",
        "1000000",
        "2.00",
    )
    assert tallybook(drafted, "verify").returncode == 0


def test_a_month_or_invoice_that_is_not_there_is_a_usage_error(drafted: Path) -> None:
    for arguments in (["issue", "--period", "2026-01"], ["show", "INV-000009"], ["draft", "--period", "October"]):
        done = tallybook(drafted, "invoice", *arguments)
        assert done.returncode == 2, arguments
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("tallybook.toml", 'timezone = "Mars/Olympus"', "Mars/Olympus"),
        ("tallybook.toml", 'time_zone = "UTC"', "time_zone"),
        (
            "accounts.toml",
            '[[accounts]]\nid = "a"\nname = "A"\nkeys = ["k"]\n[[accounts]]\nid = "b"\nname = "B"\nkeys = ["k"]',
            "'k'",
        ),
        ("rates/standard.toml", STANDARD.replace("prompt = 2.00", "prompt = -2.00"), "-2.00"),
        ("rates/standard.toml", STANDARD.replace("2.00", '"2.00"'), "prompt"),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_exit_code_2_with_file_and_value(
    workspace: Path, file: str, text: str, said: str
) -> None:
    (workspace / file).write_text(text, encoding="utf-8")
    done = tallybook(workspace, "nightly", *AS_OF)
    assert done.returncode == 2
    assert Path(file).name in done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_folder_without_configuration_says_to_run_init(tmp_path: Path) -> None:
    done = tallybook(tmp_path, "nightly")
    assert done.returncode == 2
    assert "tallybook init" in done.stderr


@pytest.mark.long
def test_a_second_run_ends_at_once_with_the_locked_code(workspace: Path) -> None:
    holder = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from pipeline.objects.lock import locked
with locked(Path(sys.argv[1]), command="the first run", started_at=datetime.now(UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(workspace / "lake")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        done = tallybook_process(workspace, "nightly", *AS_OF)  # it ends by itself: the holder is still there
        assert done.returncode == 5
        assert "the first run" in done.stderr
        assert first.stdin is not None
        first.stdin.close()
    assert tallybook(workspace, "nightly", *AS_OF).returncode == 0


def test_only_complete_lines_of_a_growing_log_are_read_and_the_rest_the_next_night(workspace: Path) -> None:
    late = plain("2026-10-03T10:00:00Z", id="c", prompt=1_000_000)
    with (workspace / "logs/october.jsonl").open("a", encoding="utf-8") as log:
        log.write(late[:40])
    first = tallybook(workspace, "nightly", *AS_OF)
    assert "40 bytes have no line end yet" in first.stderr
    with (workspace / "logs/october.jsonl").open("a", encoding="utf-8") as log:
        log.write(late[40:] + "\n")
    tallybook(workspace, "nightly", *AS_OF)
    assert rows(workspace / "invoices/2026-10/invoices.csv")[0]["total"] == "9.50"
    counts = json.loads(tallybook(workspace, "verify", "--json").stdout)["counts"]
    assert (counts["lines"], counts["events"]) == (3, 3)


def test_keys_in_no_account_are_unassigned_and_listed_with_their_tokens(workspace: Path) -> None:
    append_log(workspace, "october.jsonl", plain("2026-10-05T10:00:00Z", id="u", key="key_nobody", prompt=13))
    night = tallybook(workspace, "nightly", *AS_OF)
    assert "13 tokens of key key_nobody" in night.stderr
    listed = json.loads(tallybook(workspace, "usage", "--by", "account,key", "-o", "json").stdout)
    assert {"account_id": "unassigned", "api_key_id": "key_nobody", "prompt_tokens": 13} in [
        {name: row[name] for name in ("account_id", "api_key_id", "prompt_tokens")} for row in listed
    ]


def test_usage_by_key_model_and_day_is_half_open(drafted: Path) -> None:
    done = tallybook(drafted, "usage", "--from", "2026-10-01", "--to", "2026-10-02", "-o", "csv")
    (row,) = csv.DictReader(done.stdout.splitlines())
    assert (row["api_key_id"], row["model"], row["usage_date"], row["prompt_tokens"], row["completion_tokens"]) == (
        "key_a",
        "jamba-large",
        "2026-10-01",
        "1000000",
        "500000",
    )


@pytest.mark.long
def test_canary_prompt_and_raw_key_are_in_no_byte_of_anything_written(tmp_path: Path) -> None:
    raw, prompt = "sk-CANARY-7f3a9b", "CANARY-the-secret-plan"
    root = make_workspace(tmp_path / "books")
    good = json.loads(plain("2026-10-01T10:00:00Z", id="a"))
    good["api_key"] = f"Bearer {raw}"
    del good["api_key_id"]
    good["request"]["messages"] = [{"role": "user", "content": prompt}]
    good["response"]["choices"][0]["message"]["content"] = prompt
    bad = [
        {"status": raw},
        {"ts": prompt},
        {"request": {"model": prompt + " " * 128 + raw}},
        {"response": {"id": prompt + " " * 256, "choices": []}},
    ]
    broken = json.dumps(good)[:-9]
    cut = stream("2026-10-01T10:00:00Z", id="s", pieces=[prompt, raw], usage=None)
    write_log(root, "l.jsonl", json.dumps(good), *(json.dumps(good | wrong) for wrong in bad), broken, cut)
    outputs = [
        tallybook(root, *command)
        for command in (("nightly", *AS_OF), ("doctor",), ("verify",), ("usage",), ("nightly", "--strict", "--json"))
    ]
    outputs.append(tallybook(root, "invoice", "issue", "--period", "2026-10"))
    outputs.append(tallybook(root, "keys", "id", stdin=raw))
    key_id = outputs[-1].stdout.strip()
    assert json.loads(outputs[4].stdout)["counts"]["events"] == 5
    assert json.loads(outputs[4].stdout)["counts"]["quarantined"] == 2
    written = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file() and path.parent.name != "logs")
    said = "".join(output.stdout + output.stderr for output in outputs).encode()
    for secret in (raw.encode(), b"CANARY", b"7f3a9b"):
        assert secret not in written
        assert secret not in said
    usage = json.loads(tallybook(root, "usage", "--by", "key", "-o", "json").stdout)
    assert [row["api_key_id"] for row in usage] == [key_id]


def test_another_secret_is_refused_before_known_requests_are_billed_again(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    line = json.loads(plain("2026-10-01T10:00:00Z", id="a"))
    line["api_key"] = line.pop("api_key_id")
    write_log(root, "a.jsonl", json.dumps(line))
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    (root / "key-secret").unlink()
    write_log(root, "b.jsonl", json.dumps(line | {"request_id": "again"}))
    missing = tallybook(root, "nightly", *AS_OF)
    other = tallybook(root, "nightly", *AS_OF, env={"TALLYBOOK_KEY_SECRET": "x" * 40})
    assert (missing.returncode, other.returncode) == (2, 2)
    assert "secret" in missing.stderr


@pytest.mark.long
def test_init_makes_a_workspace_that_works_and_overwrites_nothing(tmp_path: Path) -> None:
    root = tmp_path / "new"
    made = tallybook(root, "init")
    assert made.returncode == 0
    assert "nightly" in made.stdout
    before = fingerprints(root)
    assert (root / "key-secret").stat().st_mode & 0o777 == 0o600
    assert tallybook(root, "init").returncode == 0
    assert fingerprints(root) == before
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert tallybook(root, "verify").returncode == 0


@pytest.mark.long
def test_an_interrupt_is_exit_code_130(workspace: Path) -> None:
    program = f"""
import pipeline.cli, pipeline.jobs.night.nightly as job
def interrupted(*_, **__): raise KeyboardInterrupt
import pipeline.cli.commands.nightly as command
command.nightly = interrupted
raise SystemExit(pipeline.cli.run(["-w", {str(workspace)!r}, "nightly"]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def interrupted_asking(session: DuckDbSession, *_: object) -> None:
    def interrupted() -> Iterator[pa.RecordBatch]:
        raise KeyboardInterrupt
        yield

    rows = pa.RecordBatchReader.from_batches(pa.schema([("account_id", pa.string())]), interrupted())
    session.connection.register("asked", rows)
    session.connection.execute("create temp table taken as select * from asked")


def interrupted_counting(*_: object) -> None:
    message = "Query interrupted"  # as DuckDB says where the signal comes while it counts, in no class of its own
    raise RuntimeError(message)


@pytest.mark.parametrize("create", [interrupted_asking, interrupted_counting])
def test_an_interrupt_while_an_engine_asks_for_rows_or_counts_is_one_too(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, create: Callable[..., None]
) -> None:
    monkeypatch.setattr(counted_once, "kept", {})  # what a test before was answered is not asked of the engine
    monkeypatch.setattr(DuckDbSession, "create", create)
    done = tallybook(workspace, "nightly", *AS_OF)
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1].startswith("tallybook: interrupted; nothing that was not acknowledged counts")
    assert "Traceback" not in done.stderr


def test_amounts_add_up_as_decimals(drafted: Path) -> None:
    total = sum(Decimal(line["amount"]) for line in rows(drafted / "invoices/2026-10/lines.csv"))
    assert str(total) == rows(drafted / "invoices/2026-10/invoices.csv")[0]["total"]


def test_keys_id_makes_the_secret_that_the_next_night_uses(workspace: Path) -> None:
    told = tallybook(workspace, "keys", "id", stdin="Bearer sk-one\nsk-one\nsk-two\n")
    assert told.returncode == 0
    assert "key-secret" in told.stderr
    first, again, second = told.stdout.split()
    assert first == again != second
    line = json.loads(plain("2026-10-01T10:00:00Z", id="raw", prompt=3_000_000))
    line["api_key"] = "sk-one"
    del line["api_key_id"]
    append_log(workspace, "october.jsonl", json.dumps(line))
    (workspace / "accounts.toml").write_text(
        f'[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a", "{first}"]\n', encoding="utf-8"
    )
    assert tallybook(workspace, "nightly", *AS_OF).returncode == 0
    assert rows(workspace / "invoices/2026-10/invoices.csv")[0]["total"] == "13.50"
