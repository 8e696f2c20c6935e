"""What ``try`` says a log would come to is what it comes to, and saying it changes nothing."""

from __future__ import annotations

import json
import tempfile
import tomllib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from logged_documents import written_span
from workspaces import append_log, fingerprints, make_workspace, plain, stream, tallybook, write_log

from pipeline.collectors.formats.found import all_formats, by_name
from pipeline.collectors.guess.fields import guess_fields
from pipeline.configuration.settings import Settings, read_settings
from pipeline.configuration.source_settings import SourceSettings
from pipeline.jobs.night.logs.new_source import mapping_text
from pipeline.jobs.state.log_formats import log_format_of

if TYPE_CHECKING:
    from pathlib import Path

APP = '[[sources]]\nname = "app"\npaths = ["logs/app*"]\n'
AS_OF = ("--as-of", "2026-11-01")
RAW = "sk-live-51HxQzT0pSecretSecretSecretSecret"


def foreign(number: int, **more: Any) -> str:
    """A line of a gateway that calls everything otherwise."""
    line = json.loads(plain(f"2026-10-{number % 28 + 1:02}T10:00:00Z", id=f"id-{number}", **more))
    return json.dumps(
        {
            "timestamp": line["ts"],
            "auth": {"key_id": line["api_key_id"]},
            "req": {"body": line["request"], "path": line["path"]},
            "resp": {"status_code": 200, "body": line["response"]},
        }
    )


PAYLOAD = {
    "id": "a",
    "call_type": "acompletion",
    "status": "success",
    "startTime": 1_790_000_000.5,
    "model": "jamba-large",
    "metadata": {"user_api_key_hash": "key_a"},
    "response": json.loads(plain("2026-10-01T10:00:00Z", id="a"))["response"],
    "stream": False,
}
"""What LiteLLM logs of one call."""


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "books", config=APP)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_one_of_every_kind(tmp_path / "sent.jsonl")


def write_one_of_every_kind(path: Path) -> Path:
    lines = [
        plain("2026-10-01T10:00:00Z", id="a", prompt=1_000_000, completion=500_000),
        plain("2026-10-01T10:00:00Z", id="a", prompt=1_000_000, completion=500_000),
        plain("2026-10-02T10:00:00Z", id="b", prompt=3),
        plain("2026-10-02T11:00:00Z", id="b", prompt=4),
        stream("2026-10-03T10:00:00Z", id="c", pieces=["Zebra", " crossing"], usage=None),
        plain("2026-10-04T10:00:00Z", id="d", key="key_nobodys", prompt=500_000),
        plain("2026-10-05T10:00:00Z", id="e", model="unknown-model", prompt=7),
        plain("2026-10-06T10:00:00Z", id="f", status=500, response={"error": {"message": "Hello."}}),
        plain("2026-10-06T11:00:00Z", id="g", api_key_id=None, api_key=RAW),
        "",
        "no line of a log",
        json.dumps({"ts": "2026-10-07T10:00:00Z"}),
    ]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def tried(root: Path, *arguments: str, code: int = 3) -> dict[str, Any]:
    done = tallybook(root, "try", *arguments, "-o", "json", *AS_OF)
    assert done.returncode == code, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is said of one of every kind."""
    root = tmp_path_factory.mktemp("tried")
    return tried(make_workspace(root / "books", config=APP), str(write_one_of_every_kind(root / "sent.jsonl")))


@pytest.mark.long
def test_it_counts_and_costs_what_the_night_counts_and_charges(books: Path, log: Path) -> None:
    said = tried(books, str(log))
    assert tallybook(books, "collect", "--force", str(log), *AS_OF).returncode == 0
    night = json.loads(tallybook(books, "nightly", *AS_OF, "--json").stdout)
    assert said["counts"] == night["counts"]
    assert said["counts"]["duplicates"] == said["counts"]["conflicts"] == 1
    charges = pq.read_table(next((books / "lake/charges").rglob("*.parquet"))).to_pylist()
    assert sum(Decimal(each["amount"]) for each in said["costs"] if each["account_id"]) == sum(
        row["amount"] for row in charges
    )


@pytest.mark.long
def test_it_says_whose_keys_nobody_knows_and_which_models_have_no_rate(said: dict[str, Any]) -> None:
    raw = next(key for key in said["unassigned"] if key != "key_nobodys")
    assert said["unassigned"] == {"key_nobodys": 1, raw: 1}
    assert said["unpriced"] == [{"account_id": "acme", "rate_card": "standard", "model": "unknown-model", "tokens": 7}]
    of_nobody = [each for each in said["costs"] if not each["account_id"]]
    assert of_nobody == [
        {"account_id": "", "model": "jamba-large", "tokens": 1_500_000, "amount": "3", "currency": "USD"}
    ]


@pytest.mark.long
def test_it_shows_the_first_line_of_each_outcome_without_its_content(
    said: dict[str, Any], books: Path, log: Path
) -> None:
    firsts = {first["outcome"]: (first["lines"], first["line"], first["says"]) for first in said["firsts"]}
    assert firsts["measured"][:2] == (7, 1)
    assert "api_key_id=key_a model_requested=jamba-large" in firsts["measured"][2]
    assert firsts["estimated"][:2] == (1, 5)
    assert firsts["failed"][:2] == (1, 8)
    assert firsts["duplicate"][0] == firsts["conflict"][0] == 1
    assert firsts["quarantined: invalid_json"] == (1, 11, "the line is not one JSON document")
    assert firsts["quarantined: missing_field"][:2] == (1, 12)
    done = tallybook(books, "try", str(log), *AS_OF)
    for text in (json.dumps(said), done.stdout, done.stderr):
        assert not any(word in text for word in ("Hello", "Zebra", "crossing", RAW))


@pytest.mark.parametrize("is_collected", [False, pytest.param(True, marks=pytest.mark.long)])
def test_it_changes_no_byte_and_leaves_nothing_behind(
    books: Path, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_collected: bool
) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    if is_collected:
        write_log(books, "app.jsonl", plain("2026-10-01T10:00:00Z", id="x"))
        tallybook(books, "nightly", *AS_OF)
    before = fingerprints(books)
    tried(books, str(log))
    assert fingerprints(books) == before
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.long
def test_it_says_what_was_collected_before(books: Path) -> None:
    log = write_log(books, "app.jsonl", plain("2026-10-01T10:00:00Z", id="x"), plain("2026-10-01T10:00:00Z", id="y"))
    tallybook(books, "collect")
    append_log(books, "app.jsonl", plain("2026-10-01T10:00:00Z", id="z"))
    (file,) = tried(books, str(log), code=0)["files"]
    assert (file["source"], file["why"], file["collected_before"]) == ("app", "", 2)


@pytest.mark.long
def test_the_table_that_it_proposes_reads_the_log(books: Path, tmp_path: Path) -> None:
    log = tmp_path / "gateway.log.1"
    log.write_text("".join(f"{foreign(number)}\n" for number in range(5)))
    said = tried(books, str(log), code=0)
    assert said["files"][0]["why"] == "a new one: none in tallybook.toml reads it"
    (proposed,) = said["proposed"]
    assert proposed == (
        f'[[sources]]\nname = "gateway"\npaths = ["{tmp_path}/*.log*"]\nformat = "request-log"\n'
        'fields = { ts = "timestamp", api_key_id = "auth.key_id", response = "resp.body", request = "req.body", '
        'status = "resp.status_code", path = "req.path" }\n'
    )
    with (books / "tallybook.toml").open("a") as settings:
        settings.write(proposed)
    assert read_settings(books).sources[1].name == "gateway"
    night = json.loads(tallybook(books, "nightly", *AS_OF, "--json").stdout)
    assert said["counts"] == night["counts"]
    assert night["counts"]["billed"] == 5
    assert tried(books, str(log), code=0)["proposed"] == []


@pytest.mark.long
def test_it_shows_the_mapping_as_it_can_be_configured(books: Path, tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text(foreign(1) + "\n")
    done = tallybook(books, "try", str(log), "--show-mapping")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1:3] == ['format = "request-log"', 'fields.ts = "timestamp"']


@pytest.mark.parametrize("name", [each.name for each in all_formats() if each.mapping is not None])
def test_the_mapping_of_a_format_is_shown_as_it_would_be_configured(name: str) -> None:
    source = SourceSettings(name="gateway", paths=("-",), format=name)
    shown = tomllib.loads(mapping_text(source, [name], log_format_of(Settings(), source)))
    assert shown == {"format": name, "fields": json.loads(json.dumps(by_name()[name].mapping, default=dict))}


@pytest.mark.long
def test_a_log_of_a_known_tool_is_found_and_its_table_reads_it(books: Path, tmp_path: Path) -> None:
    (books / "tallybook.toml").write_text(APP + 'format = "request-log"\n')
    log = tmp_path / "proxy.log"
    log.write_text(json.dumps(PAYLOAD) + "\n")
    said = tried(books, str(log), code=0)
    assert said["files"][0]["formats"] == ["litellm"]
    assert said["proposed"][0].endswith('format = "litellm"\n')
    with (books / "tallybook.toml").open("a") as settings:
        settings.write(said["proposed"][0])
    assert json.loads(tallybook(books, "nightly", *AS_OF, "--json").stdout)["counts"] == said["counts"]


@pytest.mark.parametrize("is_foreign", [False, True])
@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_line_that_a_program_logged_as_text_is_found_and_its_table_reads_it(
    books: Path, tmp_path: Path, *, is_foreign: bool, times: int
) -> None:
    """What its callers wrote lies in the line as text too, and is none."""
    lines = [foreign(n) if is_foreign else plain(f"2026-10-{n + 1:02}T10:00:00Z", id=f"id-{n}") for n in range(5)]
    texts = [line if times == 1 else json.dumps(line) for line in lines]
    file = tmp_path / "program.jsonl"
    file.write_text("".join(f'{{"level": "info", "ctx": {{"msg": {json.dumps(text)}}}}}\n' for text in texts))
    done = tallybook(books, "try", str(file))
    assert done.returncode == 0
    table = done.stdout.partition("[[sources]]")[2]
    assert 'line_in = "ctx.msg"' in table
    assert ("fields = {" in table) == is_foreign
    (books / "tallybook.toml").write_text(f"[[sources]]{table}")
    assert "billed 5 " in tallybook(books, "nightly", *AS_OF).stdout


@pytest.mark.long
def test_a_line_that_a_program_logged_as_an_object_is_found_and_its_table_reads_it(books: Path, tmp_path: Path) -> None:
    """As functions of Lambda write it in JSON, beside an object of which nobody knows whether it is a line."""
    lines = [json.loads(plain(f"2026-10-{n + 1:02}T10:00:00Z", id=f"id-{n}")) for n in range(5)]
    file = tmp_path / "function.jsonl"
    file.write_text(
        "".join(
            f"{json.dumps({'timestamp': '2026-10-01T00:00:00Z', 'message': line, 'context': {'request': {'a': 1}}})}\n"
            for line in lines
        )
    )
    done = tallybook(books, "try", str(file))
    assert done.returncode == 0
    table = done.stdout.partition("[[sources]]")[2]
    assert 'line_in = "message"' in table
    (books / "tallybook.toml").write_text(f"[[sources]]{table}")
    assert "billed 5 " in tallybook(books, "nightly", *AS_OF).stdout


@pytest.mark.long
def test_a_field_with_json_that_is_no_line_is_not_taken_for_one(books: Path, tmp_path: Path) -> None:
    line = json.loads(foreign(1))
    line["resp"]["body"] = json.dumps(line["resp"]["body"])
    file = tmp_path / "gateway.jsonl"
    file.write_text(f"{json.dumps(line)}\n")
    done = tallybook(books, "try", str(file))
    assert done.returncode == 0
    assert "line_in" not in done.stdout
    assert 'response = "resp.body"' in done.stdout


@pytest.mark.long
def test_of_a_source_that_refuses_a_log_it_says_what_would_read_it(books: Path) -> None:
    """One letter in ``fields`` is wrong, or the log is another tool's."""
    typo = (
        'fields = { ts = "timestamp", api_key_id = "auth.key_ld", status = "resp.status_code", response = "resp.body" }'
    )
    write_log(books, "app.jsonl", *(foreign(n) for n in range(3)))
    (books / "tallybook.toml").write_text(f"{APP}{typo}\n")
    done = tallybook(books, "try", str(books / "logs/app.jsonl"))
    assert done.returncode == 3
    heading, _, table = done.stdout.partition("\n[[sources]]")
    assert heading.endswith("source 'app' of tallybook.toml refuses most of it, and written so it would not:\n")
    assert tried(books, str(books / "logs/app.jsonl"), code=3)["mended"] == [f"[[sources]]{table}"]
    (books / "tallybook.toml").write_text(f"[[sources]]{table}")
    assert "billed 3 " in tallybook(books, "nightly", *AS_OF).stdout
    assert tried(books, str(books / "logs/app.jsonl"), code=0)["mended"] == []


@pytest.mark.long
def test_what_such_a_source_says_rightly_stays_as_it_is(books: Path) -> None:
    """All but the key is right, some of it beyond all guessing; what nothing is found by is left out."""
    lines = [json.loads(foreign(n)) for n in range(3)]
    for number, line in enumerate(lines):
        line |= {"timestamp": f"2026-10-0{number + 1}T10:00:00", "code": 500 if number else 200, "mark": f"m-{number}"}
        del line["resp"]["status_code"]
    write_log(books, "app.jsonl", *map(json.dumps, lines))
    said = (
        'identity = "request-id"\ntime_zone = "Europe/Berlin"\n'
        'fields = { ts = "timestamp", status = "code", request_id = ["rid", "mark"], api_key_id = "auth.key_ld", '
        'response = "resp.body", request = "req.body", method = "verb" }\n'
    )
    (books / "tallybook.toml").write_text(f"{APP}{said}")
    (table,) = tried(books, str(books / "logs/app.jsonl"))["mended"]
    assert "# status" not in table
    (source,) = tomllib.loads(table)["sources"]
    assert (source["identity"], source["time_zone"]) == ("request-id", "Europe/Berlin")
    named = {"ts": "timestamp", "status": "code", "request_id": ["rid", "mark"], "api_key_id": "auth.key_id"}
    named |= {"response": "resp.body", "request": "req.body", "path": "req.path"}
    assert source["fields"] == named
    (books / "tallybook.toml").write_text(table)
    assert tallybook(books, "nightly", *AS_OF).returncode == 0
    found = json.loads(tallybook(books, "sql", "select http_status, request_id from usage_events", "-o", "json").stdout)
    assert sorted((row["http_status"], row["request_id"]) for row in found["rows"]) == [
        (200, "m-0"),
        (500, "m-1"),
        (500, "m-2"),
    ]


@pytest.mark.long
def test_a_field_that_no_line_has_where_its_source_says_is_named(books: Path) -> None:
    """What costs no line is read as absent, so that a mistyped path would pass in silence."""
    write_log(books, "app.jsonl", *(foreign(n) for n in range(3)))
    named = {"ts": "timestamp", "api_key_id": "auth.key_id", "response": "resp.body", "request_id": ["rid", "x.id"]}
    named |= {"status": "resp.status", "path": "req.path", "service_tier": {"value": "batch"}}
    said = ", ".join(f"{json.dumps(name)} = {json.dumps(rule)}" for name, rule in named.items())
    said = said.replace('{"value": "batch"}', '{ value = "batch" }')
    (books / "tallybook.toml").write_text(f"{APP}fields = {{ {said} }}\n")
    log = str(books / "logs/app.jsonl")
    (unfound,) = tried(books, log, code=0)["unfound"]
    fields = {"request_id": ["rid", "x.id"], "status": "resp.status"}
    assert unfound == {"source": "app", "lines": 3, "fields": fields}
    assert (
        "source 'app': none of the first 3 lines has anything where fields says "
        '{ request_id = ["rid", "x.id"], status = "resp.status" }; correct that, unless the log has it only sometimes\n'
    ) in tallybook(books, "try", log).stdout
    mended = said.replace("resp.status", "resp.status_code").replace("x.id", "timestamp")
    (books / "tallybook.toml").write_text(f"{APP}fields = {{ {mended} }}\n")
    assert tried(books, log, code=0)["unfound"] == []
    assert "none of the first" not in tallybook(books, "try", log).stdout


@pytest.mark.long
def test_of_a_format_that_makes_entries_it_asks_these(books: Path) -> None:
    write_log(books, "app.jsonl", *(span(n, tenant="key_a") for n in (1, 2)))
    said = """fields = { api_key_id = 'resource."tenant.key"', service_tier = 'attributes."no.tier"' }\n"""
    (books / "tallybook.toml").write_text(f'{APP}format = "otel"\n{said}')
    (unfound,) = tried(books, str(books / "logs/app.jsonl"), code=0)["unfound"]
    assert unfound["fields"] == {"service_tier": 'attributes."no.tier"'}


@pytest.mark.long
def test_of_a_log_whose_status_nobody_finds_it_says_so(books: Path, tmp_path: Path) -> None:
    file = tmp_path / "gateway.jsonl"
    line = json.loads(foreign(1))
    del line["resp"]["status_code"]
    file.write_text(f"{json.dumps(line)}\n")
    comment = "# status was not found; if the log has it, name it in fields\n"
    assert tallybook(books, "try", str(file)).stdout.endswith(comment)
    file.write_text(f"{foreign(1)}\n")
    assert comment not in tallybook(books, "try", str(file)).stdout


def span(number: int, *, tenant: str | None) -> str:
    """A line of OpenTelemetry's that says whose it is in no way that is known, or in none at all."""
    named = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "jamba-large", "app.user.id": f"user {number}"}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in named.items()]
    counts = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 2}
    attributes += [{"key": key, "value": {"intValue": str(value)}} for key, value in counts.items()]
    resource = [{"key": "tenant.key", "value": {"stringValue": tenant}}] if tenant is not None else []
    one = {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "startTimeUnixNano": "1790812800000000000"}
    spans = [one | {"attributes": attributes}]
    return json.dumps({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": spans}]}]})


@pytest.mark.long
def test_it_names_the_places_that_may_tell_whose_a_log_is(books: Path, tmp_path: Path) -> None:
    file = tmp_path / "spans.jsonl"
    file.write_text("".join(f"{span(n, tenant='key_a')}\n" for n in (1, 2)))
    table = tallybook(books, "try", str(file)).stdout.partition("[[sources]]")[2]
    comment = (
        "# api_key_id was not found, and nothing is billed without it: name it in fields, "
        """as api_key_id = 'resource."tenant.key"' or 'attributes."app.user.id"'\n"""
    )
    assert comment in table
    fields = """fields = { api_key_id = 'resource."tenant.key"' }\n"""
    (books / "tallybook.toml").write_text("[[sources]]" + table.replace(comment, fields))
    assert "billed 2 " in tallybook(books, "nightly", *AS_OF).stdout


def test_a_log_that_tells_nobody_is_said_to_need_a_constant(books: Path, tmp_path: Path) -> None:
    file = tmp_path / "spans.jsonl"
    file.write_text(span(1, tenant=None).replace("app.user.id", "x") + "\n")
    assert 'name it in fields, as api_key_id = { value = "…" }' in tallybook(books, "try", str(file)).stdout


@pytest.mark.long
@pytest.mark.parametrize(
    ("counted", "fields", "comment"),
    [
        ({"usage": {"prompt_tokens": 10, "completion_tokens": 2}}, {"usage": "usage"}, ""),
        (
            {"tokens_in": 10, "tokensOut": "2", "cached_tokens": 4},
            {"usage.prompt_tokens": "tokens_in", "usage.completion_tokens": "tokensOut"},
            "# usage.cached_tokens may be cached_tokens: name it in fields, if usage.prompt_tokens has it within\n",
        ),
        (
            {"stats": {"tokens": {"input_tokens": 10, "output_tokens": 2}}, "response": "fine"},
            {"usage": "stats.tokens"},
            '# response is no answer of an API in any line: where a model wrote it, add response = "answer_of_the_api"',
        ),
    ],
)
def test_of_a_log_that_has_counts_and_no_answers_these_are_proposed_and_the_table_reads_it(
    books: Path, tmp_path: Path, counted: dict[str, Any], fields: dict[str, str], comment: str
) -> None:
    file = tmp_path / "calls.jsonl"
    line = {"logged": "2026-10-01T10:00:00Z", "key_id": "key_a", "model_name": "jamba-large", **counted}
    file.write_text(json.dumps(line) + "\n")
    table = tallybook(books, "try", str(file)).stdout.partition("[[sources]]")[2]
    (source,) = tomllib.loads("[[sources]]" + table)["sources"]
    assert source["fields"] == {"ts": "logged", "api_key_id": "key_id", "response.model": "model_name", **fields}
    assert comment in table
    assert "nothing is billed without it" not in table
    (books / "tallybook.toml").write_text("[[sources]]" + table)
    assert "billed 1 " in tallybook(books, "nightly", *AS_OF).stdout
    assert "jamba-large\t1\t10\t" in tallybook(books, "usage", "--by", "model").stdout


@pytest.mark.long
def test_an_answer_is_found_whatever_its_place_is_called_and_where_lines_between_have_none(
    books: Path, tmp_path: Path
) -> None:
    file = tmp_path / "calls.jsonl"
    times = {"logged": "2026-10-01T10:00:00Z", "key_id": "key_a", "lines": {"usage": 7}}
    said = json.loads(stream("2026-10-01T10:00:00Z", id="a", pieces=["x"], usage=(10, 2)))["response"]
    lines = [times, times | {"upstream": {"raw": "timed out"}}, times | {"upstream": {"raw": said}}]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    table = tallybook(books, "try", str(file)).stdout.partition("[[sources]]")[2]
    assert 'fields = { ts = "logged", api_key_id = "key_id", response = "upstream.raw" }\n' in table
    (books / "tallybook.toml").write_text("[[sources]]" + table)
    assert "billed 1 " in tallybook(books, "nightly", *AS_OF).stdout


@pytest.mark.long
def test_what_is_put_around_a_log_is_named_and_its_format_is_found_within(books: Path, tmp_path: Path) -> None:
    entry = {"log": json.dumps(PAYLOAD) + "\n", "stream": "stdout", "time": "2026-10-01T10:00:00Z"}
    wrapped = tmp_path / "wrapped.log"
    wrapped.write_text(json.dumps(entry) + "\n", encoding="utf-8")
    array = tmp_path / "array.json"
    array.write_text(json.dumps([PAYLOAD], indent=1), encoding="utf-8")
    found = {name: tried(books, name, code=0)["files"][0] for name in (str(wrapped), str(array))}
    assert {name: (file["wrapper"], file["formats"]) for name, file in found.items()} == {
        str(wrapped): ("docker", ["litellm"]),
        str(array): (None, ["litellm"]),
    }
    said = tallybook(books, "try", str(wrapped), "--source", "app").stdout
    assert said.startswith(f"{wrapped}: litellm in docker, read as source 'app'")


def test_the_format_of_documents_over_several_lines_each_is_found(books: Path, tmp_path: Path) -> None:
    """As the exporter of OpenTelemetry's SDK writes its spans to the console."""
    spans = tmp_path / "spans.log"
    spans.write_text("".join(f"{json.dumps(written_span(), indent=4)}\n" for _ in range(2)), encoding="utf-8")
    (file,) = tried(books, str(spans), code=0)["files"]
    assert file["formats"] == ["spans"]


@pytest.mark.long
def test_without_a_workspace_it_says_what_can_be_said(tmp_path: Path, log: Path) -> None:
    said = tried(tmp_path / "nowhere", str(log))
    assert (said["counts"]["measured"], said["counts"]["duplicates"]) == (7, 1)
    assert (said["is_in_workspace"], said["costs"], said["unpriced"], said["unassigned"]) == (False, [], [], {})
    assert said["has_ids_of_this_run"]
    done = tallybook(tmp_path / "nowhere", "try", str(log))
    assert f"there is no workspace at {tmp_path / 'nowhere'}" in done.stdout
    assert "the ids of raw keys are of this run alone" in done.stderr
    refused = tallybook(tmp_path / "nowhere", "try", "--source", "app", str(log))
    assert (refused.returncode, "there is no workspace" in refused.stderr) == (2, True)


def test_a_file_that_cannot_be_read_is_a_failure(books: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"PK\x03\x04 and more")
    done = tallybook(books, "try", str(log))
    assert done.returncode == 3
    assert f"warning: {log}: this is zip" in done.stderr


def test_a_configuration_that_cannot_be_meant_is_said(books: Path, log: Path) -> None:
    (books / "tallybook.toml").write_text("curency = 1\n")
    done = tallybook(books, "try", str(log))
    assert (done.returncode, "did you mean 'currency'" in done.stderr) == (2, True)


@pytest.mark.long
def test_a_file_that_a_source_reads_and_does_not_name_is_to_be_added_to_its_paths(books: Path, log: Path) -> None:
    assert tried(books, str(log))["files"][0]["paths_to_add"] == [f"{log.parent}/*.jsonl*"]
    done = tallybook(books, "try", str(log))
    said = f"no night finds it there; add \"{log.parent}/*.jsonl*\" to the paths of source 'app'"
    assert said in done.stdout
    inside = write_log(books, "app.jsonl", plain("2026-10-01T10:00:00Z", id="x"))
    assert tried(books, str(inside), code=0)["files"][0]["paths_to_add"] == []


BODY = {"id": "a", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}


@pytest.mark.parametrize(
    ("line", "fields", "doubtful", "missing"),
    [
        ({"ts": 1_790_000_000, "api_key_id": "k", "response": BODY}, {}, {}, ()),
        (
            {"@timestamp": "2026-10-01T00:00:00Z", "apiKeyId": "k", "response_body": json.dumps(BODY)},
            {"ts": "@timestamp", "api_key_id": "apiKeyId", "response": "response_body"},
            {},
            (),
        ),
        (
            {"start_time": 1_790_000_000, "time": 1_790_000_001, "key_alias": "k", "response": BODY},
            {"api_key_id": "key_alias"},
            {"ts": ("start_time", "time")},
            (),
        ),
        ({"time": "yesterday", "user": "k", "response": "ok"}, {}, {}, ("ts", "response", "api_key_id")),
        # what is called as gateways call it may be cut, or an error; events begin with their name
        (
            {"ts": 1_790_000_000, "api_key_id": "k", "resp": {"body": "event: ping\ndata: {}\n\n"}},
            {"response": "resp.body"},
            {},
            (),
        ),
        # what no name tells, what lies there does, where it is at one place
        (
            {"day": "2026-10-01T00:00:00Z", "api_key_id": "k", "answered": {"with": BODY}, "response": {"took": 3}},
            {"ts": "day", "response": "answered.with"},
            {},
            (),
        ),
        (
            {"ts": 1_790_000_000, "api_key_id": "k", "sent": BODY, "kept": json.dumps(BODY), "ms": 1_790_000_000},
            {},
            {"response": ("sent", "kept")},
            (),
        ),
        ({"ms": 1_790_000_000, "api_key_id": "k", "response": BODY}, {}, {}, ("ts",)),
        # counts one by one are certain only where both are at one place
        (
            {"ts": 1_790_000_000, "api_key_id": "k", "a": {"input_tokens": 1, "x": 2}, "b": {"inputTokens": 1}},
            {},
            {"usage.prompt_tokens": ("a.input_tokens", "b.inputTokens")},
            ("response",),
        ),
        # what may be a raw key is never taken for an id
        (
            {"ts": 1_790_000_000, "key_id": RAW, "response": BODY},
            {"api_key": "key_id"},
            {},
            (),
        ),
        (
            {"ts": 1_790_000_000, "request": {"headers": {"Authorization": f"Bearer {RAW}"}}, "response": BODY},
            {"api_key": "request.headers.Authorization"},
            {},
            (),
        ),
    ],
)
def test_a_field_is_guessed_only_where_no_doubt_is_left(
    line: dict[str, Any], fields: dict[str, str], doubtful: dict[str, tuple[str, ...]], missing: tuple[str, ...]
) -> None:
    guess = guess_fields([line] * 3)
    assert (guess.fields, guess.doubtful, guess.missing) == (fields, doubtful, missing)


def test_a_name_that_not_every_line_has_is_no_certainty() -> None:
    lines = [{"ts": 1_790_000_000, "key_id": "k", "response": BODY}, {"ts": 1_790_000_000, "response": BODY}]
    assert guess_fields(lines).missing == ("api_key_id",)


def test_of_a_log_that_is_none_nothing_is_proposed_but_where_it_lies(books: Path, tmp_path: Path) -> None:
    log = tmp_path / "words.log"
    log.write_text("no line\nof any\nlog\n")
    assert tried(books, str(log))["proposed"] == [f'[[sources]]\nname = "words"\npaths = ["{tmp_path}/*.log*"]\n']


@pytest.mark.long
def test_a_log_of_several_tools_is_proposed_without_a_format(books: Path, tmp_path: Path) -> None:
    (books / "tallybook.toml").write_text(APP + 'fields = { ts = "when" }\n')
    log = tmp_path / "mixed.log"
    log.write_text(f"{json.dumps(PAYLOAD)}\n{plain('2026-10-01T10:00:00Z', id='b')}\n")
    said = tried(books, str(log), code=0)
    assert said["files"][0]["formats"] == ["litellm", "request-log"]
    assert "format" not in said["proposed"][0]
    assert said["counts"]["billed"] == 2
