"""A workspace as it is configured: settings, accounts, rate cards and rates of exchange, read and checked together.

Owns reading them in the order in which they depend on each other, and the digest that says whether they changed.
Does not own what each file may say (``settings``, ``accounts``, ``rate_cards``, ``exchange_files``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.configuration.accounts.accounts_file import (
    ACCOUNTS_FILE,
    COST_CARD_KEY,
    missing_card_text,
    read_accounts,
    refuse_raw_keys,
)
from pipeline.configuration.exchange_files import (
    exchange_paths,
    read_exchange_tables,
    refuse_what_has_no_day,
)
from pipeline.configuration.rate_cards import card_paths, read_rate_cards
from pipeline.configuration.settings import CONFIG_FILE, EngineSettings, engine_named, read_settings
from pipeline.invoicing.rules import NEWEST
from pipeline.objects import layout
from pipeline.objects.mounted.mounts import mount

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from pipeline.accounts import Accounts
    from pipeline.accounts.exchange import ExchangeTable
    from pipeline.configuration.exchange_files import Pair
    from pipeline.configuration.settings import Settings
    from pipeline.invoicing.rules import Rules
    from pipeline.rates import RateCard


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A folder with ``tallybook.toml``, and what its files say."""

    root: Path
    settings: Settings
    accounts: Accounts
    rate_cards: Mapping[str, RateCard]
    digest: str
    """sha256 (hex) over the configuration files: whatever is derived from equal events and an equal digest is equal."""
    files: Mapping[str, bytes] = field(repr=False)
    """The configuration files that ``digest`` is about, by their path below the workspace, in the order of the digest.
    """
    exchange_tables: dict[Pair, ExchangeTable] = field(default_factory=dict, repr=False)
    """Rates of exchange by day."""
    now: datetime | None = None
    """The clock of this run, aware: what is dated later is held; without one nothing is."""
    engine: EngineSettings = field(default_factory=EngineSettings, repr=False)
    """Where tokens are counted: as configured, or as this run was told. Its address may hold a token."""
    rules: Rules = NEWEST
    """The rules by which invoices are drafted: those of a document where it is decided once more."""

    @property
    def lake(self) -> Path:
        """The folder the pipeline writes events and marts to."""
        return layout.lake(self.root)


def open_workspace(
    root: Path,
    *,
    now: datetime | None = None,
    has_raw_keys: bool = False,
    engine: str | None = None,
    is_mounted: bool = True,
) -> Workspace:
    """Read a workspace's configuration; ``now`` is the clock of this run.

    With ``has_raw_keys`` a raw key may stand where a key id is meant: in what was kept before that was refused, and for
    whoever is about to make ids of them.

    ``engine`` is what this run counts with instead of what is configured, as ``engine_named`` reads it. Where the lake
    or the invoices are on a store, their folders are copies from then on (``mounts``); not so of a configuration that
    is read for itself, without ``is_mounted``. Raises ``ConfigurationError`` for whatever cannot be meant.
    """
    _refuse_a_path_without_utf8(root)
    files = configuration_files(root)
    settings = read_settings(root)
    rate_cards = read_rate_cards(root, timezone=settings.timezone, currency=settings.currency)
    if settings.cost_card and settings.cost_card not in rate_cards:
        missing = missing_card_text(COST_CARD_KEY, settings.cost_card, rate_cards)
        message = f"{CONFIG_FILE}: {missing}; leave {COST_CARD_KEY} out where nobody knows what usage costs you"
        raise ConfigurationError(message)
    exchange_tables = read_exchange_tables(root)
    accounts = read_accounts(
        root,
        timezone=settings.timezone,
        rate_card_ids=rate_cards.keys(),
        currencies={card.id: card.currency for card in rate_cards.values()},
        models={model for card in rate_cards.values() for model in card.models},
        exchange_tables=exchange_tables,
    )
    refuse_what_has_no_day(accounts, rate_cards)
    if not has_raw_keys and not any(source.ids_may_look_like_keys for source in settings.sources):
        refuse_raw_keys(accounts)
    if is_mounted:
        mount(root, settings.stores)
    return Workspace(
        root=root,
        settings=settings,
        accounts=accounts,
        rate_cards=rate_cards,
        exchange_tables=exchange_tables,
        digest=configuration_digest(files),
        files=files,
        now=now,
        engine=settings.engine if engine is None else engine_named(engine, settings.engine),
    )


def _refuse_a_path_without_utf8(root: Path) -> None:
    """Raise ``ConfigurationError`` for a path that the engines, which take UTF-8, cannot be told."""
    path = str(root.resolve())
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        message = (
            f"the workspace's path is not UTF-8 here: {path!a}; rename the folder, or, where its name is in UTF-8, "
            "run this with LC_ALL=C.UTF-8"
        )
        raise ConfigurationError(message) from None


def configuration_files(root: Path) -> dict[str, bytes]:
    """Read the configuration files of a workspace, by their path below it."""
    paths = (root / CONFIG_FILE, root / ACCOUNTS_FILE, *card_paths(root), *exchange_paths(root))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths if path.is_file()}


def configuration_digest(files: Mapping[str, bytes]) -> str:
    """Return the sha256 (hex) over names, lengths and bytes of configuration files, in their order."""
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
