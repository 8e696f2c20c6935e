"""The page of a report in a browser: no request, no error, every screen its width, and paper.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pypdf
import pytest
from workspaces import make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("browser") / "books")
    (root / "budgets.toml").write_text('[[budgets]]\nname = "All"\namount = 20.00\n', encoding="utf-8")
    days = [f"2026-{month}-{day:02}T10:00:00Z" for month in ("09", "10") for day in range(1, 28)]
    lines = [plain(ts, id=ts, prompt=100_000 + 77_777 * (n % 11)) for n, ts in enumerate(days)]
    write_log(root, "l.jsonl", *lines, plain(days[-1], id="x", model="unheard-of"), "{")
    assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
    assert tallybook(root, "report", "--as-of", "2026-11-02").returncode == 0
    return root / "reports" / "report-2026-10.html"


def browse(tmp_path: Path, address: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    command = [
        CHROMIUM,
        *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr", "--v=0"),
        f"--user-data-dir={tmp_path / 'profile'}",
        *arguments,
        address,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)


def test_a_page_asks_the_network_for_nothing_and_says_nothing_on_the_console(page: Path, tmp_path: Path) -> None:
    log = tmp_path / "net.json"
    done = browse(tmp_path, page.as_uri(), f"--log-net-log={log}", "--dump-dom")
    assert "October 2026" in done.stdout
    assert "CONSOLE" not in done.stderr
    asked = set(re.findall(r'"url":"(\w+://[^"]+)"', log.read_text(encoding="utf-8", errors="replace")))
    assert {each for each in asked if "report" in each} <= {page.as_uri()}


def test_what_is_not_of_the_page_is_refused_by_its_policy(page: Path, tmp_path: Path) -> None:
    spoiled = tmp_path / "spoiled.html"
    text = page.read_text(encoding="utf-8")
    spoiled.write_text(text.replace("<main>", "<main><img src='x.png'><script>console.log('ran')</script>"), "utf-8")
    done = browse(tmp_path, spoiled.as_uri(), "--dump-dom")
    assert "violates the following Content Security Policy" in done.stderr
    assert '"ran"' not in done.stderr


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_a_page_is_no_wider_than_its_screen(page: Path, tmp_path: Path, width: int) -> None:
    frame = tmp_path / "frame.html"
    measured = (
        f"<iframe style='border:0;width:{width}px;height:900px' src='{page.as_uri()}'></iframe><script>"
        "onload = () => { const of = document.querySelector('iframe').contentDocument.documentElement;"
        "document.title = of.scrollWidth + ' of ' + of.clientWidth }</script>"
    )
    frame.write_text(measured, encoding="utf-8")
    done = browse(tmp_path, frame.as_uri(), "--allow-file-access-from-files", "--window-size=1400,1000", "--dump-dom")
    found = re.search(r"<title>(\d+) of (\d+)</title>", done.stdout)
    assert found
    assert found[1] == found[2] == str(width)


@pytest.mark.parametrize("width", [390, 700, 980, 1280])
def test_headlines_of_millions_are_not_cut(tmp_path: Path, width: int) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "l.jsonl", plain("2026-10-03T10:00:00Z", id="a", prompt=5 * 10**11))
    assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
    assert tallybook(root, "report", "--as-of", "2026-11-02").returncode == 0
    page = root / "reports" / "report-2026-10.html"
    assert "USD\u00a0+1,000,000.00" in page.read_text(encoding="utf-8")
    frame = tmp_path / "frame.html"
    measured = (
        f"<iframe style='border:0;width:{width}px;height:900px' src='{page.as_uri()}'></iframe><script>"
        "onload = () => {"
        "const all = [...document.querySelector('iframe').contentDocument.querySelectorAll('.tiles strong')];"
        "const cut = all.filter((each) => each.scrollWidth > each.clientWidth);"
        "document.title = cut.length + ' of ' + all.length }</script>"
    )
    frame.write_text(measured, encoding="utf-8")
    done = browse(tmp_path, frame.as_uri(), "--allow-file-access-from-files", "--window-size=1400,1000", "--dump-dom")
    assert "<title>0 of 4</title>" in done.stdout


def test_a_page_is_printed_on_a_few_sheets_of_a4_with_its_reasons_in_words(page: Path, tmp_path: Path) -> None:
    printed = tmp_path / "report.pdf"
    browse(tmp_path, page.as_uri(), "--no-pdf-header-footer", f"--print-to-pdf={printed}")
    sheets = pypdf.PdfReader(printed).pages
    assert 2 <= len(sheets) <= 5
    assert [round(float(side)) for side in sheets[0].mediabox[2:]] == [595, 842]
    texts = [" ".join(sheet.extract_text().split()) for sheet in sheets]
    assert "October 2026" in texts[0]
    assert "What moved" in texts[0]
    assert "add a rate or an alias to rates/standard.toml" in " ".join(texts)
