"""``tallybook rates diff`` and ``rates import``: what would change, and files that are only ever appended to."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from workspaces import STANDARD, make_workspace, tallybook

from pipeline.configuration.workspace import open_workspace
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pathlib import Path

CLOSED = STANDARD.replace(
    "effective_from = 2026-01-01T00:00:00Z",
    "effective_from = 2026-01-01T00:00:00Z\neffective_to = 2026-12-01T00:00:00Z",
)
FROM = ("--effective-from", "2026-12-01")


@pytest.fixture
def prices(tmp_path: Path) -> str:
    """LiteLLM's own spelling of numbers: per token, in exponents, to digits a float would lose."""
    path = tmp_path / "prices.json"
    path.write_text(
        """{"sample_spec": {"input_cost_per_token": "a number"},
        "jamba-large-1.7": {"input_cost_per_token": 1.9e-06, "output_cost_per_token": 0.0000075,
          "cache_read_input_token_cost": 1.23456789012e-7, "output_cost_per_reasoning_token": 9e-06,
          "input_cost_per_request": 0.002,
          "input_cost_per_token_above_200k_tokens": 3.8e-06, "output_cost_per_token_batches": 3.75e-06},
        "embedding": {"input_cost_per_token": 1e-07}}""",
        encoding="utf-8",
    )
    return f"litellm:{path}"


def test_a_diff_shows_both_prices_of_what_differs(tmp_path: Path) -> None:
    other = STANDARD.replace('"standard"', '"other"').replace(
        "8.00", '{ mode = "volume", tiers = [ { up_to = 5, rate = 8 }, { rate = 7 } ] }'
    )
    root = make_workspace(tmp_path / "books", cards={"standard": STANDARD, "other": other})
    done = tallybook(root, "rates", "diff", "standard", "other", "--at", "2026-10-10")
    assert done.stdout.splitlines()[1:] == ["jamba-large\t\t0\tcompletion\t8.00\tvolume 8.00 up to 5, 7.00"]
    assert tallybook(root, "rates", "diff", "standard", "standard").stdout.count("\n") == 1
    assert tallybook(root, "rates", "diff", "standard", "nobody").returncode == 2


def test_an_import_shows_what_would_change_and_writes_nothing(tmp_path: Path, prices: str) -> None:
    root = make_workspace(tmp_path / "books", cards={"standard": CLOSED})
    done = tallybook(root, "rates", "import", "--from", prices, "--effective-from", "2026-10-10")
    assert done.returncode == 0
    assert "jamba-large\t\t0\tprompt\t2.00\t1.90" in done.stdout
    assert "write 'effective_to = 2026-10-10T00:00:00Z' into its [[rates]] table" in done.stderr
    assert (root / "rates/standard.toml").read_text(encoding="utf-8") == CLOSED


def test_an_applied_import_appends_exact_rates_and_changes_no_byte_before_them(tmp_path: Path, prices: str) -> None:
    root = make_workspace(tmp_path / "books", cards={"standard": CLOSED})
    done = tallybook(root, "rates", "import", "--from", prices, *FROM, "--apply")
    assert done.returncode == 0, done.stderr
    text = (root / "rates/standard.toml").read_text(encoding="utf-8")
    assert text.startswith(CLOSED)
    rates = {
        (rate.service_tier, rate.above_prompt_tokens): rate.per_million
        for rate in open_workspace(root).rate_cards["standard"].rates[1:]
    }
    base = {
        Meter.PROMPT: Decimal("1.9"),
        Meter.COMPLETION: Decimal("7.5"),
        Meter.PROMPT_CACHED: Decimal("0.123456789012"),
    }
    base |= {Meter.REASONING: Decimal(9), Meter.REQUEST: Decimal(2000)}
    assert rates == {
        ("", 0): base,
        ("", 200_000): base | {Meter.PROMPT: Decimal("3.8")},
        ("batch", 0): base | {Meter.COMPLETION: Decimal("3.75")},
    }
    again = tallybook(root, "rates", "import", "--from", prices, *FROM, "--apply")
    assert (again.returncode, again.stdout.count("\n")) == (0, 1)
    assert (root / "rates/standard.toml").read_text(encoding="utf-8") == text


def test_an_open_rate_that_would_overlap_is_reported_and_nothing_is_written(tmp_path: Path, prices: str) -> None:
    root = make_workspace(tmp_path / "books")
    done = tallybook(root, "rates", "import", "--from", prices, *FROM, "--apply")
    assert done.returncode == 2
    assert (
        "model 'jamba-large' from 2026-01-01T00:00:00Z, which the new one would overlap; "
        "write 'effective_to = 2026-12-01T00:00:00Z'"
    ) in done.stderr
    assert (root / "rates/standard.toml").read_text(encoding="utf-8") == STANDARD


def test_a_new_card_needs_the_models_by_name(tmp_path: Path, prices: str) -> None:
    root = make_workspace(tmp_path / "books")
    done = tallybook(
        root,
        "rates",
        "import",
        "--from",
        prices,
        "--card",
        "new",
        "--model",
        "large=jamba-large-1.7",
        "--model",
        "x=nobody",
        *FROM,
        "--apply",
    )
    assert done.returncode == 0, done.stderr
    assert "'nobody' is not on the price list" in done.stderr
    assert open_workspace(root).rate_cards["new"].models == ("large",)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "litellm:/nowhere.json"), "cannot be read"),
        (("--from", "nobody"), "is not known"),
        (("--from", "genai-prices"), "pip install 'tallybook[import]'"),
    ],
)
def test_a_price_list_that_is_not_there_is_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", None)
    done = tallybook(make_workspace(tmp_path / "books"), "rates", "import", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_applying_needs_an_effective_date(tmp_path: Path, prices: str) -> None:
    assert tallybook(make_workspace(tmp_path / "books"), "rates", "import", "--from", prices, "--apply").returncode == 2


def test_genai_prices_are_read_by_provider_model_tier_and_prompt_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiered = SimpleNamespace(base=Decimal(2), tiers=[SimpleNamespace(start=200_000, price=Decimal(4))])

    def get_prices(at: object, context: dict[str, str] | None = None) -> SimpleNamespace:
        del at
        output = Decimal("4.5") if context == {"processing": "batch"} else Decimal(8)
        return SimpleNamespace(input_mtok=tiered, output_mtok=output, requests_kcount=Decimal(10))

    snapshot = ModuleType("genai_prices.data_snapshot")
    models = [SimpleNamespace(id="large", get_prices=get_prices)]
    snapshot.get_snapshot = lambda: SimpleNamespace(providers=[SimpleNamespace(id="ai21", models=models)])  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "genai_prices", ModuleType("genai_prices"))
    monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", snapshot)
    root = make_workspace(tmp_path / "books")
    done = tallybook(
        root,
        "rates",
        "import",
        "--from",
        "genai-prices",
        "--card",
        "new",
        "--model",
        "large=ai21/large",
        *FROM,
        "--apply",
    )
    assert done.returncode == 0, done.stderr
    found = {
        (rate.service_tier, rate.above_prompt_tokens): dict(rate.per_million)
        for rate in open_workspace(root).rate_cards["new"].rates
    }
    base = {Meter.PROMPT: Decimal(2), Meter.COMPLETION: Decimal(8), Meter.REQUEST: Decimal(10_000)}
    batch = base | {Meter.COMPLETION: Decimal("4.5")}
    assert found == {
        ("", 0): base,
        ("", 200_000): base | {Meter.PROMPT: Decimal(4)},
        ("batch", 0): batch,
        ("batch", 200_000): batch | {Meter.PROMPT: Decimal(4)},
    }


def test_prices_of_the_litellm_file_never_pass_through_a_float(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(
        json.dumps({"m": {"input_cost_per_token": 0, "output_cost_per_token": 1}}).replace(
            "1}", "0.000000123456789012}"
        ),
        encoding="utf-8",
    )
    root = make_workspace(tmp_path / "books")
    done = tallybook(root, "rates", "import", "--from", f"litellm:{path}", "--card", "new", "--model", "m")
    assert "m\t\t0\tcompletion\t\t0.123456789012" in done.stdout
