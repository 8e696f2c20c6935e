"""Ids on the command line: the whole one, or as much of it as names no other.

Does not own which ids there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import register
from pipeline.base.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.configuration.workspace import Workspace

_LISTED_MAX = 10


def whole_id(given: str, ids: Iterable[str], what: str) -> str:
    """Return the id that is meant: the one that is given, or else the only one that begins so.

    ``key_a1…9f`` is what a table shows of an id: one that begins and ends so. An id that none begins with is returned
    as it is. Raises ``ConfigurationError`` that names them where there are several.
    """
    known = set(ids)
    begins, _, ends = given.partition("…")
    if given in known or not begins:
        return given
    found = sorted(each for each in known if each.startswith(begins) and each[len(begins) :].endswith(ends))
    if len(found) > 1:
        more = f" and {len(found) - _LISTED_MAX} more" if len(found) > _LISTED_MAX else ""
        message = f"{what} {given!r} could be {', '.join(found[:_LISTED_MAX])}{more}; write more of it"
        raise ConfigurationError(message)
    return found[0] if found else given


def whole_account_id(workspace: Workspace, given: str | None) -> str | None:
    """Return the account of the workspace that is meant; see ``whole_id``."""
    return None if given is None else whole_id(given, (account.id for account in workspace.accounts), "account")


def whole_issued_id(workspace: Workspace, given: str) -> str:
    """Return the issued invoice or credit note that is meant; see ``whole_id``."""
    return whole_id(given, (document["invoice_id"] for document in register.read(workspace.root)), "invoice")


def whole_card_id(workspace: Workspace, given: str) -> str:
    """Return the rate card that is meant; see ``whole_id``."""
    return whole_id(given, workspace.rate_cards, "rate card")
