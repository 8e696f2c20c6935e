"""Ids on the command line: the whole one, or as much of it as names no other (``pipeline.base.beginnings``).

Owns where ids of a kind are looked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import register
from pipeline.base.beginnings import whole_id

if TYPE_CHECKING:
    from pipeline.configuration.workspace import Workspace


def whole_account_id(workspace: Workspace, given: str | None) -> str | None:
    """Return the account of the workspace that is meant; see ``whole_id``."""
    return None if given is None else whole_id(given, (account.id for account in workspace.accounts), "account")


def whole_issued_id(workspace: Workspace, given: str) -> str:
    """Return the issued invoice or credit note that is meant; see ``whole_id``."""
    return whole_id(given, (document["invoice_id"] for document in register.read(workspace.root)), "invoice")


def whole_card_id(workspace: Workspace, given: str) -> str:
    """Return the rate card that is meant; see ``whole_id``."""
    return whole_id(given, workspace.rate_cards, "rate card")
