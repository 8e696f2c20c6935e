"""What a night before told of is known until there is more of it, and ``--strict`` fails for what is new alone."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import append_log, make_workspace, plain, stream, tallybook, write_log

from pipeline.base.warning_codes import LOSING, WarningCode
from pipeline.jobs.state.notices.told import strict_failures
from pipeline.jobs.warned import NightWarning, grouped
from pipeline.lake.told import ToldWarning, read_told, told_from_document, write_told

if TYPE_CHECKING:
    from collections.abc import Callable

NIGHTS = [("--as-of", f"2026-11-{day:02}T03:00:00Z") for day in range(1, 9)]
TOLD_AT = datetime(2026, 11, 1, 3, tzinfo=UTC)
OWNERS = {"acme": "key_a", "globex": "key_b"}


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "books")


def night(root: Path, number: int, *, code: int = 0) -> dict[str, Any]:
    done = tallybook(root, "nightly", *NIGHTS[number], "--strict", "--json")
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def usage_of(key: str, number: int, **more: Any) -> str:
    return plain(f"2026-10-01T10:{number:02}:00Z", id=f"{key}-{number}", key=key, prompt=100, **more)


@pytest.mark.long
def test_strict_fails_once_for_an_unassigned_key_and_again_when_more_is_used_with_it(books: Path) -> None:
    write_log(books, "l.jsonl", usage_of("key_x", 1))
    found = night(books, 0, code=3)
    assert found["strict_failures"] == ["unassigned (key_x)"]
    assert [(each["is_new"], each["known_since"]) for each in found["warnings"]] == [(True, None)]
    found = night(books, 1)
    assert found["strict_failures"] == []
    assert [(each["is_new"], each["known_since"]) for each in found["warnings"]] == [
        (False, "2026-11-01T03:00:00+00:00")
    ]
    append_log(books, "l.jsonl", usage_of("key_x", 2))
    assert night(books, 2, code=3)["strict_failures"] == ["unassigned (key_x)"]
    known = night(books, 3)["warnings"]
    assert [each["known_since"] for each in known] == ["2026-11-03T03:00:00+00:00"]


@pytest.mark.long
def test_what_is_known_is_told_with_its_day_and_what_is_new_without(books: Path) -> None:
    write_log(books, "l.jsonl", usage_of("key_x", 1))
    night(books, 0, code=3)
    append_log(books, "l.jsonl", usage_of("key_y", 2))
    told = tallybook(books, "nightly", *NIGHTS[1]).stderr.splitlines()
    assert [line.endswith("(known since 2026-11-01)") for line in told] == [True, False]
    assert ["key_x" in line for line in told] == [True, False]


@pytest.mark.long
def test_a_model_without_a_rate_fails_once_for_each_account(tmp_path: Path) -> None:
    accounts = [f'[[accounts]]\nid = "{name}"\nname = "{name}"\nkeys = ["{key}"]\n' for name, key in OWNERS.items()]
    books = make_workspace(tmp_path / "books", accounts="\n".join(accounts))
    write_log(books, "l.jsonl", usage_of("key_a", 1, model="new"))
    assert night(books, 0, code=3)["strict_failures"] == ["unpriced (new)"]
    night(books, 1)
    append_log(books, "l.jsonl", usage_of("key_b", 2, model="new"))
    found = night(books, 2, code=3)["warnings"]
    assert {each["about"]["account"]: each["is_new"] for each in found} == {"acme": False, "globex": True}


@pytest.mark.long
def test_one_reason_to_quarantine_does_not_hide_another(books: Path) -> None:
    write_log(books, "l.jsonl", *(usage_of("key_a", number) for number in range(3)), "not json")
    assert night(books, 0, code=3)["strict_failures"] == ["quarantined"]
    night(books, 1)
    append_log(books, "l.jsonl", '{"ts": "2026-10-01T10:00:00Z"}')
    night(books, 2, code=3)


@pytest.mark.long
def test_what_is_over_and_comes_again_is_new(books: Path) -> None:
    write_log(books, "l.jsonl", usage_of("key_x", 1))
    night(books, 0, code=3)
    accounts = (books / "accounts.toml").read_text(encoding="utf-8")
    (books / "accounts.toml").write_text(accounts.replace('"key_a"', '"key_a", "key_x"', 1), encoding="utf-8")
    assert night(books, 1)["warnings"] == []
    (books / "accounts.toml").write_text(accounts, encoding="utf-8")
    night(books, 2, code=3)


@pytest.mark.long
def test_doctor_tells_what_is_new_and_makes_nothing_known(books: Path) -> None:
    write_log(books, "l.jsonl", usage_of("key_x", 1))
    assert tallybook(books, "collect", *NIGHTS[0]).returncode == 0
    for _ in range(2):
        (told,) = json.loads(tallybook(books, "doctor", "--warnings", "--json").stdout)["warnings"]
        assert told["is_new"]
    night(books, 0, code=3)
    (told,) = json.loads(tallybook(books, "doctor", "--warnings", "--json").stdout)["warnings"]
    assert told["known_since"] == "2026-11-01T03:00:00+00:00"


@pytest.mark.long
@pytest.mark.parametrize("fate", ["removed", "damaged", "emptied", "another date", "of another program"])
def test_where_what_was_told_is_gone_or_damaged_everything_is_new_once(books: Path, fate: str) -> None:
    write_log(books, "l.jsonl", usage_of("key_x", 1))
    night(books, 0, code=3)
    file = books / "lake/told/warnings.json"
    if fate == "removed":
        shutil.rmtree(file.parent)
    else:
        contents = {
            "damaged": file.read_bytes()[:-9],
            "emptied": b"",
            "another date": file.read_bytes().replace(b"2026-11-0", b"2026-10-0"),
            "of another program": b'{"warnings": [{}]}',
        }
        file.write_bytes(contents[fate])
    night(books, 1, code=3)
    night(books, 2)


def test_the_codes_that_fail_are_those_of_the_configuration(books: Path) -> None:
    config = books / "tallybook.toml"
    config.write_text(config.read_text(encoding="utf-8") + '\n[strict]\nfail_on = ["quarantined"]\n', encoding="utf-8")
    write_log(books, "l.jsonl", usage_of("key_x", 1))
    assert night(books, 0)["warnings"][0]["code"] == "unassigned"
    append_log(books, "l.jsonl", "not json")
    assert night(books, 1, code=3)["strict_failures"] == ["quarantined"]


@pytest.mark.long
@pytest.mark.parametrize(("policy", "code"), [("list", 3), ("bill-estimate", 0)])
def test_an_estimate_loses_nothing_where_it_is_billed(books: Path, policy: str, code: int) -> None:
    config = books / "tallybook.toml"
    config.write_text(f'{config.read_text(encoding="utf-8")}\n[policy]\nunmeasured = "{policy}"\n', encoding="utf-8")
    write_log(books, "l.jsonl", stream("2026-10-01T10:00:00Z", id="s", key="key_a", pieces=["a", "b"], usage=None))
    (told,) = night(books, 0, code=code)["warnings"]
    assert told["code"] == {"list": "unmeasured", "bill-estimate": "estimated"}[policy]


def test_a_log_that_cannot_be_read_fails_until_it_can(books: Path) -> None:
    (books / "logs").mkdir(exist_ok=True)
    (books / "logs/l.jsonl.gz").write_bytes(b"\x1f\x8b damaged")
    for number in range(2):
        assert night(books, number, code=3)["strict_failures"] == ["log_unread (logs/l.jsonl.gz)"]


def warning(code: WarningCode, subject: str, *, is_known: bool) -> NightWarning:
    return NightWarning(
        code=code,
        subject=subject,
        text=subject,
        counts={"tokens": 1},
        known_since=TOLD_AT if is_known else None,
    )


def test_new_warnings_are_told_before_weightier_ones_that_are_known() -> None:
    known = [
        replace(warning(WarningCode.UNASSIGNED, f"k{n}", is_known=True), counts={"tokens": 100}) for n in range(15)
    ]
    (group,) = grouped([*known, warning(WarningCode.UNASSIGNED, "new", is_known=False)])
    assert group.shown[0].subject == "new"
    assert group.rest_text == "and 6 more of unassigned (600 tokens); -o json lists all (known)"


def test_failures_are_a_line_a_code_and_name_five_subjects() -> None:
    many = [warning(WarningCode.UNPRICED, f"m{n}", is_known=False) for n in range(7)]
    quiet = [warning(WarningCode.HELD, "h", is_known=False), warning(WarningCode.CONFLICT, "c", is_known=True)]
    assert strict_failures([*many, *quiet], LOSING) == ("unpriced (m0, m1, m2, m3, m4 and 2 more)",)


def test_what_was_told_is_read_back_exactly_and_the_same_again_writes_nothing(tmp_path: Path) -> None:
    told = ToldWarning(
        code="late_usage",
        subject="acme",
        about={"period": "2026-10"},
        counts={"events": 2**70},
        amounts={"USD": Decimal("0.1234567890123456789")},
        told_at=TOLD_AT,
    )
    (tmp_path / "lake").mkdir()
    write_told(tmp_path / "lake", [told])
    assert read_told(tmp_path / "lake") == (told,)
    before = (tmp_path / "lake/told/warnings.json").stat()
    write_told(tmp_path / "lake", [told])
    after = (tmp_path / "lake/told/warnings.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


TOLD = {
    "code": "late_usage",
    "subject": "acme",
    "about": {"period": "2026-10"},
    "counts": {"events": 3},
    "amounts": {"USD": "0.12"},
    "told_at": TOLD_AT.isoformat(),
}
NOT_OURS: dict[str, tuple[dict[str, object], str]] = {
    "an instant without its offset": ({"told_at": "2026-11-01T00:00:00"}, "told_at is '2026-11-01T00:00:00', without"),
    "no instant": ({"told_at": "today"}, "Invalid isoformat string: 'today'"),
    "a count in words": ({"counts": {"events": "3"}}, "it holds a str where a int belongs"),
    "true as a count": ({"counts": {"events": True}}, "it holds a bool where a int belongs"),
    "what it is about in numbers": ({"about": {"period": 202610}}, "it holds a int where a str belongs"),
    "an amount as a number": ({"amounts": {"USD": 1}}, "it holds a int where a str belongs"),
    "an amount with an exponent": ({"amounts": {"USD": "1e5"}}, "'1e5' is not a number in plain decimal notation"),
    "a field more": ({"name": "x"}, "a warning has "),
}


@pytest.mark.parametrize(("change", "said"), NOT_OURS.values(), ids=NOT_OURS.keys())
def test_what_was_told_and_is_not_ours_is_refused_and_everything_is_new(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        told_from_document(TOLD | change)
    file = tmp_path / "told" / "warnings.json"
    file.parent.mkdir()
    for document, count in ((TOLD, 1), (TOLD | change, 0)):
        file.write_text(json.dumps({"warnings": [document]}))  # as programs wrote it that knew of no digest
        assert len(read_told(tmp_path)) == count


def acknowledge(root: Path, *words: str, code: int = 0) -> str:
    done = tallybook(root, "acknowledge", *words, *NIGHTS[1])
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


def test_a_log_that_cannot_be_read_is_quiet_once_it_is_acknowledged(books: Path) -> None:
    (books / "logs").mkdir(exist_ok=True)
    (books / "logs/l.jsonl.gz").write_bytes(b"\x1f\x8b damaged")
    night(books, 0, code=3)
    acknowledge(books, "log_unread", "logs/l.jsonl.gz", "--reason", "lost with the disk of gw-2")
    (told,) = night(books, 1)["warnings"]
    assert told["acknowledged"] == "lost with the disk of gw-2"


@pytest.mark.long
def test_an_acknowledgement_holds_for_the_periods_that_were_told_and_no_other(books: Path) -> None:
    write_log(books, "l.jsonl", usage_of("key_x", 1))
    night(books, 0, code=3)
    acknowledge(books, "unassigned", "key_x", "--reason", "load test")
    append_log(books, "l.jsonl", plain("2026-11-01T10:00:00Z", id="later", key="key_x", prompt=1))
    found = night(books, 2, code=3)["warnings"]
    assert {each["about"]["period"]: each["acknowledged"] for each in found} == {
        "2026-10": "load test",
        "2026-11": None,
    }


def test_the_last_reason_of_a_subject_is_the_one_that_is_shown(books: Path) -> None:
    write_log(books, "l.jsonl", usage_of("key_x", 1))
    night(books, 0, code=3)
    acknowledge(books, "unassigned", "key_x", "--reason", "first")
    acknowledge(books, "unassigned", "key_x", "--reason", "second")
    assert len((books / "acknowledged.jsonl").read_text(encoding="utf-8").splitlines()) == 2
    listed = [line for line in tallybook(books, "doctor").stdout.splitlines() if "acknowledged" in line]
    assert listed == ["ok    acknowledged: unassigned key_x, since 2026-11-02: second"]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('{"code": "unassigned"}', "the line has ['code'] where"),
        ("<<<<<<< HEAD", "it is not JSON"),
        (
            '{"code": "held", "subject": "k", "reason": "r", "acknowledged_at": "2026-11-02", "warnings": []}',
            "without an offset",
        ),
    ],
)
def test_a_line_that_is_not_ours_is_refused_with_its_number_before_the_night_does_anything(
    books: Path, line: str, wrong: str
) -> None:
    write_log(books, "l.jsonl", usage_of("key_x", 1))
    night(books, 0, code=3)
    acknowledge(books, "unassigned", "key_x", "--reason", "load test")
    with (books / "acknowledged.jsonl").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    append_log(books, "l.jsonl", usage_of("key_x", 2))
    done = tallybook(books, "nightly", *NIGHTS[1])
    assert done.returncode == 2
    assert "acknowledged.jsonl, line 2: " in done.stderr
    assert wrong in done.stderr
    assert len(list((books / "lake/usage_events/_delta_log").glob("*.json"))) == 1
    examined = tallybook(books, "doctor")
    assert examined.returncode == 2
    assert "LOOK  acknowledged: acknowledged.jsonl, line 2: " in examined.stdout


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_acknowledgements_that_are_no_file_are_refused_by_name(books: Path, make: Callable[[Path], None]) -> None:
    make(books / "acknowledged.jsonl")
    done = tallybook(books, "nightly", *NIGHTS[0])
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("tallybook: acknowledged.jsonl cannot be read: ")


@pytest.mark.parametrize(
    "words",
    [
        ("unassigned", "key_x"),
        ("unassigned", "key_x", "--reason", "r", "--undo"),
        ("unassigned", "key_x", "--reason", " "),
        ("unassigned", "key_x", "--reason", "two\nlines"),
        ("unasigned", "key_x", "--reason", "r"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(books: Path, words: tuple[str, ...]) -> None:
    write_log(books, "l.jsonl", usage_of("key_x", 1))
    night(books, 0, code=3)
    acknowledge(books, *words, code=2)
    assert not (books / "acknowledged.jsonl").exists()
