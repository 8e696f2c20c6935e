"""Change one thing in a statement of ``sql/`` at a time, and see whether its golden cases notice.

``python -m benchmarks.mutants sql``. Needs ``pip install -e '.[mutants]'``. A relation is asked for its own cases
alone, so that each file of ``sql/`` is claimed by the cases that bear its name. Owns which changes amount to nothing.
Does not own the changes (``changed_sql.py``) or the cases (``tests/sql``).
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
import sqlglot

from benchmarks.mutants.changed_sql import mutants
from pipeline.base.resources import sql_folder
from pipeline.warehouse import build
from pipeline.warehouse.relations import load_checks, load_relations

if TYPE_CHECKING:
    from types import ModuleType

_TESTS = Path(__file__).parents[2] / "tests"
_CASES = _TESTS / "sql/test_golden_cases.py"
EQUAL: tuple[tuple[str, str, str], ...] = (
    ("event_copies", "inner or left instead", "every identity has exactly one survivor"),
    ("event_copies", "right side alone: copy.standing < survivor.standing AND", "another status is another standing"),
    ("event_copies", "lte instead: copy.standing < survivor.standing", "the line before took those of another status"),
    ("event_copies", "another literal: 5", "nothing stands above it"),
    ("event_copies", "another literal: 0", "failed, the status above it, is the last there is"),
    ("event_copies", "without CASE WHEN status = 'failed'", "failed is the last status there is, and else is below it"),
    ("event_copies", "neq instead: status = 'failed'", "as the line above"),
    ("event_copies", "another literal: 'failed'", "as the line above"),
    ("event_copies", "right side alone: copy.place > 1 AND copy.status", "a survivor is its own request"),
    ("event_copies", "another literal: 1", "as the line above"),
    ("event_copies", "gte instead: copy.place > 1", "as the line above"),
    ("event_copies", "the other way round: standings.completion_tokens DESC", "it stands in the order twice"),
    ("event_copies", "left out of the order: standings.completion_tokens DESC", "it stands in the order twice"),
    (
        "event_copies",
        "right side alone: copy.status = 'measured' AND copy.model_name",
        "the line before took every other status",
    ),
    ("exchange_totals", "left out: WHERE event_copies.fate <> 'survivor'", "a survivor that is moved comes back"),
    ("exchange_totals", "another literal: 'survivor'", "a survivor that is moved comes back"),
    ("exchanges_by_slice", "without billing_period", "account and date decide it"),
    ("exchanges_by_slice", "without is_billed", "status and fate decide it"),
    ("exchanges_daily", "without billing_period", "account and date decide it"),
    ("exchanges_daily", "without is_billed", "status and fate decide it"),
    ("traced_events", "inner or left instead: INNER JOIN time_slices", "the totals that follow need a slice"),
    ("traced_events", "inner or left instead: INNER JOIN prompt_bands", "the totals that follow need a band"),
    ("usage_by_cost_rate", "without billing_period", "account and date decide it"),
    ("usage_by_cost_rate", "inner or left instead: INNER JOIN cost_meter_terms", "no quantity comes without terms"),
    ("usage_by_cost_rate", "the other way round: costed.cost_card", "an account, which stands before it, has one"),
    ("usage_by_cost_rate", "left out of the order: costed.cost_card", "an account, which stands before it, has one"),
    ("tokens_lost_between_fates", "right side alone: FALSE OR", "false adds nothing"),
    ("tokens_lost_between_slices", "right side alone: FALSE OR", "false adds nothing"),
    ("tokens_on_another_meter", "inner or left instead: INNER JOIN attributed_totals", "what is billed has totals"),
)
"""Relation, how a change's name begins, and why no rows can tell: one change each, at least."""


@click.command(name="sql")
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    """Try every mutant of the relations and checks of NAMES, or of all; exit code 1 where one is not noticed."""
    cases, folder = _golden_cases(), sql_folder()
    relations = load_relations(folder)
    statements = relations | load_checks(folder, "blocking") | load_checks(folder, "advisory")
    tried = noticed = equal = 0
    for name in names or statements:
        statement = sqlglot.parse_one(statements[name].sql, read="duckdb")
        own = [case for case in cases.CASES if case.parent.name == name]

        def is_noticed(sql: str, name: str = name, own: list[Path] = own) -> bool:
            return not all(_passes(cases, name, sql, case, is_relation=name in relations) for case in own)

        if is_noticed(statement.sql("duckdb")):
            message = f"a case of {name} fails with the statement as it is"
            raise click.ClickException(message)
        survivors = []
        for mutant in mutants(statement):
            tried += 1
            if is_noticed(mutant.sql):
                noticed += 1
            elif any(name == relation and mutant.what.startswith(begin) for relation, begin, _ in EQUAL):
                equal += 1
            else:
                survivors.append(mutant.what)
        for what in survivors:
            click.echo(f"NOT NOTICED: {name}: {what[:160]}")
    click.echo(f"{tried} mutants: {noticed} noticed, {equal} amount to nothing, {tried - noticed - equal} not noticed")
    sys.exit(1 if tried > noticed + equal else 0)


def _golden_cases() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_cases", _CASES)
    if spec is None or spec.loader is None:
        message = "tests/sql is not beside benchmarks/"
        raise click.ClickException(message)
    sys.path.insert(0, str(_TESTS / "support"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    _asked().selects(), _asked().column_types()
    return module


def _asked() -> ModuleType:
    """Return what says how a relation or check of a case is asked."""
    return importlib.import_module("sql_cases")


def _passes(cases: ModuleType, name: str, sql: str, case: Path, *, is_relation: bool) -> bool:
    """Whether a golden case passes where ``name`` is asked as ``sql``."""
    with pytest.MonkeyPatch.context() as patch:
        if is_relation:
            relations = load_relations(sql_folder())
            relations[name] = dataclasses.replace(relations[name], sql=sql)
            patch.setattr(build, "load_relations", lambda _: relations)
        else:
            asked = {**_asked().selects(), name: sql}
            patch.setattr(_asked(), "selects", lambda: asked)
        try:
            cases.test_golden_case(case)
        except Exception:  # noqa: BLE001 - whatever a wrong statement raises, it is noticed
            return False
    return True
