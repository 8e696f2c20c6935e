"""Whatever a customer is called: each document says it, none obeys it, and a program reads back what was given."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from lxml import etree
from names import CONTROL, NAMES
from pypdf import PdfReader
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.documents.csv_text import unescaped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AS_OF = ("--as-of", "2026-11-02")
TOML = json.dumps
"""A string of TOML is one of JSON where nothing in it is beyond 16 bits; those are escaped otherwise."""
SELLER = """
[seller]
name = "Tally Ltd"
street = "Way 1"
postcode = "10115"
city = "Berlin"
country = "DE"
tax_id = "DE123456789"
electronic_address = "DE123456789"
electronic_address_scheme = "9930"
email = "a@example.org"
phone = "+49 30 1"
contact_name = "Ann"
bank = { iban = "DE02120300000000202051", bic = "BYLADEM1001" }
"""
ACTS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b\ufeff]")
"""What acts on whoever shows it, or hides."""
ON_A_PAGE = re.compile(ACTS.pattern.replace(r"\u200b\ufeff", "").replace("\u200b\ufeff", ""))
"""Likewise; what takes no room does no harm there, and belongs to some scripts."""
KEPT_APART = re.compile("\u2068([^\u2066-\u2069]*[\u0590-\u08ff][^\u2066-\u2069]*)\u2069")
"""A name that is written from right to left, in marks which the page itself puts around it."""


def toml_string(text: str) -> str:
    return '"' + "".join(each if each.isalnum() and each.isascii() else f"\\U{ord(each):08X}" for each in text) + '"'


def account(number: int, name: str) -> str:
    text = toml_string(name)
    return f"""
[[accounts]]
id = "a{number}"
name = {text}
keys = ["key_{number}"]
stripe_customer = "cus_{number}"
lago_customer = "a{number}"
note = {text}
payment_terms = {text}
purchase_order = {text}
buyer_reference = {text}
tax = {{ rate = 19.0, label = {text} }}
items = [{{ id = "setup", date = 2026-10-05, description = {text}, amount = 5.00 }}]
[accounts.buyer]
name = {text}
street = {text}
postcode = "10115"
city = {text}
country = "DE"
electronic_address = "DE123456789"
electronic_address_scheme = "9930"
"""


def books_of(root: Path, names: dict[str, str]) -> Path:
    """Return a workspace with an account of each name, and an invoice of October for each."""
    accounts = "".join(account(number, name) for number, name in enumerate(names.values()))
    make_workspace(root, config=SELLER, accounts=accounts)
    for number, name in enumerate(names.values()):
        write_log(root, f"{number}.jsonl", plain("2026-10-01T10:00:00Z", id=name, request_id=name, key=f"key_{number}"))
    return root


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = books_of(tmp_path_factory.mktemp("names") / "books", NAMES)
    done = tallybook(root, "nightly", *AS_OF, "--metrics-file", str(root / "night.prom"))
    assert done.returncode == 0, done.stderr
    done = tallybook(root, "invoice", "issue", "--period", "2026-10", "--yes", *AS_OF)
    assert done.returncode == 0, done.stderr
    return root


def documents(root: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(tallybook(root, "invoice", "show", "-o", "json").stdout)
    return [each for each in listed if each["period"] == "2026-10"]


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.long
def test_json_says_every_name_exactly_wherever_it_was_given(books: Path) -> None:
    by_account = {each["account_id"]: each for each in documents(books)}
    assert len(by_account) == len(NAMES)
    for number, name in enumerate(NAMES.values()):
        assert list(leaves(by_account[f"a{number}"])).count(name) >= 7, name
    text = tallybook(books, "invoice", "show", "-o", "json").stdout
    assert not ACTS.search(text)


@pytest.mark.parametrize("words", [("invoice", "show"), ("cost", "--by", "account"), ("export", "focus")])
def test_csv_starts_no_formula_and_reads_back(books: Path, words: tuple[str, ...]) -> None:
    text = tallybook(books, *words, "-o", "csv").stdout
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert {len(row) for row in rows} == {len(rows[0])}
    cells = [cell for row in rows[1:] for cell in row]
    risky = [cell for cell in cells if re.match(r"[\s\u200b\ufeff]*[=+@|\uff1d]", cell)]
    assert risky == []
    if words[0] == "export":
        assert {unescaped(cell) for cell in cells} >= set(NAMES.values())


def test_markdown_keeps_its_cells_and_no_name_is_markup(books: Path) -> None:
    text = tallybook(books, "invoice", "list", "-o", "markdown").stdout
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) > len(NAMES)
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
    assert len(cells) == 1, cells
    assert "<" not in text
    assert "](" not in text.replace("\\]", "")
    assert not ACTS.search(text)


class _Page(HTMLParser):
    """The elements, attributes and texts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(text: str) -> _Page:
    page = _Page()
    page.feed(text)
    return page


def squeezed(text: str) -> str:
    return re.sub(r"[\s\u200b\ufeff\u202e]|\\[a-z0-9{}]+", "", text)


@pytest.mark.slow
def test_pages_of_invoices_and_the_report_have_no_element_by_anybodys_name(books: Path) -> None:
    done = tallybook(books, "invoice", "render", "--period", "2026-10", "--format", "html", "--to", str(books / "html"))
    assert done.returncode == 0, done.stderr
    done = tallybook(books, "report", "--period", "2026-10", "--to", str(books / "report.html"), *AS_OF)
    assert done.returncode == 0, done.stderr
    pages = sorted((books / "html").rglob("*.html"))
    assert len(pages) == len(NAMES)
    shapes = {tuple(tag for tag, _ in page_of(path.read_text(encoding="utf-8")).tags) for path in pages}
    assert len(shapes) == 1
    for path in [*pages, books / "report.html"]:
        text = path.read_text(encoding="utf-8")
        page = page_of(text)
        assert not [tag for tag, _ in page.tags if tag in ("script", "img", "iframe", "object", "link", "base", "form")]
        names = {name for _, attributes in page.tags for name, _ in attributes}
        assert not {name for name in names if name.startswith("on") or name in ("href", "src", "srcdoc", "action")}
        assert not ON_A_PAGE.search(KEPT_APART.sub(r"\1", text))
    whole = squeezed("".join(page_of(path.read_text(encoding="utf-8")).text for path in pages))
    assert [name for name in NAMES.values() if squeezed(name) not in whole] == []


@pytest.mark.slow
def test_a_pdf_says_names_and_runs_none(books: Path, tmp_path: Path) -> None:
    shown = 0
    for each in documents(books):
        words = ("invoice", "render", each["invoice_id"], "--format", "pdf", "--to", str(tmp_path))
        done = tallybook(books, *words)
        if done.returncode == 2:  # the fonts have no such character: refused by its name
            assert len(done.stderr.splitlines()) == 1
            assert "font" in done.stderr
            continue
        assert done.returncode == 0, done.stderr
        shown += 1
    assert shown >= len(NAMES) - 3
    for path in tmp_path.rglob("*.pdf"):
        content = path.read_bytes()
        assert not re.search(rb"/JavaScript|/JS\b|/Launch|/URI|/OpenAction|/EmbeddedFile\b", content)
        assert len(PdfReader(path).pages) in (1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("syntax", ["ubl", "cii"])
def test_an_e_invoice_is_xml_in_which_each_name_is_a_text(books: Path, syntax: str, tmp_path: Path) -> None:
    for each in documents(books):
        done = tallybook(
            books,
            "invoice",
            "render",
            each["invoice_id"],
            "--format",
            syntax,
            "--to",
            str(tmp_path / each["invoice_id"]),
        )
        assert done.returncode == 0, done.stderr
        (path,) = (tmp_path / each["invoice_id"]).rglob("*.xml")
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        tree = etree.fromstring(path.read_bytes(), parser)
        assert tree.getroottree().docinfo.doctype == ""
        texts = {element.text for element in tree.iter() if element.text}
        assert each["account_name"].strip() in {text.strip() for text in texts}, each["account_name"]


def test_the_metrics_of_a_night_are_lines_that_prometheus_reads(books: Path) -> None:
    lines = (books / "night.prom").read_text(encoding="utf-8").splitlines()
    label = r'[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"'
    line = re.compile(rf"(# (HELP|TYPE) .*|[a-z_]+(\{{{label}(,{label})*\}})? [-+0-9.e]+)")
    assert [each for each in lines if not line.fullmatch(each)] == []


@pytest.mark.parametrize("program", ["jsonl", "stripe", "lago"])
def test_what_is_handed_over_is_json_a_line_with_the_names_in_it(books: Path, program: str) -> None:
    done = tallybook(books, "export", program)
    assert done.returncode == 0, done.stderr
    found = {text for line in done.stdout.splitlines() for text in leaves(json.loads(line))}
    assert [name for name in NAMES.values() if not any(name in text or text in name for text in found)] == []


def test_a_database_for_dashboards_holds_the_names_and_its_views_are_whole(books: Path) -> None:
    done = tallybook(books, "export", "duckdb", "--to", str(books / "books.duckdb"), "--events")
    assert done.returncode == 0, done.stderr
    with duckdb.connect(str(books / "books.duckdb"), read_only=True) as connection:
        names = [name for (name,) in connection.execute("select table_name from information_schema.tables").fetchall()]
        values = {value for name in names for row in connection.table(f'"{name}"').fetchall() for value in row}
    assert values >= set(NAMES.values())


def test_questions_in_sql_compare_names_and_run_none(books: Path) -> None:
    asked = NAMES["sql"].replace("'", "''")
    question = "select count(*) as n from invoices where account_name = '{}'".format(asked)  # noqa: S608, UP032
    done = tallybook(books, "sql", question, "-o", "json")
    assert json.loads(done.stdout)["rows"][0]["n"] >= 1


@pytest.mark.parametrize("name", CONTROL.values(), ids=CONTROL)
def test_a_name_with_characters_that_act_is_refused_in_one_visible_line_or_shown_by_escapes(
    name: str, tmp_path: Path
) -> None:
    root = books_of(tmp_path / "books", {"plain": "Plain", "hostile": name})
    done = tallybook(root, "nightly", *AS_OF)
    assert not ACTS.search(done.stdout + done.stderr)
    assert done.returncode in (0, 2)
    if done.returncode == 2:
        assert len(done.stderr.splitlines()) == 1
        assert "accounts.toml" in done.stderr


FOLDERS = {**NAMES, **CONTROL}
FAST = ("script", "shell", "escape", "typst", "right to left")


@pytest.mark.long
@pytest.mark.parametrize(
    "name", [pytest.param(name, id=at, marks=() if at in FAST else pytest.mark.slow) for at, name in FOLDERS.items()]
)
def test_a_workspace_of_any_name_is_kept_like_any_other_or_refused_for_what_a_glob_obeys(
    name: str, tmp_path: Path
) -> None:
    folder = re.sub(r"[/\0]", "_", name)[:60]
    root = make_workspace(tmp_path / folder)
    write_log(root, f"log {folder}.jsonl", plain("2026-10-01T10:00:00Z", id="a"))
    done = tallybook(root, "nightly", *AS_OF)
    assert not ACTS.search(done.stdout + done.stderr)
    if re.search(r"[*?\[\]{}]", folder):
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert "the workspace's path holds a glob character" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert "2.00" in done.stdout
    assert tallybook(root, "verify", "--logs").returncode == 0
    report = tallybook(root, "report", "--period", "2026-10", "--to", str(root / "r.html"), *AS_OF)
    assert report.returncode == 0, report.stderr
    assert not ACTS.search(report.stdout + report.stderr)
