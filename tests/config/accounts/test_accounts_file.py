"""accounts.toml: who pays for which key, and refusals that name file, table and value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.accounts import Account
from pipeline.base.errors import AccountsError
from pipeline.configuration.accounts.accounts_file import read_accounts

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.accounts import Accounts

ACME = '[[accounts]]\nid = "acme"\nname = "Acme Ltd"\nkeys = ["key_1"]\n'


def accounts(workspace: Path, text: str) -> Accounts:
    (workspace / "accounts.toml").write_text(text, encoding="utf-8")
    return read_accounts(workspace, timezone="Asia/Tokyo", rate_card_ids=["standard", "premium"])


def test_every_key_is_read_and_the_rest_comes_from_the_workspace(tmp_path: Path) -> None:
    text = ACME + (
        '[[accounts]]\nid = "bolt"\nname = "Bolt"\ntimezone = "Europe/Berlin"\nrate_card = "premium"\nkeys = '
        '["key_2", "key_3"]\n'
    )
    assert list(accounts(tmp_path, text)) == [
        Account(id="acme", name="Acme Ltd", timezone="Asia/Tokyo", rate_card="standard", key_ids=("key_1",)),
        Account(id="bolt", name="Bolt", timezone="Europe/Berlin", rate_card="premium", key_ids=("key_2", "key_3")),
    ]


def test_no_file_means_no_accounts(tmp_path: Path) -> None:
    assert len(read_accounts(tmp_path, timezone="UTC", rate_card_ids=[])) == 0
    assert len(accounts(tmp_path, "")) == 0


def test_an_account_may_have_no_keys_yet(tmp_path: Path) -> None:
    assert accounts(tmp_path, ACME.replace('["key_1"]', "[]")).by_id("acme") is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[account]]", "accounts.toml: unknown key 'account'; did you mean 'accounts'?"),
        (ACME + 'key = "x"', "accounts.toml: [[accounts]] 1: unknown key 'key'; did you mean 'keys'?"),
        (ACME + 'timezone = "Mars/Olympus"', "accounts.toml: [[accounts]] 1: time zone 'Mars/Olympus' is unknown"),
        (
            ACME + 'rate_card = "gold"',
            (
                "accounts.toml: [[accounts]] 1: rate_card 'gold' does not exist; "
                "add rates/gold.toml or name another (there are: premium, stand"
            ),
        ),
        ('[[accounts]]\nname = "A"\nkeys = []', "accounts.toml: [[accounts]] 1: id is missing"),
        (
            '[[accounts]]\nid = "a b"\nname = "A"\nkeys = []',
            "accounts.toml: [[accounts]] 1: account id 'a b' cannot be used",
        ),
        ('[[accounts]]\nid = "a"\nkeys = []', "accounts.toml: [[accounts]] 1: name is missing"),
        ('[[accounts]]\nid = "a"\nname = " "\nkeys = []', "accounts.toml: [[accounts]] 1: name is ' '"),
        ('[[accounts]]\nid = "a"\nname = "A"', "accounts.toml: [[accounts]] 1: keys is missing"),
        (
            ACME + ACME.replace("acme", "bolt"),
            "accounts.toml: [[accounts]]: key id 'key_1' belongs to account 'acme' and to account 'bolt'",
        ),
        (ACME + ACME.replace("key_1", "key_2"), "accounts.toml: [[accounts]]: account id 'acme' is used twice"),
        (
            ACME.replace('"key_1"', '"key_1", "key_1"'),
            "accounts.toml: [[accounts]]: key id 'key_1' is listed twice in account 'acme'",
        ),
        ("accounts = 3", "accounts.toml: accounts is 3; it must be a list of tables"),
        (ACME + "tax = 19", "accounts.toml: [[accounts]] 1: tax is 19; it must be a table; write tax = { … }"),
        (
            ACME + "terms = 19",
            "accounts.toml: [[accounts]] 1: terms is 19; it must be a list of tables; write [[accounts.terms]] above",
        ),
        (
            ACME + "[[accounts.terms]]\nfrom = 2026-01-01\npayment_terms_days = 30",
            (
                "accounts.toml: [[accounts]] 1 [[terms]] 1: unknown key 'payment_terms_days'; it is a key of "
                "[[accounts]] 1, so write it above this table; allowed here: from"
            ),
        ),
        ("[[accounts]\n", "accounts.toml, line 1: not TOML"),
    ],
)
def test_an_account_that_cannot_be_meant_is_refused_with_its_address(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(AccountsError) as refused:
        accounts(tmp_path, text)
    assert str(refused.value).startswith(told)


@pytest.mark.parametrize(
    "keys", ['"Bearer canary"', '["key_1", "canary canary"]', '["key_1", ["canary"]]', '{canary = "canary"}']
)
def test_what_stands_among_the_keys_is_never_shown(tmp_path: Path, keys: str) -> None:
    with pytest.raises(AccountsError, match=r"\[\[accounts\]\] 1: key") as refused:
        accounts(tmp_path, ACME.replace('["key_1"]', keys))
    assert "canary" not in str(refused.value)


def test_without_any_rate_card_one_is_told_to_add_it(tmp_path: Path) -> None:
    (tmp_path / "accounts.toml").write_text(ACME, encoding="utf-8")
    with pytest.raises(
        AccountsError, match=r"rate_card 'standard' does not exist; add rates/standard.toml .*there is none yet"
    ):
        read_accounts(tmp_path, timezone="UTC", rate_card_ids=[])
