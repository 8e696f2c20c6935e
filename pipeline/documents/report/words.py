"""Words of a report: what codes, states and words of ``--by`` are called on its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.warning_codes import WarningCode

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_BILLED: Mapping[str, tuple[str, str]] = {
    WarningCode.QUARANTINED: (
        "Quarantined lines",
        "Lines of logs that could not be read; nothing of them was counted.",
    ),
    WarningCode.CONFLICT: ("Conflicts", "Two measurements of one response; one of them is billed."),
    WarningCode.SUSPICIOUS_COPIES: ("Suspected copies", "Copies that look like requests of their own."),
    WarningCode.FORGOTTEN: (
        "Usage that was forgotten",
        "Later logs state some of it, or a month of it is worth something else than was invoiced; no bill changes.",
    ),
    WarningCode.HELD: ("Dates to come", "Usage dated in the future is held until its day is there."),
    WarningCode.UNPRICED: ("Unpriced usage", "No rate is in force for it; drafts with it cannot be issued."),
    WarningCode.UNASSIGNED: ("Unassigned keys", "Usage of keys that belong to no account."),
    WarningCode.UNMEASURED: ("Exchanges without usage", "Answers that state no tokens, so that none are billed."),
    WarningCode.OTHER_USAGE: ("Usage beside the meters", "Stated, and no meter counts it."),
    WarningCode.ESTIMATED: ("Billed at an estimate", "Answers that state no tokens, billed at an estimate."),
    WarningCode.ERROR_STATUS: (
        "Usage under an error",
        "Errors that state tokens, which are billed.",
    ),
    WarningCode.ADVISORY_CHECK: ("Advisory checks", "Rows that a check of the counts lists."),
    WarningCode.LATE_USAGE: (
        "Late usage",
        "Months that are worth other than was invoiced; drafts correct them.",
    ),
    WarningCode.ABOVE_SPEND_CAP: ("Above the spend cap", "Accounts that spent more than their cap."),
    WarningCode.OWED_WITHOUT_USAGE: (
        "Owed without usage",
        "Many drafts of fees and commitments alone, as where a wrong clock dated usage years ago.",
    ),
}
"""A heading and a sentence for each code."""

GROUPS: Mapping[str, tuple[str, str]] = {
    "account": ("By account", "Account"),
    "model": ("By model", "Model"),
    "key": ("By key", "Key"),
}
"""A heading, and the head of the first column, of words of ``--by``."""
MOVED: Mapping[str, str] = {"account": "Accounts", "model": "Models", "key": "Keys"}

STEPS: Mapping[str, str] = {
    "cost of usage": "Cost of usage, exact",
    "not on these bills": "Not on these bills: later usage and prices",
    "rounding of lines": "Rounding of lines",
    "total of bills": "Total of bills",
}
"""Steps from cost to bills; kinds of lines are called as they are."""

STATES_OF_A_KIND = frozenset({"credit note"})
"""States of bills that say what a bill is, and not what it is like; of several they have a plural."""


def not_billed_words(code: str) -> tuple[str, str]:
    """Return the heading and the sentence of a warning's code."""
    return NOT_BILLED.get(code, (code.replace("_", " ").capitalize(), ""))


def group_words(word: str) -> tuple[str, str]:
    """Return the heading of a breakdown and of its first column; a tag is called by its name."""
    name = word.partition(":")[2] or word
    return GROUPS.get(word, (f"By {name}", name))


def step_words(step: str) -> str:
    """Return what a step from cost to bills is called."""
    return STEPS.get(step, step.replace("_", " ").capitalize())
