"""What the logs are asked for: one row per exchange that can be read.

Imports nothing heavy, so that contenders which need no Arrow do not pay for it. Does not own comparisons
(``comparing``).
"""

from __future__ import annotations

from datetime import date  # noqa: TC003 - a NamedTuple evaluates its annotations where somebody asks for them
from typing import NamedTuple


class Row(NamedTuple):
    """One exchange of a log.

    Tokens only where the response stated them; the id only where there is a body to find it in.
    """

    response_id: str | None
    api_key_id: str
    model: str
    """The response's, else the request's."""
    http_status: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    usage_date: date
    """UTC."""
