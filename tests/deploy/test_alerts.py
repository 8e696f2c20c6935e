"""Rules for Prometheus: over metrics and codes that there are, and saying what their tests say."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from deploying import DEPLOY, ROOT

from pipeline.base.warning_codes import LOSING

if TYPE_CHECKING:
    from pathlib import Path

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed; it comes with tallybook[test]")


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((DEPLOY / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_every_rule_is_over_metrics_that_the_runbook_names(rules: list[dict[str, Any]]) -> None:
    page = (ROOT / "docs/runbook.md").read_text(encoding="utf-8").partition("### Metrics")[2].partition("\n### ")[0]
    labels = dict(re.findall(r"^\| `(tallybook_\w+)` \| ([^|]*)\|", page, re.MULTILINE))
    for rule in rules:
        named = re.findall(r"\b(tallybook_\w+)(?:\{([^}]*)\})?", rule["expr"])
        assert named, rule
        for metric, selected in named:
            assert metric in labels
            assert set(re.findall(r"(\w+)=", selected)) <= set(re.findall(r"`(\w+)`", labels[metric]))


def test_what_loses_money_is_what_strict_fails_for(rules: list[dict[str, Any]]) -> None:
    (expression,) = (rule["expr"] for rule in rules if rule["alert"] == "TallybookLosesMoney")
    assert re.findall(r'code=~"([^"]*)"', expression) == ["|".join(LOSING)]


def test_every_rule_says_what_is_wrong_and_what_to_do_and_every_rule_is_tested(rules: list[dict[str, Any]]) -> None:
    assert all(set(rule["annotations"]) == {"summary", "what_to_do"} for rule in rules)
    assert {rule["labels"]["severity"] for rule in rules} == {"page", "ticket"}
    tests = yaml.safe_load((DEPLOY / "alerts_test.yaml").read_text(encoding="utf-8"))["tests"]
    told = {each["alertname"] for test in tests for each in test["alert_rule_test"] if each.get("exp_alerts")}
    assert told == {rule["alert"] for rule in rules}


def test_prometheus_takes_the_rules_and_they_say_what_their_tests_say(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on this machine")
    for name in ("alerts.yaml", "alerts_test.yaml"):
        shutil.copy(DEPLOY / name, tmp_path)
    for words in (("check", "rules", "alerts.yaml"), ("test", "rules", "alerts_test.yaml")):
        done = subprocess.run([promtool, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, "FAILED" in done.stdout) == (0, False), done.stdout + done.stderr
