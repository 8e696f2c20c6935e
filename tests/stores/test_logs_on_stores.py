"""Logs on an object store: read as files are, known again by their content, and fetched only where they are new."""

from __future__ import annotations

import gzip
import http.client
import http.server
import json
import os
import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stored_objects import put, remove, watched
from workspaces import fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.base.zstd import zstd
from pipeline.jobs.night import collect
from pipeline.jobs.upkeep.init import init
from pipeline.lake.checked_files import verified_data_files
from pipeline.lake.commits import read_log
from pipeline.objects.store_refusals import refusal
from pipeline.objects.stores import ObjectStore

if TYPE_CHECKING:
    from pathlib import Path

    from stored_objects import Requests
    from workspaces import Done


def lines(*numbers: int) -> bytes:
    return "".join(f"{plain(f'2026-10-{n % 28 + 1:02}T12:00:00Z', id=f'r{n}')}\n" for n in numbers).encode()


def workspace_on(root: Path, *globs: str, more: str = "") -> Path:
    source = f'[[sources]]\nname = "gateway"\npaths = {json.dumps(globs)}\nformat = "request-log"\n{more}\n'
    return make_workspace(root, config=source)


def night(workspace: Path, *, on: str = "2026-11-02", command: str = "collect") -> Done:
    done = tallybook(workspace, command, "--as-of", on)
    assert done.returncode == 0, done.stderr
    return done


def events(workspace: Path) -> int:
    return sum(sum(record.events.values()) for record in read_log(workspace / "lake").sources)


def billed(workspace: Path) -> str:
    (total,) = [row["total"] for row in json.loads(tallybook(workspace, "invoice", "list", "--json").stdout)]
    return str(total)


@pytest.fixture
def requests(bucket: str, monkeypatch: pytest.MonkeyPatch) -> Requests:
    assert bucket
    return watched(monkeypatch)


def test_an_object_without_any_line_end_is_collected_as_what_firehose_wrote(tmp_path: Path, bucket: str) -> None:
    put(f"{bucket}/logs/gateway-1-2026-10-01-00-00-00-0123", lines(1, 2, 3).replace(b"\n", b"", 3))
    put(f"{bucket}/logs/gateway-1-2026-10-01-00-05-00-4567", lines(4).removesuffix(b"\n"))
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    done = night(workspace)
    assert (events(workspace), done.stderr.count("no line end")) == (4, 0)


@pytest.mark.parametrize(
    "compressed",
    [
        pytest.param(bytes, id="plain"),
        pytest.param(gzip.compress, id="gzip", marks=pytest.mark.long),
        pytest.param(zstd.compress, id="zstd", marks=pytest.mark.long),
    ],
)
def test_an_object_is_collected_and_called_by_its_address(tmp_path: Path, bucket: str, compressed: object) -> None:
    put(f"{bucket}/logs/2026/a.jsonl", compressed(lines(1, 2) + b"broken\n"))  # type: ignore[operator]
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/**/*.jsonl*")
    assert "collected 3 new lines from 1 of 1 log" in night(workspace).stdout
    assert [record.source for record in read_log(workspace / "lake").sources] == [f"{bucket}/logs/2026/a.jsonl"]
    explained = tallybook(workspace, "explain", "--source", f"{bucket}/logs/2026/a.jsonl", "--line", "2")
    assert f"{bucket}/logs/2026/a.jsonl" in explained.stdout
    assert f"{bucket}/logs/2026/a.jsonl" in tallybook(workspace, "doctor").stdout  # its quarantined line
    verified = tallybook(workspace, "verify", "--logs")
    assert verified.returncode == 0
    assert "1 segment hashed again" in verified.stdout


def test_what_is_unchanged_is_not_asked_for_again(tmp_path: Path, bucket: str, requests: Requests) -> None:
    put(f"{bucket}/logs/a.jsonl", lines(1))
    put(f"{bucket}/logs/b.jsonl.gz", gzip.compress(lines(2)))
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    night(workspace)
    requests.clear()
    night(workspace)
    assert requests.ranges == []
    put(f"{bucket}/logs/c.jsonl", lines(3))
    assert "collected 1 new line from 1 of 3 logs" in night(workspace).stdout
    assert {key for key, _, _ in requests.ranges} == {"logs/c.jsonl"}


@pytest.mark.long
def test_a_glob_over_the_whole_bucket_reads_nothing_of_the_lake_and_the_register_there(
    tmp_path: Path, bucket: str
) -> None:
    put(f"{bucket}/logs/a.jsonl", lines(1))
    on_store = f'[lake]\nurl = "{bucket}/books/lake"\n[invoices]\nurl = "{bucket}/books/invoices"\n'
    workspace = workspace_on(tmp_path / "w", f"{bucket}/**", more=on_store)
    assert "collected 1 new line from 1 of 1 log" in night(workspace).stdout
    assert tallybook(workspace, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02").returncode == 0
    assert "collected 0 new lines from 0 of 1 log" in night(workspace, command="nightly").stdout


def test_an_object_that_grows_is_continued(tmp_path: Path, bucket: str) -> None:
    put(f"{bucket}/logs/a.jsonl", lines(1, 2))
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    night(workspace)
    put(f"{bucket}/logs/a.jsonl", lines(1, 2, 3))
    assert "collected 1 new line" in night(workspace).stdout
    assert [(each.first_line, each.lines) for each in read_log(workspace / "lake").sources] == [(1, 2), (3, 1)]


def test_half_a_line_is_told_each_night_and_read_once_it_is_whole(
    tmp_path: Path, bucket: str, requests: Requests
) -> None:
    content = lines(1, 2)
    put(f"{bucket}/logs/a.jsonl", content[:-10])
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    assert "no line end yet" in night(workspace).stderr
    requests.clear()
    assert "no line end yet" in night(workspace).stderr
    assert requests.ranges == []
    put(f"{bucket}/logs/a.jsonl", content)
    assert "no line end yet" not in night(workspace).stderr
    assert events(workspace) == 2


def test_a_log_that_begins_anew_under_its_key_is_a_new_one(tmp_path: Path, bucket: str) -> None:
    put(f"{bucket}/logs/a.jsonl", lines(1, 2))
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    night(workspace)
    put(f"{bucket}/logs/a.jsonl", lines(3, 4))
    assert "collected 2 new lines" in night(workspace).stdout
    assert events(workspace) == 4


@pytest.mark.long
def test_the_same_log_is_billed_once_wherever_it_lies_and_however_it_is_compressed(tmp_path: Path, bucket: str) -> None:
    workspace = workspace_on(tmp_path / "w", "logs/*", f"{bucket}/logs/**")
    write_log(workspace, "a.jsonl", *lines(1, 2, 3).decode().splitlines())
    night(workspace)
    put(f"{bucket}/logs/a.jsonl", lines(1, 2, 3))
    assert "collected 0 new lines" in night(workspace).stdout
    (workspace / "logs" / "a.jsonl").unlink()
    remove(f"{bucket}/logs/a.jsonl")
    put(f"{bucket}/logs/old/a.jsonl.gz", gzip.compress(lines(1, 2, 3, 4)))
    assert "collected 1 new line" in night(workspace, command="nightly").stdout
    assert events(workspace) == 4
    assert billed(workspace) == "8.00"


@pytest.mark.long
def test_lost_notes_cost_the_heads_and_nothing_else(tmp_path: Path, bucket: str, requests: Requests) -> None:
    put(f"{bucket}/logs/a.jsonl", lines(*range(8_000)))
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    night(workspace)
    shutil.rmtree(workspace / "lake" / "counted" / "stored_logs")
    requests.clear()
    assert "collected 0 new lines" in night(workspace).stdout
    assert sum(end - start for _, start, end in requests.ranges) <= 2 * 2**16
    requests.clear()
    night(workspace)
    assert requests.ranges == []


def test_notes_are_not_believed_where_the_lake_has_lost_what_they_speak_of(tmp_path: Path, bucket: str) -> None:
    put(f"{bucket}/logs/a.jsonl", lines(1))
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    notes = workspace / "lake" / "counted" / "stored_logs"
    night(workspace)
    kept = tmp_path / "kept"
    shutil.copytree(notes, kept)
    shutil.rmtree(workspace / "lake")
    shutil.copytree(kept, notes)
    assert "collected 1 new line" in night(workspace).stdout


@pytest.mark.long
def test_an_object_replaced_while_it_is_read_is_told_and_read_by_the_next_night(
    tmp_path: Path, bucket: str, requests: Requests
) -> None:
    first, second = lines(*range(8_000)), lines(*range(10_000, 18_000))
    put(f"{bucket}/logs/a.jsonl", first)
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")

    def replace(_: str, start: int, __: int) -> None:
        if start:  # its beginning is here, what follows is asked for
            requests.before_range = None
            put(f"{bucket}/logs/a.jsonl", second)

    requests.before_range = replace
    done = night(workspace)
    assert "replaced_while_read" in done.stderr
    assert events(workspace) == 0
    assert "collected 8000 new lines" in night(workspace).stdout
    ids = {record.source for record in read_log(workspace / "lake").sources}
    assert ids == {f"{bucket}/logs/a.jsonl"}
    assert tallybook(workspace, "verify", "--logs").returncode == 0


@pytest.mark.long
@pytest.mark.parametrize("count", [100, pytest.param(1_000, marks=pytest.mark.slow)])
def test_many_small_objects_are_a_request_each_and_many_at_once(
    tmp_path: Path, bucket: str, requests: Requests, count: int
) -> None:
    for number in range(count):
        put(f"{bucket}/logs/{number:04}.jsonl", lines(number))
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    lock, under_way, most = threading.Lock(), 0, 0

    def begun(*_: object) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.02)
        with lock:
            under_way -= 1

    requests.clear()
    requests.before_range = begun
    night(workspace)
    assert len(requests.ranges) == count
    assert requests.listed == [("logs", None)]
    assert 4 <= most <= 16
    assert events(workspace) == count


@pytest.mark.long
def test_a_bucket_that_is_not_there_costs_its_own_source_alone(tmp_path: Path, bucket: str) -> None:
    other = '[[sources]]\nname = "other"\npaths = ["s3://no-such-bucket-of-ours/logs/*"]\n'
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*", more=other)
    put(f"{bucket}/logs/a.jsonl", lines(1))
    done = night(workspace)
    assert "collected 1 new line" in done.stdout
    told = [line for line in done.stderr.splitlines() if "no-such-bucket" in line]
    assert len(told) == 1
    assert "(store_refused)" in told[0]
    assert tallybook(workspace, "nightly", "--strict", "--as-of", "2026-11-02").returncode != 0
    verified = tallybook(workspace, "verify", "--logs")
    assert verified.returncode == 8
    assert "no-such-bucket-of-ours" in verified.stderr
    assert "no-such-bucket-of-ours" in tallybook(workspace, "doctor").stdout


@pytest.mark.long
def test_objects_that_are_gone_are_no_damage(tmp_path: Path, bucket: str) -> None:
    put(f"{bucket}/logs/a.jsonl", lines(1))
    put(f"{bucket}/logs/b.jsonl", lines(2))
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    night(workspace)
    remove(f"{bucket}/logs/a.jsonl")
    assert "warning" not in night(workspace).stderr
    verified = tallybook(workspace, "verify", "--logs")
    assert verified.returncode == 0
    assert "1 segment is gone" in verified.stdout
    store = ObjectStore(bucket)
    assert store.find("logs/a.jsonl") is None


@pytest.mark.long
def test_an_object_whose_collected_bytes_were_changed_differs(tmp_path: Path, bucket: str) -> None:
    put(f"{bucket}/logs/a.jsonl", lines(1, 2))
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    night(workspace)
    put(f"{bucket}/logs/a.jsonl", lines(1, 3))
    verified = tallybook(workspace, "verify", "--logs")
    assert verified.returncode != 0
    assert f"{bucket}/logs/a.jsonl" in verified.stdout


@pytest.mark.long
def test_a_compressed_object_that_is_cut_is_told_and_read_once_when_it_is_whole(tmp_path: Path, bucket: str) -> None:
    whole = gzip.compress(lines(*range(200)))
    put(f"{bucket}/logs/a.jsonl.gz", whole[: len(whole) // 2])
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    assert "ends_inside_member" in night(workspace).stderr
    put(f"{bucket}/logs/a.jsonl.gz", whole)
    assert "ends_inside_member" not in night(workspace).stderr
    assert events(workspace) == 200


@pytest.mark.long
def test_a_key_of_wildcards_is_named_by_its_address(tmp_path: Path, bucket: str) -> None:
    key = "logs/a [1] ü*.jsonl"
    put(f"{bucket}/{key}", lines(1))
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    night(workspace)
    assert [record.source for record in read_log(workspace / "lake").sources] == [f"{bucket}/{key}"]
    assert tallybook(workspace, "verify", "--logs").returncode == 0


class _Denied(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # its base calls it so
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.long
def test_a_store_that_denies_access_is_told_in_one_line_and_the_night_goes_on(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Denied) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*", "logs/*")
        write_log(workspace, "a.jsonl", *lines(1).decode().splitlines())
        done = night(workspace)
        server.shutdown()
    assert "collected 1 new line from 1 of 1 log" in done.stdout
    (told,) = [each for each in done.stderr.splitlines() if bucket in each]
    assert "could not list" in told
    assert "(store_refused)" in told


def test_a_hundred_archived_objects_hide_no_new_one_also_where_the_notes_are_lost(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/**")
    for number in range(100):
        put(f"{bucket}/logs/2026-10/{number:03}.jsonl", lines(number))
    night(workspace)
    put(f"{bucket}/logs/2026-11/000.jsonl", lines(100))
    shutil.rmtree(workspace / "lake/counted")
    get_range = ObjectStore.get_range

    def archived(self: ObjectStore, key: str, start: int, end: int, *, tag: str) -> bytes:
        if "2026-10" in key:
            answer = PermissionError(
                f"Object at location {key} not found: Error performing GET http://127.0.0.1/{key} in 1ms - Server "
                "returned non-2xx status code: 403 Forbidden: <Error><Code>InvalidObjectState</Code></Error>"
            )
            raise refusal(self.url, "read", key, answer)
        return get_range(self, key, start, end, tag=tag)

    monkeypatch.setattr(ObjectStore, "get_range", archived)
    done = night(workspace, on="2026-11-03")
    assert "collected 1 new line from 1 of 101 logs" in done.stdout
    first, *_, last = done.stderr.splitlines()
    assert "the store answered 403 Forbidden (InvalidObjectState); it lies in an archive: have it restored" in first
    assert "and 90 more of log_unread" in last
    assert events(workspace) == 101


def test_a_key_that_no_library_lists_is_named_with_what_to_do(tmp_path: Path, bucket: str) -> None:
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/**")
    server = http.client.HTTPConnection(os.environ["AWS_ENDPOINT_URL"].removeprefix("http://"))
    server.request("PUT", f"/{bucket.removeprefix('s3://')}/logs/a//b.jsonl", lines(1))
    assert server.getresponse().status == 200
    server.close()
    (told,) = night(workspace).stderr.splitlines()
    assert f"{bucket}/logs: could not list {bucket}/logs: no key like 'logs/a//b.jsonl' can be listed" in told
    assert "rename or remove that object, or name a folder that it is not in" in told


def test_a_store_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    done = tallybook(workspace, "nightly", "--as-of", "2026-11-02")
    assert done.returncode != 0
    (told,) = done.stderr.splitlines()
    assert "pip install 'tallybook[objects]'" in told
    assert "pip install 'tallybook[objects]'" in tallybook(workspace, "doctor").stdout


@pytest.mark.long
def test_one_object_is_tried_and_collected_by_its_address(tmp_path: Path, bucket: str) -> None:
    put(f"{bucket}/elsewhere/app.jsonl.gz", gzip.compress(lines(1, 2)))
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    tried = tallybook(workspace, "try", f"{bucket}/elsewhere/app.jsonl.gz")
    assert tried.returncode == 0, tried.stderr
    assert f"add \"{bucket}/elsewhere/*.jsonl*\" to the paths of source 'gateway'" in tried.stdout
    assert "2 lines, 0 blank: 2 exchanges, 2 billed" in tried.stdout
    assert events(workspace) == 0
    assert "collected 2 new lines" in tallybook(workspace, "collect", f"{bucket}/elsewhere/app.jsonl.gz").stdout
    assert f"{bucket}/elsewhere/app.jsonl.gz" in {record.source for record in read_log(workspace / "lake").sources}
    missing = tallybook(workspace, "collect", f"{bucket}/elsewhere/none.jsonl")
    assert missing.returncode == 2
    assert "does not exist" in missing.stderr


@pytest.mark.long
def test_what_failed_is_read_again_from_the_store_once_its_source_reads_it(
    tmp_path: Path, bucket: str, requests: Requests
) -> None:
    renamed = lines(1, 2).replace(b'"ts"', b'"when"')
    put(f"{bucket}/logs/a.jsonl", lines(3))
    put(f"{bucket}/logs/b.jsonl", renamed + lines(4, 5, 6))
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")
    night(workspace)
    assert events(workspace) == 4
    config = workspace / "tallybook.toml"
    config.write_text(config.read_text() + 'fields.ts = ["ts", "when"]\n')
    requests.clear()
    night(workspace)
    assert events(workspace) == 6
    assert {key for key, _, _ in requests.ranges} == {"logs/b.jsonl"}


@pytest.mark.long
def test_the_sample_on_a_store_gives_the_same_events_and_the_same_invoices(tmp_path: Path, bucket: str) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for root in (here, there):
        init(root)
    config = there / "tallybook.toml"
    config.write_text(config.read_text().replace('"logs/', f'"{bucket}/logs/'))
    for path in sorted((there / "logs").rglob("*")):
        if path.is_file():
            put(f"{bucket}/{path.relative_to(there).as_posix()}", path.read_bytes())
            path.unlink()
    made = []
    for root in (here, there):
        done = tallybook(root, "nightly", "--as-of", "2026-11-02")
        assert done.returncode == 0, done.stderr
        files = verified_data_files(root / "lake", read_log(root / "lake").data_files)
        rows = pa.concat_tables([pq.read_table(path, partitioning=None) for path in files]).to_pylist()
        for row in rows:
            row["source"] = row["source"].removeprefix(f"{bucket}/")
        made.append(sorted(rows, key=lambda row: (row["source"], row["line"], row["event_id"] or b"")))
    assert made[0] == made[1]
    assert len(made[0]) > 100
    assert fingerprints(here / "invoices") == fingerprints(there / "invoices")


@pytest.mark.long
def test_a_batch_whose_object_and_requests_come_to_the_store_later_is_read_again_then(
    tmp_path: Path, bucket: str
) -> None:
    answer = {
        "id": "batch_req_1",
        "custom_id": "first",
        "response": {
            "status_code": 200,
            "request_id": "req_1",
            "body": {"object": "list", "data": [], "model": "jamba-large", "usage": {"prompt_tokens": 7}},
        },
        "error": None,
    }
    batch = {
        "id": "batch_0001",
        "object": "batch",
        "endpoint": "/v1/embeddings",
        "input_file_id": "file-in0001",
        "output_file_id": "file-out0001",
        "status": "completed",
        "created_at": 1_790_800_000,
        "completed_at": 1_790_812_799,
        "metadata": {"api_key_id": "key_a"},
    }
    asked = {"custom_id": "first", "method": "POST", "url": "/v1/embeddings", "body": {"model": "jamba-large"}}
    objects, inputs = f"{bucket}/batches/*.json", f"{bucket}/batches/*.jsonl"
    source = (
        f'[[sources]]\nname = "batches"\npaths = ["{bucket}/out/*"]\nformat = "openai-batch"\n'
        f'batch = {{ objects = ["{objects}"], inputs = ["{inputs}"] }}\n'
    )
    workspace = make_workspace(tmp_path / "w", config=source)
    put(f"{bucket}/out/file-out0001.jsonl", f"{json.dumps(answer)}\n".encode())
    tallybook(workspace, "collect", "--force", "--as-of", "2026-11-02")
    assert events(workspace) == 0
    put(f"{bucket}/batches/file-in0001.jsonl", f"{json.dumps(asked)}\n".encode())
    put(f"{bucket}/batches/batch_0001.json", json.dumps(batch).encode())
    assert "1 line out of the quarantine" in night(workspace).stdout
    assert events(workspace) == 1


@pytest.mark.long
def test_a_run_that_is_stopped_has_noted_what_it_committed(
    tmp_path: Path, bucket: str, requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "COMMIT_EVENTS_MAX", 1)
    for number in range(12):
        put(f"{bucket}/logs/{number:02}.jsonl", lines(number))
    workspace = workspace_on(tmp_path / "w", f"{bucket}/logs/*")

    def stop(key: str, _: int, __: int) -> None:
        if key == "logs/10.jsonl":
            raise KeyboardInterrupt

    requests.before_range = stop
    assert tallybook(workspace, "collect", "--as-of", "2026-11-02").returncode == 130
    committed = events(workspace)
    assert 0 < committed <= 10
    requests.before_range = None
    requests.clear()
    night(workspace)
    assert events(workspace) == 12
    assert len(requests.ranges) == 12 - committed
