"""What a raw API key looks like, so that none is shown in a message or stored as an id.

Owns the forms that providers give their keys, and how a message says that something of that form stood there. Does not
own how a raw key becomes an id (``pipeline.collectors``).
"""

from __future__ import annotations

import re
from itertools import pairwise

_FORMS = (
    (("sk-", "sk_", "gsk_", "xai-", "AIza", "hf_", "pplx-", "nvapi-", "csk-"), r"[A-Za-z0-9_-]{16,}"),
    (("eyJ",), r"[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]+)*"),
    (("gho_", "ghp_", "ghu_", "ghs_", "ghr_", "github_pat_", "r8_"), r"[A-Za-z0-9_]{30,}"),
    (("fw_",), r"[A-Za-z0-9]{24,}"),
    (("glpat-", "tgp_v1_", "ya29."), r"[A-Za-z0-9_-]{20,}"),
    (("AQ.",), r"[A-Za-z0-9_-]{30,}"),
    (("ABSK", "bedrock-api-key-"), r"[A-Za-z0-9+/=]{40,}"),
)
"""OpenAI, Anthropic, DeepSeek, OpenRouter and LiteLLM (``sk-``, ``sk_``), Groq, xAI, Google (``AIza``, ``AQ.``,
``ya29.``), Hugging Face, Perplexity, NVIDIA, Cerebras, a JSON Web Token, GitHub (``ghp_`` and its like), Replicate,
Fireworks, GitLab, Together, and Amazon Bedrock (``ABSK``). Masked ones (``sk-...cdef``) have no 16 characters in a row.

What Azure, Mistral and Cohere give has no form of its own: 32 hex digits may as well be an id. ``AKIA…`` of AWS is
one.
"""
BEGINNINGS = tuple(beginning for beginnings, _ in _FORMS for beginning in beginnings)
"""How raw keys begin whose form is known; none is shorter than three characters."""
_FORM = "|".join(f"(?:{'|'.join(map(re.escape, beginnings))}){rest}" for beginnings, rest in _FORMS)
_KNOWN = re.compile(rf"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{{2}}))(?:{_FORM})", re.ASCII)
_RUN = re.compile(r"[A-Za-z0-9_-]{32,}", re.ASCII)
_NO_SECRET = re.compile(r"(?:key_)?[0-9a-f]{32}|[0-9a-f]{64}|.*[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}.*", re.ASCII)
"""A key id of ours and its digits alone, a sha256, and what holds a UUID."""
_ABSOLUTE_PATH = re.compile(r"(?<!\S)/\S+")
_CHANGES_PER_CHARACTER_MIN = 0.2
"""How often small letters, capitals and digits take turns in what was drawn at random: at 0.4 of the places or more.
In words with a number behind them it is once or twice.
"""


def is_raw_key(text: str) -> bool:
    """Say whether a text is, or holds, what has the form of some provider's raw keys.

    >>> is_raw_key("sk-proj-0123456789abcdefghij"), is_raw_key("key_a"), is_raw_key("sk-...cdef")
    (True, False, False)
    """
    return _KNOWN.search(text) is not None


def masked(message: str) -> str:
    """Return a message in which whatever may be a raw key is replaced by its length.

    These are the known forms, and what is as long as a key and looks drawn at random. Absolute paths keep the latter.

    >>> masked("name 'sk-proj-0123456789abcdefghij' is used twice")
    "name '[28 characters that may be a raw key]' is used twice"
    """
    parts, at = [], 0
    for path in _ABSOLUTE_PATH.finditer(message):
        parts += [_RUN.sub(_random_replaced, _KNOWN.sub(_replaced, message[at : path.start()]))]
        parts += [_KNOWN.sub(_replaced, path[0])]
        at = path.end()
    return "".join([*parts, _RUN.sub(_random_replaced, _KNOWN.sub(_replaced, message[at:]))])


def holds_raw_key(text: str) -> bool:
    """Say whether anything in a text may be a raw key."""
    return masked(text) != text


def _replaced(found: re.Match[str]) -> str:
    return f"[{len(found[0])} characters that may be a raw key]"


def _random_replaced(found: re.Match[str]) -> str:
    return _replaced(found) if _is_random(found[0]) else found[0]


def _is_random(run: str) -> bool:
    if _NO_SECRET.fullmatch(run):
        return False
    kinds = ["digit" if each.isdigit() else each.isupper() for each in run if each.isalnum()]
    changes = sum(one != other for one, other in pairwise(kinds))
    return changes >= len(run) * _CHANGES_PER_CHARACTER_MIN
