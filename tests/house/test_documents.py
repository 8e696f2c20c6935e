"""README.md and docs/ are true: every block shows what its commands print, every command and every link exists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click
import pytest
from documented import DOCUMENTS, ROOT, blocks, printed_now

from pipeline import cli
from pipeline.base.warning_codes import WarningCode
from pipeline.cli import LazyCommands, _tallybook, context
from pipeline.cli.commands.numbers.usage import command as usage
from pipeline.collectors import ProblemReason
from pipeline.usage import QuarantineReason
from pipeline.usage.events import COLUMNS, DIMENSIONS, LOG_FIELDS
from pipeline.usage.meters import Apart, Fallback, Meter

if TYPE_CHECKING:
    from enum import StrEnum
    from pathlib import Path

    from pipeline.usage.events import Column

README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = [document.relative_to(ROOT).as_posix() for document in DOCUMENTS]
WITH_BLOCKS = [name for name in NAMES if name != "README.md" and blocks((ROOT / name).read_text(encoding="utf-8"))]


@pytest.mark.long
@pytest.mark.parametrize("name", ["README.md", *(pytest.param(name, marks=pytest.mark.slow) for name in WITH_BLOCKS)])
def test_what_a_document_shows_is_what_the_commands_print(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert printed_now(text) == text, "run `just docs` and look at what changed"


def test_the_table_of_commands_names_every_command_and_no_other() -> None:
    listed = {
        " ".join(re.findall(r"^\| `tallybook ((?:[a-z]+ ?)+)", row)[0].split())
        for row in README.splitlines()
        if row.startswith("| `tallybook ")
    }
    assert listed == set(commands(_tallybook, ""))


def test_options_in_the_documents_exist() -> None:
    known = {
        option for command in all_commands(_tallybook) for parameter in command.params for option in parameter.opts
    }
    stated = {
        option
        for name in NAMES
        for call in re.findall(
            r"(?<!-[ogu] )\btallybook [^\n`|]*", (ROOT / name).read_text(encoding="utf-8").replace("\\|", "")
        )
        for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", call)
    }
    assert stated <= known | {"-h", "--help"}, stated - known


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_files_and_headings_that_exist(name: str) -> None:
    document = ROOT / name
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", document.read_text(encoding="utf-8")):
        path, _, heading = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not heading or heading in headings(target), link


def test_the_table_of_what_is_kept_names_every_column_as_it_is_declared() -> None:
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8").partition("### What is kept of a line")[2]
    rows = [row for row in text.splitlines() if row.startswith("| `")][: len(COLUMNS)]
    assert rows == [row_of(column) for column in COLUMNS], "docs/configuration.md and usage/events.py differ"
    assert text.count("\n| `") == len(COLUMNS) + 5, "the rows of the last table are the variables of the environment"


@pytest.mark.parametrize(
    ("heading", "reasons"),
    [("### Why a log is not read", ProblemReason), ("### Why a line is quarantined", QuarantineReason)],
)
def test_the_runbook_says_of_every_reason_what_it_is_and_what_to_do(heading: str, reasons: type[StrEnum]) -> None:
    text = (ROOT / "docs/runbook.md").read_text(encoding="utf-8").partition(f"{heading}\n")[2].partition("\n#")[0]
    rows = [row.strip("| ").split(" | ") for row in text.splitlines() if row.startswith("| `")]
    named = [row[0].strip("`") for row in rows]
    declared = [reason.value for reason in reasons]
    assert named == declared, f"docs/runbook.md, {heading!r}, and {reasons.__module__} differ, if only in order"
    assert all(len(row) == 3 and all(row) for row in rows), f"docs/runbook.md, {heading!r}: a row has three cells"


def test_the_runbook_names_every_code_of_a_warning_in_the_order_in_which_they_are_told() -> None:
    table = (
        (ROOT / "docs/runbook.md").read_text(encoding="utf-8").partition("| code | counts |")[2].partition("\n\n")[0]
    )
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [code.value for code in WarningCode]


WITHOUT_A_PRICE = {
    (Apart.ALWAYS, Fallback.REQUIRED): "refused: every rate has one",
    (Apart.ALWAYS, Fallback.AS_WHOLE): "on lines of its own, at the price of `{whole}`",
    (Apart.ALWAYS, Fallback.UNPRICED): "unpriced: listed, and nothing is issued over it",
    (Apart.WHERE_PRICED, Fallback.AS_WHOLE): "billed as `{whole}`",
    (Apart.WHERE_PRICED, Fallback.FREE): "nothing",
}


def test_the_table_of_meters_names_every_meter_as_it_is_declared() -> None:
    text = (ROOT / "docs/rate-cards.md").read_text(encoding="utf-8").partition("## Meters")[2].partition("\n## ")[0]
    rows = [row.replace("| |", "|  |") for row in text.splitlines() if row.startswith("| `")]
    declared = [
        f"| `{meter}` | {f'`{meter.spec.count}`' if meter.is_of_tokens else 'billed requests'} | "
        f"{f'`{meter.out_of}`' if meter.out_of else ''} | "
        f"{WITHOUT_A_PRICE[meter.spec.apart, meter.spec.fallback].format(whole=meter.out_of)} |"
        for meter in Meter
    ]
    assert rows == declared, "docs/rate-cards.md, 'Meters', and usage/meters.py differ"
    keys = set(re.findall(r"^([a-z_0-9]+) = [0-9.]+ ", text.partition("```toml")[2], re.MULTILINE))
    assert keys == {meter.card_key for meter in Meter}, "the example of docs/rate-cards.md and usage/meters.py differ"


def test_the_table_of_the_request_log_names_every_field_that_may_be_renamed() -> None:
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8").partition("## The request log")[2]
    table = text.partition("### What is kept of a line")[0]
    rows = [row.split(" | ") for row in table.splitlines() if row.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row[0])}
    (request,) = (row[2] for row in rows if row[0] == "| `request`")
    named |= {f"request.{name}" for name in re.findall(r"`([^`]+)`", request)}
    assert named == set(LOG_FIELDS) - {"host"}, "docs/configuration.md, 'The request log', and usage/events.py differ"


def test_the_words_by_which_usage_is_grouped_are_in_its_help() -> None:
    (by,) = (each for each in usage.params if each.name == "by")
    words = [column.word or column.name for column in DIMENSIONS]
    assert isinstance(by, click.Option)
    assert by.help is not None
    assert set(words) <= set(re.findall(r"[a-z_]+", by.help))


def row_of(column: Column) -> str:
    kind = column.kind.value + ("" if column.nullable else ", never null")
    part = f"of `{column.part_of}`: " if column.part_of else ""
    return f"| `{column.name}` | {kind} | {column.since} | {part}{column.says} |"


def test_every_exit_code_is_in_the_readme_and_in_the_runbook() -> None:
    declared = {
        str(code) for module in (cli, context) for name, code in vars(module).items() if name.startswith("EXIT_")
    }
    for document in (README, (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")):
        table = document.partition("| exit code |")[2].partition("\n\n")[0]
        assert set(re.findall(r"^\| (\d+) ", table, re.MULTILINE)) == {"0", *declared}


def test_the_readme_prints_one_command_to_run_and_one_to_test() -> None:
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv ")]
    assert [line.rpartition("/")[2].split()[0] for line in lines] == ["tallybook", "pytest"]


def test_every_page_of_the_docs_is_named_by_another_page() -> None:
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in NAMES}
    pages = [name for name in NAMES if name != "README.md"]
    assert [
        page
        for page in pages
        if not any(page.removeprefix("docs/decisions/") in text for name, text in texts.items() if name != page)
    ] == []


def commands(group: click.Group, prefix: str) -> list[str]:
    found = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found += commands(command, f"{name} ") if isinstance(command, click.Group) else [f"{prefix}{name}"]
    return found


def all_commands(command: click.Command) -> list[click.Command]:
    if not isinstance(command, (click.Group, LazyCommands)):
        return [command]
    context = click.Context(command)
    inner = [command.get_command(context, name) for name in command.list_commands(context)]
    return [command, *(found for each in inner if each for found in all_commands(each))]


def headings(document: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}
