"""Batches of Gemini, Vertex AI and Bedrock, collected as their files lie there: billed as a request log of them is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import account, make_workspace, tallybook

if TYPE_CHECKING:
    from pathlib import Path

MODELS = ("nova-lite", "gemini-2.5-flash", "text-embedding-005")
CARD = 'id = "standard"\ncurrency = "USD"\n' + "".join(
    f'\n[[rates]]\nmodel = "{model}"\nservice_tier = "batch"\nprompt = {prompt}\ncompletion = {completion}\n'
    for model, prompt, completion in zip(MODELS, ("0.03", "0.15", "0.02"), ("0.12", "1.25", "0"), strict=True)
)
ACCOUNTS = account("acme", "key_a") + account("birke", "key_b")
SOURCES = """
[[sources]]
name = "bedrock"
paths = ["logs/bedrock/*/*"]
format = "bedrock-batch"
batch = { objects = ["logs/bedrock/*.json"] }
fields = { api_key_id = { value = "key_a" } }

[[sources]]
name = "gemini"
paths = ["logs/gemini/*"]
format = "gemini-batch"
batch = { objects = ["logs/gemini/*.json"] }
fields = { api_key_id = { value = "key_b" } }

[[sources]]
name = "vertex"
paths = ["logs/vertex/*/*.jsonl"]
batch = { objects = ["logs/vertex/*.json"] }
"""
NIGHT = ("nightly", "--as-of", "2026-11-02T03:00:00Z")
FOLDER = "prediction-model-2026-09-30T20:06:30.166279Z"
JOB = {
    "jobArn": "arn:aws:bedrock:us-west-2:123456789012:model-invocation-job/abcdefghij12",
    "modelId": "arn:aws:bedrock:us-west-2::foundation-model/nova-lite",
    "status": "Completed",
    "submitTime": "2026-09-30T20:00:00Z",
    "endTime": "2026-09-30T23:59:59Z",
}
FACTS = {"model": "models/gemini-2.5-flash", "createTime": "2026-09-30T20:00:00Z", "endTime": "2026-10-01T00:00:00Z"}
PREDICTION = {
    "name": "projects/7/locations/us-central1/batchPredictionJobs/98765",
    "model": "publishers/google/models/text-embedding-005",
    "createTime": "2026-09-30T20:06:30.166279Z",
    "endTime": "2026-10-01T01:00:00Z",
    "outputInfo": {"gcsOutputDirectory": f"gs://bucket/out/{FOLDER}"},
    "labels": {"api_key_id": "key_a"},
}
MANIFEST = {"totalRecordCount": 3, "processedRecordCount": 3, "successRecordCount": 2, "errorRecordCount": 1}


def converse(prompt: int) -> dict[str, Any]:
    usage = {"inputTokens": prompt, "outputTokens": 500_000, "totalTokens": prompt + 500_000}
    return {"output": {"message": {"content": [{"text": "Hi."}]}}, "stopReason": "end_turn", "usage": usage}


def generation(number: int, **fields: Any) -> dict[str, Any]:
    usage = {"promptTokenCount": 1_000_000, "candidatesTokenCount": 200_000, "totalTokenCount": 1_200_000}
    return {
        "candidates": [{"content": {"parts": [{"text": "4"}]}, "finishReason": "STOP"}],
        "usageMetadata": usage,
        "modelVersion": "gemini-2.5-flash",
        "responseId": f"r-{number}",
    } | fields


def vectors(count: int) -> list[dict[str, Any]]:
    return [{"embeddings": {"statistics": {"token_count": count, "truncated": False}, "values": [0.1]}}]


def put(books: Path, name: str, *documents: Any, indent: int | None = None) -> None:
    path = books / "logs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(each, indent=indent)}\n" for each in documents), encoding="utf-8")


def put_objects(books: Path) -> None:
    put(books, "bedrock/abcdefghij12.json", JOB, indent=2)
    operation = {"name": "batches/x1", "metadata": FACTS, "done": True, "response": {"responsesFile": "files/batch-x1"}}
    put(books, "gemini/x1.json", operation, indent=2)
    put(books, "vertex/98765.json", PREDICTION, indent=2)


def put_results(books: Path) -> None:
    asked = {"recordId": "CALL0000001", "modelInput": {"messages": []}}
    put(books, "bedrock/abcdefghij12/one.jsonl.out", asked | {"modelOutput": converse(1_000_000)})
    error = {"errorCode": 400, "errorMessage": "bad request"}
    put(
        books,
        "bedrock/abcdefghij12/two.jsonl.out",
        asked | {"modelOutput": converse(700_003)},
        asked | {"error": error},
    )
    put(books, "bedrock/abcdefghij12/manifest.json.out", MANIFEST)
    lines = [{"key": f"request-{number}", "response": generation(number)} for number in range(3)]
    put(books, "gemini/batch-x1.jsonl", *lines, {"key": "request-3", "error": {"code": 3, "message": "x"}})
    inlined = [{"response": generation(number), "metadata": {"key": "a"}} for number in (10, 11)]
    output = {"inlinedResponses": {"inlinedResponses": inlined}}
    held = {"name": "batches/x2", "metadata": FACTS | {"output": output}, "done": True, "response": output}
    put(books, "gemini/x2.json", held, indent=2)
    row = {"instance": {"content": "x"}, "status": ""}
    put(books, f"vertex/{FOLDER}/predictions.jsonl", *(row | {"predictions": vectors(count)} for count in (8, 700_000)))
    asked = {"contents": [], "labels": {"api_key_id": "key_b"}}
    answer = generation(20, createTime="2026-10-02T12:00:00Z")
    row = {"status": "", "processed_time": "2026-10-02T12:00:01+00:00", "request": asked}
    failed = {"status": "Bad Request: {}", "processed_time": "2026-10-02T12:00:01+00:00", "request": asked}
    put(books, "vertex/98765/predictions.jsonl", row | {"response": answer}, failed)


def request_log() -> list[dict[str, Any]]:
    """Return the same calls as a request log has them, less those that failed."""
    bedrock = {"ts": JOB["endTime"], "api_key_id": "key_a", "request": {"model": "nova-lite"}}
    gemini = {"ts": FACTS["endTime"], "api_key_id": "key_b"}
    of_vertex = {"ts": PREDICTION["endTime"], "api_key_id": "key_a", "request": {"model": "text-embedding-005"}}
    calls = [
        *(bedrock | {"response": converse(prompt)} for prompt in (1_000_000, 700_003)),
        *(gemini | {"response": generation(number)} for number in (0, 1, 2, 10, 11)),
        *(of_vertex | {"response": {"predictions": vectors(count)}} for count in (8, 700_000)),
        gemini | {"ts": "2026-10-02T12:00:00Z", "response": generation(20)},
    ]
    return [call | {"tier": "batch", "status": 200} for call in calls]


def drafted(books: Path, *options: str) -> dict[str, bytes]:
    done = tallybook(books, *NIGHT, *options)
    assert (done.returncode, done.stderr) == (0, "")
    return {path.relative_to(books).as_posix(): path.read_bytes() for path in (books / "invoices").rglob("*.*")}


def workspace(root: Path, config: str = SOURCES) -> Path:
    return make_workspace(root, config=config, accounts=ACCOUNTS, cards={"standard": CARD})


@pytest.mark.long
def test_batches_of_clouds_are_billed_as_from_a_request_log(tmp_path: Path) -> None:
    books = workspace(tmp_path / "batches")
    put_objects(books)
    put_results(books)
    invoices = drafted(books, "--strict")
    config = '[[sources]]\nname = "calls"\npaths = ["logs/*"]\nfields = { service_tier = "tier" }\n'
    calls = workspace(tmp_path / "calls", config)
    put(calls, "calls.jsonl", *request_log())
    assert invoices == drafted(calls, "--strict")
    assert b"acme,1,usage,key_a,nova-lite,batch,prompt,1700003,0.03" in invoices["invoices/2026-09/lines.csv"]
    october = invoices["invoices/2026-10/lines.csv"]
    assert b"acme,1,usage,key_a,text-embedding-005,batch,prompt,700008,0.02" in october
    assert b"birke,1,usage,key_b,gemini-2.5-flash,batch,prompt,6000000,0.15" in october
    night = tallybook(books, *NIGHT).stdout
    assert "billed 10 " in night
    assert "failed 3 " in night


@pytest.mark.long
def test_objects_that_come_later_come_to_the_same(tmp_path: Path) -> None:
    at_once = workspace(tmp_path / "at-once")
    put_objects(at_once)
    put_results(at_once)
    wanted = drafted(at_once)
    books = workspace(tmp_path / "later")
    put_results(books)
    night = tallybook(books, *NIGHT, "--force")
    assert night.returncode == 0
    assert (
        "no batch object under logs/bedrock/*.json has an id that stands in the log's name or its folder's"
        in night.stderr
    )
    assert "x2.json" not in night.stderr, "it holds its results, and needs no other object"
    put_objects(books)
    again = tallybook(books, *NIGHT)
    assert "their batch has come" in again.stdout
    assert drafted(books, "--strict") == wanted
    assert tallybook(books, "verify").returncode == 0


NO_KEY = (
    "# api_key_id was not found, and nothing is billed without it: name it in fields, as api_key_id = "
    '{ value = "…" }, where all of it is of one key\n'
)


@pytest.mark.long
@pytest.mark.parametrize(
    ("log", "paths", "objects", "missing"),
    [
        ("bedrock/abcdefghij12/one.jsonl.out", "bedrock/*/*.jsonl*", "bedrock/*.json", NO_KEY),
        ("gemini/batch-x1.jsonl", "gemini/*.jsonl*", "gemini/*.json", NO_KEY),
        ("gemini/x2.json", "gemini/*.json*", None, NO_KEY),
        (f"vertex/{FOLDER}/predictions.jsonl", "vertex/*/*.jsonl*", "vertex/*.json", ""),
    ],
)
def test_trying_results_proposes_where_their_batches_lie(
    tmp_path: Path, log: str, paths: str, objects: str | None, missing: str
) -> None:
    books = workspace(tmp_path, '[[sources]]\nname = "other"\npaths = ["elsewhere/*"]\nformat = "kong"\n')
    put_objects(books)
    put_results(books)
    tried = tallybook(books, "try", str(books / "logs" / log))
    cloud = log.partition("/")[0]
    batch = "" if objects is None else f'batch = {{ objects = ["logs/{objects}"] }}\n'
    table = f'\nname = "batches"\npaths = ["logs/{paths}"]\nformat = "{cloud}-batch"\n{batch}{missing}'
    assert tried.stdout.partition("[[sources]]")[2] == table
