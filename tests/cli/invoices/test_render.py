"""``invoice render``: what is frozen becomes documents, and one that cannot be made stops no other."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from typing import TYPE_CHECKING

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.documents.rendering import document_formats

if TYPE_CHECKING:
    from pathlib import Path

TWO = (
    '[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\n'
    '[[accounts]]\nid = "kabu"\nname = "株式会社"\nkeys = ["key_b"]\n'
)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = make_workspace(tmp_path_factory.mktemp("made") / "books", accounts=TWO)
    day = "2026-10-10T12:00:00Z"
    write_log(workspace, "october.jsonl", plain(day, id="a"), plain(day, id="b", key="key_b"))
    tallybook(workspace, "collect")
    assert tallybook(workspace, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02").returncode == 0
    return workspace


@pytest.fixture
def issued(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_once, tmp_path / "books")


def test_a_document_lies_in_the_folder_of_its_invoice_and_is_for_nobody_else_to_read(issued: Path) -> None:
    before = os.umask(0)
    try:
        done = tallybook(issued, "invoice", "render", "INV-000001", "--format", "html,pdf")
    finally:
        os.umask(before)
    assert done.returncode == 0, done.stderr
    folder = issued / "invoices" / "2026-10" / "INV-000001"
    rendered = [folder / f"INV-000001.{suffix}" for suffix in ("html", "pdf")]
    assert [stat.S_IMODE(path.stat().st_mode) for path in rendered] == [0o640, 0o640]


def test_what_is_frozen_is_rendered_from_the_register_alone(issued: Path) -> None:
    tallybook(issued, "invoice", "render", "INV-000001")
    path = issued / "invoices" / "2026-10" / "INV-000001" / "INV-000001.html"
    before = path.read_bytes()
    shutil.rmtree(issued / "lake")
    path.unlink()
    done = tallybook(issued, "invoice", "render", "INV-000001")
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == before


def test_a_folder_of_fonts_that_is_not_there_is_named(issued: Path) -> None:
    settings = issued / "tallybook.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + '[documents]\nfonts = "fonts"\n', encoding="utf-8")
    done = tallybook(issued, "invoice", "render", "INV-000001", "--format", "pdf")
    assert done.returncode == 2
    assert f"fonts of [documents] is 'fonts', and {issued / 'fonts'} is no folder; make it" in done.stderr
    (issued / "fonts").mkdir()
    assert tallybook(issued, "invoice", "render", "INV-000001", "--format", "pdf").returncode == 0


def test_one_that_cannot_be_made_is_named_and_all_others_are_written(issued: Path) -> None:
    done = tallybook(
        issued, "invoice", "render", "--period", "2026-10", "--format", "pdf,html", "--to", str(issued / "out")
    )
    assert done.returncode == 2
    assert done.stderr.startswith(
        "tallybook: INV-000002 as pdf: INV-000002 has text that no font of a PDF has: 株 式 会 社 (CJK); name"
    )
    assert len(done.stderr.splitlines()) == 1
    written = sorted(path.name for path in (issued / "out").iterdir())
    assert written == ["INV-000001.html", "INV-000001.pdf", "INV-000002.html"]


@pytest.mark.parametrize(
    ("library", "wanted", "extra"), [("typst", "pdf", "pdf"), ("jinja2", "html", "html"), ("babel", "html", "html")]
)
def test_a_library_that_is_missing_is_named_with_what_to_install(
    issued: Path, monkeypatch: pytest.MonkeyPatch, library: str, wanted: str, extra: str
) -> None:
    from pipeline.documents.html_template import html_template  # noqa: PLC0415 - its cache is what is emptied

    html_template.cache_clear()
    monkeypatch.setitem(sys.modules, library, None)
    done = tallybook(issued, "invoice", "render", "INV-000001", "--format", wanted)
    assert done.returncode == 2
    assert f"{library} is not installed; run pip install 'tallybook[{extra}]'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--period", "2026-10", "--format", "docx"], "there is no document format 'docx'; write one of "),
        (["INV-000001", "--language", "es"], "language is 'es'; write one of en, de, fr"),
        (["INV-000009"], "there is no invoice 'INV-000009'"),
        (["--account", "nobody"], "there is no invoice for any period and account 'nobody'"),
        ([], "name an INVOICE, a --period or an --account"),
    ],
)
def test_what_cannot_be_meant_is_said_and_nothing_is_written(issued: Path, arguments: list[str], said: str) -> None:
    done = tallybook(issued, "invoice", "render", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(issued.glob("invoices/2026-10/*/*.html"))


def test_every_format_is_called_as_its_module_and_names_its_files_alone() -> None:
    formats = document_formats()
    assert {"html", "pdf"} <= set(formats)
    assert len({each.SUFFIX for each in formats.values()}) == len(formats)
    assert all(name == each.FORMAT for name, each in formats.items())
