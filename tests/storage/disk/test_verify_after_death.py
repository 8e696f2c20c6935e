"""A run that died is told from damage: ``verify`` says what was begun and not finished, and fails for a wrong byte.

Tried after every step that is durable: a name that was linked, renamed or removed.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faulty_os import Died, FaultyOs, Recording
from signing_keys import make_key
from two_invoices import ISSUE
from workspaces import append_log, fingerprints, plain, tallybook

from pipeline.objects import disk

if TYPE_CHECKING:
    from collections.abc import Iterator

VOID = ("invoice", "void", "INV-000001", "--as-of", "2026-11-03")
PART = ("--line", "1", "--amount", "0.50", "--reason", "outage")
CREDIT = ("invoice", "credit", "INV-000002", *PART, "--as-of", "2026-11-03")
PAID = ("invoice", "paid", "INV-000001", "--on", "2026-11-10", "--amount", "0.50", "--as-of", "2026-12-01")
NIGHT = ("nightly", "--as-of", "2026-11-04")
FORGET = ("forget", "--before", "2026-10-06", "--yes", "--as-of", "2026-11-04")
VOID_TOLD = (
    "the void of INV-000001 by INV-000003 was begun and not finished; the same command or the next night finishes it: "
)
FILES, SUMS = "csv_files_are_what_the_invoices_say", "csv_totals_are_the_sum_of_csv_lines"


@pytest.fixture(scope="module")
def with_late_usage(issued: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = shutil.copytree(issued, tmp_path_factory.mktemp("late") / "books")
    append_log(root, "l.jsonl", plain("2026-10-06T10:00:00Z", id="late", key="key_a"))
    return root


def durable_steps(before: Path, command: tuple[str, ...], into: Path) -> dict[int, str]:
    recording = Recording(shutil.copytree(before, into / "undisturbed"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(disk, "os", recording)
        done = tallybook(recording.root, *command)
    assert done.returncode == 0, done.stderr
    return recording.durable


def died_after(step: int, before: Path, command: tuple[str, ...], into: Path) -> Path:
    root = shutil.copytree(before, into / f"step-{step}")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(disk, "os", FaultyOs(root, die_at=step + 1))
        with pytest.raises(Died):
            tallybook(root, *command)
    return root


def states_after(before: Path, command: tuple[str, ...], into: Path) -> Iterator[Path]:
    """Yield the workspace as a death after each durable step of a command leaves it, but for the last."""
    for step in list(durable_steps(before, command, into))[:-1]:
        root = died_after(step, before, command, into)
        yield root
        shutil.rmtree(root)


@pytest.fixture(scope="module")
def voided_by_half(issued: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A death between the two files of the month."""
    into = tmp_path_factory.mktemp("voided-by-half")
    (step,) = [
        step for step, path in durable_steps(issued, VOID, into).items() if path.endswith("/2026-10/invoices.csv")
    ]
    return died_after(step, issued, VOID, into)


@pytest.fixture
def half(voided_by_half: Path, tmp_path: Path) -> Path:
    return shutil.copytree(voided_by_half, tmp_path / "half")


def detail_of(root: Path, name: str) -> str:
    (line,) = [line for line in tallybook(root, "verify").stdout.splitlines() if f"  {name}: " in line]
    return line


@pytest.mark.long
@pytest.mark.parametrize(
    ("state", "command", "told"),
    [
        pytest.param("issued", VOID, VOID_TOLD, marks=pytest.mark.slow),
        pytest.param(
            *("drafted", ISSUE, "the issue of INV-000001, the issue of INV-000002 were begun and not finished"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *("issued", CREDIT, "the credit of a part of INV-000002 by INV-000003 was begun and not finished"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *("with_late_usage", NIGHT, "a night was begun and not finished; the next one finishes it"),
            marks=pytest.mark.slow,
        ),
        ("issued", PAID, None),
        pytest.param("issued", ("keys", "rotate", "--as-of", "2026-11-04"), None, marks=pytest.mark.slow),
    ],
    ids=["void", "issue", "credit", "night", "payment", "rotation"],
)
def test_what_was_begun_and_not_finished_is_no_damage_and_is_told(
    state: str, command: tuple[str, ...], told: str | None, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    details = []
    before = request.getfixturevalue(state)
    if command[0] == "keys":
        before = shutil.copytree(before, tmp_path / "with-secret")
        (before / "key-secret").write_text("a secret of these tests, at least 32 bytes", encoding="utf-8")
        (before / "key-secret").chmod(0o600)
    for root in states_after(before, command, tmp_path):
        verified = tallybook(root, "verify")
        assert verified.returncode == 0, verified.stdout
        details += [line for line in verified.stdout.splitlines() if f"  {FILES}: " in line]
    assert details
    assert any(told in detail for detail in details) if told else not any("begun" in detail for detail in details)


@pytest.mark.long
def test_a_signing_that_died_leaves_what_was_signed_before_or_all(issued: Path, tmp_path: Path) -> None:
    make_key(tmp_path / "key.pem", tmp_path / "public.pem")
    before = shutil.copytree(issued, tmp_path / "signed")
    sign = ("sign", "--key", str(tmp_path / "key.pem"), "--as-of", "2026-12-02")
    assert tallybook(before, *sign).returncode == 0
    assert tallybook(before, *PAID).returncode == 0
    told = []
    steps = list(durable_steps(before, sign, tmp_path))
    for step in (steps[0] - 1, *steps[:-1]):
        root = died_after(step, before, sign, tmp_path)
        assert tallybook(root, "verify").returncode == 0
        verified = tallybook(root, "verify", "--key", str(tmp_path / "public.pem"))
        assert verified.returncode == 0, verified.stdout
        told += [line.partition("payments ")[2] for line in verified.stdout.splitlines() if "what_was_signed" in line]
        assert tallybook(root, *sign).returncode == 0
        assert "payments up to 1 of 1" in tallybook(root, "verify", "--key", str(tmp_path / "public.pem")).stdout
    assert {each.partition(",")[0] for each in told} == {"up to 1 of 1", "up to 0 of 1"}


AGES = Path(__file__).parents[2] / "ages" / "golden"
TABLES = ("/invoices.csv", "/_delta_log/00000000000000000003.json")


@pytest.mark.long
@pytest.mark.parametrize(
    ("age", "tried"),
    [("lake-2", "tables"), *(pytest.param(age, "all", marks=pytest.mark.slow) for age in ("lake-2", "lake-5"))],
)
def test_an_upgrade_that_died_is_no_damage_and_is_finished_by_running_it_again(
    age: str, tried: str, tmp_path: Path
) -> None:
    before = shutil.copytree(AGES / age, tmp_path / "before")
    upgrade = ("upgrade", "--as-of", "2026-05-02")
    steps = durable_steps(before, upgrade, tmp_path)
    left_out = 0
    for step in steps if tried == "all" else [step for step, path in steps.items() if path.endswith(TABLES)]:
        root = died_after(step, before, upgrade, tmp_path)
        verified = tallybook(root, "verify")
        assert verified.returncode == 0, verified.stdout
        left_out += "is not written in full yet" in verified.stdout
        (root / "lake" / ".lock").unlink(missing_ok=True)
        assert tallybook(root, *upgrade).returncode == 0
        assert fingerprints(root) == fingerprints(tmp_path / "undisturbed")
        shutil.rmtree(root)
    assert left_out


@pytest.mark.long
def test_a_table_that_somebody_changed_fails_also_while_a_night_is_due(issued: Path, tmp_path: Path) -> None:
    root = shutil.copytree(issued, tmp_path / "books")
    append_log(root, "l.jsonl", plain("2026-11-01T10:00:00Z", id="new", key="key_a"))
    assert tallybook(root, "collect", "--as-of", "2026-11-04").returncode == 0
    assert detail_of(root, FILES).endswith(
        "not written for this commit and configuration yet; 'tallybook nightly' writes them"
    )
    for name in ("invoices.csv", "lines.csv"):
        table = root / "invoices" / "2026-10" / name
        right = table.read_bytes()
        table.write_bytes(right.replace(b"2.00", b"1.99"))
        assert detail_of(root, SUMS).startswith(f"FAIL  {SUMS}: not so: 2026-10: INV-000001"), name
        table.write_bytes(right)
    assert detail_of(root, SUMS).startswith("ok")


@pytest.mark.slow
def test_what_was_to_be_forgotten_and_is_still_there_fails_and_the_next_night_removes_it(
    issued: Path, tmp_path: Path
) -> None:
    codes = set()
    for root in states_after(issued, FORGET, tmp_path):
        verified = tallybook(root, "verify")
        codes.add(verified.returncode)
        failed = [line for line in verified.stdout.splitlines() if line.startswith("FAIL")]
        assert all("what_was_forgotten_is_gone: still there (it was begun and not" in line for line in failed), failed
        if failed:
            assert tallybook(root, *NIGHT).returncode == 0
            assert tallybook(root, "verify").returncode == 0
    assert codes == {0, 6}


def test_a_void_that_died_between_two_files_is_told_from_damage(half: Path) -> None:
    verified = tallybook(half, "verify")
    assert verified.returncode == 0
    told = [line for line in verified.stdout.splitlines() if "csv" in line]
    assert told[0].startswith(f"ok    {FILES}: {VOID_TOLD}")
    assert told[0].split(VOID_TOLD)[1].startswith("5 files are still of before: 2026-10/lines.csv, 2026-10/")
    assert told[1:] == [
        "ok    csv_totals_are_the_sum_of_csv_lines: as a spreadsheet adds them; 2026-10 is not written in full yet"
    ]


@pytest.mark.long
def test_a_file_that_is_neither_of_before_nor_of_now_fails_also_while_something_is_unfinished(
    half: Path,
) -> None:
    month = half / "invoices" / "2026-10"
    for name in ("invoices.csv", "lines.csv", "INV-000002/lines.csv"):
        right = (month / name).read_bytes()
        (month / name).write_bytes(right.replace(b"2.00", b"1.99"))
        assert detail_of(half, FILES).startswith(f"FAIL  {FILES}: changed or missing"), name
        assert f": 2026-10/{name}" in detail_of(half, FILES)
        (month / name).write_bytes(right)
    (month / "lines.csv").rename(half / "lines.csv")
    assert detail_of(half, FILES).startswith(f"FAIL  {FILES}: changed or missing")
    (half / "lines.csv").rename(month / "lines.csv")
    assert detail_of(half, FILES).startswith("ok")
    assert tallybook(half, *NIGHT).returncode == 0
    assert detail_of(half, FILES).endswith("every file of theirs is byte for byte what is computed now")


def test_files_of_before_fail_once_the_run_is_finished(issued: Path, tmp_path: Path) -> None:
    root = shutil.copytree(issued, tmp_path / "books")
    assert tallybook(root, *VOID).returncode == 0
    assert detail_of(root, FILES).startswith("ok")
    for name in ("invoices.csv", "lines.csv"):
        shutil.copyfile(issued / "invoices" / "2026-10" / name, root / "invoices" / "2026-10" / name)
    assert detail_of(root, FILES).startswith(f"FAIL  {FILES}: changed or missing")


def test_without_what_was_kept_of_the_last_run_a_file_that_differs_fails(half: Path) -> None:
    kept = half / "lake" / "counted" / "drafts"
    manifest = (kept / "_manifest.json").read_bytes()
    (kept / "_manifest.json").write_bytes(manifest[:-2])
    assert detail_of(half, FILES).startswith(f"FAIL  {FILES}: changed or missing")
    shutil.rmtree(kept)
    assert detail_of(half, FILES).startswith(f"FAIL  {FILES}: changed or missing")
