"""Configuration files in which every table stands that there is, and values as TOML."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

SETTINGS = """
timezone = "UTC"
currency = "USD"
rounding = "half-up"
[[sources]]
name = "gateway"
paths = ["logs/*"]
format = "request-log"
time_zone = "UTC"
identity = "both"
dialect = "openai-chat"
line_in = "message"
ids_may_look_like_keys = false
link_roots = ["/var/log/pods"]
gone = ["logs/a"]
fields = { ts = "time", status = { from = "state", ok = 200 }, method = { value = "POST" } }
[policy]
unmeasured = "list"
[invoices]
prefix = "INV-"
language = "en"
note = "Thank you."
[limits]
nesting = 64
[seller]
name = "Tally"
street = "Weg 2"
postcode = "10115"
city = "Berlin"
country = "DE"
tax_id = "DE987654321"
email = "a@example.org"
bank = { iban = "DE02120300000000202051", bic = "BYLADEM1001" }
[exports]
csv_bom = false
[documents]
fonts = "fonts"
"""
ACCOUNTS = """
[[accounts]]
id = "acme"
name = "Acme"
timezone = "Europe/Berlin"
rate_card = "standard"
keys = ["key_1", { id = "key_2", from = 2026-10-01, to = 2026-11-01 }]
begins_on = 2026-09-01
discount_percent = 5
minimum_commitment = 500.00
overage_percent = 120
included_tokens = { prompt = 1000, "jamba-large" = 3000 }
spend_cap = 2000.00
seats = 12
seat_price = 20.00
fee_without_usage = true
proration = "days"
billing_interval = "quarter"
billing_start_month = 2
tax = { rate = 19.0, label = "VAT" }
purchase_order = "PO-4711"
buyer_reference = "04011000"
payment_terms_days = 30
payment_terms = "30 days net"
language = "de"
note = "Thank you."
stripe_customer = "cus_1"
lago_customer = "acme"
terms = [{ from = 2026-11-01, rate_card = "standard", discount_percent = 12.5 }]
items = [{ id = "onboarding", date = 2026-10-05, description = "Onboarding", amount = 5.00 }]
coupons = [{ id = "launch", from = 2026-10-01, months = 3, percent = 20 }]
[[accounts.credits]]
id = "welcome"
amount = 100.00
granted_on = 2026-09-01
expires_on = 2027-01-01
models = ["jamba-large"]
[accounts.buyer]
name = "Acme Ltd"
street = "Birkenweg 1"
postcode = "10115"
city = "Berlin"
country = "DE"
electronic_address = "DE123456789"
electronic_address_scheme = "9930"
[[accounts]]
id = "bolt"
name = "Bolt"
keys = ["key_3"]
currency = "USD"
invoiced_to = [{ account = "acme", from = 2026-11-01, to = 2027-02-01 }]
timezone = "Europe/Berlin"
billing_interval = "quarter"
billing_start_month = 2
tax = { rate = 19.0, label = "VAT" }
[keys.key_1]
team = "search"
"""
CARD = """
id = "standard"
currency = "USD"
monthly_fee = 99.00
[aliases]
"jamba-large-1.7" = "jamba-large"
[[rates]]
model = "jamba-large"
effective_from = 2026-01-01T00:00:00Z
prompt = 2.00
completion = { mode = "graduated", tiers = [ { up_to = 1000, rate = 2.00 }, { rate = 1.50 } ], group = "all" }
[[rates]]
model = "jamba-large"
service_tier = "batch"
effective_from = 2026-01-01T00:00:00Z
prompt = 2.00
completion = 8.00
"""
FILES = {"tallybook.toml": SETTINGS, "accounts.toml": ACCOUNTS, "rates/standard.toml": CARD}


def written(value: Any) -> str:
    match value:
        case bool() | int() | Decimal():
            return str(value).lower()
        case date():
            return value.isoformat()
        case str():
            return json.dumps(value)
        case list():
            return f"[{', '.join(map(written, value))}]"
        case _:
            return f"{{ {', '.join(f'{json.dumps(key)} = {written(inner)}' for key, inner in value.items())} }}"


def as_toml(values: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(key)} = {written(value)}\n" for key, value in values.items())
