"""tallybook.toml: what it may say, what holds where it is silent, and refusals that name file, table and value."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import Rounding
from pipeline.base.warning_codes import LOSING, WarningCode
from pipeline.configuration.settings import Limits, Settings, UnmeasuredPolicy, read_settings
from pipeline.configuration.source_settings import IdentityRule, SourceSettings
from pipeline.configuration.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOURCE = '[[sources]]\nname = "gateway"\npaths = ["logs/*.jsonl"]\n'


def settings(workspace: Path, text: str) -> Settings:
    (workspace / "tallybook.toml").write_text(text, encoding="utf-8")
    return read_settings(workspace)


def refusal(workspace: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        settings(workspace, text)
    return str(refused.value)


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert settings(tmp_path, "") == Settings(
        timezone="UTC",
        currency="USD",
        rounding=Rounding.HALF_UP,
        sources=(),
        unmeasured=UnmeasuredPolicy.LIST,
        invoice_prefix="INV-",
        limits=Limits(line_bytes=67_108_864, nesting=64),
    )


def test_every_key_is_read(tmp_path: Path) -> None:
    text = """
        timezone = "Europe/Berlin"
        currency = "EUR"
        rounding = "half-even"
        [[sources]]
        name = "gateway"
        paths = ["logs/*.jsonl", "logs/**/*.gz"]
        format = "request-log"
        fields = { ts = "time", api_key_id = "auth.key_id", "request.model" = "model" }
        identity = "request-id"
        dialect = "openai-chat"
        [[sources]]
        name = "proxy"
        paths = ["/var/log/proxy/*.jsonl"]
        [policy]
        unmeasured = "bill-estimate"
        [invoices]
        prefix = "TB2026-"
        [limits]
        line_bytes = 1_048_576
        nesting = 32
    """
    assert settings(tmp_path, text) == Settings(
        timezone="Europe/Berlin",
        currency="EUR",
        rounding=Rounding.HALF_EVEN,
        sources=(
            SourceSettings(
                name="gateway",
                paths=("logs/*.jsonl", "logs/**/*.gz"),
                format="request-log",
                fields={"ts": "time", "api_key_id": "auth.key_id", "request.model": "model"},
                identity=IdentityRule.REQUEST_ID,
                dialect="openai-chat",
            ),
            SourceSettings(name="proxy", paths=("/var/log/proxy/*.jsonl",)),
        ),
        unmeasured=UnmeasuredPolicy.BILL_ESTIMATE,
        invoice_prefix="TB2026-",
        limits=Limits(line_bytes=1_048_576, nesting=32),
    )
    assert settings(tmp_path, text).zone.key == "Europe/Berlin"


def test_an_unquoted_dotted_field_means_the_same_as_a_quoted_one(tmp_path: Path) -> None:
    quoted, unquoted = (
        settings(tmp_path, SOURCE + line)
        for line in ('fields = {"request.model" = "m", ts = "t"}', 'fields = {request.model = "m", ts = "t"}')
    )
    assert quoted == unquoted


def test_without_the_file_one_is_told_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no tallybook.toml in .*; run 'tallybook init'"):
        read_settings(tmp_path)


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    assert settings(tmp_path, '\ufefftimezone = "UTC"') == Settings()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'timezon = "UTC"',
            (
                "tallybook.toml: unknown key 'timezon'; did you mean 'timezone'? allowed here: "
                "timezone, currency, rounding"
            ),
        ),
        ("[zebra]", "tallybook.toml: unknown key 'zebra'; allowed here: timezone"),
        (
            '[policy]\ncurrency = "EUR"',
            (
                "tallybook.toml: [policy]: unknown key 'currency'; it is a key of the file itself, so write it above "
                "this table; allowed here: unmeasured"
            ),
        ),
        (
            '[seller]\nbank = "x"',
            "tallybook.toml: [seller]: bank is 'x'; write [seller.bank] on a line of its own, and its keys below",
        ),
        ("policy = 3", "tallybook.toml: policy is 3; it must be a table; write [policy] on a line of its own"),
        (
            '[policy]\nunmesured = "list"',
            "tallybook.toml: [policy]: unknown key 'unmesured'; did you mean 'unmeasured'? allowed here: unmeasured",
        ),
        ('[invoices]\nPrefix = "A"', "tallybook.toml: [invoices]: unknown key 'Prefix'; did you mean 'prefix'?"),
        ("[limits]\nline_byte = 1", "tallybook.toml: [limits]: unknown key 'line_byte'; did you mean 'line_bytes'?"),
        (SOURCE + 'pathes = ["x"]', "tallybook.toml: [[sources]] 1: unknown key 'pathes'; did you mean 'paths'?"),
        (
            SOURCE + SOURCE.replace("gateway", "b") + 'dialekt = "x"',
            "tallybook.toml: [[sources]] 2: unknown key 'dialekt'; did you mean 'dialect'?",
        ),
        (
            SOURCE + 'fields = {model = "m"}',
            "tallybook.toml: [[sources]] 1 fields: unknown key 'model'; did you mean 'request.model'?",
        ),
        (
            SOURCE + 'fields = {request = {modl = "m"}}',
            "tallybook.toml: [[sources]] 1 fields: unknown key 'request.modl'; did you mean 'request.model'?",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_one_that_was_meant(tmp_path: Path, text: str, told: str) -> None:
    assert refusal(tmp_path, text).startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('timezone = "Mars/Olympus"', "tallybook.toml: time zone 'Mars/Olympus' is unknown"),
        ("timezone = 1", "tallybook.toml: timezone is 1; it must be a string"),
        ('currency = "usd"', "tallybook.toml: currency 'usd' is not an ISO 4217 code"),
        ('rounding = "up"', 'tallybook.toml: rounding is \'up\'; it must be "half-up" or "half-even"'),
        ("rounding = true", "tallybook.toml: rounding is true; it must be"),
        ('policy = "list"', "tallybook.toml: policy is 'list'; it must be a table; write [policy]"),
        (
            '[policy]\nunmeasured = "bill"',
            'tallybook.toml: [policy]: unmeasured is \'bill\'; it must be "list" or "bill-estimate"',
        ),
        ('[invoices]\nprefix = "a/b"', "tallybook.toml: [invoices]: prefix is 'a/b'"),
        ('[invoices]\nprefix = "draft-"', "tallybook.toml: [invoices]: prefix is 'draft-'"),
        (
            "[limits]\nline_bytes = 10",
            "tallybook.toml: [limits]: line_bytes is 10; it must be a whole number from 1024",
        ),
        ("[limits]\nline_bytes = 1e6", "tallybook.toml: [limits]: line_bytes is 1E+6; it must be a whole number"),
        ("[limits]\nnesting = true", "tallybook.toml: [limits]: nesting is true; it must be a whole number"),
        ("[limits]\nnesting = 1000", "tallybook.toml: [limits]: nesting is 1000"),
        (
            'sources = "logs"',
            "tallybook.toml: sources is 'logs'; it must be a list of tables; write [[sources]] above each",
        ),
        ('[sources]\nname = "a"', "tallybook.toml: sources is {'name': 'a'}; it must be a list of tables"),
        ("[[sources]]", "tallybook.toml: [[sources]] 1: name is missing"),
        ('[[sources]]\nname = ""', "tallybook.toml: [[sources]] 1: name is ''"),
        ('[[sources]]\nname = "a b"', "tallybook.toml: [[sources]] 1: name is 'a b'"),
        ('[[sources]]\nname = "a"', "tallybook.toml: [[sources]] 1: paths is missing"),
        ('[[sources]]\nname = "a"\npaths = []', "tallybook.toml: [[sources]] 1: paths is an empty list"),
        (
            '[[sources]]\nname = "a"\npaths = "logs/*"',
            "tallybook.toml: [[sources]] 1: paths is 'logs/*'; it must be a list of strings",
        ),
        ('[[sources]]\nname = "a"\npaths = ["a", 5]', "tallybook.toml: [[sources]] 1: paths, entry 2, is 5"),
        (SOURCE + SOURCE, "tallybook.toml: [[sources]] 2: name 'gateway' is used by an earlier source"),
        (
            SOURCE + 'identity = "id"',
            'tallybook.toml: [[sources]] 1: identity is \'id\'; it must be "response-id" or "request-id" or "both"',
        ),
        (SOURCE + "fields = {ts = 5}", 'tallybook.toml: [[sources]] 1: fields: ts = 5 is none of a path "a.b"'),
        (
            SOURCE + 'ids_may_look_like_keys = "yes"',
            "tallybook.toml: [[sources]] 1: ids_may_look_like_keys is 'yes'; it must be true or false",
        ),
        (
            SOURCE + 'line_in = "a..b"',
            "tallybook.toml: [[sources]] 1: line_in is 'a..b', which is no name and no path of names",
        ),
        (
            SOURCE + 'time_zone = "Mars/Olympus"',
            "tallybook.toml: [[sources]] 1: time zone 'Mars/Olympus' is unknown; write an IANA name",
        ),
        (SOURCE + 'fields = "ts"', "tallybook.toml: [[sources]] 1: fields is 'ts'; it must be a table"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_its_address(tmp_path: Path, text: str, told: str) -> None:
    assert refusal(tmp_path, text).startswith(told)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('timezone = "UTC"\ncurrency USD\n', 2),
        ('a = "\n', 1),
        ("a = 1\na = 2\n", 2),
        ("[[sources\n", 1),
        ('a = 1\nb = """open', 2),
        ("a = 1e9999999999999999999", 1),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    assert re.match(rf"tallybook\.toml, line {line}: not TOML: [^\n(]+$", refusal(tmp_path, text))


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    assert "not TOML" in refusal(tmp_path, "a = " + "[" * 100_000)


def test_bytes_that_are_not_utf_8_are_refused_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "tallybook.toml").write_bytes(b'timezone = "UTC"\ncurrency = "\xff"\n')
    with pytest.raises(ConfigurationError, match=r"tallybook\.toml, line 2: a byte that is not UTF-8"):
        read_settings(tmp_path)


def test_a_folder_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tallybook.toml").mkdir()
    with pytest.raises(ConfigurationError, match=r"tallybook\.toml cannot be read: Is a directory"):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (os.mkfifo, "it is no regular file"),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
        (lambda path: path.symlink_to("nowhere"), "it is a link, and what it leads to is not there"),
    ],
    ids=["pipe", "circle", "nowhere"],
)
@pytest.mark.parametrize("file", ["tallybook.toml", "accounts.toml", "rates/standard.toml", "exchange/USD-EUR.csv"])
def test_what_is_there_and_cannot_be_read_is_refused_and_never_taken_for_nothing(
    tmp_path: Path, file: str, make: Callable[[Path], None], told: str
) -> None:
    for folder in ("rates", "exchange"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tallybook.toml").touch()
    (tmp_path / "accounts.toml").touch()
    (tmp_path / file).unlink(missing_ok=True)
    make(tmp_path / file)
    with pytest.raises(ConfigurationError, match=rf"^{re.escape(file)} cannot be read: {told}"):
        open_workspace(tmp_path)


def test_a_long_value_is_cut_in_the_message(tmp_path: Path) -> None:
    assert len(refusal(tmp_path, f'rounding = "{"x" * 10_000}"')) < 200


def test_what_strict_fails_for_is_named_by_codes_in_their_order(tmp_path: Path) -> None:
    assert settings(tmp_path, "").fail_on == LOSING
    named = settings(tmp_path, '[strict]\nfail_on = ["unassigned", "held", "unassigned"]\n').fail_on
    assert named == (WarningCode.HELD, WarningCode.UNASSIGNED)
    assert settings(tmp_path, "[strict]\nfail_on = []\n").fail_on == ()


def test_a_code_that_no_warning_has_is_refused_with_the_one_that_was_meant(tmp_path: Path) -> None:
    said = refusal(tmp_path, '[strict]\nfail_on = ["unpriced", "unasigned"]\n')
    assert said.startswith(
        "tallybook.toml: [strict]: fail_on names 'unasigned', which is no code of a warning; did you mean 'unassigned'?"
    )
    assert said.endswith("late_usage, above_spend_cap, owed_without_usage")
    assert refusal(tmp_path, '[strict]\nfail = ["unpriced"]\n').startswith(
        "tallybook.toml: [strict]: unknown key 'fail'; did you mean 'fail_on'?"
    )
