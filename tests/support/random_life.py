"""Lives of random workspaces: accounts that agree on anything, logs that come late, prices and terms that change.

Between nights invoices are issued, early too, voided and credited in part. Whatever happened, what is invoiced and
what is drafted come together to what a workspace drafts that has the same logs and configuration and never issued any.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections import defaultdict
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from whole_configuration import written
from workspaces import append_log, make_workspace, plain, tallybook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

MODELS = ("large", "mini", "huge")
BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = datetime(2026, 7, 20, tzinfo=UTC)
ARRAYS = ("items", "coupons", "credits", "terms")
DERIVED = ("charges", "counted", "exchanges_daily", "suspicious_copies", "told", "usage_daily")
"""Folders of the lake that are made again where they lack."""
_SOURCE = 'timezone = "UTC"\n[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nformat = "request-log"\n'


def account(draw: Random, number: int) -> dict[str, Any]:
    """Return the table of an account: each of its terms is there by chance, and all of them go together."""
    table: dict[str, Any] = {
        "id": f"a{number}",
        "name": f"Account {number}",
        "rate_card": "standard",
        "timezone": draw.choice(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
        "keys": [f"k{number}a", f"k{number}b"],
    }
    likely = draw.random()
    if likely < 0.35:
        table["minimum_commitment"] = draw.choice([50, Decimal("5.55"), 1000])
    elif likely < 0.5:
        table["yearly_commitment"] = draw.choice([500, 5000])
        table["begins_on"] = draw.choice([date(2026, 1, 1), date(2026, 2, 1), date(2025, 4, 1)])
    if likely < 0.5 and draw.random() < 0.5:
        table["overage_percent"] = draw.choice([120, 80, 0, 250])
    by_chance: dict[str, tuple[float, list[Any]]] = {
        "discount_percent": (0.4, [5, Decimal("12.5"), 33, 100]),
        "fee_without_usage": (0.3, [True]),
        "proration": (0.4, ["days"]),
        "included_tokens": (0.3, [{"prompt": 1000}, {"prompt": 700_000, "mini": 300_000}]),
        "billing_interval": (0.35, ["quarter", "year"]),
        "tax": (0.5, [{"rate": Decimal("19.0"), "label": "VAT"}]),
        "ends_on": (0.2, [date(2026, 4, 1), date(2026, 5, 11), date(2026, 6, 11)]),
    }
    table |= {name: draw.choice(values) for name, (chance, values) in by_chance.items() if draw.random() < chance}
    if "begins_on" not in table:
        table |= {"begins_on": date(2026, draw.randrange(1, 4), 10)} if draw.random() < 0.3 else {}
        table |= {"billing_day": draw.choice([5, 15, 28])} if draw.random() < 0.25 else {}
    if "billing_interval" in table and draw.random() < 0.4:
        table["billing_start_month"] = draw.choice([2, 3, 6])
    if draw.random() < 0.3:
        table |= seats(draw)
    table["items"] = [item(draw, each) for each in range(draw.choice([0, 0, 1, 2]))]
    table["coupons"] = [coupon(draw, each) for each in range(draw.choice([0, 0, 1, 2]))]
    table["credits"] = [grant(draw, each) for each in range(draw.choice([0, 0, 1, 2]))]
    later: dict[str, Any] = {}
    if draw.random() < 0.3:
        later |= {"discount_percent": draw.choice([0, 20, 50])}
    if draw.random() < 0.3:
        later |= seats(draw)
    if draw.random() < 0.2 and "yearly_commitment" not in table:
        later |= {"minimum_commitment": draw.choice([0, 75])}
    table["terms"] = [{"from": date(2026, draw.randrange(2, 6), draw.choice([1, 9, 17])), **later}] if later else []
    return table


def seats(draw: Random) -> dict[str, Any]:
    return {"seats": draw.choice([0, 1, 7]), "seat_price": draw.choice([Decimal("20.00"), Decimal("3.33")])}


def item(draw: Random, number: int) -> dict[str, Any]:
    amount = draw.choice([Decimal("5.00"), Decimal("-2.50"), Decimal("100.00")])
    on = date(2026, draw.randrange(1, 6), draw.choice([1, 15, 28]))
    return {"id": f"item-{number}", "date": on, "description": "Item", "amount": amount}


def coupon(draw: Random, number: int) -> dict[str, Any]:
    table: dict[str, Any] = {"id": f"coupon-{number}", "from": date(2026, draw.randrange(1, 5), draw.choice([1, 15]))}
    table |= {"months": draw.choice([1, 3])} if draw.random() < 0.7 else {}
    is_share = draw.random() < 0.5
    return table | ({"percent": draw.choice([20, Decimal("33.33"), 100])} if is_share else {"amount": Decimal("5.00")})


def grant(draw: Random, number: int) -> dict[str, Any]:
    table: dict[str, Any] = {
        "id": f"grant-{number}",
        "amount": draw.choice([Decimal("3.33"), Decimal("10.00"), Decimal("500.00")]),
        "granted_on": date(2026, draw.randrange(1, 4), draw.choice([1, 15])),
        "priority": draw.choice([10, 50]),
    }
    if draw.random() < 0.5:
        table["recurs"] = "month"
        if draw.random() < 0.5:
            table["rollover_months"] = draw.choice([1, 2])
            table |= draw.choice([{}, {"rollover_percent": 50}, {"rollover_max": Decimal("2.00")}])
    table |= {"models": [draw.choice(MODELS)]} if draw.random() < 0.4 else {}
    return table | ({"expires_on": date(2026, draw.randrange(4, 7), 15)} if draw.random() < 0.5 else {})


def price(draw: Random) -> str:
    shape = draw.random()
    if shape < 0.45:
        return draw.choice(["2.00", "0.125", "8", "0", "3.0375"])
    if shape < 0.6:
        return f'{{ mode = "package", tokens = {draw.choice([100_000, 3])}, price = {draw.choice(["0.03", "0.75"])} }}'
    bounds = sorted(draw.sample(range(1, 3_000_000), draw.choice([1, 2])))
    flat = draw.choice(["", ", flat = 5"])
    steps = [f"{{ up_to = {bound}, rate = {draw.choice(['4', '1.75', '0'])}{flat} }}" for bound in bounds]
    return f'{{ mode = "{draw.choice(["graduated", "volume"])}", tiers = [ {", ".join(steps)}, {{ rate = 2.5 }} ] }}'


class RandomLife:
    """A workspace that grows older step by step. ``steps`` says what became of it, for whoever looks at a failure."""

    def __init__(self, root: Path, draw: Random) -> None:
        self.root, self.draw = root, draw
        self.now = BEGINS + timedelta(days=5)
        self.steps: list[str] = []
        self._fee = draw.choice([0, 10, Decimal("99.99")])
        self._prices = {model: [("", price(draw), price(draw))] for model in MODELS}
        self._accounts = [account(draw, number) for number in range(draw.choice([2, 3, 4]))]
        self._responses = 0
        if len(self._accounts) > 2 and draw.random() < 0.6:
            self._put_on_one_invoice(*self._accounts[:2])
        make_workspace(root, config=_SOURCE)
        self._write()
        self._log(BEGINS, 5)

    def _put_on_one_invoice(self, parent: dict[str, Any], child: dict[str, Any]) -> None:
        """Let two accounts agree on what those on one invoice have in common."""
        parent.pop("billing_day", None)
        child.pop("billing_day", None)
        for name in ("timezone", "billing_interval", "billing_start_month", "tax"):
            child.pop(name, None)
            child |= {name: parent[name]} if name in parent else {}
        if "billing_interval" in parent or self.draw.random() < 0.5:
            child["invoiced_to"] = parent["id"]
            child.pop("tax", None)  # no invoice of its own would have it
        else:
            child["invoiced_to"] = [{"account": parent["id"], "from": date(2026, 2, 1), "to": date(2026, 4, 1)}]

    def _write(self) -> None:
        accounts = [
            "[[accounts]]\n" + "".join(f"{name} = {written(value)}\n" for name, value in table.items() if value != [])
            for table in self._accounts
        ]
        (self.root / "accounts.toml").write_text("".join(accounts), encoding="utf-8")
        card = f'id = "standard"\ncurrency = "USD"\nmonthly_fee = {self._fee}\n'
        for model, windows in self._prices.items():
            ends = [f"effective_to = {begins}\n" for begins, *_ in windows[1:]]
            for (begins, prompt, completion), end in zip(windows, [*ends, ""], strict=True):
                start = f"effective_from = {begins}\n" if begins else ""
                card += f'[[rates]]\nmodel = "{model}"\n{start}{end}prompt = {prompt}\ncompletion = {completion}\n'
        (self.root / "rates" / "standard.toml").write_text(card, encoding="utf-8")

    def _log(self, since: datetime, responses: int) -> None:
        """Log responses of any accounts at any instants from ``since`` to now; some of them twice."""
        lines = []
        for _ in range(responses):
            self._responses += 1
            at = since + timedelta(seconds=self.draw.randrange(int((self.now - since).total_seconds())))
            line = plain(
                f"{at:%Y-%m-%dT%H:%M:%SZ}",
                id=f"response-{self._responses}",
                prompt=self.draw.choice([0, 1, 999, self.draw.randrange(2_000_000)]),
                completion=self.draw.randrange(300_000),
                key=self.draw.choice(self.draw.choice(self._accounts)["keys"]),
                model=self.draw.choice(MODELS),
            )
            lines += [line] * self.draw.choice([1] * 19 + [2])
        append_log(self.root, self.draw.choice(["a.jsonl", "b.jsonl"]), *lines)

    def run(self, *arguments: str, codes: Sequence[int] = (0,)) -> str:
        """Run a command, which must end with one of these exit codes, and return what it prints."""
        done = tallybook(self.root, *arguments)
        assert done.returncode in codes, (arguments, done.returncode, done.stderr, self.steps)
        self.steps.append(f"{self.now:%Y-%m-%dT%H:%M:%SZ} {' '.join(arguments)} -> {done.returncode}")
        return done.stdout

    @property
    def _as_of(self) -> tuple[str, str]:
        return "--as-of", f"{self.now:%Y-%m-%dT%H:%M:%SZ}"

    def grow_older(self) -> None:
        """Let some days pass, a night, and one more thing."""
        since = self.now
        self.now += timedelta(days=self.draw.choice([1, 4, 9, 16]), hours=self.draw.randrange(24))
        if self.draw.random() < 0.8:
            self._log(since, self.draw.choice([1, 4, 8]))
        self.night()
        thing = self.draw.choices(
            [self._log_late, self._issue, self._void, self._credit, self._reprice, self._agree], [25, 35, 12, 8, 8, 12]
        )
        thing[0]()

    def night(self) -> None:
        self.run("nightly", *self._as_of)

    def _log_late(self) -> None:
        self._log(BEGINS, self.draw.choice([1, 3]))

    def _issue(self) -> None:
        """Issue some of what is drafted, of which some has not ended yet, and is refused or issued early."""
        for draft in self.documents("draft"):
            if self.draw.random() < 0.7:
                early = ["--early"] if self.draw.random() < 0.1 else []
                alone = ["--account", draft["account_id"], "--period", draft["period"]]
                self.run("invoice", "issue", *alone, *early, *self._as_of, codes=(0, 4))

    def _void(self) -> None:
        if issued := self.documents("issued"):
            self.run("invoice", "void", self.draw.choice(issued)["invoice_id"], *self._as_of)

    def _credit(self) -> None:
        """Credit what is left of a line out of goodwill: nothing is where it has none, or is of a kind that has not."""
        if issued := self.documents("issued"):
            invoice = self.draw.choice(issued)
            line = str(self.draw.randrange(1, invoice["lines"] + 1))
            why = ("--reason", "goodwill")
            self.run("invoice", "credit", invoice["invoice_id"], "--line", line, *why, *self._as_of, codes=(0, 2, 4))

    def _reprice(self) -> None:
        """Let a model have other prices from some day on, which may be long past."""
        windows = self._prices[self.draw.choice(MODELS)]
        begins = f"2026-{self.draw.randrange(1, 6):02}-{self.draw.choice(['01', '13'])}T12:00:00Z"
        other = (max(begins, windows[-1][0]), price(self.draw), price(self.draw))
        windows[len(windows) - (begins <= windows[-1][0]) :] = [other]
        self._write()

    def _agree(self) -> None:
        """Agree something else with an account, at all times; what is refused is taken back."""
        table = self.draw.choice(self._accounts)
        before = deepcopy(table)
        match self.draw.choice(["items", "coupons", "discount", "seats", "commitment"]):
            case "discount":
                table["discount_percent"] = self.draw.choice([0, 10, 40])
            case "seats":
                table |= seats(self.draw)
            case "commitment":
                table |= (
                    {"minimum_commitment": self.draw.choice([10, 77, 300])} if "minimum_commitment" in table else {}
                )
            case name if table[name] and self.draw.random() < 0.5:
                table[name].pop()
            case name:
                make = {"items": item, "coupons": coupon}[name]
                table[name].append(make(self.draw, self.draw.randrange(10, 100)))
        self._write()
        self.run("nightly", *self._as_of, codes=(0, 2))
        if self.steps[-1].endswith("2"):
            table.clear()
            table |= before
            self._write()

    def documents(self, status: str = "") -> list[dict[str, Any]]:
        """Return the documents of a status that nothing took back, or all there are."""
        found: list[dict[str, Any]] = json.loads(tallybook(self.root, "invoice", "list", "--json").stdout)
        return [each for each in found if each["status"] == status and not each["credited_by"]] if status else found

    def copy(self, to: Path, *, is_issued: bool) -> Path:
        """Copy the workspace without what can be made again; or logs and configuration alone."""
        ignored = ("draft-*", "*.csv", *DERIVED) if is_issued else ("lake", "invoices")
        return shutil.copytree(self.root, to, ignore=shutil.ignore_patterns(*ignored))

    def night_of(self, workspace: Path) -> dict[str, bytes]:
        """Let the same night pass in another workspace, and return the files of its invoices."""
        done = tallybook(workspace, "nightly", *self._as_of)
        assert done.returncode == 0, (done.stderr, self.steps)
        return files_of_invoices(workspace)


def files_of_invoices(workspace: Path) -> dict[str, bytes]:
    folder = workspace / "invoices"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def owed(files: dict[str, bytes]) -> dict[str, Decimal]:
    """Return what each account owes by all documents, before credits, tax and what was credited out of goodwill.

    Who takes back an invoice that was credited in part takes back what was left of it: then that part counts as well.
    """
    tables = [content for name, content in files.items() if name.count("/") == 1 and name.endswith("/lines.csv")]
    lines = [line for table in tables for line in csv.DictReader(table.decode("utf-8-sig").splitlines())]
    taken_back = {line["credits_invoice"] for line in lines if not line["credit_reason"]}
    amounts = defaultdict[str, Decimal](Decimal)
    for line in lines:
        is_goodwill = line["credit_reason"] and line["credits_invoice"] not in taken_back
        if line["kind"] not in {"credit", "tax"} and not is_goodwill:
            amounts[line["usage_account_id"]] += Decimal(line["amount"])
    return {account_id: amount for account_id, amount in sorted(amounts.items()) if amount}
