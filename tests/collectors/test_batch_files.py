"""Which batch a log is the output of: by names that have its ids, and never by what is only likely."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors import LogFormat, read_by, settings_digest
from pipeline.collectors.batch_files import BatchFiles
from pipeline.collectors.formats.batches.batch import Batch
from pipeline.collectors.formats.batches.openai_batch import joined

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = LogFormat(format="openai-batch")
WHERE = ("*.json", "*.jsonl")


def batch(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "id": f"batch_{number}",
        "object": "batch",
        "endpoint": "/v1/embeddings",
        "input_file_id": f"file-in{number}",
        "output_file_id": f"file-out{number}",
        "error_file_id": f"file-err{number}",
        "created_at": 1_790_812_800,
        "completed_at": 1_790_816_400 + number,
        "metadata": {"tenant": "west"},
    } | changed


def asked(custom: str, model: str = "embed", **body: Any) -> str:
    said = {"model": model, "input": "a text that nobody keeps"} | body
    return json.dumps({"custom_id": custom, "method": "POST", "url": "/v1/embeddings", "body": said})


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def files(folder: Path) -> BatchFiles:
    every = sorted(path for path in folder.rglob("*") if path.is_file())
    return BatchFiles([path for path in every if path.suffix == ".json"], every, where=WHERE)


def known(folder: Path, log: str) -> Batch | None:
    return files(folder).of(folder / log).read(FORMAT).batch


@pytest.mark.parametrize(
    "log",
    [
        *("batch_7_output.jsonl", "file-out7.jsonl", "errors-file-err7.jsonl.gz", "2026-10 batch_7.out"),
        *("batch_7/output.jsonl", "of file-out7/results.jsonl"),
    ],
)
def test_a_log_is_of_the_batch_whose_id_its_name_or_its_folder_has(tmp_path: Path, log: str) -> None:
    put(tmp_path, "seven.json", json.dumps(batch(7), indent=2))
    put(tmp_path, "other.json", json.dumps(batch(8)))
    found = known(tmp_path, log)
    assert found is not None
    assert found.object == batch(7)


@pytest.mark.parametrize("log", ["output.jsonl", "batch_77_output.jsonl", "xbatch_7.jsonl", "batch_7-batch_8.jsonl"])
def test_a_log_that_names_no_batch_or_two_is_joined_with_none(tmp_path: Path, log: str) -> None:
    put(tmp_path, "seven.json", json.dumps(batch(7)))
    put(tmp_path, "eight.json", json.dumps(batch(8)))
    assert known(tmp_path, log) is None
    (why,) = files(tmp_path).of(tmp_path / log).missing
    assert "under *.json has an id that stands in the log's name or its folder's" in why


def test_the_longer_of_two_ids_in_a_name_is_meant(tmp_path: Path) -> None:
    put(tmp_path, "a.json", json.dumps(batch(7)))
    put(tmp_path, "b.json", json.dumps(batch(8, id="batch_7_2")))
    found = known(tmp_path, "batch_7_2_output.jsonl")
    assert found is not None
    assert found.object["id"] == "batch_7_2"


def test_objects_stand_alone_in_a_page_in_an_array_or_in_lines_and_the_latest_of_a_batch_counts(tmp_path: Path) -> None:
    early = batch(1, completed_at=None, status="in_progress")
    put(tmp_path, "page.json", json.dumps({"object": "list", "data": [batch(1), batch(2)], "has_more": False}))
    put(tmp_path, "array.json", json.dumps([early, batch(3)]))
    put(tmp_path, "lines.json", f"{json.dumps(batch(4))}\n{json.dumps(batch(5))}\n")
    put(tmp_path, "zipped.json", gzip.compress(json.dumps(batch(6), indent=1).encode()))
    put(tmp_path, "no.json", json.dumps({"object": "file", "id": "file-in1"}))
    for number in range(1, 7):
        found = known(tmp_path, f"batch_{number}_output.jsonl")
        assert found is not None
        assert found.object["completed_at"] == 1_790_816_400 + number
    assert [path.name for path in files(tmp_path).no_objects] == ["no.json"]


@pytest.mark.parametrize(
    ("name", "pack"),
    [("file-in1.jsonl", bytes), ("batch_1_input.jsonl.gz", gzip.compress), ("batch_1/in.jsonl", bytes)],
)
def test_requests_are_those_of_the_input_file_without_their_texts(tmp_path: Path, name: str, pack: Any) -> None:
    put(tmp_path, "one.json", json.dumps(batch(1)))
    put(tmp_path, "batch_1_output.jsonl", '{"custom_id": "a", "response": {}, "error": null}\n')
    lines = "\n".join([asked("a", user="u-1"), asked("b", "embed-2"), "{torn", ""])
    put(tmp_path, name, pack(lines.removesuffix("\n").encode()))
    found = known(tmp_path, "batch_1_output.jsonl")
    assert found is not None
    assert found.requests is not None
    assert found.requests["a"]["body"] == {"model": "embed", "user": "u-1"}
    assert found.requests["b"]["body"]["model"] == "embed-2"


def test_texts_and_lists_of_requests_are_not_kept(tmp_path: Path) -> None:
    put(tmp_path, "one.json", json.dumps(batch(1)))
    put(tmp_path, "file-in1.jsonl", asked("a", input="long" * 100, messages=[{"content": "said"}]) + "\n")
    found = known(tmp_path, "batch_1_output.jsonl")
    assert found is not None
    assert found.requests == {
        "a": {"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": {"model": "embed"}}
    }


def test_an_id_that_asks_for_two_things_asks_for_none(tmp_path: Path) -> None:
    put(tmp_path, "one.json", json.dumps(batch(1)))
    put(tmp_path, "file-in1.jsonl", "\n".join([asked("a"), asked("a", "embed-2"), asked("b"), asked("b")]))
    found = known(tmp_path, "batch_1_output.jsonl")
    assert found is not None
    assert list(found.requests or ()) == ["b"]


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08 no gzip", b"", b"no json\n"])
def test_an_input_file_that_cannot_be_read_is_none(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, "one.json", json.dumps(batch(1)))
    put(tmp_path, "file-in1.jsonl", content)
    of_log = files(tmp_path).of(tmp_path / "batch_1_output.jsonl")
    assert of_log.missing == ("no input file under *.jsonl has the id file-in1 in its name",)
    joined_with = of_log.read(FORMAT).batch
    assert joined_with is not None
    assert joined_with.requests is None


def test_files_in_a_storage_of_azure_are_named_by_the_folder_that_holds_them(tmp_path: Path) -> None:
    folder = "5f0e1c3a-6c5b-4a4e-9a54-0a5b2a3c4d5e"
    blobs = {"output_blob": f"https://x.blob.core.windows.net/out/{folder}/results.jsonl", "output_file_id": None}
    put(tmp_path, "one.json", json.dumps(batch(1, id="batch_azure", **blobs)))
    put(tmp_path, "two.json", json.dumps(batch(2)))
    found = known(tmp_path, f"{folder}/results.jsonl")
    assert found is not None
    assert found.object["id"] == "batch_azure"


def test_a_batch_of_anthropic_is_one_too(tmp_path: Path) -> None:
    of_messages = {"id": "msgbatch_1", "type": "message_batch", "created_at": "2026-10-01T00:00:00Z", "ended_at": None}
    put(tmp_path, "one.json", json.dumps(of_messages))
    found = known(tmp_path, "msgbatch_1_results.jsonl")
    assert found is not None
    assert found.object == of_messages


def test_what_a_line_states_itself_stays() -> None:
    beside = Batch(object=batch(1), requests={"a": {"body": {"model": "embed"}}})
    line = {"custom_id": "a", "response": {"body": {}}, "error": None, "batch": {"id": "its own"}}
    assert joined(dict(line), beside) == line | {"request": {"body": {"model": "embed"}}}
    stranger = line | {"custom_id": "z"}
    assert joined(dict(stranger), beside) == stranger
    assert beside.unmatched == {"z"}


def test_the_reader_is_another_one_with_another_batch_and_its_settings_are_the_same(tmp_path: Path) -> None:
    put(tmp_path, "one.json", json.dumps(batch(1)))
    without = read_by(FORMAT)
    with_object = read_by(files(tmp_path).of(tmp_path / "batch_1_output.jsonl").read(FORMAT))
    put(tmp_path, "file-in1.jsonl", asked("a"))
    with_both = read_by(files(tmp_path).of(tmp_path / "batch_1_output.jsonl").read(FORMAT))
    assert len({without, with_object, with_both}) == 3
    assert {settings_digest(each) for each in (without, with_object, with_both)} == {settings_digest(without)}


def test_a_segment_is_read_again_with_more_and_never_with_less(tmp_path: Path) -> None:
    log = tmp_path / "batch_1_output.jsonl"
    nothing = files(tmp_path).of(log)
    put(tmp_path, "one.json", json.dumps(batch(1)))
    of_object = files(tmp_path).of(log)
    put(tmp_path, "file-in1.jsonl", asked("a"))
    of_both = files(tmp_path).of(log)
    stages = [nothing, of_object, of_both]
    readers = [read_by(stage.read(FORMAT)) for stage in stages]
    again = [[stage.is_to_be_read_again(reader, FORMAT, has_failed=False) for stage in stages] for reader in readers]
    assert again == [[False, True, True], [False, False, True], [False, False, False]]
    put(tmp_path, "file-in1.jsonl", asked("a", "embed-2"))
    changed = files(tmp_path).of(log)
    assert not changed.is_to_be_read_again(readers[2], FORMAT, has_failed=False)
    assert changed.is_to_be_read_again(readers[2], FORMAT, has_failed=True)
    assert not nothing.is_to_be_read_again(readers[2], FORMAT, has_failed=True)


@pytest.mark.long
@pytest.mark.parametrize(("more", "is_found"), [(0, True), (1, False)])
def test_a_file_of_batch_objects_has_16_mib_and_not_a_byte_more(tmp_path: Path, more: int, *, is_found: bool) -> None:
    text = json.dumps(batch(7))
    put(tmp_path, "seven.json", text + " " * (16 * 2**20 - len(text) + more))
    assert (known(tmp_path, "batch_7.jsonl") is not None) is is_found


def test_what_of_a_request_is_short_and_has_no_blanks_is_kept_two_objects_deep(tmp_path: Path) -> None:
    put(tmp_path, "seven.json", json.dumps(batch(7)))
    longest = "x" * 256
    said = {
        "model": longest,
        "user": f"{longest}x",
        "n": 2,
        "stream": True,
        "top_p": 0.5,
        "stop": None,
        "instructions": "a b",
        "note": "",
        "metadata": {"team": "search", "deep": {"x": 1}},
    }
    put(tmp_path, "file-in7.jsonl", asked("a", **said) + "\n")
    found = known(tmp_path, "batch_7.out")
    assert found is not None
    assert found.requests == {
        "a": {
            "custom_id": "a",
            "method": "POST",
            "url": "/v1/embeddings",
            "body": {"model": longest, "n": 2, "stream": True, "metadata": {"team": "search"}},
        }
    }
