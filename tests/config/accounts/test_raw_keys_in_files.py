"""A raw key in the wrong place of a configuration file: refused or not, no message shows it."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from whole_configuration import FILES, as_toml
from workspaces import make_workspace, tallybook

from pipeline.base.errors import AccountsError, ConfigurationError
from pipeline.configuration.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RAW = (
    "sk-0123456789abcdefABCDEFGHIJKLmnop",
    "sk-proj-0123456789_abcdefghij-ABCDEFGHIJ0123456789",
    "gsk_0123456789abcdefghijABCDEFGHIJ",
    "AIzaSyA0123456789abcdefghijABCDEFGHIJKL",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLW9m",
    "xai-0123456789abcdefghijABCDEFGHIJ0123456789",
    "Zk3qT9vLw8Xb2Rn7Yc5Hd1Gf6Js4Mp0Aa9Be8Cu7",
)


def changed_anywhere(value: Any, change: Callable[[Any], Iterator[Any]]) -> Iterator[Any]:
    """Yield the value with each of its parts, whole or inner, changed in each way, one at a time."""
    yield from change(value)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from ({**value, key: each} for each in changed_anywhere(inner, change))
    if isinstance(value, list):
        for at, inner in enumerate(value):
            yield from ([*value[:at], each, *value[at + 1 :]] for each in changed_anywhere(inner, change))


def with_raw(raw: str) -> Callable[[Any], Iterator[Any]]:
    def change(value: Any) -> Iterator[Any]:
        yield raw
        yield [raw, raw]
        yield {raw: raw}
        if isinstance(value, str):
            yield f"Bearer {raw}"
        if isinstance(value, dict):
            yield value | {raw: 1}
            yield from ({raw if key == each else key: inner for key, inner in value.items()} for each in value)
        if isinstance(value, list):
            yield [*value, raw, raw]
            yield [*value, {"id": raw, "from": raw}]

    return change


@pytest.fixture
def books(tmp_path: Path) -> Path:
    root = make_workspace(tmp_path / "books")
    for name, text in FILES.items():
        (root / name).write_text(text, encoding="utf-8")
    open_workspace(root)
    return root


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("raw", RAW)
def test_no_refusal_shows_a_raw_key_wherever_it_stands_and_whatever_is_wrong_with_it(
    books: Path, name: str, raw: str
) -> None:
    refusals = []
    values = tomllib.loads(FILES[name], parse_float=Decimal)
    for each in changed_anywhere(values, with_raw(raw)):
        if not isinstance(each, dict):
            continue
        (books / name).write_text(as_toml(each), encoding="utf-8")
        try:
            open_workspace(books)
        except ConfigurationError as wrong:
            refusals.append(str(wrong))
    assert len(refusals) > 80
    assert not [text.replace(raw, "RAW") for text in refusals if raw in text]


@pytest.mark.parametrize("raw", RAW)
@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_shows_no_raw_key(books: Path, name: str, raw: str) -> None:
    broken = (f'"{raw}" = 1\n"{raw}" = 2', f"{raw}", f'x = "{raw}', f"x = {raw}", f"[{raw}]\n[{raw}]", f'"{raw}".a.b')
    for text in chain(broken, (f"{FILES[name]}\n{each}\n" for each in broken)):
        (books / name).write_text(text, encoding="utf-8")
        with pytest.raises(ConfigurationError) as refused:
            open_workspace(books)
        assert raw not in str(refused.value)


def test_one_key_of_two_accounts_twice_at_no_time_and_with_a_wrong_tag_is_not_shown(tmp_path: Path) -> None:
    """These four messages showed it."""
    account = '[[accounts]]\nid = "{}"\nname = "A"\nkeys = [{}]\n'
    for raw in RAW:
        key, other = f'"{raw}"', f'{{ id = "{raw}", from = 2026-02-01, to = 2026-01-01 }}'
        wrong = (
            account.format("a", key) + account.format("b", key),
            account.format("a", f"{key}, {key}"),
            account.format("a", other),
            account.format("a", '"k"') + f'[keys."{raw}"]\n"a b" = "x"\n',
        )
        for number, text in enumerate(wrong):
            root = make_workspace(tmp_path / f"{raw[:8]}{number}", accounts=text)
            done = tallybook(root, "nightly")
            assert done.returncode == 2
            assert done.stderr.startswith("tallybook: accounts.toml")
            assert raw not in done.stdout + done.stderr


@pytest.mark.parametrize("raw", RAW[:-1])
@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[[accounts]]\nid = "a"\nname = "A"\nkeys = ["k", "RAW"]\n', "key 2 of account 'a'"),
        ('[[accounts]]\nid = "a"\nname = "A"\nkeys = [{ id = "RAW", from = 2026-01-01 }]\n', "key 1 of account 'a'"),
        ('[[accounts]]\nid = "a"\nname = "A"\nkeys = ["k"]\n[keys."RAW"]\nteam = "x"\n', "[keys] entry 1"),
    ],
)
def test_a_raw_key_is_no_key_id_unless_a_source_says_that_its_ids_may_look_so(
    tmp_path: Path, raw: str, text: str, where: str
) -> None:
    root = make_workspace(tmp_path / "books", accounts=text.replace("RAW", raw))
    with pytest.raises(AccountsError) as refused:
        open_workspace(root)
    assert str(refused.value) == (
        f"accounts.toml: {where} looks like a raw key (length {len(raw)}), which does not belong in a file; "
        "'tallybook keys id' makes the key id to write there, or where it is an id, write "
        "ids_may_look_like_keys = true in its source in tallybook.toml"
    )
    made = tallybook(root, "keys", "id", stdin=raw)
    assert (made.returncode, made.stdout[:4]) == (0, "key_")
    (root / "tallybook.toml").write_text(
        '[[sources]]\nname = "s"\npaths = ["logs/*"]\nids_may_look_like_keys = true\n', encoding="utf-8"
    )
    assert len(open_workspace(root).accounts) == 1
