"""Makes a workspace: the sample configuration, rate cards and logs, and a secret for key ids. Never overwrites.

Owns what a new workspace holds. Does not own the files themselves (``data/`` in a checkout, ``pipeline/_sample`` in a
wheel).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.resources import SAMPLE_FILES, sample_folder
from pipeline.configuration.keys.key_secret import SECRET_FILE, create_key_secret
from pipeline.objects import disk

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorkspace:
    """What was made, and what was there already and kept; paths relative to the workspace."""

    root: Path
    made: tuple[str, ...]
    kept: tuple[str, ...]


def init(root: Path) -> NewWorkspace:
    """Make every file of the sample workspace that is not there yet, and a key secret where there is none.

    Sample logs and accounts come only into a workspace that has no ``tallybook.toml``: they would be billed beside
    somebody's own.
    """
    is_new = not (root / "tallybook.toml").exists()
    root.mkdir(parents=True, exist_ok=True)
    made, kept = [], []
    for source in _sample_files(sample_folder()) if is_new else []:
        name = source.relative_to(sample_folder()).as_posix()
        target = root / name
        if target.exists():
            kept.append(name)
            continue
        disk.make_folders(root, target.parent, mode=disk.FOLDER_MODE_OF_UMASK)
        disk.replace_durably(target, source.read_bytes(), mode=disk.FILE_MODE_OF_UMASK, is_locked=False)
        made.append(name)
    if (root / SECRET_FILE).exists():
        kept.append(SECRET_FILE)
    else:
        create_key_secret(root)
        made.append(SECRET_FILE)
    if not is_new:
        kept.append("tallybook.toml")
    return NewWorkspace(root=root, made=tuple(made), kept=tuple(kept))


def _sample_files(folder: Path) -> list[Path]:
    files = [
        path
        for name in SAMPLE_FILES
        for path in ([folder / name] if (folder / name).is_file() else sorted((folder / name).rglob("*")))
    ]
    found = [path for path in files if path.is_file()]
    if not found:
        message = f"the installation is incomplete: {folder} holds no sample; install tallybook again"
        raise ConfigurationError(message)
    return found
