"""The programs of docs/hand-over.md, run as they stand there against what stands in for Stripe and Lago."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from urllib.request import Request

PAGE = Path(__file__).parents[2] / "docs/hand-over.md"
STRIPE, LAGO = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
KEYS = ["tallybook:INV-000001:1", "tallybook:INV-000001:2"]


class CutOffError(Exception):
    """What a program is ended by."""


def run(program: str) -> None:
    exec(compile(program, "docs/hand-over.md", "exec"), {})  # noqa: S102 (what our own page says)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STRIPE_API_KEY", "a key")
    monkeypatch.setenv("LAGO_API_KEY", "a key")
    lines = "".join(json.dumps({"idempotency_key": key, "invoice": {"n": key}}) + "\n" for key in KEYS)
    for name in ("items.jsonl", "invoices.jsonl"):
        Path(name).write_text(lines, encoding="utf-8")


def test_what_stripe_has_is_not_sent_again_and_a_cut_off_run_repeats_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def create(**item: Any) -> None:
        sent.append(item["idempotency_key"])
        if len(sent) == 2:
            raise CutOffError

    stripe = ModuleType("stripe")
    stripe.__dict__["InvoiceItem"] = SimpleNamespace(create=create)
    monkeypatch.setitem(sys.modules, "stripe", stripe)
    with pytest.raises(CutOffError):
        run(STRIPE)
    run(STRIPE)
    run(STRIPE)
    assert sent == [KEYS[0], KEYS[1], KEYS[1]]


def test_what_lago_did_not_answer_stops_the_next_run_until_somebody_has_looked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[Any] = []

    def urlopen(request: Request) -> io.BytesIO:
        assert isinstance(request.data, bytes)
        assert request.full_url == "https://api.getlago.com/api/v1/invoices"
        sent.append(json.loads(request.data))
        if len(sent) == 2:
            raise CutOffError
        return io.BytesIO()

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    with pytest.raises(CutOffError):
        run(LAGO)
    with pytest.raises(SystemExit, match=f"look in Lago for {KEYS[1]}: add it to handed-over-to-lago.txt"):
        run(LAGO)
    Path("handed-over-to-lago.txt").write_text("\n".join(KEYS) + "\n", encoding="utf-8")
    run(LAGO)
    assert sent == [{"invoice": {"n": key}} for key in KEYS]
