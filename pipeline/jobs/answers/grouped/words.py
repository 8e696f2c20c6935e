"""Words of ``--by``: what usage and cost can be grouped by, and the column that each stands for.

Owns the columns that follow from others: tags of keys, and the provider that a model's name begins with. Does not own
the grouping.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.base.errors import ConfigurationError
from pipeline.tables import schemas
from pipeline.tables.row_codes import whole
from pipeline.usage import events

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.accounts import Accounts

TAG_PREFIX = "tag:"
"""Before the name of a tag in ``--by``."""
HOUR = "usage_hour"
"""The column of ``hour``: an hour of the account's own clock with its offset, ``2026-10-25T02:00+01:00``."""
PROVIDER = "provider"
DIMENSIONS = {
    "account": "account_id",
    "key": "api_key_id",
    "model": "model",
    PROVIDER: PROVIDER,
    **{column.word or column.name: column.name for column in events.DIMENSIONS},
    "hour": HOUR,
    "day": "usage_date",
    "month": "billing_period",
    "status": "status",
    "fate": "fate",
    "meter": "meter",
}
"""Words of ``--by`` and the column each stands for."""
SYNONYMS = {"date": "day"}
"""Other words for them."""
UNBILLED = ("status", "fate")
"""Words by which what is not billed is listed too."""
UNMETERED = tuple(
    word for word, column in DIMENSIONS.items() if column not in (*schemas.USAGE_DAILY.names, HOUR, PROVIDER)
)
"""Words that tell apart exchanges, and not what is billed for them."""


def tag_names(accounts: Accounts) -> list[str]:
    """Return the names of all tags of keys, sorted."""
    return sorted({name for tags in accounts.tags.values() for name in tags})


def tag_of(word: str, accounts: Accounts) -> str | None:
    """Return the tag that a word means: ``tag:team``, or ``team`` where a key has that tag and no dimension is so."""
    if word.startswith(TAG_PREFIX):
        return word.removeprefix(TAG_PREFIX)
    return word if word not in DIMENSIONS and word not in SYNONYMS and word in tag_names(accounts) else None


def column_of(word: str, accounts: Accounts) -> str:
    """Return the column of a word; of a tag, the word itself. Raises ``ConfigurationError`` for an unknown word."""
    if tag_of(word, accounts) is not None:
        return word
    word = SYNONYMS.get(word, word)
    if word not in DIMENSIONS:
        known = [*DIMENSIONS, *(f"{TAG_PREFIX}{name}" for name in tag_names(accounts))]
        meant = get_close_matches(word, known, 1)
        hint = f"did you mean {meant[0]!r}? " if meant else ""
        message = f"--by {word!r} is not known; {hint}write one or more of: {', '.join(known)}"
        raise ConfigurationError(message)
    return DIMENSIONS[word]


def columns_of(words: Sequence[str], accounts: Accounts) -> list[str]:
    """Return the columns of words, each once, in their order."""
    return list(dict.fromkeys(column_of(word, accounts) for word in words))


def charged_columns_of(words: Sequence[str], accounts: Accounts) -> list[str]:
    """Return likewise the columns of words by which charges are told apart.

    Raises ``ConfigurationError`` for one that tells apart exchanges alone, as for an unknown one.
    """
    columns = columns_of(words, accounts)
    if unmetered := [word for word in words if word in UNMETERED]:
        message = f"--by {unmetered[0]} tells apart exchanges and not their charges; ask 'tallybook usage' for it"
        raise ConfigurationError(message)
    return columns


def with_words(table: pa.Table, words: Sequence[str], accounts: Accounts) -> pa.Table:
    """Return a table with the columns of words that follow from its others: tags and providers.

    Keys without a tag have an empty one, and models whose name states no provider an empty provider.
    """
    for word in dict.fromkeys(words):
        tag = tag_of(word, accounts)
        if tag is not None:
            table = table.append_column(word, mapped(table["api_key_id"], partial(_tag_value, accounts, tag)))
        elif word == PROVIDER:
            table = table.append_column(PROVIDER, mapped(table["model"], provider_of))
    return table


def mapped(column: pa.ChunkedArray, value_of: Callable[[Any], Any], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    """Return what stands for each value of a column, asked once for each different value."""
    if not len(column):
        return pa.chunked_array([], kind or pa.string())
    encoded = whole(column.dictionary_encode())
    values = [value_of(value) for value in encoded.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(values, kind or pa.string()).take(encoded.indices)])


def _tag_value(accounts: Accounts, tag: str, key_id: str) -> str:
    return accounts.tags.get(key_id, {}).get(tag, "")


def provider_of(model: str) -> str:
    """Return what stands before the first ``/`` of a model's name, as gateways write it; empty where there is none.

    >>> provider_of("openai/gpt-4o"), provider_of("jamba-large")
    ('openai', '')
    """
    provider, slash, _ = model.partition("/")
    return provider if slash else ""
