"""Which files make a batch, name by name and case by case: its object, its input file, and what is said without one."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors import LogFormat, batch_files, read_by
from pipeline.collectors.batch_files import BatchFiles, BatchOf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FORMAT = LogFormat(format="openai-batch")
UUID = "5f0e1c3a-6c5b-4a4e-9a54-0a5b2a3c4d5e"


def batch(name: str = "b-1", **fields: Any) -> dict[str, Any]:
    return {"id": name, "object": "batch", "created_at": 1} | fields


def asked(custom: Any = "a", **fields: Any) -> dict[str, Any]:
    return {"custom_id": custom, "body": {"model": "m"}} | fields


def put(path: Path, *lines: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def files(
    folder: Path, objects: list[str], inputs: Sequence[str] = (), where: tuple[str, str] = ("O", "I")
) -> BatchFiles:
    return BatchFiles([folder / name for name in objects], [folder / name for name in inputs], where=where)


def object_of(found: BatchOf) -> Any:
    return found.object and found.object["id"]


def missing(why: str) -> BatchOf:
    return BatchOf(object=None, input=None, missing=(why,))


NO_NAME = "under O has an id that stands in the log's name or its folder's"


@pytest.mark.parametrize(
    ("stated", "log", "is_named"),
    [
        ({}, "b-1.jsonl", True),
        ({}, "b-1", True),
        ({}, "x_b-1_y.jsonl", True),
        ({}, "xb-1.jsonl", False),
        ({}, "b-12.jsonl", False),
        ({}, "b-1/results.jsonl", True),
        ({}, "b-1/deeper/results.jsonl", False),
        ({"output_file_id": "file-o"}, "file-o.jsonl", True),
        ({"error_file_id": "file-e"}, "file-e.jsonl", True),
        ({"input_file_id": "file-i"}, "file-i.jsonl", False),
        ({"output_file_id": ""}, "none.jsonl", False),
        ({"output_file_id": 7}, "7.jsonl", False),
        ({"output_file_id": None}, "None.jsonl", False),
        ({"output_blob": f"https://x/out/{UUID}/results.jsonl"}, f"{UUID}/results.jsonl", True),
        ({"error_blob": f"https://x/out/{UUID}/errors.jsonl"}, f"{UUID}/errors.jsonl", True),
        ({"output_blob": f"https://x/out/{UUID}/deeper/results.jsonl"}, f"{UUID}/results.jsonl", False),
        ({"output_blob": "https://x/out/short-folder/results.jsonl"}, "short-folder/results.jsonl", False),
        ({"other_blob": f"https://x/out/{UUID}/results.jsonl"}, f"{UUID}/results.jsonl", False),
    ],
)
def test_a_log_is_of_a_batch_whose_id_stands_in_its_name_else_in_its_folder_s(
    tmp_path: Path, stated: dict[str, Any], log: str, *, is_named: bool
) -> None:
    put(tmp_path / "one.json", batch(**stated))
    found = files(tmp_path, ["one.json"], where=("O", "")).of(tmp_path / log)
    if is_named:
        assert found == BatchOf(object=batch(**stated), input=None, missing=())
    else:
        assert found == missing(f"no batch object {NO_NAME}")


def test_the_name_of_a_log_counts_before_its_folder_s_and_a_longer_id_before_a_shorter(tmp_path: Path) -> None:
    put(tmp_path / "all.json", batch("b-1"), batch("b-2"), batch("b-1-2"), batch("c-12"))
    known = files(tmp_path, ["all.json"])
    for log, name in (
        ("b-1/b-2.jsonl", "b-2"),
        ("b-1-2.jsonl", "b-1-2"),
        ("b-2 b-1-2.jsonl", "b-1-2"),
        ("b-1/x", "b-1"),
    ):
        assert object_of(known.of(tmp_path / log)) == name
    assert known.of(tmp_path / "b-1 b-2.jsonl") == missing(f"2 batch objects {NO_NAME}")
    assert known.of(tmp_path / "x.jsonl") == missing(f"no batch object {NO_NAME}")


def test_an_input_file_is_named_by_its_own_id_else_by_that_of_its_batch(tmp_path: Path) -> None:
    put(tmp_path / "one.json", batch(input_file_id="file-i"))
    for name in ("file-i.jsonl", "b-1_input.jsonl", "b-1_more.jsonl", "other.jsonl", "b-1_output.jsonl"):
        put(tmp_path / name, asked())
    put(tmp_path / "no-input.jsonl", {"custom_id": "a", "response": {}})
    log = tmp_path / "b-1_output.jsonl"

    def of(*inputs: str, where: str = "I") -> BatchOf:
        return files(tmp_path, ["one.json"], [*inputs, "other.jsonl", "b-1_output.jsonl"], ("O", where)).of(log)

    known = {"object": batch(input_file_id="file-i")}
    by_file = BatchOf(**known, input=tmp_path / "file-i.jsonl", missing=())
    assert of("file-i.jsonl", "b-1_input.jsonl") == of("b-1_input.jsonl", "file-i.jsonl") == by_file
    assert of("b-1_input.jsonl") == BatchOf(**known, input=tmp_path / "b-1_input.jsonl", missing=())
    why = "under I has the id file-i in its name"
    assert of() == BatchOf(**known, input=None, missing=(f"no input file {why}",))
    assert of("b-1_input.jsonl", "b-1_more.jsonl") == BatchOf(**known, input=None, missing=(f"2 input files {why}",))
    assert of(where="") == BatchOf(**known, input=None, missing=())
    put(tmp_path / "one.json", batch())
    why = "no input file under I has the id b-1 in its name"
    assert of() == BatchOf(object=batch(), input=None, missing=(why,))


def test_the_files_of_a_batch_are_no_logs_and_what_is_no_batch_object_is_told(tmp_path: Path) -> None:
    put(tmp_path / "one.json", batch())
    put(tmp_path / "none.json", {"object": "file", "id": "f"})
    put(tmp_path / "in.jsonl", asked())
    put(tmp_path / "out.jsonl", {"custom_id": "a", "response": {}})
    known = files(tmp_path, ["one.json", "none.json", "gone.json"], ["in.jsonl", "out.jsonl"])
    assert [known.has(tmp_path / name) for name in ("one.json", "none.json", "in.jsonl", "out.jsonl", "x")] == [
        *(True, True, True, False, False),
    ]
    assert known.no_objects == [tmp_path / "none.json", tmp_path / "gone.json"]


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (json.dumps(batch()), ["b-1"]),
        ("\ufeff" + json.dumps(batch()), ["b-1"]),
        (json.dumps([batch(), 7, {"object": "file"}, batch("b-2")]), ["b-1", "b-2"]),
        (json.dumps({"data": [batch(), batch("b-2")]}), ["b-1", "b-2"]),
        (json.dumps({"data": 7}), []),
        (json.dumps(batch(data=[batch("b-2")])), ["b-1"]),
        (json.dumps(batch()) + "\n{torn\n" + json.dumps(batch("b-2")), ["b-1", "b-2"]),
        ("7", []),
        ("", []),
        ("no json", []),
        ("\udcff\n" + json.dumps(batch()), ["b-1"]),
    ],
)
def test_batch_objects_stand_alone_in_pages_in_arrays_and_in_lines(
    tmp_path: Path, content: str, ids: list[str]
) -> None:
    (tmp_path / "some.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    known = files(tmp_path, ["some.json"])
    assert [name for name in ("b-1", "b-2") if known.of(tmp_path / name).object] == ids
    assert bool(known.no_objects) is not bool(ids)


def test_of_one_batch_the_object_of_most_times_is_meant_and_the_first_of_two_alike(tmp_path: Path) -> None:
    early, late = batch(completed_at=None, which=1), batch(completed_at=2, which=2)
    alike, more = batch(completed_at=3, which=3), batch(completed_at=2, in_progress_at=1, which=4)
    for stated, which in (([early, late], 2), ([late, early], 2), ([late, alike], 2), ([early, more, late], 4)):
        put(tmp_path / "some.json", *stated)
        found = files(tmp_path, ["some.json"]).of(tmp_path / "b-1").object
        assert found is not None
        assert found["which"] == which


JOB = {"jobArn": "arn:aws:bedrock:us-west-2:1:model-invocation-job/abc123", "endTime": "2026-09-01T12:00:00Z"}
OPERATION: dict[str, Any] = {
    "name": "batches/x-1",
    "metadata": {"createTime": "2026-09-01T11:00:00Z", "inputConfig": {"fileName": "files/in-1"}},
    "done": True,
    "response": {"responsesFile": "files/batch-x-1"},
}
PREDICTION = {
    "name": "projects/7/locations/l/batchPredictionJobs/98765",
    "outputInfo": {"gcsOutputDirectory": "gs://b/o/prediction-model-2026-09-01T12:00:00.5Z/"},
}


@pytest.mark.parametrize(
    ("stated", "log", "is_named"),
    [
        (JOB, "abc123/in.jsonl.out", True),
        (JOB, "in.jsonl.out", False),
        (OPERATION, "x-1.jsonl", True),
        (OPERATION, "batch-x-1.jsonl", True),
        (OPERATION, "in-1.jsonl", False),
        (PREDICTION, "prediction-model-2026-09-01T12:00:00.5Z/predictions.jsonl", True),
        (PREDICTION, "98765.jsonl", True),
        (PREDICTION, "projects/predictions.jsonl", False),
    ],
)
@pytest.mark.parametrize("page", [None, "invocationJobSummaries", "operations", "batchPredictionJobs"])
def test_objects_of_each_api_name_their_logs_alone_and_in_pages(
    tmp_path: Path, stated: dict[str, Any], log: str, *, is_named: bool, page: str | None
) -> None:
    put(tmp_path / "one.json", stated if page is None else {page: [stated, {"name": 7}]})
    found = files(tmp_path, ["one.json"], where=("O", "")).of(tmp_path / log)
    assert found.object == (stated if is_named else None)
    assert bool(found.missing) is not is_named


def test_only_an_api_whose_results_lack_their_requests_has_input_files(tmp_path: Path) -> None:
    put(tmp_path / "all.json", JOB, OPERATION)
    put(tmp_path / "in-1.jsonl", {"key": "a", "request": {"contents": []}})
    put(tmp_path / "abc123.jsonl", {"recordId": "a", "modelInput": {}})
    known = files(tmp_path, ["all.json"], ["in-1.jsonl", "abc123.jsonl"])
    assert known.of(tmp_path / "batch-x-1.jsonl") == BatchOf(
        object=OPERATION, input=tmp_path / "in-1.jsonl", missing=()
    )
    assert known.of(tmp_path / "abc123/in.jsonl.out") == BatchOf(object=JOB, input=None, missing=())
    assert known.has(tmp_path / "abc123.jsonl")
    read = known.of(tmp_path / "batch-x-1.jsonl").read(LogFormat(format="gemini-batch")).batch
    assert read is not None
    assert read.requests == {"a": {"key": "a", "request": {}}}


def test_of_an_operation_the_object_of_most_times_is_meant(tmp_path: Path) -> None:
    late = OPERATION | {"metadata": OPERATION["metadata"] | {"endTime": "2026-09-01T12:00:00Z"}}
    for stated in ([OPERATION, late], [late, OPERATION]):
        put(tmp_path / "some.json", *stated)
        assert files(tmp_path, ["some.json"]).of(tmp_path / "x-1.jsonl").object == late


def test_an_object_that_holds_its_results_is_a_log_and_lacks_nothing(tmp_path: Path) -> None:
    held = {"inlinedResponses": {"inlinedResponses": [{"error": {}}]}}
    put(tmp_path / "x-1.json", OPERATION | {"response": held})
    put(tmp_path / "x-2.json", OPERATION | {"name": "batches/x-2"})
    known = files(tmp_path, ["x-1.json", "x-2.json"])
    assert [known.has(tmp_path / name) for name in ("x-1.json", "x-2.json")] == [False, True]
    assert [known.is_whole(tmp_path / name) for name in ("x-1.json", "x-2.json", "x-3.json")] == [True, False, False]
    assert known.of(tmp_path / "x-1.json") == BatchOf(object=None, input=None, missing=())
    assert known.no_objects == []


def test_an_object_that_states_things_twice_names_what_it_states_last(tmp_path: Path) -> None:
    answers = '"response": {"responsesFile": "files/a"}, "response": {"responsesFile": "files/b"}'
    (tmp_path / "one.json").write_text(f'{{"name": "batches/x-1", "metadata": {{}}, {answers}}}')
    known = files(tmp_path, ["one.json"], where=("O", ""))
    assert [known.of(tmp_path / name).object is not None for name in ("a.jsonl", "b.jsonl")] == [False, True]


def test_a_file_that_is_too_long_is_none_of_batch_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "one.json", batch())
    size = path.stat().st_size
    for size_max, is_one in ((size, True), (size - 1, False)):
        monkeypatch.setattr(batch_files, "_OBJECTS_BYTES_MAX", size_max)
        assert (files(tmp_path, ["one.json"]).of(tmp_path / "b-1").object is not None) is is_one


def test_batch_files_may_be_links(tmp_path: Path) -> None:
    put(tmp_path / "there" / "object", batch())
    put(tmp_path / "there" / "input", asked())
    (tmp_path / "one.json").symlink_to(tmp_path / "there" / "object")
    (tmp_path / "b-1_in.jsonl").symlink_to(tmp_path / "there" / "input")
    found = files(tmp_path, ["one.json"], ["b-1_in.jsonl"]).of(tmp_path / "b-1_out.jsonl")
    assert (object_of(found), found.input) == ("b-1", tmp_path / "b-1_in.jsonl")
    known = found.read(FORMAT).batch
    assert known is not None
    assert known.requests == {"a": asked()}


def requests_of(tmp_path: Path, content: bytes, **settings: Any) -> Any:
    put(tmp_path / "one.json", batch())
    (tmp_path / "b-1_in.jsonl").write_bytes(content)
    of = files(tmp_path, ["one.json"], ["b-1_in.jsonl"]).of(tmp_path / "b-1_out.jsonl")
    assert of.input is not None, "it is no input file"
    known = of.read(LogFormat(format="openai-batch", **settings)).batch
    assert known is not None
    return known.requests


def lines(*documents: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


def test_requests_are_read_to_the_end_of_their_file_whatever_stands_between_them(tmp_path: Path) -> None:
    between = b"\n  \n7\n[]\n{torn\n\xff\n" + lines({"custom_id": "x", "response": {}}, {"custom_id": 7, "body": {}})
    content = b"\n \n" + lines(asked()) + between + lines(asked("b")).rstrip()
    assert requests_of(tmp_path, content) == {"a": asked(), "b": asked("b")}
    twice = lines(asked(), asked(), asked("b"), asked("b", url="/x"), asked("c"), asked("b"))
    assert requests_of(tmp_path, twice) == {"a": asked(), "c": asked("c")}
    long = lines(asked()) + b'{"custom_id": "b", "body": {"x": "' + b"y" * 300 + b'"}}\n' + lines(asked("c"))
    assert list(requests_of(tmp_path, long, line_bytes_max=200)) == ["a", "c"]


def test_of_a_request_names_numbers_and_flags_are_kept_and_no_text(tmp_path: Path) -> None:
    body = {
        "model": "m",
        "n": 3,
        "stream": True,
        "temperature": 0.5,
        "user": "x" * 256,
        "long": "x" * 257,
        "prompt": "two words",
        "empty": "",
        "messages": [{"content": "said"}],
        "metadata": {"tenant": "west", "deeper": {"a": 1}},
        "nothing": None,
    }
    kept = {"model": "m", "n": 3, "stream": True, "user": "x" * 256, "metadata": {"tenant": "west"}}
    assert requests_of(tmp_path, lines(asked(body=body, method="POST"))) == {
        "a": {"custom_id": "a", "method": "POST", "body": kept}
    }


@pytest.mark.parametrize(
    ("first", "is_input"),
    [
        (lines(asked()), True),
        (b"\n \n" + lines(asked()), True),
        (lines(asked()).rstrip(), True),
        (lines({"custom_id": "a", "response": {}}, asked()), False),
        (lines(7, asked()), False),
        (b"{torn\n" + lines(asked()), False),
        (b"\xff\n" + lines(asked()), False),
        (b"", False),
    ],
)
def test_an_input_file_is_told_by_its_first_line_that_says_anything(
    tmp_path: Path, first: bytes, *, is_input: bool
) -> None:
    (tmp_path / "in.jsonl").write_bytes(first)
    assert files(tmp_path, [], ["in.jsonl", "gone.jsonl"]).has(tmp_path / "in.jsonl") is is_input
    assert not files(tmp_path, [], ["gone.jsonl"]).has(tmp_path / "gone.jsonl")


def test_a_file_that_is_cut_off_has_no_requests_that_are_certain(tmp_path: Path) -> None:
    whole = gzip.compress(lines(asked(), asked("b")), mtime=0)
    assert requests_of(tmp_path, whole) == {"a": asked(), "b": asked("b")}
    assert requests_of(tmp_path, whole[:-4]) is None


def test_settings_stay_as_they_are_where_no_batch_is_known() -> None:
    assert missing("x").read(FORMAT) is FORMAT
    known = BatchOf(object=batch(), input=None, missing=()).read(LogFormat(format="openai-batch", depth_max=7))
    assert (known.format, known.depth_max, known.batch and known.batch.object) == ("openai-batch", 7, batch())


def test_a_segment_is_read_again_where_there_is_more_than_before(tmp_path: Path) -> None:
    path = put(tmp_path / "in.jsonl", asked())
    nothing = BatchOf(object=None, input=None, missing=())
    alone = BatchOf(object=batch(), input=None, missing=())
    both = BatchOf(object=batch(), input=path, missing=())
    other = BatchOf(object=batch(which=2), input=path, missing=())
    readers = [read_by(each.read(FORMAT)) for each in (nothing, alone, both)]

    def again(of: BatchOf, *, has_failed: bool) -> list[bool]:
        return [of.is_to_be_read_again(reader, FORMAT, has_failed=has_failed) for reader in (None, *readers)]

    assert [again(each, has_failed=False) for each in (nothing, alone, both, other)] == [
        [False, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, False],
    ]
    assert [again(each, has_failed=True) for each in (nothing, alone, both, other)] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]
    less = [[each.is_less_than(reader) for reader in (None, *readers)] for each in (nothing, alone, both)]
    assert less == [[False, False, True, True], [False, False, False, True], [False] * 4]


def test_the_longest_of_a_batch_s_own_ids_counts_and_a_file_may_be_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.collectors.logs.log_file._PLAIN_BLOCK_BYTES", 16)
    put(tmp_path / "all.json", batch("b-1", output_file_id="file-o"), batch("xx-55"))
    found = files(tmp_path, ["all.json"]).of(tmp_path / "b-1 xx-55 file-o.jsonl")
    assert object_of(found) == "b-1"


def test_the_folder_of_an_output_names_no_input_file(tmp_path: Path) -> None:
    put(tmp_path / "one.json", batch(output_blob=f"https://x/out/{UUID}/results.jsonl"))
    put(tmp_path / UUID / "in.jsonl", asked())
    found = files(tmp_path, ["one.json"], [f"{UUID}/in.jsonl"]).of(tmp_path / UUID / "results.jsonl")
    assert (object_of(found), found.input) == ("b-1", None)
