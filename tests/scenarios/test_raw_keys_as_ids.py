"""A source that takes raw keys for ids stores none of them, and costs nothing once it is corrected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

RAW = "sk-proj-0123456789abcdefABCD"
SOURCE = '[[sources]]\nname = "app"\npaths = ["logs/*"]\nformat = "request-log"\n'
NIGHT = ("nightly", "--as-of", "2026-11-02", "--force")


def _holds(root: Path, folders: tuple[str, ...] = ("lake", "invoices")) -> list[str]:
    files = (path for folder in folders for path in (root / folder).rglob("*") if path.is_file())
    return [str(path) for path in files if RAW.encode() in path.read_bytes()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "mistaken", "corrected"),
    [
        ("key", 'fields = { api_key_id = "key" }\n', 'fields = { api_key = "key" }\n'),
        ("api_key_id", "", 'fields = { api_key = "api_key_id" }\n'),
    ],
)
def test_raw_keys_that_were_taken_for_ids_are_stored_nowhere_and_billed_once_the_source_is_corrected(
    tmp_path: Path, place: str, mistaken: str, corrected: str
) -> None:
    root = make_workspace(tmp_path / "books", config=SOURCE + mistaken)
    key_id = tallybook(root, "keys", "id", stdin=RAW).stdout.strip()
    (root / "accounts.toml").write_text(
        f'[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["{key_id}"]\n', encoding="utf-8"
    )
    line = json.loads(plain("2026-10-01T10:00:00Z", id="a"))
    line[place] = (line.pop("api_key_id"), RAW)[1]
    write_log(root, "a.jsonl", json.dumps(line))
    first = tallybook(root, *NIGHT)
    told = tallybook(root, "doctor")
    assert _holds(root) == []
    assert "api_key_id looks like a raw key; name that field api_key" in told.stdout
    (root / "tallybook.toml").write_text(SOURCE + corrected, encoding="utf-8")
    second = tallybook(root, *NIGHT)
    assert second.returncode == 0, second
    assert "2.00" in tallybook(root, "invoice", "list", "--as-of", "2026-11-02").stdout
    assert _holds(root) == []
    assert RAW not in "".join(each.stdout + each.stderr for each in (first, told, second))
