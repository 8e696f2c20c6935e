"""What somebody who can write every file can do: change an entry of a log, and seal all of it again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.objects import append_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def reseal(folder: Path, number: int, change: Callable[[dict[str, Any]], object]) -> None:
    """Change entry ``number`` of the register or of the payments, and chain it and all that follow it anew."""
    entries = sorted(folder.glob("[0-9]*.json"))
    previous: str | None = None
    for path in entries:
        entry = json.loads(path.read_bytes())
        if int(path.stem) == number:
            change(entry)
        entry |= {"previousSha256": previous, "sealSha256": append_log.UNSEALED}
        text = json.dumps(entry, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
        path.write_bytes(append_log.seal(text.encode("utf-8")))
        previous = append_log.sha256_of(path.read_bytes())
