"""``tallybook.toml``: the settings of a workspace.

Owns what the file may say and what holds where it says nothing. Does not own its sources (``source_settings``),
accounts (``accounts``), nor prices (``rate_cards``).
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pipeline.accounts import Letterhead
from pipeline.base.environment import ENGINE_VARIABLE
from pipeline.base.errors import ConfigurationError
from pipeline.base.money import Rounding, minor_unit_digits
from pipeline.base.periods import time_zone
from pipeline.base.warning_codes import LOSING, WarningCode
from pipeline.configuration.parties_toml import read_letterhead
from pipeline.configuration.source_settings import read_sources
from pipeline.configuration.strict_toml import read_table, value_text
from pipeline.objects.mounted.addresses import StoreUrls

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from pipeline.accounts import Party
    from pipeline.configuration.source_settings import SourceSettings
    from pipeline.configuration.strict_toml import Table

CONFIG_FILE = "tallybook.toml"
_INVOICE_PREFIX = re.compile(r"(?!draft-)[A-Za-z0-9._-]{1,32}", re.ASCII)
_REMOTE = re.compile(r"sc://[A-Za-z0-9._\[\]:-]+(/|$)", re.ASCII)


class UnmeasuredPolicy(StrEnum):
    """What becomes of usage that was estimated because the response did not state it."""

    LIST = "list"
    """Listed, not billed."""
    BILL_ESTIMATE = "bill-estimate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a line may be before it is quarantined."""

    line_bytes: int = 64 * 1024 * 1024
    nesting: int = 64


class EngineKind(StrEnum):
    """What counts."""

    DUCKDB = "duckdb"
    """This process."""
    SPARK = "spark"
    """A server that speaks Spark Connect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Where tokens are counted, and maybe logs read. No bill depends on it."""

    kind: EngineKind = EngineKind.DUCKDB
    remote: str = ""
    """Of a server: ``sc://host:port``."""
    lake: str = ""
    """Where the server finds the folder ``lake`` of the workspace; empty = at the same path."""
    collect: bool = False
    """Whether its workers read the logs too, which they find at the same paths, or addresses, as this machine."""
    write: bool = False
    """Whether workers that read logs also write what they read into the lake, which this machine then commits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ``tallybook.toml`` says, and the defaults for what it does not say."""

    timezone: str = "UTC"
    currency: str = "USD"
    rounding: Rounding = Rounding.HALF_UP
    sources: tuple[SourceSettings, ...] = ()
    unmeasured: UnmeasuredPolicy = UnmeasuredPolicy.LIST
    invoice_prefix: str = "INV-"
    limits: Limits = field(default_factory=Limits)
    letterhead: Letterhead = field(default_factory=Letterhead)
    """Who issues the invoices, and what else is printed on each of them."""

    csv_bom: bool = False
    """Whether CSV files of invoices begin with a byte order mark."""
    fonts: str = ""
    """A folder of fonts for PDFs, relative to the workspace; empty = those that come with typst alone."""

    cost_card: str = ""
    """The id of the rate card of what usage costs us; empty = it is not known. No bill depends on it."""

    engine: EngineSettings = field(default_factory=EngineSettings)
    """Where tokens are counted."""

    stores: StoreUrls = field(default_factory=StoreUrls)
    """Where the lake and the invoices are, if not in the workspace."""

    fail_on: tuple[WarningCode, ...] = LOSING
    """Of which warnings ``nightly --strict`` fails for those that are new."""

    @property
    def seller(self) -> Party:
        """Who issues the invoices."""
        return self.letterhead.seller

    @property
    def zone(self) -> ZoneInfo:
        """The workspace's time zone."""
        return time_zone(self.timezone)


def read_settings(workspace: Path) -> Settings:
    """Read ``tallybook.toml`` of a workspace.

    Raises ``ConfigurationError`` with file, table, key and value for anything that cannot be meant.
    """
    table = read_table(workspace / CONFIG_FILE, file=CONFIG_FILE, error=ConfigurationError)
    if table is None:
        message = (
            f"there is no {CONFIG_FILE} in {workspace}; run 'tallybook init' to make a workspace, or name one with -w"
        )
        raise ConfigurationError(message)
    return settings_from_table(table)


def settings_from_table(table: Table) -> Settings:
    """Check the top table of a ``tallybook.toml``. Raises ``ConfigurationError``."""
    table.allow_only(
        *("timezone", "currency", "rounding", "sources", "policy", "invoices", "limits", "seller", "exports"),
        *("documents", "strict", "cost_card", "engine", "lake"),
    )
    defaults = Settings()
    timezone = table.text("timezone", defaults.timezone)
    currency = table.text("currency", defaults.currency)
    try:
        time_zone(timezone)
        minor_unit_digits(currency)
    except ConfigurationError as wrong:
        raise table.refusal(str(wrong)) from wrong
    policy = table.table("policy")
    policy.allow_only("unmeasured")
    return Settings(
        timezone=timezone,
        currency=currency,
        rounding=table.choice("rounding", defaults.rounding),
        sources=read_sources(table.tables("sources")),
        unmeasured=policy.choice("unmeasured", defaults.unmeasured),
        invoice_prefix=_invoice_prefix(table.table("invoices"), defaults.invoice_prefix),
        limits=_limits(table.table("limits"), defaults.limits),
        letterhead=read_letterhead(table),
        csv_bom=_csv_bom(table.table("exports")),
        fonts=_fonts(table.table("documents")),
        cost_card=table.text("cost_card") if "cost_card" in table.values else "",
        engine=_engine(table.table("engine")),
        stores=_stores(table.table("lake"), table.table("invoices")),
        fail_on=_fail_on(table.table("strict"), defaults.fail_on),
    )


def _invoice_prefix(table: Table, default: str) -> str:
    table.allow_only("prefix", "language", "note", "url")
    prefix = table.text("prefix", default)
    if not _INVOICE_PREFIX.fullmatch(prefix):
        what = (
            f"prefix is {value_text(prefix)}; write 1 to 32 of a-z, A-Z, 0-9, dots, dashes or underscores that do not "
            "begin with 'draft-'"
        )
        raise table.refusal(what)
    return prefix


def _csv_bom(table: Table) -> bool:
    table.allow_only("csv_bom")
    return table.flag("csv_bom")


def _fonts(table: Table) -> str:
    table.allow_only("fonts")
    return table.text("fonts") if "fonts" in table.values else ""


def _engine(table: Table) -> EngineSettings:
    table.allow_only("kind", "remote", "lake", "collect", "write")
    if not table.values:
        return EngineSettings()
    named = EngineSettings(
        kind=table.choice("kind", EngineKind.DUCKDB),
        remote=table.text("remote") if "remote" in table.values else "",
        lake=table.text("lake") if "lake" in table.values else "",
        collect=table.flag("collect"),
        write=table.flag("write"),
    )
    if named.kind is EngineKind.DUCKDB and (named.remote or named.lake or named.collect or named.write):
        what = (
            'remote, lake, collect and write are of a server, and kind is "duckdb"; write kind = "spark", or leave '
            "them out"
        )
        raise table.refusal(what)
    if named.write and not named.collect:
        what = "write is of workers that read the logs, which collect = true lets them; write that too, or leave it out"
        raise table.refusal(what)
    if named.remote:
        try:
            checked_remote(named.remote)
        except ConfigurationError as wrong:
            what = f"remote is {wrong}"
            raise table.refusal(what) from wrong
    if "token=" in named.remote:
        what = f"remote holds a token, and this file is kept with each invoice; give it by {ENGINE_VARIABLE} instead"
        raise table.refusal(what)
    return named


def _stores(lake: Table, invoices: Table) -> StoreUrls:
    lake.allow_only("url")
    return StoreUrls(lake=_store_url(lake), invoices=_store_url(invoices))


def _store_url(table: Table) -> str:
    if "url" not in table.values:
        return ""
    from pipeline.objects.stores import STORE_URL  # noqa: PLC0415  # few use one

    url = table.text("url")
    if not STORE_URL.fullmatch(url):
        what = f"url is {value_text(url)}; write the address of an object store, such as s3://bucket/prefix"
        raise table.refusal(what)
    return url


def engine_named(said: str, configured: EngineSettings) -> EngineSettings:
    """Return the engine that an option or the environment names: a kind, or the address of a server.

    Raises ``ConfigurationError`` for anything else, and for a server that has no address anywhere.
    """
    if said == EngineKind.DUCKDB:
        return EngineSettings()
    if said != EngineKind.SPARK:
        return replace(configured, kind=EngineKind.SPARK, remote=checked_remote(said))
    if not configured.remote:
        message = (
            f'an engine of kind "spark" needs its address: {CONFIG_FILE}, [engine]: remote = "sc://host:15002", or '
            f"--engine sc://host:15002, or {ENGINE_VARIABLE}"
        )
        raise ConfigurationError(message)
    return replace(configured, kind=EngineKind.SPARK)


def checked_remote(said: str) -> str:
    """Return the address of a server. Raises ``ConfigurationError`` for what is none; what follows it is not told."""
    if not _REMOTE.match(said):
        shown = value_text(re.split("[;?]", said)[0])
        message = f"{shown}, which names no engine; write duckdb, spark, or the address of a server: sc://host:15002"
        raise ConfigurationError(message)
    return said


def _fail_on(table: Table, default: tuple[WarningCode, ...]) -> tuple[WarningCode, ...]:
    table.allow_only("fail_on")
    if "fail_on" not in table.values:
        return default
    named, codes = table.texts("fail_on"), [code.value for code in WarningCode]
    for name in named:
        if name not in codes:
            close = difflib.get_close_matches(name, codes, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}? " if close else ""
            what = f"fail_on names {value_text(name)}, which is no code of a warning; {hint}codes: {', '.join(codes)}"
            raise table.refusal(what)
    return tuple(code for code in WarningCode if code in named)


def _limits(table: Table, defaults: Limits) -> Limits:
    table.allow_only("line_bytes", "nesting")
    return Limits(
        line_bytes=table.integer("line_bytes", default=defaults.line_bytes, smallest=1024, greatest=1024**3),
        nesting=table.integer(
            "nesting", default=defaults.nesting, smallest=8, greatest=200
        ),  # beyond it Python's own stack is the limit
    )
