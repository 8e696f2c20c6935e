"""Examples below the help of a command, each on its own line."""

from __future__ import annotations


def examples(*lines: str) -> str:
    """Return the epilog of a command: its lines as they are, which click would otherwise fold into one paragraph."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
