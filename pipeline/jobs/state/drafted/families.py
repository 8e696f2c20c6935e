"""Accounts that share invoices, and the digest of everything that their drafts are made from.

A *family* is an account, its parents and children at any time, and whoever else is on an issued document with one of
them: no draft of one family depends on anything of another. Its digest is over all that ``invoice_book`` is given for
it, and ``SomeAccounts`` gives it nothing else: what its accounts and keys say in ``accounts.toml``, the other files of
the configuration, the program, the months that any account has used, its own places, charges, places without a price,
and the bytes of its documents in the register.

Owns what the digest is over. Does not own what is made of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.configuration.accounts.accounts_file import ACCOUNTS_FILE
from pipeline.configuration.workspace import configuration_digest
from pipeline.documents.invoice_csv import CSV_LAYOUT
from pipeline.jobs.state.drafts import SomeAccounts, unpriced_places, used_places
from pipeline.warehouse.program import digest_of, program_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from pipeline.base.periods import BillingPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.jobs.state.drafted.issued import IssuedEntry
    from pipeline.jobs.state.drafts import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Accounts whose drafts are made together."""

    digest: str
    """Of all that their drafts are made from."""
    account_ids: tuple[str, ...]
    """Also those that are not in ``accounts.toml`` any more."""
    key_ids: frozenset[str]
    """Keys whose tags stand on their lines."""
    places: tuple[Place, ...]
    """With usage that has begun."""
    numbers: tuple[int, ...]
    """Of their documents in the register."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Families:
    """All of a workspace."""

    of_workspace: Workspace
    families: tuple[Family, ...]
    reach: tuple[date, date] | None
    """The first and the last day that any account has used. In each digest are the months that hold these days."""

    def some(self, families: Iterable[Family]) -> SomeAccounts:
        """Return what the drafts of some of them are made from: what is in their digests, and no more."""
        chosen = list(families)
        ids = frozenset(account_id for family in chosen for account_id in family.account_ids)
        key_ids = frozenset().union(*(family.key_ids for family in chosen))
        return SomeAccounts(
            accounts=self.of_workspace.accounts.only(ids, key_ids),
            ids=ids,
            places=sorted(
                (place for family in chosen for place in family.places), key=lambda place: (place[1], place[0])
            ),
            reach=self.reach,
        )


def families_of(workspace: Workspace, built: Aggregate, issued: Sequence[IssuedEntry]) -> Families:
    """Return the families of all accounts that there are, or were."""
    accounts = workspace.accounts
    used, reach = used_places(workspace, built)
    documents: dict[str, list[int]] = {}
    for number, entry in enumerate(issued, start=1):
        for account_id in entry.account_ids:
            documents.setdefault(account_id, []).append(number)
    made_from = _MadeFrom(
        workspace=workspace,
        issued=issued,
        reach=reach,
        places=_by_account(used),
        without_price=_by_account(sorted(unpriced_places(workspace, built))),
        charges=charges_of_accounts(built.rated.line_charges),
        documents=documents,
        others=_others(workspace),
    )
    ids = dict.fromkeys(
        [*(account.id for account in accounts), *documents, *sorted(made_from.places), *sorted(made_from.charges)]
    )
    links = [(account.id, span.account_id) for account in accounts for span in account.invoiced_to]
    links += [(entry.account_ids[0], each) for entry in issued for each in entry.account_ids[1:]]
    families = tuple(made_from.family(members) for members in _together(ids, links))
    return Families(of_workspace=workspace, families=families, reach=reach)


def _others(workspace: Workspace) -> str:
    """Return the digest of what the drafts of all accounts are made from: the program, and the other files."""
    other_files = {name: each for name, each in workspace.files.items() if name != ACCOUNTS_FILE}
    return digest_of([program_parts(), CSV_LAYOUT, workspace.rules.value, configuration_digest(other_files)])


@dataclass(frozen=True, slots=True, kw_only=True)
class _MadeFrom:
    """What drafts are made from, by account id."""

    workspace: Workspace
    issued: Sequence[IssuedEntry]
    reach: tuple[date, date] | None
    places: Mapping[str, list[Place]]
    without_price: Mapping[str, list[Place]]
    charges: Mapping[str, AccountCharges]
    documents: Mapping[str, list[int]]
    """The numbers of the documents that an account has lines on."""
    others: str
    """The digest of what all drafts are made from."""

    def family(self, members: tuple[str, ...]) -> Family:
        """Make a family of some accounts."""
        places = tuple(place for account_id in members for place in self.places.get(account_id, ()))
        numbers = sorted({number for account_id in members for number in self.documents.get(account_id, ())})
        key_ids = frozenset().union(*(self._key_ids(account_id) for account_id in members))
        return Family(
            digest=_digest(self._stated(members, sorted(key_ids), numbers)),
            account_ids=members,
            key_ids=key_ids,
            places=places,
            numbers=tuple(numbers),
        )

    def _key_ids(self, account_id: str) -> frozenset[str]:
        """Return the keys that are an account's now, and those that it has charges of."""
        account, charges = self.workspace.accounts.by_id(account_id), self.charges.get(account_id)
        now = () if account is None else (key.key_id for key in account.keys)
        return frozenset(now) | (frozenset() if charges is None else charges.key_ids)

    def _stated(self, members: Sequence[str], key_ids: Sequence[str], numbers: Sequence[int]) -> list[str]:
        """Return what the digest of a family is over."""
        accounts = self.workspace.accounts
        return [
            self.others,
            *(_account_text(self.workspace, account_id) for account_id in members),
            *(_reached_text(self.workspace, account_id, self.reach) for account_id in members),
            *(f"{key_id}={accounts.tags_text(key_id)}" for key_id in key_ids if key_id in accounts.tags),
            *(_places_text("used", self.places.get(account_id, ())) for account_id in members),
            *(_places_text("unpriced", self.without_price.get(account_id, ())) for account_id in members),
            *(self.charges[account_id].digest if account_id in self.charges else "" for account_id in members),
            *(f"{number}:{self.issued[number - 1].sha256}" for number in numbers),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCharges:
    """What the charges of an account say."""

    digest: str
    """Over all cells of all rows, whatever their order."""
    key_ids: frozenset[str]


def charges_of_accounts(charges: pa.Table) -> dict[str, AccountCharges]:
    """Return the digest of each account's rows of a ``schemas.CHARGES`` table, by account id."""
    rows: dict[str, list[str]] = {}
    keys: dict[str, set[str]] = {}
    texts = zip(charges["account_id"].to_pylist(), charges["api_key_id"].to_pylist(), _row_texts(charges), strict=True)
    for account_id, key_id, text in texts:
        rows.setdefault(account_id, []).append(text)
        keys.setdefault(account_id, set()).add(key_id)
    return {
        account_id: AccountCharges(digest=_digest(sorted(mine)), key_ids=frozenset(keys[account_id]))
        for account_id, mine in rows.items()
    }


def _row_texts(table: pa.Table) -> list[str]:
    """Return each row as a text, from which every cell could be read back: with its length, or as none."""
    if not table.num_rows:
        return []
    cells = []
    for column in table.columns:
        values = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        values = values.cast(pa.int32()) if pa.types.is_date32(values.type) else values
        text = values.cast(pa.string())
        length = pc.binary_length(text).cast(pa.string())
        cells.append(pc.fill_null(pc.binary_join_element_wise(length, text, ":"), "-"))
    return pc.binary_join_element_wise(*cells, ",").to_pylist()  # type: ignore[no-any-return]  # texts


def _together(ids: Iterable[str], links: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return the ids in groups, those in one that links connect; in the order in which they are given."""
    heads: dict[str, str] = {}

    def head_of(each: str) -> str:
        while (above := heads.get(each, each)) != each:
            heads[each] = heads.get(above, above)
            each = above
        return each

    for one, other in links:
        heads[head_of(one)] = head_of(other)
    groups: dict[str, list[str]] = {}
    for each in ids:
        groups.setdefault(head_of(each), []).append(each)
    return [tuple(group) for group in groups.values()]


def _by_account(places: Iterable[Place]) -> Mapping[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for place in places:
        found.setdefault(place[0], []).append(place)
    return found


def _account_text(workspace: Workspace, account_id: str) -> str:
    """Return what ``accounts.toml`` says of an account; of one that is not in it, that alone."""
    is_there = workspace.accounts.by_id(account_id) is not None
    return workspace.accounts.stated[account_id] if is_there else f"gone {account_id!r}"


def _reached_text(workspace: Workspace, account_id: str, reach: tuple[date, date] | None) -> str:
    """Return the first and the last month of an account that any account has used.

    Not the days, the last of which is another one each night: drafts depend on them by these months alone.
    """
    return f"reached {' '.join(str(workspace.accounts.month_of(account_id, day)) for day in reach or ())}"


def _places_text(what: str, places: Iterable[tuple[str, BillingPeriod]]) -> str:
    return f"{what} {' '.join(str(period) for _, period in places)}"


def _digest(texts: Sequence[str]) -> str:
    """Return the sha256 (hex) of texts, each with its length."""
    return hashlib.sha256("".join(f"{len(text)}:{text}" for text in texts).encode()).hexdigest()
