"""The book in brief: of every invoice what is listed of it, and of drafts what a night warns of.

What a night says of 20,000 invoices fits into a table; the invoices themselves take seconds to make. Owns what is kept
of an invoice beside its head (``heads``). Does not own where it is kept (``kept``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.jobs.state.drafted.heads import BookOfHeads, InvoiceHead, caps_exceeded, head_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.accounts import Accounts
    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing import InvoiceBook
    from pipeline.invoicing.account_drafts import LateUsage, Place
    from pipeline.jobs.state.drafted.families import Family
    from pipeline.jobs.state.drafted.heads import AboveSpendCap


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceInBrief(InvoiceHead):
    """The head of an issued invoice or a draft, and what its files are known by."""

    row: str
    """Its row of ``invoices.csv``."""
    document_sha256: str
    lines_sha256: str
    """Of its files: its document, and its own ``lines.csv``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyInBrief:
    """All of one family (``families``)."""

    digest: str
    invoices: tuple[InvoiceInBrief, ...] = ()
    late: tuple[LateUsage, ...] = ()
    """That of months that stand as they were invoiced included."""
    above_caps: tuple[AboveSpendCap, ...] = ()
    kept: tuple[Place, ...] = ()
    """As ``InvoiceBook.kept``; sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookInBrief:
    """All invoices of a workspace as of now."""

    invoices: tuple[InvoiceInBrief, ...]
    """Issued ones by number, then drafts by period and account, as ``InvoiceBook.of`` returns them."""
    late: tuple[LateUsage, ...]
    """As ``InvoiceBook.late``."""
    standing: tuple[LateUsage, ...]
    """As ``InvoiceBook.standing``."""
    above_caps: tuple[AboveSpendCap, ...]
    kept: frozenset[Place]
    """As ``InvoiceBook.kept``."""

    @property
    def drafts(self) -> tuple[InvoiceInBrief, ...]:
        """Those that are not issued."""
        return tuple(each for each in self.invoices if each.number is None)

    def heads(self) -> BookOfHeads:
        """Return the same invoices as a book of heads."""
        heads = [
            InvoiceHead(**{name: getattr(each, name) for name in InvoiceHead.__dataclass_fields__})
            for each in self.invoices
        ]
        return BookOfHeads(
            issued=tuple(each for each in heads if each.number is not None),
            drafts=tuple(each for each in heads if each.number is None),
            late=self.late,
            standing=self.standing,
            above_caps=self.above_caps,
            kept=self.kept,
        )

    @classmethod
    def of(cls, families: Iterable[FamilyInBrief]) -> BookInBrief:
        """Put together what families have, in the order of a whole book."""
        listed = list(families)
        invoices = [invoice for family in listed for invoice in family.invoices]
        issued = sorted((each for each in invoices if each.number is not None), key=lambda each: each.number or 0)
        drafts: dict[BillingPeriod, list[InvoiceInBrief]] = {}
        for each in invoices:
            if each.number is None:
                drafts.setdefault(each.period, []).append(each)
        for period in sorted(drafts):
            issued += sorted(drafts[period], key=lambda each: each.account_id)
        late = sorted(
            (each for family in listed for each in family.late), key=lambda each: (each.period, each.account_id)
        )
        caps = (each for family in listed for each in family.above_caps)
        places = {each.id: place for place, each in enumerate(issued)}
        return cls(
            invoices=tuple(issued),
            late=tuple(each for each in late if each.draft_id),
            standing=tuple(each for each in late if not each.draft_id),
            above_caps=tuple(sorted(caps, key=lambda each: places[each.draft_id])),
            kept=frozenset(place for family in listed for place in family.kept),
        )


def in_brief(
    book: InvoiceBook,
    accounts: Accounts,
    families: Sequence[Family],
    *,
    rows: Mapping[str, str],
    sha256s: Mapping[str, tuple[str, str]],
) -> list[FamilyInBrief]:
    """Return in brief what a book has of each of these families, which are all that it is of.

    ``rows`` are those of ``invoices.csv`` and ``sha256s`` those of document and lines, by the id of the invoice.
    """
    family_of = {account_id: family.digest for family in families for account_id in family.account_ids}
    invoices: dict[str, list[InvoiceInBrief]] = {family.digest: [] for family in families}
    late: dict[str, list[LateUsage]] = {}
    caps: dict[str, list[AboveSpendCap]] = {}
    for invoice in book.of():
        document_sha256, lines_sha256 = sha256s[invoice.id]
        head = head_of(invoice)
        invoices[family_of[invoice.account_id]].append(
            InvoiceInBrief(
                **{name: getattr(head, name) for name in InvoiceHead.__dataclass_fields__},
                row=rows[invoice.id],
                document_sha256=document_sha256,
                lines_sha256=lines_sha256,
            )
        )
    for usage in (*book.late, *book.standing):
        late.setdefault(family_of[usage.account_id], []).append(usage)
    for above in caps_exceeded(book, accounts):
        caps.setdefault(family_of[above.account_id], []).append(above)
    kept: dict[str, list[Place]] = {}
    for place in sorted(book.kept):
        kept.setdefault(family_of[place[0]], []).append(place)
    return [
        FamilyInBrief(
            digest=family.digest,
            invoices=tuple(invoices[family.digest]),
            late=tuple(late.get(family.digest, ())),
            above_caps=tuple(caps.get(family.digest, ())),
            kept=tuple(kept.get(family.digest, ())),
        )
        for family in families
    ]
