"""A provider's own usage export, read strictly: tokens per key, model and UTC day.

Two forms are known, told apart by their first character: the JSON of OpenAI's organization usage API
(``data[].results[]``), and a CSV with the columns
``date,api_key_id,model,prompt_tokens,completion_tokens[,prompt_cached_tokens][,requests]``.

And which of our key ids theirs are: a CSV ``provider_key_id,api_key_id``.

Does not own the comparison (``pipeline.jobs.answers.reconcile``).
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import parse_date
from pipeline.usage import INT64_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

CSV_COLUMNS = ("date", "api_key_id", "model", "prompt_tokens", "completion_tokens")
CSV_OPTIONAL_COLUMNS = ("prompt_cached_tokens", "requests")
KEY_COLUMNS = ("provider_key_id", "api_key_id")
_DIGITS_MAX = 30
"""More than any count has, and fewer than Python refuses to read."""
_DAY = timedelta(days=1)
_PLACE_CHARACTERS_MAX = 200

Place = tuple[str, str, date]
"""Key id, model and UTC day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What was counted at one place; None where a side does not say."""

    prompt_tokens: int
    """Includes cached tokens."""
    completion_tokens: int
    prompt_cached_tokens: int | None = None
    requests: int | None = None

    def __add__(self, other: Tokens) -> Tokens:
        """Add counts; what one of them does not say stays unsaid."""
        return Tokens(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            prompt_cached_tokens=_sum(self.prompt_cached_tokens, other.prompt_cached_tokens),
            requests=_sum(self.requests, other.requests),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderUsage:
    """What a provider counted."""

    usage: Mapping[Place, Tokens]
    first_date: date
    end_date: date
    """The days covered, ``[first_date, end_date)`` in UTC: those without usage too, where the export lists them."""


def read_provider_usage(paths: Sequence[Path]) -> ProviderUsage:
    """Read an export of one or several files (pages).

    Raises ``ConfigurationError`` naming the file and what in it is not understood.
    """
    rows: list[tuple[Place, Tokens]] = []
    days: set[date] = set()
    unfinished = 0
    for path in paths:
        text = _text(path)
        if text.lstrip()[:1] in ("{", "["):
            unfinished += _read_openai(path, text, rows, days)
        else:
            _read_csv(path, text, rows, days)
    if unfinished and unfinished >= len(paths):
        _refuse(paths[-1], "the export goes on (has_more is true); fetch the pages that follow, and name all files")
    if not days:
        _refuse(paths[0], "it holds no day, so there is nothing to compare")
    usage: dict[Place, Tokens] = {}
    for place, tokens in rows:
        usage[place] = usage[place] + tokens if place in usage else tokens
    return ProviderUsage(usage=usage, first_date=min(days), end_date=max(days) + _DAY)


def read_key_names(path: Path) -> dict[str, str]:
    """Read which key id of ours each key id of the provider's is.

    Raises ``ConfigurationError`` for a file that is no such table, and for one that says two things of an id.
    """
    names: dict[str, str] = {}
    for number, row in _csv_rows(path, _text(path), KEY_COLUMNS):
        theirs, ours = (row[name] for name in KEY_COLUMNS)
        if names.setdefault(theirs, ours) != ours:
            what = f"line {number}: {KEY_COLUMNS[0]} {theirs[:40]!r} stands there twice, with different ids of ours"
            _refuse(path, what)
    return names


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        _refuse(path, f"it is not UTF-8 at byte {wrong.start}")


def _read_openai(path: Path, text: str, rows: list[tuple[Place, Tokens]], days: set[date]) -> int:
    """Read one page (or a list of pages) and return how many of them say that more follow."""
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError as wrong:
        _refuse(path, f"it is not JSON ({wrong.msg} at line {wrong.lineno})")
    except (ValueError, RecursionError) as wrong:  # a number of thousands of digits, or nesting without end
        _refuse(path, f"it is not JSON that a provider writes ({wrong})")
    pages = parsed if isinstance(parsed, list) else [parsed]
    for page in pages:
        if not isinstance(page, dict) or not isinstance(page.get("data"), list):
            _refuse(path, "it has no list 'data' of usage buckets")
        for number, bucket in enumerate(page["data"], start=1):
            _read_bucket(path, f"data[{number}]", bucket, rows, days)
    return int(all(page.get("has_more") is True for page in pages))


def _read_bucket(path: Path, where: str, bucket: Any, rows: list[tuple[Place, Tokens]], days: set[date]) -> None:
    if not isinstance(bucket, dict) or not isinstance(bucket.get("results"), list):
        _refuse(path, f"{where} has no list 'results'")
    start_at = _instant(path, f"{where}.start_time", bucket.get("start_time"))
    end_at = _instant(path, f"{where}.end_time", bucket["end_time"]) if "end_time" in bucket else start_at + _DAY
    if not start_at < end_at or (end_at - timedelta(microseconds=1)).date() != start_at.date():
        _refuse(
            path,
            f"{where} reaches from {start_at} to {end_at}; export buckets within a UTC day (bucket_width=1d, 1h or 1m)",
        )
    days.add(start_at.date())
    for number, result in enumerate(bucket["results"], start=1):
        at = f"{where}.results[{number}]"
        if not isinstance(result, dict):
            _refuse(path, f"{at} is no object")
        for name in ("api_key_id", "model"):
            if not isinstance(result.get(name), str) or not result[name]:
                _refuse(path, f"{at} has no {name}; export with group_by=[api_key_id, model]")
        cached = (
            _count(path, f"{at}.input_cached_tokens", result["input_cached_tokens"])
            if result.get("input_cached_tokens") is not None
            else None
        )
        requests = (
            _count(path, f"{at}.num_model_requests", result["num_model_requests"])
            if result.get("num_model_requests") is not None
            else None
        )
        tokens = Tokens(
            prompt_tokens=_count(path, f"{at}.input_tokens", result.get("input_tokens")),
            completion_tokens=_count(path, f"{at}.output_tokens", result.get("output_tokens")),
            prompt_cached_tokens=cached,
            requests=requests,
        )
        rows.append(((result["api_key_id"], result["model"], start_at.date()), tokens))


def _read_csv(path: Path, text: str, rows: list[tuple[Place, Tokens]], days: set[date]) -> None:
    for number, row in _csv_rows(path, text, CSV_COLUMNS, CSV_OPTIONAL_COLUMNS):
        _read_csv_row(path, number, row, rows, days)


def _csv_rows(
    path: Path, text: str, columns: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number and the cells of each line; refuse what lacks a column, or has too many or too few cells."""
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", strict=True)
    try:
        header = reader.fieldnames or []
        missing = [name for name in columns if name not in header]
        if missing:
            known = ",".join(columns) + "".join(f"[,{name}]" for name in optional)
            _refuse(path, f"its header lacks {', '.join(missing)}; the columns are {known}")
        for row in reader:
            if None in row.values() or "" in row:
                _refuse(path, f"line {reader.line_num} has another number of cells than the header")
            yield reader.line_num, row
    except csv.Error as wrong:
        _refuse(path, f"line {reader.line_num} is no CSV ({wrong})")


def _read_csv_row(
    path: Path, number: int, row: Mapping[str, Any], rows: list[tuple[Place, Tokens]], days: set[date]
) -> None:
    try:
        day = parse_date(row["date"])
    except ConfigurationError as wrong:
        _refuse(path, f"line {number}: {wrong}")
    counts = {name: _csv_count(path, number, name, row) for name in (*CSV_COLUMNS[3:], *CSV_OPTIONAL_COLUMNS)}
    days.add(day)
    tokens = Tokens(
        prompt_tokens=counts["prompt_tokens"] or 0,
        completion_tokens=counts["completion_tokens"] or 0,
        prompt_cached_tokens=counts["prompt_cached_tokens"],
        requests=counts["requests"],
    )
    rows.append(((row["api_key_id"], row["model"], day), tokens))


def _csv_count(path: Path, number: int, name: str, row: Mapping[str, str]) -> int | None:
    text = row.get(name, "")
    if not text and name in CSV_OPTIONAL_COLUMNS:
        return None
    if not (text.isascii() and text.isdigit()):
        _refuse(path, f"line {number}: {name} is {text[:40]!r}, not a number of tokens or requests")
    return _count(path, f"line {number}: {name}", int(text) if len(text) <= _DIGITS_MAX else text)


def _count(path: Path, where: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value <= INT64_MAX:
        _refuse(path, f"{where} is {str(value)[:40]!r}, not a count")
    return int(value)


def _instant(path: Path, where: str, value: Any) -> datetime:
    if type(value) is not int or not 0 <= value < 2**33:  # Unix seconds, to the year 2242
        _refuse(path, f"{where} is {str(value)[:40]!r}, not an instant in Unix seconds")
    return datetime.fromtimestamp(value, UTC)


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _refuse(path: Path, what: str) -> NoReturn:
    message = f"{path}: {what[:_PLACE_CHARACTERS_MAX]}"
    raise ConfigurationError(message)
