"""Our billed tokens beside a provider's own count of them, per key, model and UTC day.

A provider's export counts days in UTC, so ours are counted in UTC here too, whatever the account's time zone is on
invoices.

Owns the comparison and its tolerance. Does not own what is billed (``sql/marts/usage_by_utc_day.sql``) nor how exports
are read (``pipeline.jobs.answers.provider_usage``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.jobs.answers.provider_usage import Tokens
from pipeline.jobs.state.engines import engine_of
from pipeline.jobs.state.forgotten.kept import kept_counts
from pipeline.jobs.state.held import in_force
from pipeline.lake.checked_files import verified_files
from pipeline.lake.commits import read_log
from pipeline.warehouse.grains.utc_days import usage_by_utc_day
from pipeline.warehouse.reference import reference_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    import pyarrow as pa

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.provider_usage import Place, ProviderUsage


class Agreement(StrEnum):
    """How the two counts of one key, model and day stand to each other."""

    MATCHED = "matched"
    """Equal, or within the tolerance."""
    DIFFERENT = "different"
    MISSING_HERE = "missing_here"
    """The provider counted tokens, we billed none: logs that were not collected, or exchanges that stated no usage."""
    MISSING_THERE = "missing_there"
    """We billed tokens, the provider counted none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far two counts may lie apart: by so many tokens, or by so many per cent of the provider's count."""

    tokens: int = 0
    percent: Decimal = Decimal(0)

    @classmethod
    def parse(cls, text: str) -> Tolerance:
        """Read ``250`` (tokens) or ``0.5%``. Raises ``ConfigurationError``."""
        number = text.removesuffix("%")
        try:
            if not number.replace(".", "", 1).isdigit() or not number.isascii() or (number == text and "." in text):
                raise ValueError  # noqa: TRY301  # one explanation for all that is no tolerance
            return cls(percent=Decimal(number)) if number != text else cls(tokens=int(number))
        except (ValueError, ArithmeticError):
            message = (
                f"tolerance {text!r} cannot be read; write a number of tokens such as 250, or a percentage such as 0.5%"
            )
            raise ConfigurationError(message) from None

    def allows(self, ours: int, theirs: int) -> bool:
        """Say whether two counts are close enough. ``0.5%`` of 10,000 is 50."""
        return abs(ours - theirs) <= self.tokens or abs(ours - theirs) * 100 <= self.percent * theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One key, model and UTC day, on both sides."""

    api_key_id: str
    model: str
    utc_date: date
    agreement: Agreement
    ours: Tokens
    theirs: Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Every place that either side counted, within the days that the export covers."""

    first_date: date
    end_date: date
    comparisons: tuple[Comparison, ...]

    @property
    def is_fine(self) -> bool:
        """Whether everything matches, within the tolerance."""
        return all(comparison.agreement is Agreement.MATCHED for comparison in self.comparisons)

    def counts(self) -> dict[str, int]:
        """Count the places by agreement."""
        found = [comparison.agreement for comparison in self.comparisons]
        return {agreement.value: found.count(agreement) for agreement in Agreement}


def reconcile(
    workspace: Workspace,
    provider: ProviderUsage,
    *,
    tolerance: Tolerance,
    key_names: Mapping[str, str],
    only_their_keys: bool = False,
) -> Reconciliation:
    """Compare billed usage with a provider's.

    Tokens decide: prompt, completion, and cached ones where the export states them.

    ``key_names`` says which of our key ids stands for one of theirs; others are taken to be the same. Names that a rate
    card takes for the same model are the same. With ``only_their_keys`` our usage of keys that the export does not name
    is left out. Raises ``ConfigurationError`` where usage of these days was forgotten: of it no UTC days are kept.
    """
    kept_counts(workspace, read_log(workspace.lake)).refuse_days(provider.first_date, provider.end_date, "UTC days")
    ours, models = _ours(workspace)
    theirs: dict[Place, Tokens] = {}
    for (key, model, day), tokens in provider.usage.items():
        key_id = key_names.get(key, key)
        place = (key_id, models.get((key_id, model), model), day)
        theirs[place] = theirs[place] + tokens if place in theirs else tokens
    keys = {key for key, _, _ in theirs}
    mine = {
        place: tokens
        for place, tokens in ours.items()
        if provider.first_date <= place[2] < provider.end_date and (not only_their_keys or place[0] in keys)
    }
    return Reconciliation(
        first_date=provider.first_date,
        end_date=provider.end_date,
        comparisons=tuple(_compared(mine, theirs, tolerance)),
    )


def _ours(workspace: Workspace) -> tuple[dict[Place, Tokens], dict[tuple[str, str], str]]:
    """Return billed usage by key, model and UTC day.

    And the rate card's name of each key's models by any of their names.
    """
    snapshot, _ = in_force(workspace, read_log(workspace.lake))
    settings = workspace.settings
    reference = reference_tables(
        workspace.accounts,
        workspace.rate_cards,
        timezone=settings.timezone,
        utc_dates={file.date for file in snapshot.data_files},
    )
    files = verified_files(workspace.lake, snapshot)
    table = usage_by_utc_day(
        files, reference, engine=engine_of(workspace), timezone=settings.timezone, unmeasured=settings.unmeasured.value
    )
    models = _model_names(reference)
    usage: dict[Place, Tokens] = {}
    for row in table.to_pylist():
        models.setdefault((row["api_key_id"], row["model_name"]), row["model"])
        place = (row["api_key_id"], row["model"], row["utc_date"])
        tokens = Tokens(
            prompt_tokens=row["prompt_tokens"],
            completion_tokens=row["completion_tokens"],
            prompt_cached_tokens=row["prompt_cached_tokens"],
            requests=row["requests"],
        )
        usage[place] = usage[place] + tokens if place in usage else tokens
    return usage, models


def _model_names(reference: Mapping[str, pa.Table]) -> dict[tuple[str, str], str]:
    by_card: dict[str, list[tuple[str, str]]] = {}
    for row in reference["model_names"].to_pylist():
        by_card.setdefault(row["rate_card"], []).append((row["name"], row["model"]))
    return {
        (row["api_key_id"], name): model
        for row in reference["api_keys"].to_pylist()
        for name, model in by_card.get(row["rate_card"], ())
    }


def _compared(
    ours: Mapping[Place, Tokens], theirs: Mapping[Place, Tokens], tolerance: Tolerance
) -> Iterator[Comparison]:
    nothing = Tokens(prompt_tokens=0, completion_tokens=0, prompt_cached_tokens=0, requests=0)
    for place in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(place, nothing), theirs.get(place, nothing)
        if _is_equal(mine, other, tolerance):
            agreement = Agreement.MATCHED
        elif place not in ours:
            agreement = Agreement.MISSING_HERE
        else:
            agreement = Agreement.DIFFERENT if place in theirs else Agreement.MISSING_THERE
        key, model, day = place
        yield Comparison(api_key_id=key, model=model, utc_date=day, agreement=agreement, ours=mine, theirs=other)


def _is_equal(ours: Tokens, theirs: Tokens, tolerance: Tolerance) -> bool:
    pairs = [(ours.prompt_tokens, theirs.prompt_tokens), (ours.completion_tokens, theirs.completion_tokens)]
    if ours.prompt_cached_tokens is not None and theirs.prompt_cached_tokens is not None:
        pairs.append((ours.prompt_cached_tokens, theirs.prompt_cached_tokens))
    return all(tolerance.allows(mine, other) for mine, other in pairs)
