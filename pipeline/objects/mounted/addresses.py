"""Where the lake and the invoices of a workspace are: as it is configured, and as this run was told.

Does not own reading the environment (``pipeline.cli``). Imported by every command, and so it imports next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.environment import INVOICES_VARIABLE, LAKE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreUrls:
    """The addresses on object stores; empty = in the workspace's folder."""

    lake: str = ""
    invoices: str = ""


_told = [StoreUrls()]


def tell(urls: StoreUrls) -> None:
    """Let this process use other stores than those that are configured, where ``urls`` names any."""
    _told[0] = urls


def tell_by(environment: Mapping[str, str]) -> None:
    """Let this process use what environment variables name, and what is configured where they name nothing."""
    tell(StoreUrls(lake=environment.get(LAKE_VARIABLE, ""), invoices=environment.get(INVOICES_VARIABLE, "")))


def in_force(configured: StoreUrls) -> StoreUrls:
    """Return what this process was told, and where it was told nothing, what is configured."""
    told = _told[0]
    return StoreUrls(lake=told.lake or configured.lake, invoices=told.invoices or configured.invoices)
