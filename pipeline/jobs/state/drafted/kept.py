"""Families in brief at rest, in ``lake/counted/drafts``: a shortcut, never a source of truth.

Whoever asks brings the digest of all that a family's drafts are made from, and what is kept of another one is no
answer. Every piece is checked against its sha256 before it is believed, and the files that it names are hashed before
they are left as they are: what a power cut, a flipped bit or a foreign hand leaves behind is made anew.

Owns the form. Does not own what is kept (``brief``) nor when it is asked for (``changed``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.base.errors import DataFileDamaged
from pipeline.base.money import plain
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import InvoiceStatus, LineKind
from pipeline.invoicing.account_drafts import LateUsage
from pipeline.jobs.state.drafted.brief import FamilyInBrief, InvoiceInBrief
from pipeline.jobs.state.drafted.heads import AboveSpendCap, KindSum
from pipeline.jobs.state.drafted.inputs import BookInputs, Month
from pipeline.lake.counted import (
    MANIFEST_NAME,
    WHOLE,
    NewEntry,
    folder_of,
    read_entries,
    read_piece,
    write_entries,
)
from pipeline.objects.encoded import arrow_bytes
from pipeline.register.invoice_files import INVOICES_FILE, LINES_FILE, invoice_file_names
from pipeline.warehouse.program import digest_of, program_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pipeline.invoicing.account_drafts import Place

KIND = "drafts"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodFiles:
    """The two files of a period, and the digest of what they were put together from."""

    made_of: str
    invoices_sha256: str
    lines_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDrafts:
    """What an earlier night made."""

    families: Mapping[str, FamilyInBrief] = field(default_factory=dict)
    """By digest."""
    periods: Mapping[BillingPeriod, PeriodFiles] = field(default_factory=dict)
    made_from: BookInputs | None = None
    """What the families, all together, are the whole book of."""


_TEXT, _COUNT = pa.string(), pa.int64()
_FAMILY = pa.field("family", _COUNT, nullable=False)  # its place among the families, from 0
_SUM = pa.struct({"kind": _TEXT, "lines": _COUNT, "amount": _TEXT, "exact_amount": _TEXT})
_SCHEMAS = {
    "book": pa.schema([pa.field("digest", _TEXT, nullable=False)]),  # one row
    "months": pa.schema(
        [
            pa.field("timezone", _TEXT, nullable=False),
            pa.field("period", _TEXT, nullable=False),
            pa.field("has_begun", pa.bool_(), nullable=False),
        ]
    ),
    "families": pa.schema([pa.field("digest", _TEXT, nullable=False)]),
    "invoices": pa.schema(
        [
            _FAMILY,
            pa.field("id", _TEXT, nullable=False),
            pa.field("number", _COUNT),
            pa.field("account_id", _TEXT, nullable=False),
            pa.field("account_name", _TEXT, nullable=False),
            pa.field("account_ids", pa.list_(_TEXT), nullable=False),
            pa.field("period", _TEXT, nullable=False),
            pa.field("status", _TEXT, nullable=False),
            pa.field("timezone", _TEXT, nullable=False),
            pa.field("currency", _TEXT, nullable=False),
            pa.field("lines", _COUNT, nullable=False),
            pa.field("subtotal", _TEXT, nullable=False),
            pa.field("total", _TEXT, nullable=False),
            pa.field("issue_date", pa.date32()),
            pa.field("due_date", pa.date32()),
            pa.field("purchase_order", _TEXT, nullable=False),
            pa.field("credits_invoice", _TEXT, nullable=False),
            pa.field("is_partial", pa.bool_(), nullable=False),
            pa.field("sums", pa.list_(_SUM), nullable=False),
            pa.field("row", _TEXT, nullable=False),
            pa.field("document_sha256", _TEXT, nullable=False),
            pa.field("lines_sha256", _TEXT, nullable=False),
        ]
    ),
    "late": pa.schema(
        [
            _FAMILY,
            pa.field("account_id", _TEXT, nullable=False),
            pa.field("period", _TEXT, nullable=False),
            pa.field("invoice_ids", pa.list_(_TEXT), nullable=False),
            pa.field("currency", _TEXT, nullable=False),
            pa.field("difference", _TEXT, nullable=False),
            pa.field("draft_id", _TEXT, nullable=False),
        ]
    ),
    "above_caps": pa.schema(
        [
            _FAMILY,
            pa.field("account_id", _TEXT, nullable=False),
            pa.field("draft_id", _TEXT, nullable=False),
            pa.field("month", _TEXT, nullable=False),
            pa.field("spent", _TEXT, nullable=False),
            pa.field("cap", _TEXT, nullable=False),
            pa.field("currency", _TEXT, nullable=False),
        ]
    ),
    "kept": pa.schema(
        [_FAMILY, pa.field("account_id", _TEXT, nullable=False), pa.field("period", _TEXT, nullable=False)]
    ),
    "periods": pa.schema(
        [
            pa.field("period", _TEXT, nullable=False),
            pa.field("made_of", _TEXT, nullable=False),
            pa.field("invoices_sha256", _TEXT, nullable=False),
            pa.field("lines_sha256", _TEXT, nullable=False),
        ]
    ),
}


def read_kept(lake: Path) -> KeptDrafts:
    """Return what was kept; nothing where there is none, or it is damaged, or another program kept it."""
    entry = read_entries(lake, KIND).get(WHOLE)
    if entry is None or entry.inputs != _inputs():
        return KeptDrafts()
    try:
        tables = {name: arrow_bytes.decode(read_piece(lake, KIND, entry, name)) for name in _SCHEMAS}
    except DataFileDamaged:
        return KeptDrafts()
    digests = tables["families"]["digest"].to_pylist()
    invoices: list[list[InvoiceInBrief]] = [[] for _ in digests]
    late: list[list[LateUsage]] = [[] for _ in digests]
    above_caps: list[list[AboveSpendCap]] = [[] for _ in digests]
    kept: list[list[Place]] = [[] for _ in digests]
    for row in _rows(
        tables["invoices"],
        period=BillingPeriod.parse,
        status=InvoiceStatus,
        account_ids=tuple,
        subtotal=Decimal,
        total=Decimal,
        sums=_sums,
    ):
        invoices[row.pop("family")].append(InvoiceInBrief(**row))
    for row in _rows(tables["late"], period=BillingPeriod.parse, difference=Decimal, invoice_ids=tuple):
        late[row.pop("family")].append(LateUsage(**row))
    for row in _rows(tables["above_caps"], month=BillingPeriod.parse, spent=Decimal, cap=Decimal):
        above_caps[row.pop("family")].append(AboveSpendCap(**row))
    for row in _rows(tables["kept"], period=BillingPeriod.parse):
        kept[row["family"]].append((row["account_id"], row["period"]))
    return KeptDrafts(
        families={
            digest: FamilyInBrief(
                digest=digest,
                invoices=tuple(invoices[place]),
                late=tuple(late[place]),
                above_caps=tuple(above_caps[place]),
                kept=tuple(kept[place]),
            )
            for place, digest in enumerate(digests)
        },
        periods={row.pop("period"): PeriodFiles(**row) for row in _rows(tables["periods"], period=BillingPeriod.parse)},
        made_from=BookInputs(
            digest=tables["book"]["digest"][0].as_py(),
            months=tuple(Month(**row) for row in _rows(tables["months"], period=BillingPeriod.parse)),
        ),
    )


def written_files(lake: Path) -> dict[tuple[BillingPeriod, str], str] | None:
    """Return the sha256 of every file that the last finished run left, by period and name; None where none was.

    Whatever program kept it: digests of bytes mean the same to all. Empty where what was kept is damaged.
    """
    if not (folder_of(lake, KIND) / MANIFEST_NAME).exists():
        return None
    entry = read_entries(lake, KIND).get(WHOLE)
    try:
        if entry is None:
            return {}
        periods, invoices = (
            arrow_bytes.decode(read_piece(lake, KIND, entry, name)).to_pylist() for name in ("periods", "invoices")
        )
        names = [(row["period"], INVOICES_FILE, row["invoices_sha256"]) for row in periods]
        names += [(row["period"], LINES_FILE, row["lines_sha256"]) for row in periods]
        for row in invoices:
            document, lines = invoice_file_names(row["id"])
            names += [(row["period"], document, row["document_sha256"]), (row["period"], lines, row["lines_sha256"])]
    except (DataFileDamaged, KeyError):
        return {}
    return {(BillingPeriod.parse(period), name): sha256 for period, name, sha256 in names}


def keep(
    lake: Path,
    families: Sequence[FamilyInBrief],
    periods: Mapping[BillingPeriod, PeriodFiles],
    made_from: BookInputs,
) -> None:
    """Make this what is kept. Only for the holder of the workspace's lock."""
    tables = {
        "book": [{"digest": made_from.digest}],
        "months": [
            {"timezone": each.timezone, "period": str(each.period), "has_begun": each.has_begun}
            for each in made_from.months
        ],
        "families": [{"digest": family.digest} for family in families],
        "invoices": [_row(place, each) for place, family in enumerate(families) for each in family.invoices],
        "late": [_row(place, each) for place, family in enumerate(families) for each in family.late],
        "above_caps": [_row(place, each) for place, family in enumerate(families) for each in family.above_caps],
        "kept": [
            {"family": place, "account_id": account_id, "period": str(period)}
            for place, family in enumerate(families)
            for account_id, period in family.kept
        ],
        "periods": [
            {
                "period": str(period),
                "made_of": files.made_of,
                "invoices_sha256": files.invoices_sha256,
                "lines_sha256": files.lines_sha256,
            }
            for period, files in sorted(periods.items())
        ],
    }
    pieces = {
        name: arrow_bytes.encode(pa.Table.from_pylist(rows, schema=_SCHEMAS[name])) for name, rows in tables.items()
    }
    write_entries(lake, KIND, {}, {WHOLE: NewEntry(inputs=_inputs(), pieces=pieces)})


def _row(place: int, each: InvoiceInBrief | LateUsage | AboveSpendCap) -> dict[str, object]:
    return {"family": place} | {name: _cell(getattr(each, name)) for name in each.__dataclass_fields__}


def _cell(value: object) -> object:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, BillingPeriod):
        return str(value)
    if isinstance(value, KindSum):
        return {name: _cell(getattr(value, name)) for name in value.__dataclass_fields__}
    return list(map(_cell, value)) if isinstance(value, tuple) else value


def _sums(kept: Iterable[Mapping[str, Any]]) -> tuple[KindSum, ...]:
    return tuple(
        KindSum(
            kind=LineKind(each["kind"]),
            lines=each["lines"],
            amount=Decimal(each["amount"]),
            exact_amount=Decimal(each["exact_amount"]),
        )
        for each in kept
    )


def _rows(table: pa.Table, **read: Any) -> Iterable[dict[str, Any]]:
    """Return rows as dicts; ``read`` says what is made of the cells of some columns, once of equal ones."""
    columns = []
    for name in table.column_names:
        values = table[name].to_pylist()
        if name in read:
            made = (
                read[name] if pa.types.is_list(table.schema.field(name).type) else lru_cache(maxsize=None)(read[name])
            )
            values = list(map(made, values))
        columns.append(values)
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _inputs() -> str:
    return digest_of([program_parts(), {name: schema.names for name, schema in _SCHEMAS.items()}])
