"""The usage lines of two rate cards beside each other, place by place.

Owns the comparison. Does not own the lines (``usage_line_columns``).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import exact_sum, minor_unit_digits
from pipeline.base.periods import BillingPeriod
from pipeline.jobs.answers.usage_line_columns import PLACE, PRINTED
from pipeline.tables.row_codes import grouped, row_codes, whole

if TYPE_CHECKING:
    from collections.abc import Iterator


class RepricedLine(NamedTuple):
    """The usage of one key, model, tier and meter in one account's month, under both cards.

    A tuple: there are as many as lines, and nothing to validate.
    """

    period: BillingPeriod
    account_id: str
    invoice_id: str
    """What it was compared with: an issued invoice as issued, else the draft as of now; empty where there is neither.
    """
    api_key_id: str
    model: str
    service_tier: str
    meter: str
    old_quantity: int
    new_quantity: int
    """Differs from the old one for late usage, and for usage that one of the cards has no rate for."""
    old_rates: tuple[str, ...]
    """Per million, in the order of the lines; several where the price changed within the month."""
    new_rates: tuple[str, ...]
    currency: str
    old_amount: Decimal
    new_amount: Decimal

    @property
    def difference(self) -> Decimal:
        """New amount minus old amount: what the customer would have paid more."""
        return exact_sum([self.new_amount, -self.old_amount])


def repriced_lines(old: pa.Table, new: pa.Table, card_id: str) -> Iterator[RepricedLine]:
    """Yield a line for each place that either of two ``LINES`` tables has, in order.

    ``card_id`` is the card of the new ones.

    Raises ``ConfigurationError`` for a place whose currencies differ.
    """
    both = pa.concat_tables([old, new]).combine_chunks()
    is_new = pa.concat_arrays([pa.repeat(False, old.num_rows), pa.repeat(True, new.num_rows)])  # noqa: FBT003  # values of a column
    places = _side_by_side(both, is_new)
    _refuse_two_currencies(places, card_id)
    periods = {text: BillingPeriod.parse(text) for text in places["billing_period"].unique().to_pylist()}
    fields: dict[str, list[Any]] = {name: places[name].to_pylist() for name in (*PLACE, "invoice_id", "currency")}
    fields["period"] = [periods[text] for text in fields.pop("billing_period")]
    for side in ("old", "new"):
        fields[f"{side}_quantity"] = list(map(int, places[f"{side}_quantity"].cast(pa.string()).to_pylist()))
        fields[f"{side}_rates"] = _rates(places[f"{side}_rates"])
        fields[f"{side}_amount"] = _amounts(places[f"{side}_amount"], places["currency"])
    return map(RepricedLine._make, zip(*(fields[name] for name in RepricedLine._fields), strict=True))


def _side_by_side(both: pa.Table, is_new: pa.Array) -> pa.Table:
    """Return a row for each place, in order.

    Sums and rates of both sides, and the invoice of the old one (of old lines, which come first, if any).
    """
    currencies = whole(both["currency"]).dictionary_encode()
    columns = {"currency_number": currencies.indices}
    for name, nothing in (
        ("quantity", pa.scalar(0, both["quantity"].type)),
        ("amount", pa.scalar(0, PRINTED)),
        ("rate", pa.scalar("")),
    ):
        columns[f"old_{name}"] = pc.if_else(is_new, nothing, both[name])
        columns[f"new_{name}"] = pc.if_else(is_new, both[name], nothing)
    sums = [(f"{side}_{name}", "sum") for side in ("old", "new") for name in ("quantity", "amount")]
    lists = [("old_rate", "list"), ("new_rate", "list"), ("currency_number", "min"), ("currency_number", "max")]
    found = grouped(pa.table(columns), row_codes([both[name] for name in PLACE]), [*sums, *lists])
    first = both.take(found["first_row"])
    invoice_id = pc.if_else(is_new.take(whole(found["first_row"])), "", first["invoice_id"])
    places = first.select([*PLACE, "currency"]).append_column("invoice_id", invoice_id)
    for side in ("old", "new"):
        places = places.append_column(f"{side}_quantity", found[f"{side}_quantity_sum"]).append_column(
            f"{side}_amount", found[f"{side}_amount_sum"]
        )
        places = places.append_column(f"{side}_rates", pc.binary_join(found[f"{side}_rate_list"], " "))
    for name, numbers in (("one_currency", "currency_number_min"), ("other_currency", "currency_number_max")):
        places = places.append_column(name, currencies.dictionary.take(whole(found[numbers])))
    return places.take(pc.sort_indices(places, sort_keys=[(name, "ascending") for name in PLACE]))


def _refuse_two_currencies(places: pa.Table, card_id: str) -> None:
    refused = places.filter(pc.not_equal(places["one_currency"], places["other_currency"])).slice(0, 1).to_pylist()
    for place in refused:
        other = place["one_currency"] if place["other_currency"] == place["currency"] else place["other_currency"]
        message = (
            f"rate card {card_id!r} is in {other}, {place['invoice_id']} in {place['currency']}; "
            "a difference needs one currency: an account that says its currency in accounts.toml is compared in it, by "
            "the rates of exchange/"
        )
        raise ConfigurationError(message)


def _rates(column: pa.ChunkedArray) -> list[tuple[str, ...]]:
    """Split each text of rates, and each different text once."""
    encoded = whole(column).dictionary_encode()
    tuples = [tuple(text.split()) for text in encoded.dictionary.to_pylist()]
    return [tuples[number] for number in encoded.indices.to_pylist()]


def _amounts(column: pa.ChunkedArray, currencies: pa.ChunkedArray) -> list[Decimal]:
    """Write each amount with the decimal places of its currency; the sum of none is written like the others, 0.00."""
    found: dict[int, Decimal] = {}
    for currency in currencies.unique().to_pylist():
        rows = whole(pc.indices_nonzero(pc.equal(currencies, currency)))
        printed = column.take(rows).cast(pa.decimal128(38, minor_unit_digits(currency)))
        found.update(
            zip(rows.to_pylist(), map(Decimal, printed.cast(pa.string()).to_pylist()), strict=True)
        )  # as exact, and quicker than of decimals
    return [found[row] for row in range(len(column))]
