"""A source that most of cannot be read is kept out until somebody has looked at it; all else goes on."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline import lake
from pipeline.jobs.night import collect as collecting
from pipeline.jobs.night.trial import is_on_trial

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.usage.sources import SourceRecord

APP = '[[sources]]\nname = "app"\npaths = ["logs/app*"]\n'
EDGE = '[[sources]]\nname = "edge"\npaths = ["logs/edge*"]\n'
TYPO = EDGE + 'fields = { api_key_id = "auth.id" }\n'
RIGHT = EDGE + 'fields = { api_key_id = "auth.key" }\n'
NIGHT = ("nightly", "--as-of", "2026-03-20")
BAD = "no line of a log"


def edge(number: int) -> str:
    """A line of a gateway that writes the key at a place of its own."""
    line = json.loads(plain(f"2026-03-{number % 20 + 1:02}T10:00:00Z", id=f"edge-{number}"))
    return json.dumps(line | {"auth": {"key": line.pop("api_key_id")}, "api_key_id": None})


def app(number: int) -> str:
    return plain(f"2026-03-{number % 20 + 1:02}T10:00:00Z", id=f"app-{number}")


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "books", config=APP + TYPO)


def configure(root: Path, *sources: str) -> None:
    (root / "tallybook.toml").write_text("".join(sources), encoding="utf-8")


def records(root: Path, name: str) -> list[SourceRecord]:
    return [record for record in lake.read_log(root / "lake").sources if record.name == name]


def events(root: Path, name: str) -> int:
    return sum(sum(record.events.values()) for record in records(root, name))


@pytest.mark.long
def test_a_new_source_of_which_most_is_refused_is_kept_out_and_the_rest_of_the_night_is_done(books: Path) -> None:
    write_log(books, "app.jsonl", app(1))
    write_log(books, "edge.jsonl", *map(edge, range(60)))
    done = tallybook(books, *NIGHT)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == (
        "tallybook: source 'edge': 60 of 60 lines cannot be read as it is configured now, 60 as missing_field, such as "
        "logs/edge.jsonl line 1 (api_key or api_key_id); nothing of it was collected. Correct the source in "
        "tallybook.toml, with 'tallybook try' of that log, and run this again, or collect it all the same with --force"
    )
    assert (events(books, "app"), records(books, "edge")) == (1, [])
    assert "draft-2026-03-acme" in (books / "invoices/2026-03/invoices.csv").read_text(encoding="utf-8")
    before = fingerprints(books)
    assert tallybook(books, *NIGHT).returncode == 3
    assert fingerprints(books) == before

    configure(books, APP, RIGHT)
    assert tallybook(books, *NIGHT).returncode == 0
    assert events(books, "edge") == 60
    assert tallybook(books, "verify").returncode == 0


def test_half_of_the_lines_may_be_refused_and_one_more_may_not(books: Path) -> None:
    write_log(books, "app.jsonl", app(1), "", app(2), BAD, BAD, "")
    assert tallybook(books, "collect").returncode == 0
    configure(books, '[[sources]]\nname = "other"\npaths = ["logs/other*"]\n')
    write_log(books, "other.jsonl", app(3), "", app(4), BAD, BAD, BAD, "")
    done = tallybook(books, "collect")
    assert done.returncode == 3
    assert "'other': 3 of 5 lines" in done.stderr
    assert "logs/other.jsonl line 4" in done.stderr
    assert records(books, "other") == []


def test_a_new_source_is_judged_by_all_its_logs_together(books: Path) -> None:
    write_log(books, "app-1.jsonl", BAD, BAD, BAD)
    (books / "logs" / "app-2.jsonl.gz").write_bytes(gzip.compress("".join(f"{app(n)}\n" for n in range(3)).encode()))
    assert tallybook(books, "collect").returncode == 0
    assert (len(records(books, "app")), events(books, "app")) == (2, 3)


def test_the_first_line_of_a_new_source_is_enough_to_keep_it_out_and_a_later_night_takes_it_in(books: Path) -> None:
    write_log(books, "app.jsonl", BAD)
    assert tallybook(books, "collect").returncode == 3
    append_log(books, "app.jsonl", app(1), app(2))
    assert tallybook(books, "collect").returncode == 0
    (record,) = records(books, "app")
    assert (record.lines, record.quarantined) == (3, {"invalid_json": 1})


def test_a_bad_log_of_a_source_that_was_read_before_is_quarantined_and_told(books: Path) -> None:
    write_log(books, "app.jsonl", app(1))
    assert tallybook(books, "collect").returncode == 0
    write_log(books, "app-2.jsonl", BAD, BAD, app(2))
    done = tallybook(books, "collect")
    assert done.returncode == 0
    assert done.stdout == (
        "collected 3 new lines from 1 of 2 logs\n"
        "2 of them are quarantined (2 invalid_json), such as logs/app-2.jsonl line 1 (the line is not one JSON "
        "document); 'tallybook doctor' lists all\n"
    )
    assert events(books, "app") == 2


@pytest.mark.long
def test_a_source_that_was_read_before_is_new_again_once_it_is_configured_otherwise(books: Path) -> None:
    configure(books, RIGHT)
    write_log(books, "edge.jsonl", *map(edge, range(5)))
    assert tallybook(books, "collect").returncode == 0
    configure(books, TYPO)
    append_log(books, "edge.jsonl", edge(6))
    done = tallybook(books, *NIGHT)
    assert done.returncode == 3
    assert "logs/edge.jsonl line 6 (api_key or api_key_id); nothing of it was collected" in done.stderr
    assert events(books, "edge") == 5
    assert "bytes of it are unread" not in done.stderr


def test_a_new_version_of_the_reader_puts_no_source_on_trial_and_other_settings_do(books: Path) -> None:
    write_log(books, "app.jsonl", app(1))
    assert tallybook(books, "collect").returncode == 0
    (record,) = records(books, "app")
    version, _, settings = (record.read_by or "").partition("-")
    assert not is_on_trial([record], "app", f"{int(version) + 1}-{settings}")
    assert is_on_trial([record], "app", f"{version}-{settings[::-1]}")
    assert is_on_trial([record], "edge", f"{version}-{settings}")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("collect", "3 of them are quarantined (3 missing_field), such as logs/edge.jsonl line 1"),
        ("nightly", "3 quarantined lines (3 missing_field)"),
    ],
)
def test_force_commits_and_says_what_is_quarantined(books: Path, command: str, said: str) -> None:
    write_log(books, "edge.jsonl", *map(edge, range(3)))
    done = tallybook(books, command, "--force")
    assert done.returncode == 0
    assert said in done.stdout + done.stderr
    assert [record.quarantined for record in records(books, "edge")] == [{"missing_field": 3}]
    assert tallybook(books, command).returncode == 0


@pytest.mark.long
def test_a_better_reading_never_gives_way_to_a_worse_one_but_by_force(books: Path) -> None:
    configure(books, RIGHT)
    write_log(books, "edge.jsonl", *map(edge, range(4)), BAD)
    assert tallybook(books, *NIGHT).returncode == 0
    configure(books, TYPO)
    for command in (NIGHT, ("collect", "--again"), ("collect", "--again", "edge")):
        done = tallybook(books, *command)
        assert done.returncode == 3
        assert "'edge': 5 of 5 lines read again cannot be read as it is configured now, 4 as missing" in done.stderr
        assert "what was read of them before stays" in done.stderr
        assert events(books, "edge") == 4
    assert tallybook(books, "verify").returncode == 0
    assert "4 events superseded, 0 in their place or new" in tallybook(books, "collect", "--again", "--force").stdout
    assert events(books, "edge") == 0
    configure(books, RIGHT)
    assert tallybook(books, "collect").returncode == 0
    assert events(books, "edge") == 4


def test_a_copy_of_a_log_that_was_kept_out_is_read_by_the_source_that_can(books: Path) -> None:
    configure(books, TYPO, APP + 'fields = { api_key_id = "auth.key" }\n')
    for name in ("edge.jsonl", "app.jsonl"):
        write_log(books, name, *map(edge, range(3)))
    assert tallybook(books, "collect").returncode == 3
    assert (events(books, "edge"), events(books, "app")) == (0, 3)


@pytest.mark.long
def test_a_source_of_any_size_is_judged_by_what_is_held_in_memory_at_once(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "COMMIT_EVENTS_MAX", 4)
    write_log(books, "edge-1.jsonl", *map(edge, range(9)))
    write_log(books, "edge-2.jsonl", *map(edge, range(10, 12)))
    write_log(books, "app-1.jsonl", *map(app, range(3)), *[BAD] * 9)
    done = tallybook(books, *NIGHT)
    assert done.returncode == 3
    assert "'edge': 4 of 4 lines" in done.stderr
    assert "could not be read to its end" not in done.stderr
    assert (events(books, "app"), len(records(books, "app"))) == (3, 3)


def test_json_says_what_was_kept_out_and_what_is_quarantined(books: Path) -> None:
    write_log(books, "app.jsonl", app(1), BAD)
    write_log(books, "edge.jsonl", edge(1))
    refused = [
        {
            "name": "edge",
            "lines": 1,
            "refused": 1,
            "of_reason": 1,
            "is_again": False,
            "example": {
                "reason": "missing_field",
                "source": "logs/edge.jsonl",
                "line": 1,
                "detail": "api_key or api_key_id",
            },
        }
    ]
    told: dict[str, Any] = json.loads(tallybook(books, "collect", "--json").stdout)
    assert told["refused"] == refused
    assert (told["quarantined"], told["quarantine_reasons"]) == (1, {"invalid_json": 1})
    assert told["quarantine_example"] == {
        "reason": "invalid_json",
        "source": "logs/app.jsonl",
        "line": 2,
        "detail": "the line is not one JSON document",
    }
    assert json.loads(tallybook(books, *NIGHT, "--json").stdout)["collected"]["refused"] == refused
