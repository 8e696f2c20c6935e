"""``budgets.toml``: what some usage may cost by the month, quarter or year.

Owns what the file may say, and that a scope names what there is. Does not own what a budget is (``pipeline.budgets``).
No file means no budgets. It is no part of the workspace's digest: nothing that is billed depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pipeline.accounts.account import MONTH_DAY_MAX
from pipeline.base.errors import BudgetsError
from pipeline.budgets import Budget, Cadence, Scope
from pipeline.budgets.budget import ALERT_PERCENTS_DEFAULT
from pipeline.configuration.strict_toml import read_table, value_text
from pipeline.objects.layout import BUDGETS_FILE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pipeline.configuration.strict_toml import Table
    from pipeline.configuration.workspace import Workspace

_SCOPES = ("accounts", "keys", "models", "providers", "tags")
_KEYS = ("name", "amount", "currency", "period", *_SCOPES, "alerts", "on_forecast", "billing_day", "first_month")
_MONTHS_OF_A_YEAR = 12
_UNKNOWN = {
    "accounts": ("account", "no account of accounts.toml"),
    "keys": ("key", "in no account of accounts.toml, so that nothing is charged for it"),
    "models": ("model", "no model of a rate card, so that nothing is charged for it; aliases do not count"),
    "providers": ("provider", "what no model of a rate card begins with"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a scope may name."""

    accounts: Mapping[str, str]
    """The currency of each."""
    keys: Mapping[str, Collection[str]]
    """The accounts of each."""
    models: Collection[str]
    providers: Collection[str]
    tags: Mapping[str, Collection[str]]
    """The values of each."""


def read_budgets(workspace: Workspace) -> tuple[Budget, ...]:
    """Read the budgets of a workspace, in the order of the file.

    Raises ``BudgetsError`` with file, table and value: an unknown key, a name twice, an amount that is none, a scope
    that names an account, key, model, provider or tag that there is not, or that is never charged in the currency.
    """
    table = read_table(workspace.root / BUDGETS_FILE, file=BUDGETS_FILE, error=BudgetsError)
    if table is None:
        return ()
    table.allow_only("budgets")
    known = _known(workspace)
    budgets: dict[str, Budget] = {}
    for entry in table.tables("budgets"):
        budget = _budget(entry, known, currency=workspace.settings.currency)
        if budget.name in budgets:
            what = f"name {budget.name!r} is used twice; give every budget a name of its own"
            raise entry.refusal(what)
        budgets[budget.name] = budget
    return tuple(budgets.values())


def _budget(table: Table, known: _Known, *, currency: str) -> Budget:
    table.allow_only(*_KEYS)
    scope = _scope(table, known)
    try:
        budget = Budget(
            name=table.text("name"),
            amount=_amount(table),
            currency=table.text("currency", currency),
            cadence=table.choice("period", Cadence.MONTH),
            scope=scope,
            alert_percents=_percents(table),
            is_on_forecast=_flag(table, "on_forecast"),
            month_day=table.integer("billing_day", default=1, smallest=1, greatest=MONTH_DAY_MAX),
            first_month=table.integer("first_month", default=1, smallest=1, greatest=_MONTHS_OF_A_YEAR),
        )
    except BudgetsError as wrong:
        raise wrong if str(wrong).startswith(table.file) else table.refusal(str(wrong)) from wrong
    _refuse_another_currency(table, budget, known)
    return budget


def _amount(table: Table) -> Decimal:
    value = table.values.get("amount")
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or not Decimal(value).is_finite():
        what = (
            "amount is missing; it is a number of currency units, such as 500.00"
            if value is None
            else f"amount is {value_text(value)}; it must be a number of currency units, such as 500.00, without quotes"
        )
        raise table.refusal(what)
    return Decimal(value)


def _flag(table: Table, key: str) -> bool:
    value = table.values.get(key, False)
    if not isinstance(value, bool):
        what = f"{key} is {value_text(value)}; it must be true or false, without quotes"
        raise table.refusal(what)
    return value


def _percents(table: Table) -> tuple[int, ...]:
    value = table.values.get("alerts", list(ALERT_PERCENTS_DEFAULT))
    if not isinstance(value, list) or any(isinstance(each, bool) or not isinstance(each, int) for each in value):
        what = f"alerts is {value_text(value)}; it must be a list of whole numbers, in per cent, such as [50, 80, 100]"
        raise table.refusal(what)
    return tuple(value)


def _scope(table: Table, known: _Known) -> Scope:
    named = {kind: table.texts(kind) for kind in _SCOPES[:-1] if kind in table.values}
    for kind, values in named.items():
        if not values:
            what = f"{kind} is an empty list; leave it out where the budget is of all {kind}"
            raise table.refusal(what)
        noun, says = _UNKNOWN[kind]
        there_are: Collection[str] = getattr(known, kind)
        for value in values:
            if value not in there_are:
                meant = get_close_matches(value, sorted(there_are), 1)
                hint = f"; did you mean {meant[0]!r}?" if meant else ""
                what = f"{noun} {value_text(value)} is {says}{hint}"
                raise table.refusal(what)
    return Scope(**named, tags=_tags(table, known))


def _tags(table: Table, known: _Known) -> tuple[str, ...]:
    """Read ``tags = { team = "search" }``, or a list of values of a tag."""
    found: list[str] = []
    for name, value in table.table("tags").values.items():
        values = value if isinstance(value, list) else [value]
        if not values or any(not isinstance(each, str) or not each.strip() for each in values):
            what = f'tags {name} is {value_text(value)}; write tags = {{ {name} = "…" }}, or a list of such values'
            raise table.refusal(what)
        if name not in known.tags:
            there_are = f"there are: {', '.join(sorted(known.tags))}" if known.tags else "no key has any"
            what = f"tags names {value_text(name)}, which is no tag of a key in accounts.toml ({there_are})"
            raise table.refusal(what)
        for each in values:
            if each not in known.tags[name]:
                what = (
                    f"tags {name} is {value_text(each)}, which no key of accounts.toml has; "
                    f"there are: {', '.join(sorted(known.tags[name]))}"
                )
                raise table.refusal(what)
            found.append(f"{name}={each}")
    return tuple(found)


def _refuse_another_currency(table: Table, budget: Budget, known: _Known) -> None:
    """Raise where nothing of the scope is charged in the budget's currency: it would stay at 0 for ever."""
    scope = budget.scope
    accounts = set(scope.accounts or known.accounts)
    if scope.keys:
        accounts &= {account for key_id in scope.keys for account in known.keys[key_id]}
        if not accounts:
            what = "no key that it names is of an account that it names, so that nothing is held against it"
            raise table.refusal(what)
    charged = {known.accounts[account] for account in accounts}
    if charged and budget.currency not in charged:
        what = f"it is in {budget.currency}, and what it is about is charged in {', '.join(sorted(charged))}"
        raise table.refusal(what)


def _known(workspace: Workspace) -> _Known:
    keys: dict[str, set[str]] = {}
    tags: dict[str, set[str]] = {}
    for account in workspace.accounts:
        for key in account.keys:
            keys.setdefault(key.key_id, set()).add(account.id)
    for mine in workspace.accounts.tags.values():
        for name, value in mine.items():
            tags.setdefault(name, set()).add(value)
    models = {model for card in workspace.rate_cards.values() for model in card.models}
    currencies = {card_id: card.currency for card_id, card in workspace.rate_cards.items()}
    return _Known(
        accounts={account.id: account.currency_by(currencies) for account in workspace.accounts},
        keys=keys,
        models=models,
        providers={model.partition("/")[0] for model in models if "/" in model},
        tags=tags,
    )
