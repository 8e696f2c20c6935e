"""Where the files that come with the package lie: the SQL and the sample workspace.

In an installed wheel they are ``pipeline/_sql`` and ``pipeline/_sample``; in a checkout (and so in an editable install)
they are ``sql/`` and ``data/`` beside the package.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.base.errors import ConfigurationError

_PACKAGE = Path(__file__).resolve().parents[1]

SAMPLE_FILES = ("tallybook.toml", "accounts.toml", "rates", "logs")
"""What of ``data/`` is the sample; everything else there was written by the pipeline."""


def sql_folder() -> Path:
    """Return the folder that holds ``staging``, ``intermediate``, ``marts`` and ``checks``."""
    return _first_folder(_PACKAGE / "_sql", _PACKAGE.parent / "sql")


def sample_folder() -> Path:
    """Return the folder that holds the sample workspace (``SAMPLE_FILES``)."""
    return _first_folder(_PACKAGE / "_sample", _PACKAGE.parent / "data")


def _first_folder(installed: Path, checkout: Path) -> Path:
    for folder in (installed, checkout):
        if folder.is_dir():
            return folder
    message = f"the installation is incomplete: neither {installed} nor {checkout} exists; install tallybook again"
    raise ConfigurationError(message)
