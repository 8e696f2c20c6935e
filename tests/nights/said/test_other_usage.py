"""What answers state and no meter holds is said, by key; usage under an error status is billed and said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.night.other_usage import other_usage
from pipeline.lake.commits import read_log
from pipeline.lake.counted import WHOLE, NewEntry, write_entries
from pipeline.warehouse.program import digest_of, program_parts

if TYPE_CHECKING:
    from pathlib import Path


def line(path: str, response: Any, *, status: int = 200, key: str = "key_a") -> str:
    fields = {"ts": "2026-10-05T10:00:00Z", "api_key_id": key, "status": status, "path": path, "method": "POST"}
    return json.dumps(fields | {"request": {"model": "jamba-large"}, "response": response})


IMAGE = {
    "created": 1,
    "data": [{"b64_json": "AA"}],
    "usage": {"input_tokens": 9, "output_tokens": 4160, "total_tokens": 4169},
}
RERANK = {"id": "r1", "results": [{"index": 0, "relevance_score": 0.5}], "meta": {"billed_units": {"search_units": 2}}}
SEARCHED = {
    "choices": [{"message": {"content": "a"}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "num_search_queries": 7},
}


def warnings(root: Path) -> list[str]:
    done = tallybook(root, "nightly", "--as-of", "2026-11-06T03:00:00Z", "--json")
    assert done.returncode == 0, done.stderr
    found: list[str] = [each["text"] for each in json.loads(done.stdout)["warnings"]]
    return found


def test_usage_that_no_meter_holds_is_said_in_one_line_a_key(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    again = RERANK | {"results": []}  # the same id: a copy
    lines = [line("/v1/images/generations", IMAGE), line("/v1/rerank", RERANK), line("/v1/rerank", again)]
    write_log(
        root, "l.jsonl", *lines, line("/v1/chat/completions", SEARCHED), line("/v1/images/edits", IMAGE, key="key_z")
    )
    said = [warning for warning in warnings(root) if "no meter holds" in warning]
    assert len(said) == 2
    assert said[0].startswith("3 answers to key key_a")
    assert said[0].endswith("nobody bills: 4160 completion_tokens, 9 prompt_tokens, 2 search_units, 7 searches")
    assert said[1].startswith("1 answer to key key_z")


def test_where_every_answer_is_on_a_meter_nothing_is_said(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "l.jsonl", plain("2026-10-05T10:00:00Z", id="a"))
    assert not [warning for warning in warnings(root) if "no meter" in warning or "under status" in warning]


def test_that_a_file_states_nothing_is_believed_of_the_same_program_alone(tmp_path: Path) -> None:
    """A later one may read what this one does not know of."""
    root = make_workspace(tmp_path / "books")
    write_log(root, "l.jsonl", line("/v1/rerank", RERANK))
    assert len(warnings(root)) == 1
    workspace = open_workspace(root)
    snapshot = read_log(workspace.lake)
    (file,) = snapshot.data_files
    for inputs, count in (("0a" * 32, 1), (digest_of(program_parts()), 0)):
        entry = NewEntry(inputs=inputs, pieces={"silent": file.path.encode()})
        write_entries(workspace.lake, "other_usage", {}, {WHOLE: entry})
        assert len(other_usage(workspace, snapshot)) == count


def test_usage_under_an_error_status_is_billed_and_said(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "l.jsonl", line("/v1/chat/completions", SEARCHED | {"id": "c"}, status=499))
    (said,) = [warning for warning in warnings(root) if "under status" in warning]
    assert said.startswith("2026-10: 1 exchange of key key_a")
    assert said.endswith(
        "stated usage under status 499: 3 prompt and 2 completion tokens were consumed, and are billed"
    )
