"""Numbers in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).

Owns the format. Does not own what is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """One metric: its samples are labels by name, and a number in plain decimal notation."""

    name: str
    says: str
    samples: tuple[tuple[dict[str, str], str], ...]


def one(name: str, says: str, value: object) -> Gauge:
    """Return a gauge of one number, without labels."""
    return Gauge(name=name, says=says, samples=(({}, str(value)),))


def rendered(gauge: Gauge) -> str:
    """Return a gauge with its help, its type and its samples, a line each."""
    name = f"tallybook_{gauge.name}"
    samples = "".join(f"{name}{_labels(labels)} {value}\n" for labels, value in gauge.samples)
    return f"# HELP {name} {gauge.says}\n# TYPE {name} gauge\n{samples}"


def _labels(labels: Mapping[str, str]) -> str:
    listed = ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in labels.items())
    return f"{{{listed}}}" if listed else ""
