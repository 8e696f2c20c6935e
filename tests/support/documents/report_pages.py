"""The page of a report, read back: its texts, and its tables below their headings."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

VOID = {"meta", "br"}


class ReportPage(HTMLParser):
    """Elements, attributes and texts of a page; its tables as rows of texts, by ``(h2, h3)`` above them."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.headings = ["", ""]
        self.tables: dict[tuple[str, str], list[list[str]]] = {}
        self.notes: dict[tuple[str, str], list[str]] = {}
        self._rows: list[list[str]] | None = None
        self._note = 0
        self.feed(content.decode("utf-8"))
        self.close()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("h2", "h3"):
            self.headings = ["", ""] if tag == "h2" else [self.headings[0], ""]
        if tag == "table":
            self._rows = self.tables.setdefault((self.headings[0], self.headings[1]), [])
        if tag == "tr" and self._rows is not None:
            self._rows.append([])
        if tag in ("th", "td") and self._rows:
            self._rows[-1].append("")
        if ("class", "note") in attrs or (tag == "details" and "th" in self.open):
            self._note = len(self.open)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if len(self.open) < self._note:
            self._note = 0
        if tag == "table":
            self._rows = None

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        within = set(self.open)
        for level, tag in enumerate(("h2", "h3")):
            if tag in within:
                self.headings[level] += data
        if self._rows and self._rows[-1] and {"th", "td"} & within and not self._note:
            self._rows[-1][-1] += data

    def values(self, tag: str, name: str) -> list[str]:
        return [value for of, attribute, value in self.attributes if (of, attribute) == (tag, name)]

    def rows(self, heading: str, title: str = "") -> list[list[str]]:
        """Return a table's rows without its head, arrows and notes."""
        found = self.tables[heading, title]
        return [[" ".join(cell.replace("▲", "").replace("▼", "").split()) for cell in row] for row in found[1:]]

    def _seen(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
