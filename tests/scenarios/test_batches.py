"""Batches, collected as their files are downloaded: joined with their batch objects and input files, and billed."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from workspaces import account, fingerprints, make_workspace, tallybook

from pipeline import lake
from pipeline.lake.checked_files import verified_data_files

if TYPE_CHECKING:
    from pathlib import Path

CARD = """
id = "standard"
currency = "USD"

[aliases]
"jamba-large-1.7" = "jamba-large"
"ada-west" = "jamba-embed"

[[rates]]
model = "jamba-large"
service_tier = "batch"
prompt = 1.00
completion = 4.00

[[rates]]
model = "jamba-embed"
service_tier = "batch"
prompt = 0.50
completion = 0
"""
ACCOUNTS = account("acme", "key_a") + account("birke", "key_b")
SOURCE = """
[[sources]]
name = "batches"
paths = ["logs/**/*"]
format = "openai-batch"
batch = { objects = ["logs/**/*.json"], inputs = ["logs/**/*input*"] }
"""
NIGHT = ("nightly", "--as-of", "2026-11-02T03:00:00Z")
SAID = "what nobody but the model may read"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request of a batch; ``prompt`` ``None`` is one that failed."""

    custom: str
    prompt: int | None = 1_000_000
    completion: int = 0


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One batch. Its answers do not say when they were made, nor by which API."""

    number: int
    key: str
    requests: tuple[Request, ...]
    done_at: int = 1_790_812_799
    """One second before October."""
    model: str = "jamba-embed"
    """As the answers name it."""
    asked: str = "ada-west"

    @property
    def object(self) -> dict[str, Any]:
        """The batch object, as the API returns it."""
        return {
            "id": f"batch_{self.number:04x}",
            "object": "batch",
            "endpoint": "/v1/embeddings",
            "errors": None,
            "input_file_id": f"file-in{self.number:04x}",
            "completion_window": "24h",
            "status": "completed",
            "output_file_id": f"file-out{self.number:04x}",
            "error_file_id": f"file-err{self.number:04x}",
            "created_at": self.done_at - 3600,
            "in_progress_at": self.done_at - 3500,
            "completed_at": self.done_at,
            "expired_at": None,
            "request_counts": {"total": len(self.requests), "completed": len(self.requests), "failed": 0},
            "metadata": {"api_key_id": self.key},
        }

    @property
    def input(self) -> list[dict[str, Any]]:
        """The lines that were uploaded."""
        body = {"model": self.asked, "input": SAID}
        return [
            {"custom_id": each.custom, "method": "POST", "url": "/v1/embeddings", "body": body}
            for each in self.requests
        ]

    def answer(self, request: Request) -> dict[str, Any]:
        """Return the body of an answer."""
        if request.prompt is None:
            return {"error": {"type": "invalid_request_error", "message": SAID}}
        return {
            "object": "list",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.25]}],
            "model": self.model,
            "usage": {"prompt_tokens": request.prompt, "total_tokens": request.prompt},
        }

    def output(self, *, failed: bool) -> list[dict[str, Any]]:
        """Return the lines of the output file, or of the error file, in an order of their own."""
        return [
            {
                "id": f"batch_req_{self.number:04x}{each.custom}",
                "custom_id": each.custom,
                "response": {
                    "status_code": 400 if failed else 200,
                    "request_id": f"r-{self.number}-{each.custom}",
                    "body": self.answer(each),
                },
                "error": None,
            }
            for each in reversed(self.requests)
            if (each.prompt is None) == failed
        ]


WEST = Sent(
    number=1,
    key="key_a",
    requests=(
        Request(custom="1", prompt=1_200_000),
        Request(custom="2", prompt=None),
        Request(custom="3", prompt=800_003),
    ),
)
EAST = Sent(
    number=2, key="key_b", requests=(Request(custom="1", prompt=77_777), Request(custom="2")), done_at=1_790_812_800
)
"""The same custom ids, another key, and a second later: in October."""


def lines(*documents: dict[str, Any]) -> bytes:
    return "".join(f"{json.dumps(each)}\n" for each in documents).encode()


def workspace(root: Path, source: str = SOURCE) -> Path:
    return make_workspace(root, config=source, accounts=ACCOUNTS, cards={"standard": CARD})


def put(books: Path, name: str, content: bytes) -> None:
    path = books / "logs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def put_object(books: Path, batch: Sent, folder: str = "") -> None:
    put(books, f"{folder}{batch.object['id']}.json", json.dumps(batch.object, indent=2).encode())


def put_input(books: Path, batch: Sent, folder: str = "") -> None:
    put(books, f"{folder}{batch.object['input_file_id']}-input.jsonl", lines(*batch.input).rstrip(b"\n"))


def put_output(books: Path, batch: Sent, folder: str = "", ending: str = "") -> None:
    packed = gzip.compress if ending else bytes
    put(books, f"{folder}{batch.object['output_file_id']}.jsonl{ending}", packed(lines(*batch.output(failed=False))))
    put(books, f"{folder}{batch.object['error_file_id']}.jsonl{ending}", packed(lines(*batch.output(failed=True))))


def request_log(*batches: Sent) -> bytes:
    """Return the same exchanges as a request log."""
    return lines(
        *(
            {
                "ts": batch.done_at,
                "api_key_id": batch.key,
                "request_id": line["id"],
                "status": line["response"]["status_code"],
                "path": "/v1/embeddings",
                "request": {"model": batch.asked},
                "response": line["response"]["body"],
                "tier": "batch",
            }
            for batch in batches
            for failed in (False, True)
            for line in batch.output(failed=failed)
        )
    )


def drafted(books: Path, *options: str) -> dict[str, bytes]:
    done = tallybook(books, *NIGHT, *options)
    assert (done.returncode, done.stderr) == (0, "")
    return {path.relative_to(books).as_posix(): path.read_bytes() for path in (books / "invoices").rglob("*.*")}


def expected(root: Path, *batches: Sent) -> dict[str, bytes]:
    config = '[[sources]]\nname = "calls"\npaths = ["logs/*"]\nfields = { service_tier = "tier" }\n'
    books = workspace(root, config)
    put(books, "calls.jsonl", request_log(*batches))
    return drafted(books, "--strict")


@pytest.mark.long
@pytest.mark.parametrize("folder", ["", "2026/{id}/"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_batches_are_billed_as_from_a_request_log(tmp_path: Path, folder: str, ending: str) -> None:
    books = workspace(tmp_path / "batches")
    for batch in (WEST, EAST):
        within = folder.format(id=batch.object["id"])
        put_object(books, batch, within)
        put_input(books, batch, within)
        put_output(books, batch, within, ending)
    invoices = drafted(books, "--strict")
    assert invoices == expected(tmp_path / "calls", WEST, EAST)
    assert b"draft-2026-09-acme" in invoices["invoices/2026-09/lines.csv"]
    assert b"draft-2026-10-birke" in invoices["invoices/2026-10/lines.csv"]
    assert b"jamba-embed" in invoices["invoices/2026-10/lines.csv"]


@pytest.mark.long
def test_an_answer_that_names_no_model_is_billed_by_the_one_that_was_asked_for(tmp_path: Path) -> None:
    nameless = replace(WEST, model="")
    books = workspace(tmp_path / "batches")
    put_object(books, nameless)
    put_output(books, nameless)
    put_input(books, nameless)
    invoices = drafted(books, "--strict")
    assert invoices == expected(tmp_path / "calls", nameless)
    assert b"jamba-embed" in invoices["invoices/2026-09/lines.csv"]


@pytest.mark.long
def test_what_comes_later_comes_to_the_same(tmp_path: Path) -> None:
    """Output before object before input: each night takes in what is there, and the last one has it all."""
    at_once = workspace(tmp_path / "at-once")
    for batch in (WEST, EAST):
        put_object(at_once, batch)
        put_input(at_once, batch)
        put_output(at_once, batch)
    wanted = drafted(at_once)
    books = workspace(tmp_path / "later")
    put_object(books, EAST)
    put_input(books, EAST)
    put_output(books, EAST)
    drafted(books)
    put_output(books, WEST)
    night = tallybook(books, *NIGHT)
    assert night.returncode == 0
    assert night.stderr.count("no batch object under logs/**/*.json has an id that stands in the log's name") == 2
    assert "3 quarantined lines (3 missing_field)" in night.stderr
    put_object(books, WEST)
    night = tallybook(books, *NIGHT)
    assert "their batch has come" in night.stdout
    assert "3 lines out of the quarantine, 0 into it" in night.stdout
    assert {event["model_requested"] for event in events(books) if event["api_key_id"] == "key_a"} == {None}
    put_input(books, WEST)
    night = tallybook(books, *NIGHT)
    assert "3 events superseded, 3 in their place or new" in night.stdout
    assert drafted(books, "--strict") == wanted
    assert events(books) == events(at_once)
    before = fingerprints(books / "lake/usage_events")
    for path in [*(books / "logs").glob("*.json"), *(books / "logs").glob("*input*")]:
        path.unlink()
    assert drafted(books, "--strict") == wanted, "what was joined stays when its batch is deleted"
    assert fingerprints(books / "lake/usage_events") == before
    again = tallybook(books, "collect", "--again")
    assert again.returncode == 0
    assert "3 segments of logs/" in again.stderr
    assert "any more with the batch object and the input file that they were read beside" in again.stderr
    assert fingerprints(books / "lake/usage_events") == before
    assert tallybook(books, "verify").returncode == 0


def events(books: Path) -> list[dict[str, Any]]:
    """Return the events in force, in the order of their logs."""
    files = verified_data_files(books / "lake", lake.read_log(books / "lake").data_files)
    rows = [row for path in files for row in pq.read_table(path, partitioning=None).to_pylist()]
    return sorted(rows, key=lambda row: (row["source"], row["line"]))


@pytest.mark.long
def test_a_line_that_the_input_file_does_not_have_is_billed_and_said(tmp_path: Path) -> None:
    books = workspace(tmp_path)
    put_object(books, EAST)
    put_output(books, EAST)
    put_input(books, replace(EAST, requests=EAST.requests[:1]))
    night = tallybook(books, *NIGHT)
    assert night.returncode == 0
    assert "1 of its custom ids are not in its input file, so what they asked for is not known" in night.stderr
    assert "billed 2 " in night.stdout
    assert [event["model_requested"] for event in events(books)] == [None, "ada-west"]


@pytest.mark.long
def test_the_key_may_lie_in_the_request_of_each_line(tmp_path: Path) -> None:
    books = workspace(tmp_path, SOURCE + 'fields = { api_key_id = "request.user" }\n')
    put_object(books, WEST)
    put_output(books, WEST)
    users = {"1": "key_a", "2": "key_a", "3": "key_b"}
    asked = [line | {"body": line["body"] | {"user": users[line["custom_id"]]}} for line in WEST.input]
    put(books, "file-in0001-input.jsonl", lines(*asked))
    invoices = drafted(books, "--strict")
    assert (
        b"draft-2026-09-acme,acme,1,usage,key_a,jamba-embed,batch,prompt,1200000"
        in invoices["invoices/2026-09/lines.csv"]
    )
    assert (
        b"draft-2026-09-birke,birke,1,usage,key_b,jamba-embed,batch,prompt,800003"
        in invoices["invoices/2026-09/lines.csv"]
    )


def test_a_file_among_the_batch_objects_that_is_none_is_said(tmp_path: Path) -> None:
    books = workspace(tmp_path)
    put_object(books, EAST)
    put_output(books, EAST)
    put_input(books, EAST)
    put(books, "file.json", b'{"object": "file", "id": "file-in0002"}')
    night = tallybook(books, *NIGHT)
    assert "logs/file.json: it is named as a batch object of source 'batches', and is none" in night.stderr


def test_no_text_of_an_input_file_is_kept_or_told(tmp_path: Path) -> None:
    books = workspace(tmp_path)
    for batch in (WEST, EAST):
        put_object(books, batch)
        put_input(books, batch)
        put_output(books, batch)
    night = tallybook(books, *NIGHT)
    assert SAID not in night.stdout + night.stderr + str(events(books))
    ours = [path for path in books.rglob("*") if path.is_file() and "logs" not in path.parts]
    assert len(ours) > 5
    assert [path for path in ours if SAID.encode() in path.read_bytes()] == []


@pytest.mark.long
def test_trying_an_output_proposes_where_its_batch_lies(tmp_path: Path) -> None:
    books = workspace(
        tmp_path, 'currency = "USD"\n[[sources]]\nname = "other"\npaths = ["elsewhere/*"]\nformat = "kong"\n'
    )
    put_output(books, EAST)
    output = books / "logs/file-out0002.jsonl"
    alone = tallybook(books, "try", str(output))
    assert alone.returncode == 3
    assert '# batch = { objects = ["…/*.json"], inputs = ["…/*.jsonl"] }' in alone.stdout
    put_object(books, EAST)
    put_input(books, EAST)
    done = tallybook(books, "try", str(output))
    assert (done.returncode, done.stderr) == (0, "")
    table = done.stdout.partition("[[sources]]")[2]
    assert table == (
        '\nname = "batches"\npaths = ["logs/*.jsonl*"]\nformat = "openai-batch"\n'
        'batch = { objects = ["logs/*.json"], inputs = ["logs/*.jsonl*"] }\n'
    )
    (books / "tallybook.toml").write_text(f"[[sources]]{table}")
    assert drafted(books, "--strict") == expected(tmp_path / "calls", EAST)


def test_an_output_that_lies_elsewhere_is_collected_with_its_batch(tmp_path: Path) -> None:
    books = workspace(tmp_path / "books")
    put_object(books, EAST)
    put_input(books, EAST)
    elsewhere = tmp_path / "file-out0002.jsonl"
    elsewhere.write_bytes(lines(*EAST.output(failed=False)))
    done = tallybook(books, "collect", str(elsewhere))
    assert (done.returncode, done.stderr) == (0, "")
    assert [event["model_requested"] for event in events(books)] == ["ada-west", "ada-west"]


@pytest.mark.parametrize(
    ("batch", "says"),
    [
        ('{ inputs = ["a"] }', "objects is missing; it is a list of strings"),
        ("{ objects = [] }", "objects is an empty list"),
        ('{ object = ["a"] }', "unknown key 'object'; did you mean 'objects'?"),
        ('["a"]', "batch is"),
        (
            '{ objects = ["a"] }\nformat = "kong"',
            "batch is for formats bedrock-batch, gemini-batch, openai-batch, vertex-batch, and its format is 'kong'",
        ),
    ],
)
def test_a_table_of_batches_that_cannot_be_meant_is_refused(tmp_path: Path, batch: str, says: str) -> None:
    books = workspace(tmp_path, f'[[sources]]\nname = "b"\npaths = ["a"]\nbatch = {batch}\n')
    done = tallybook(books, "nightly")
    assert done.returncode == 2
    assert says in done.stderr
