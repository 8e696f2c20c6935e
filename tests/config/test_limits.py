"""Numbers and texts of the configuration that are bounded: the last that is taken, and the next, which is refused."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from whole_configuration import FILES, as_toml
from workspaces import make_workspace

from pipeline.base.errors import ConfigurationError
from pipeline.configuration.workspace import open_workspace

if TYPE_CHECKING:
    from pathlib import Path

A, CARD = "accounts.toml accounts 0", "rates/standard.toml rates 0"
LIMITS: list[tuple[str, Any, Any]] = [
    (f"{A} payment_terms_days", 3650, 3651),
    (f"{A} payment_terms_days", 0, -1),
    (f"{A} billing_day", 28, 29),
    (f"{A} billing_day", 1, 0),
    (f"{A} seats", 10**9, 10**9 + 1),
    (f"{A} seats", 0, -1),
    (f"{A} billing_start_month", 12, 13),
    (f"{A} billing_start_month", 1, 0),
    (f"{A} discount_percent", Decimal(100), Decimal("100.01")),
    (f"{A} discount_percent", Decimal(0), Decimal("-0.01")),
    (f"{A} discount_percent", Decimal("0.01"), Decimal("0.001")),
    (f"{A} overage_percent", Decimal(1000), Decimal("1000.01")),
    (f"{A} overage_percent", Decimal(0), Decimal("-0.01")),
    (f"{A} included_tokens prompt", 2**63 - 1, 2**63),
    (f"{A} included_tokens prompt", 0, -1),
    (f"{A} minimum_commitment", Decimal("999999999999999.99"), Decimal(10**15)),
    (f"{A} minimum_commitment", Decimal("0.01"), Decimal("0.001")),
    (f"{A} tax rate", Decimal(100), Decimal("100.01")),
    (f"{A} tax rate", Decimal("1.0001"), Decimal("1.00001")),
    (f"{A} name", "n" * 200, "n" * 201),
    (f"{A} note", "n" * 500, "n" * 501),
    (f"{A} coupons 0 months", 1200, 1201),
    (f"{A} coupons 0 months", 1, 0),
    (f"{A} coupons 0 percent", Decimal(100), Decimal("100.01")),
    (f"{A} coupons 0 percent", Decimal("0.01"), Decimal("0.001")),
    (f"{A} credits 0 amount", Decimal("0.01"), Decimal("0.00")),
    (f"{A} credits 0 priority", 100, 101),
    (f"{CARD} prompt", Decimal("0.000000000001"), Decimal("0.0000000000001")),
    (f"{CARD} prompt", Decimal(0), Decimal("-0.01")),
    (f"{CARD} prompt", Decimal("999999999.999999999999"), Decimal(10**9)),
    (f"{CARD} completion tiers 0 up_to", 2**62, 2**62 + 1),
    (f"{CARD} completion tiers 0 up_to", 1, 0),
    ("tallybook.toml limits nesting", 8, 7),
    ("tallybook.toml limits nesting", 200, 201),
    ("tallybook.toml limits line_bytes", 1024, 1023),
    ("tallybook.toml limits line_bytes", 1024**3, 1024**3 + 1),
]


def put(value: Any, path: list[str], new: Any) -> Any:
    if not path:
        return new
    if isinstance(value, list):
        at = int(path[0])
        return [*value[:at], put(value[at], path[1:], new), *value[at + 1 :]]
    return {**value, path[0]: put(value.get(path[0]), path[1:], new)}


@pytest.mark.parametrize(("place", "last", "beyond"), LIMITS)
def test_the_last_value_is_taken_and_the_next_is_refused_by_its_name(
    place: str, last: Any, beyond: Any, tmp_path: Path
) -> None:
    root = make_workspace(tmp_path / "books")
    for file, text in FILES.items():
        (root / file).write_text(text, encoding="utf-8")
    file, *path = place.split()
    values = tomllib.loads(FILES[file], parse_float=Decimal)
    if file == "accounts.toml":
        values["accounts"] = values["accounts"][:1]  # the other one is billed with it, and like it
    (root / file).write_text(as_toml(put(values, path, last)), encoding="utf-8")
    open_workspace(root)
    (root / file).write_text(as_toml(put(values, path, beyond)), encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        open_workspace(root)
    assert str(refused.value).startswith(file)
    assert path[-1] in str(refused.value)
