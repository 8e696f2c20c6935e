"""A whole life with canaries in every place: every byte that is written and every word that is said is searched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from canaries import KEYS, SEARCH, SECRET, found_in_files
from commands import COMMANDS
from poisoned import EVERY_FORMAT, hostile_lines, with_content_beside, with_key_in_each_place
from workspaces import STANDARD, account, make_workspace, tallybook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspaces import Done

AS_OF = ("--as-of", "2026-12-02")
CONFIG = """
[seller]
name = "Tally Ltd"
[[sources]]
name = "gateway"
paths = ["logs/*"]
format = "request-log"
[[sources]]
name = "any"
paths = ["any/*"]
[[sources]]
name = "mistaken"
paths = ["mistaken/*"]
fields = { api_key_id = "key" }
[[sources]]
name = "mistaken-too"
paths = ["mistaken-too/*"]
fields = { api_key_id = { value = "key_m" }, request_id = "key", "request.model" = "key" }
"""
ACCOUNTS = account("acme", "key_a", stripe_customer="cus_1")
ROOT = Path(__file__).parent.parent.parent
LIFE: tuple[tuple[str, ...], ...] = (
    ("init", "another"),
    ("try", "logs/a.jsonl", "mistaken/a.jsonl", "--show-mapping"),
    *(("try", f"any/{name.replace(' ', '-')}.jsonl", "--show-mapping") for name in EVERY_FORMAT),
    ("collect", "logs/a.jsonl"),
    ("collect", "--force"),
    ("collect", "-", "--source", "gateway", "--keep", "--force"),
    ("nightly", *AS_OF, "--force", "--metrics-file", "night.prom"),
    ("nightly", *AS_OF, "--strict"),
    ("collect", "--again", "gateway", "--force"),
    ("nightly", *AS_OF),
    ("doctor",),
    ("doctor", "--warnings"),
    ("usage", "--by", "key,model,tier,status"),
    ("usage", "--copies"),
    ("cost", "--by", "key,model,hour"),
    ("cost", "--bills", "--period", "2026-10"),
    ("margin",),
    ("budgets",),
    ("anomalies", *AS_OF),
    ("report", "--period", "2026-10", "--to", "report.html", *AS_OF),
    ("invoice", "draft", "--period", "2026-10"),
    ("invoice", "issue", "--period", "2026-10", "--account", "acme", "--yes", *AS_OF),
    ("invoice", "list"),
    ("invoice", "show"),
    ("invoice", "credits"),
    ("invoice", "render", "--period", "2026-10", "--format", "html,pdf", "--to", "rendered"),
    ("invoice", "paid", "INV-000001", "--amount", "0.01", *AS_OF),
    ("invoice", "credit", "INV-000001", "--line", "1", "--amount", "0.01", "--reason", "a slip", *AS_OF),
    ("recompute", "INV-000001", "--bundle", "bundle"),
    ("explain", "INV-000001", "1"),
    ("explain", "--request-id", "req-1"),
    *(("explain", "--source", "logs/a.jsonl", "--line", str(line)) for line in (1, 3, 4, 8, 9, 10)),
    ("explain", "--source", "mistaken/a.jsonl", "--line", "1"),
    ("reprice", "--card", "other"),
    ("reconcile", "there.csv"),
    ("export", "jsonl", "--to", "e.jsonl"),
    ("export", "focus", "-o", "csv", "--to", "e.csv"),
    ("export", "focus", "-o", "parquet", "--to", "e.parquet"),
    ("export", "stripe", "--to", "stripe.jsonl"),
    ("export", "lago", "--to", "lago.jsonl"),
    ("export", "duckdb", "--to", "books.duckdb", "--events"),
    ("sql", "from usage_events"),
    ("sql", "--views"),
    ("sql",),
    ("verify",),
    ("verify", "--logs"),
    ("rates", "check"),
    ("rates", "show"),
    ("rates", "diff", "standard", "other"),
    ("rates", "import", "--from", "litellm:prices.json"),
    ("keys", "id"),
    ("keys", "rotate", *AS_OF),
    ("nightly", *AS_OF),
    ("keys", "rotate", "--finish", "--force", *AS_OF),
    ("acknowledge", "unassigned", "lena", "--reason", "known", *AS_OF),
    ("invoice", "void", "INV-000001", "--yes", *AS_OF),
    ("forget", "--before", "2026-11-01", "--with-uninvoiced", "--yes", *AS_OF),
    ("nightly", *AS_OF),
    ("upgrade", "--dry-run", *AS_OF),
    ("sign", "--key", "there-is-none.pem"),
    ("completion", "bash"),
    # what people type where it does not belong, and what a shell's history keeps, is not ours; what we answer is
    *((*words, KEYS[number]) for number, words in enumerate((("invoice", "show"), ("explain", "--request-id")))),
)
"""The commands of a life, each said in text and once more in JSON."""
LOGS = ("logs", "any", "mistaken", "mistaken-too", "received", "given")


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a workspace all of whose logs are full of canaries."""
    other = STANDARD.replace("standard", "other").replace("2.00", "3.00")
    root = make_workspace(
        tmp_path / "books", config=CONFIG, accounts=ACCOUNTS, cards={"standard": STANDARD, "other": other}
    )
    hostile = list(hostile_lines())
    for folder in LOGS:
        (root / folder).mkdir(exist_ok=True)
    for folder in ("logs", "mistaken", "mistaken-too"):
        (root / folder / "a.jsonl").write_text("".join(f"{line}\n" for line in hostile), encoding="utf-8")
    for number, (name, document) in enumerate(EVERY_FORMAT.items()):
        documents = [with_content_beside(document), *with_key_in_each_place(document, KEYS[number % len(KEYS)])]
        path = root / "any" / f"{name.replace(' ', '-')}.jsonl"
        path.write_text("".join(json.dumps(each) + "\n" for each in documents), encoding="utf-8")
    (root / "there.csv").write_text(
        "date,api_key_id,model,prompt_tokens,completion_tokens\n2026-10-01,key_a,jamba-large,7,7\n", encoding="utf-8"
    )
    (root / "prices.json").write_text(json.dumps({"jamba-large": {"input_cost_per_token": 1e-6}}), encoding="utf-8")
    (root / "budgets.toml").write_text('[[budgets]]\nname = "all"\namount = 1\n', encoding="utf-8")
    (root / "key-secret").write_text(SECRET, encoding="utf-8")
    (root / "key-secret").chmod(0o600)
    monkeypatch.chdir(root)
    return root


def lived(root: Path) -> Iterator[tuple[tuple[str, ...], Done]]:
    """Run each command of the life in text, and in JSON with messages in JSON."""
    given = "".join(f"{line}\n" for line in hostile_lines())
    for words in LIFE:
        stdin = "\n".join(KEYS) if words[:2] == ("keys", "id") else given if "-" in words else ""
        yield words, tallybook(root, *words, stdin=stdin)
        options = {
            option
            for each in COMMANDS[tuple(word for word in words[:2] if word in _WORDS)].params
            for option in each.opts
        }
        if "--output" in options and words[0] != "export":
            yield words, tallybook(root, *words, "-o", "json", stdin=stdin, env={"TALLYBOOK_LOG_FORMAT": "json"})


_WORDS = {word for path in COMMANDS for word in path}


@pytest.mark.slow
def test_no_canary_is_in_any_byte_that_a_whole_life_leaves_or_says(books: Path) -> None:
    said: dict[str, set[str]] = {}
    left: dict[str, set[str]] = {}
    codes: dict[tuple[str, ...], int] = {}
    beside = [books / folder for folder in LOGS] + [books / "key-secret", books / "key-secret.old"]
    size = 0
    for words, done in lived(books):
        codes.setdefault(words, done.returncode)
        assert "Traceback" not in done.stderr, (words, done.stderr[-2000:])
        size += len(done.stdout) + len(done.stderr)
        if there := SEARCH((done.stdout + done.stderr).encode("utf-8", "surrogatepass")):
            said[" ".join(words)] = there
        if words[0] in ("acknowledge", "completion"):  # once before anything is forgotten, once at the end
            left |= found_in_files(books, SEARCH, beside=beside)
    assert (said, left) == ({}, {})
    failed = {words[:2] for words, code in codes.items() if code not in (0, 3, 6)}
    assert failed == {
        ("margin",),
        ("explain", "--source"),
        ("sign", "--key"),
        ("invoice", "show"),
        ("explain", "--request-id"),
    }
    assert size > 10**6
    assert {path.suffix for path in books.rglob("*")} >= {".pdf", ".html", ".parquet", ".duckdb", ".csv", ".prom"}


CRASHES = {
    "a bug": "raise RuntimeError('cannot be')",
    "a bug that quotes a key": f"raise LookupError({KEYS[0]!r})",
    "an abort": "os.abort()",
    "a fault of the memory": "import ctypes; ctypes.string_at(0)",
}
CRASHING = """
import os, resource, sys
import pipeline.cli
from pipeline.collectors import decode
from pipeline.collectors.kernel import blocks
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
lines = []
def crash(line, **how):
    lines.append(line.content)
    if len(lines) < 9:
        return decode.decode_line(line, **how)
    {crash}
blocks.decode_line = crash
pipeline.cli.main(sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("crash", CRASHES)
def test_a_crash_in_the_middle_of_a_log_says_and_leaves_no_canary_and_no_image_of_the_memory(
    books: Path, crash: str, log_format: str
) -> None:
    program = CRASHING.replace("{crash}", CRASHES[crash])
    arguments = ["-w", ".", "--log-format", log_format, "nightly", *AS_OF, "--force"]
    (books / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(books / "tmp"), "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, check=False, timeout=120, env=environment
    )
    assert done.returncode not in (0, 2, 3)
    assert b"crash" in done.stderr
    assert SEARCH(done.stdout + done.stderr) == set()
    beside = [books / folder for folder in LOGS] + [books / "key-secret"]
    assert found_in_files(books, SEARCH, beside=beside) == {}
    assert not [path for path in books.rglob("core*") if path.is_file()]
