"""What every ``--help`` keeps to: it fits, explains each option, says the same thing in the same words, and is true."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click
import pytest
from commands import COMMANDS

from pipeline.cli.context import DateType, Invocation, PeriodType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OF_ANOTHER_KIND = {
    ("--key", "sign"),
    ("--key", "verify"),
    ("--from", "rates import"),
    ("--model", "rates import"),
    ("--line", "invoice credit"),
    ("--source", "explain"),
    ("--as-of", "anomalies"),
    ("--as-of", "budgets"),
    ("--output", "export focus"),
    ("--output", "collect"),
    ("--output", "sign"),
    ("--to", "invoice render"),
    *(("--to", f"export {name}") for name in ("focus", "jsonl", "stripe", "lago", "duckdb")),
    ("--to", "report"),
}
"""What another command calls by the same name is something else there: a file of a key, a price list."""


def options() -> Iterator[tuple[str, click.Option, click.Context]]:
    for path, command in COMMANDS.items():
        context = click.Context(command, info_name=path[-1])
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                yield " ".join(path), parameter, context


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_help_fits_eighty_columns(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    above = click.Context(click.Group("tallybook"), info_name=" ".join(("tallybook", *path[:-1])))
    text = command.get_help(click.Context(command, info_name=path[-1], parent=above, terminal_width=80))
    assert [line for line in text.splitlines() if len(line) > 80] == []


def test_every_option_is_explained_in_sentences() -> None:
    for path, option, _ in options():
        assert option.help, (path, option.name)
        assert option.help[0].isupper() or option.help.startswith("'"), (path, option.help)
        assert option.help.endswith("."), (path, option.help)


def test_an_option_that_may_be_repeated_says_so() -> None:
    for path, option, _ in options():
        assert option.multiple == ("Repeat for more" in (option.help or "")), (path, option.name)


def test_the_same_option_takes_the_same_and_calls_it_the_same_everywhere() -> None:
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path, option, context in options():
        for name in option.opts:
            if name.startswith("--") and (name, path) not in OF_ANOTHER_KIND:
                found[name]["" if option.is_flag else option.make_metavar(context)].append(path)
    assert {name: dict(taken) for name, taken in found.items() if len(taken) > 1} == {}


def test_what_is_of_another_kind_is_there() -> None:
    known = {(name, path) for path, option, _ in options() for name in option.opts}
    assert known >= OF_ANOTHER_KIND


def test_no_option_takes_what_only_a_programmer_would_call_so() -> None:
    for path, option, context in options():
        metavar = option.make_metavar(context)
        assert "INTEGER" not in metavar, (path, option.name)
        assert metavar != "TEXT" or option.name in ("reason", "reference", "provider", "billing_account_name"), (
            path,
            option.name,
            metavar,
        )


def test_wherever_a_day_or_a_period_is_taken_words_are_taken() -> None:
    days, instants, periods = 0, 0, 0
    for path, option, context in options():
        metavar = "" if option.is_flag else option.make_metavar(context)
        if metavar == "DATE":
            assert isinstance(option.type, DateType), (path, option.name)
            days += 1
        elif metavar == "DATE|INSTANT":
            assert option.name in ("as_of", "at", "effective_from"), "these are read by Invocation.clock"
            instants += 1
        elif metavar == "PERIOD":
            assert isinstance(option.type, PeriodType), (path, option.name)
            periods += 1
        else:
            assert not isinstance(option.type, DateType | PeriodType), (path, option.name)
    assert min(days, instants, periods) > 5


def test_a_clock_is_set_by_a_word(tmp_path: Path) -> None:
    invocation = Invocation(workspace=tmp_path)
    at = invocation.clock("this-month", ZoneInfo("UTC"))
    assert at.date() == date(invocation.today().year, invocation.today().month, 1)


def is_of_a_file(parameter: click.Parameter) -> bool:
    return isinstance(parameter.type, click.Path)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_example_is_understood_with_its_values(path: tuple[str, ...], tmp_path: Path) -> None:
    command = COMMANDS[path]
    for line in (command.epilog or "").splitlines():
        if "tallybook " not in line or "$(" in line:
            continue
        for said in re.split(r" && ", line):
            words = shlex.split(re.split(r" [|<>] ", re.split(r"tallybook (?:-w \S+ )?", said)[-1])[0])
            if words[: len(path)] != list(path):
                continue
            context = click.Context(command, info_name=path[-1], obj=Invocation(workspace=tmp_path))
            values, rest, _ = command.make_parser(context).parse_args(words[len(path) :])
            assert rest == []
            for parameter in command.params:
                if isinstance(parameter, click.Option) and parameter.name in values and not is_of_a_file(parameter):
                    parameter.type_cast_value(context, values[parameter.name])
