"""Bombs: small to send, and large, slow or endless to read: one clear line is said, and nobody pays for another.

Caps on lines, streams and ratios are claimed in ``tests/collectors``; here is what was found to pass beside them.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import tracemalloc
import zlib
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from odd_documents import places
from poisoned import EVERY_FORMAT
from workspaces import STANDARD, make_workspace, plain, tallybook, write_log

from pipeline.collectors import LogFormat, routes
from pipeline.collectors.decode import decode_line
from pipeline.collectors.formats.spans.otel.unread import unread_counts
from pipeline.collectors.logs.lines import Line
from pipeline.collectors.logs.logical_lines import group_of
from pipeline.collectors.wrappers import WRAPPERS, commands

AS_OF = ("--as-of", "2026-11-02")
CRI = next(each for each in WRAPPERS if each.name == "cri")
DEEP = "[" * 200_000
DEEP_OBJECT = '{"a":' * 200_000
NESTED = {
    "as Docker begins": f'{{"time": "2026-10-01T00:00:00Z", "log": {DEEP}',
    "as Docker begins, closed": f'{{"time": "2026-10-01T00:00:00Z", "log": {DEEP}{"]" * 200_000}}}',
    "as the journal begins": f'{{"__CURSOR": "x", "MESSAGE": {DEEP}',
    "as Fluent Bit begins": f'{{"date": 1.0, "log": {DEEP_OBJECT}',
    "as a file of Fluent Bit": f'app: [1.0, {{"log": {DEEP}]',
    "an array": f'{{"ts": {DEEP}',
    "an object": DEEP_OBJECT,
    "a request with a word of Docker's": plain("2026-10-01T10:00:00Z", id="x")[:-1] + f', "log": {DEEP}}}',
}


@pytest.mark.long
@pytest.mark.parametrize("line", NESTED.values(), ids=NESTED)
def test_a_line_that_is_nested_without_end_is_quarantined_and_costs_no_other_line(line: str, tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.jsonl", line, plain("2026-10-01T10:00:00Z", id="a"))
    done = tallybook(root, "nightly", *AS_OF)
    assert done.returncode == 0, done.stderr
    assert "lines 2  quarantined 1  events 1  measured 1" in done.stdout
    assert "draft-2026-10-acme\tAcme\t2026-10\t1\t2.00\tUSD" in done.stdout


@pytest.mark.long
@pytest.mark.parametrize("content", [DEEP, f"{DEEP}\n{DEEP}"], ids=["one line", "several"])
def test_a_log_that_begins_as_a_document_without_end_is_told_of_and_the_other_logs_are_read(
    content: str, tmp_path: Path
) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.json", content)
    write_log(root, "b.jsonl", *(plain("2026-10-01T10:00:00Z", id=f"a{number}") for number in range(4)))
    done = tallybook(root, "nightly", *AS_OF)
    assert done.returncode == 0, done.stderr
    assert "8.00" in done.stdout
    assert "logs/a.json" in done.stderr or "quarantined" in done.stderr


@pytest.mark.parametrize("command", [("reconcile",), ("rates", "import", "--from")])
@pytest.mark.parametrize("text", [DEEP, '{"data": ' + "9" * 5000 + "}", '{"a": ' + "9" * 5000 + "}"])
def test_a_file_of_others_that_is_no_json_of_theirs_is_refused_in_one_line(
    command: tuple[str, ...], text: str, tmp_path: Path
) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "b.jsonl", plain("2026-10-01T10:00:00Z", id="a"))
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    (tmp_path / "theirs.json").write_text(text, encoding="utf-8")
    given = f"litellm:{tmp_path}/theirs.json" if command[0] == "rates" else f"{tmp_path}/theirs.json"
    done = tallybook(root, *command, given)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "theirs.json" in done.stderr


ROOT = Path(__file__).parent.parent.parent
MEMORY_BYTES_MAX = 2**30
"""Of what is resident; the address space says nothing, since WebAssembly reserves more than it uses."""


def bounded(root: Path, *arguments: str, seconds: int = 60) -> tuple[int, bytes, bytes]:
    """Run the command in a process of its own, and return its exit code and what it said.

    It may use so many seconds of a processor, and is killed beyond; its memory is asked for when it has ended.
    """
    command = [sys.executable, "-c", BOUNDED, str(seconds), "-w", str(root), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, check=False, timeout=300, env=environment)
    said, _, size = done.stderr.rpartition(b"resident KiB: ")
    assert int(size) * 1024 < MEMORY_BYTES_MAX
    return done.returncode, done.stdout, said


BOUNDED = """
import os, resource, subprocess, sys
seconds = int(sys.argv[1])
limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
done = subprocess.run([sys.executable, "-m", "pipeline.cli", *sys.argv[2:]], preexec_fn=limit)
sys.stderr.write(f"resident KiB: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}")
sys.exit(done.returncode % 256)
"""


def gzip_bomb(path: Path, piece: bytes, mebibytes: int) -> None:
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    with path.open("wb") as file:
        for _ in range(mebibytes):
            file.write(packed.compress(piece * (2**20 // len(piece))))
        file.write(packed.flush())


@pytest.mark.slow
@pytest.mark.parametrize(
    "bomb", ["nuls", "a line", "members", "brackets", "sparse", "blank lines", "keys", "the same key"]
)
def test_a_log_that_is_a_bomb_takes_bounded_memory_and_time_and_the_other_log_is_billed(
    bomb: str, tmp_path: Path
) -> None:
    root = make_workspace(tmp_path / "books")
    fine = plain("2026-10-01T10:00:00Z", id="a")
    write_log(root, "b.jsonl", fine)
    logs = root / "logs"
    beside = plain("2026-10-01T10:00:00Z", id="c", prompt=10**6)[:-1]
    match bomb:
        case "nuls":
            gzip_bomb(logs / "a.jsonl.gz", b"\0", 1024)
        case "a line":
            gzip_bomb(logs / "a.jsonl.gz", b"x", 1024)
        case "brackets":
            gzip_bomb(logs / "a.jsonl.gz", b"[", 64)
        case "members":
            empty = zlib.compressobj(9, zlib.DEFLATED, 31)
            (logs / "a.jsonl.gz").write_bytes((empty.compress(b"") + empty.flush()) * 100_000)
        case "sparse":
            with (logs / "a.jsonl").open("wb") as file:
                file.truncate(2 * 2**30)
        case "blank lines":
            (logs / "a.jsonl").write_text("\n" * 10**6, encoding="utf-8")
        case "keys":
            many = "".join(f', "k{at}": 1' for at in range(10**5))
            (logs / "a.jsonl").write_text(f"{beside}{many}}}\n", encoding="utf-8")
        case _:
            (logs / "a.jsonl").write_text(beside + ', "k": {}' * 10**5 + "}\n", encoding="utf-8")
    code, stdout, stderr = bounded(root, "nightly", *AS_OF)
    assert code == 0, stderr[-1000:]
    total = b"4.00" if bomb in ("keys", "the same key") else b"2.00"
    assert b"draft-2026-10-acme\tAcme\t2026-10\t1\t" + total in stdout
    assert len(stderr.splitlines()) <= 2
    assert len(stderr) < 500


TOML = {
    "a key of many parts": "a" + ".a" * 50_000 + " = 1",
    "quoted parts": '"a"' + '."a"' * 50_000 + " = 1",
    "a table of many parts": "[" + "a." * 20_000 + "a]",
    "arrays": "x = " + "[" * 100_000,
    "tables": "x = " + "{a = " * 50_000,
    "a long key": '"' + "k" * 10**6 + '" = 1',
    "a long bare key": "k" * 10**6 + " = 1",
    "many keys": "\n".join(f"k{at} = 1" for at in range(10**5)),
    "a great number": "x = " + "9" * 10**5,
    "a great power": "x = 1e999999999",
    "many quotes": '"' * 10**6,
    "many tables": "[[accounts]]\n" * 50_000,
    "many bytes": "# x\n" * 2**25,
}


@pytest.mark.slow
@pytest.mark.parametrize("text", TOML.values(), ids=TOML)
def test_toml_that_is_a_bomb_is_refused_in_one_short_line(text: str, tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    (root / "accounts.toml").write_text(text + "\n", encoding="utf-8")
    code, _, stderr = bounded(root, "rates", "check", seconds=20)
    assert code == 2, stderr[-1000:]
    assert stderr.startswith(b"tallybook: accounts.toml")
    assert len(stderr.splitlines()) == 1
    assert len(stderr) < 500


@pytest.mark.parametrize("rate", ["1e999999", "1e-999999", "1." + "0" * 10**5, "nan", "-inf", "9" * 200])
def test_a_rate_that_no_money_has_is_refused_in_one_short_line(rate: str, tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books", cards={"standard": STANDARD.replace("2.00", rate)})
    done = tallybook(root, "rates", "check")
    assert done.returncode == 2
    assert len(done.stderr) < 500
    assert len(done.stderr.splitlines()) == 1


def test_what_is_no_regular_file_is_no_log_and_is_never_waited_for(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    logs = root / "logs"
    write_log(root, "a.jsonl", plain("2026-10-01T10:00:00Z", id="a"))
    os.mkfifo(logs / "pipe.jsonl")
    (logs / "folder.jsonl").mkdir()
    (logs / "loop.jsonl").symlink_to("loop.jsonl")
    (logs / "up").symlink_to("..")
    (logs / "zero.jsonl").symlink_to("/dev/zero")
    (logs / "memory.jsonl").symlink_to("/proc/self/mem")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(logs)  # the path of a socket is short
        listening.bind("socket.jsonl")
        os.chdir(here)
        done = tallybook(root, "nightly", *AS_OF)
    assert done.returncode == 0, done.stderr
    assert "2.00" in done.stdout
    for name in ("pipe", "loop", "zero", "memory", "socket"):
        assert len([line for line in done.stderr.splitlines() if f"{name}.jsonl" in line]) == 1, name


def test_a_configuration_that_is_no_regular_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    (root / "accounts.toml").unlink()
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        make(root / "accounts.toml")
        done = tallybook(root, "rates", "check")
        assert (done.returncode, done.stderr) == (
            2,
            "tallybook: accounts.toml cannot be read: it is no regular file\n",
        )
        (root / "accounts.toml").unlink()


MORE_GLOBS = [pytest.param(glob, marks=pytest.mark.long) for glob in ("*", "lake/**/*", "logs/../**/*", "invoices/**")]


@pytest.mark.long
@pytest.mark.parametrize("glob", ["**/*", *MORE_GLOBS])
def test_a_workspace_is_no_log_of_itself_whatever_the_globs_say(glob: str, tmp_path: Path) -> None:
    config = f'[[sources]]\nname = "gateway"\npaths = ["logs/*", "{glob}"]\n'
    root = make_workspace(tmp_path / "books", config=config)
    write_log(root, "a.jsonl", plain("2026-10-01T10:00:00Z", id="a"))
    for night in range(3):
        done = tallybook(root, "nightly", *AS_OF)
        assert done.returncode == 0
        assert f"collected {int(night == 0)} new line" in done.stdout
        assert "quarantined 0" in done.stdout
        tallybook(root, "invoice", "issue", "--period", "2026-10", "--yes", *AS_OF)


@pytest.mark.long
@pytest.mark.parametrize("field", ["model", "key"])
def test_many_names_are_told_in_few_lines(field: str, tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    lines = (plain("2026-10-01T10:00:00Z", id=f"r{at}", prompt=1, **{field: f"n{at}"}) for at in range(2000))
    write_log(root, "a.jsonl", *lines)
    done = tallybook(root, "nightly", *AS_OF)
    assert len(done.stderr.splitlines()) <= 12
    assert "1990 more" in done.stderr


SEEDS = (
    "a",
    "0",
    "{",
    "[",
    '"',
    "\\",
    '\\"',
    " ",
    "\t",
    "-",
    ".",
    "/",
    "%",
    "%2",
    "data: ",
    "\ndata: ",
    "\r\n",
    '{"a":',
    "sk-",
    "eyJ",
    "=",
)
"""What expressions that look for something repeat themselves over."""
AROUND = (("", ""), ("A" * 20, "!"))
"""What stands before and behind: what was begun well is tried anew from each place where it does not end so."""


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY_FORMAT)
def test_no_text_in_any_place_takes_the_square_of_its_length_to_read(name: str) -> None:
    document = EVERY_FORMAT[name]
    slow = []
    for path in (path for path in places(document) if path):
        for seed, (before, behind) in product(SEEDS, AROUND):
            texts = [f"{before}{seed * (size // len(seed))}{behind}" for size in (10_000, 40_000, 80_000)]
            short, long = (_seconds(document, path, text) for text in texts[:2])
            if long > 0.05 and long > 8 * short and _seconds(document, path, texts[2]) > 3 * long:
                slow.append((path, seed))
    assert slow == []


def _seconds(document: dict[str, Any], path: tuple[Any, ...], text: str) -> float:
    changed = deepcopy(document)
    holder: Any = changed
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = text
    content = json.dumps(changed).encode()
    line = Line(1, 0, len(content), content, b"", 1)
    begun = time.process_time()
    decode_line(line, source="s", log_format=LogFormat(), fingerprint=str)
    return time.process_time() - begun


@pytest.mark.parametrize("made_of", ["paths", "parts of Docker", "parts of CRI"])
def test_what_a_caller_repeats_takes_no_square_of_its_length_to_look_through(made_of: str) -> None:
    """A path that begins as one of Azure's again and again; a line that looks like Docker's parts of a long one.

    And parts of a line that each begin as a line does, where it is none as a whole.
    """
    instant = b"2026-10-01T00:00:00.123456789Z "

    def seconds(size: int) -> float:
        path, parts = "/realtime?" * (size // 10), size // 2**7
        line = instant + (b"x" * 2**14 + instant) * parts
        begun_line = b"".join(instant + b"stdout P " + b"{" * 2**14 + b"\n" for _ in range(parts))
        begun = time.process_time()
        if made_of == "paths":
            routes.model_in_path(path)
        elif made_of == "parts of Docker":
            assert commands.unwrap(line) is not None
        else:
            group = group_of(begun_line + instant + b'stdout F \xff"}\n', CRI, start=0, first_line=1)
            assert group is not None
            assert len(group) == 1
        return time.process_time() - begun

    assert seconds(2**16) < 20 * max(seconds(2**13), 0.01)


def _spans(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


def _span(own: int, around: int, named: dict[str, Any], trace: str = "t") -> dict[str, Any]:
    pairs = [
        {"key": name, "value": {"stringValue" if isinstance(value, str) else "intValue": value}}
        for name, value in {"api_key_id": "key_1", **named}.items()
    ]
    ids = {"traceId": trace, "spanId": f"s{own}", "parentSpanId": f"s{around}"}
    return {**ids, "startTimeUnixNano": "1793700001000000000", "attributes": pairs}


CALLED = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 4, "gen_ai.usage.output_tokens": 1}
UNREAD = {"acme.tokens.in": 4, "acme.tokens.out": 1}
MANY = {
    "spans within one another, and one that nobody reads": lambda size: _spans(
        *(_span(number, number - 1, CALLED) for number in range(size)), _span(size + 1, size + 2, UNREAD)
    ),
    "spans that nobody reads within one another, and one that is read": lambda size: _spans(
        *(_span(number, number - 1, UNREAD) for number in range(size)), _span(size + 1, size + 2, CALLED)
    ),
    "spans without ids": lambda size: _spans(*(_span(number, 0, CALLED, trace="") for number in range(size))),
}
"""What holds many entries on one line, each of which may be looked at beside all others, or beside the line."""


@pytest.mark.parametrize("many", MANY.values(), ids=MANY)
def test_the_entries_of_a_line_cost_no_square_of_how_many_they_are(many: Any) -> None:
    def seconds(size: int) -> float:
        content = json.dumps(many(size)).encode()
        begun = time.process_time()
        assert decode_line(
            Line(1, 0, len(content), content, b"", 1), source="s", log_format=LogFormat(), fingerprint=str
        )
        return time.process_time() - begun

    short = seconds(500)
    assert seconds(6_000) < 36 * max(short, 0.02)


def test_names_of_many_megabytes_are_not_kept() -> None:
    tracemalloc.start()
    for number in range(40):
        named = {f"{'x' * 10**6}{number}.tokens.in": 4, f"{'x' * 10**6}{number}.tokens.out": 1}
        assert unread_counts(named, is_span=True)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 4 * 10**6
