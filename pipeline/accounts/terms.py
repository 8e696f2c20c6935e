"""Terms of an account, in force from a day on: rate card, discount, minimum commitment, included tokens, spend cap.

Owns what terms may say and which are in force when. Does not own the lines they make (``pipeline.invoicing``).

Terms begin at a midnight of the account's own time zone, so that the usage date alone decides which rate card and
discount hold. Commitment, included tokens and spend cap are of a whole period: those in force on its first day hold for
all of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.accounts.billing import percent
from pipeline.base.errors import AccountsError
from pipeline.usage import INT64_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

DISCOUNT_FRACTION_DIGITS_MAX = 2
_METER_OR_MODEL = re.compile(r"[A-Za-z0-9._:/@+%-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was agreed with an account. Construction raises ``ConfigurationError`` for what cannot be agreed."""

    from_date: date | None
    """First usage date on which they hold; None = since ever."""
    rate_card: str
    """The id of a rate card."""
    discount_percent: Decimal = Decimal(0)
    """Off the rate card's rates: 0 to 100, at most 2 decimal places."""
    minimum_commitment: Decimal = Decimal(0)
    """What usage and fees of a period are raised to, in the account's currency; 0 = nothing."""
    included_tokens: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Meter or model → tokens of each period that cost nothing."""
    spend_cap: Decimal | None = None
    """Usage and fees of a period above this amount make a warning, and nothing else."""

    def __post_init__(self) -> None:
        """Refuse what cannot be agreed."""
        percent("discount_percent", self.discount_percent, fraction_digits_max=DISCOUNT_FRACTION_DIGITS_MAX)
        for what, amount in (("minimum_commitment", self.minimum_commitment), ("spend_cap", self.spend_cap)):
            if amount is not None and not amount >= 0:
                message = f"{what} is {amount}; write an amount from 0"
                raise AccountsError(message)
        for name, tokens in self.included_tokens.items():
            if not _METER_OR_MODEL.fullmatch(name) or type(tokens) is not int or not 0 <= tokens <= INT64_MAX:
                message = (
                    f"included_tokens of {name!r} is {tokens!r}; write a meter or a model, and how many tokens of it "
                    "are included"
                )
                raise AccountsError(message)
        object.__setattr__(self, "included_tokens", MappingProxyType(dict(self.included_tokens)))


def terms_on(terms: Sequence[Terms], usage_date: date) -> Terms:
    """Return the terms in force on a usage date.

    The first of ``terms`` hold since ever, the others follow in the order of time.
    """
    in_force = terms[0]
    for later in terms[1:]:
        if later.from_date is not None and later.from_date <= usage_date:
            in_force = later
    return in_force


def refuse_disorder(account_id: str, terms: Sequence[Terms]) -> None:
    """Raise ``AccountsError`` where terms do not follow each other in time: a day may have one set of terms only."""
    if terms[0].from_date is not None or any(each.from_date is None for each in terms[1:]):
        message = f"terms of account {account_id!r}: only the first hold since ever, all others need a date"
        raise AccountsError(message)
    for earlier, later in pairwise(terms[1:]):
        if earlier.from_date is not None and later.from_date is not None and earlier.from_date >= later.from_date:
            message = (
                f"terms of account {account_id!r} from {later.from_date} stand after those from {earlier.from_date}; "
                "write them in the order of time, one a day"
            )
            raise AccountsError(message)
