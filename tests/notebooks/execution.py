"""Executes notebooks in a fresh checkout's shape: the sample as ``data/``, no lake yet, ``notebooks/`` beside it.

``python tests/notebooks/execution.py`` writes the outputs of today into the committed notebooks.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOTEBOOK = ROOT / "notebooks" / "daily_cost.ipynb"
SAMPLE = ("tallybook.toml", "accounts.toml", "rates", "logs")
_CELL_SECONDS_MAX = 120


def make_checkout(folder: Path) -> Path:
    """Copy the sample and the notebook into ``folder`` and return the folder of the sample."""
    data = folder / "data"
    data.mkdir()
    (folder / "notebooks").mkdir()
    for name in SAMPLE:
        source = ROOT / "data" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, data / name)
    for notebook in NOTEBOOKS:
        shutil.copy(notebook, folder / "notebooks")
    return data


def committed(path: Path) -> NotebookNode:
    """Return a notebook as it lies there."""
    import nbformat  # noqa: PLC0415  # takes two seconds, and few tests read a notebook

    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types
    return notebook


def executed(checkout: Path, name: str = NOTEBOOK.name) -> NotebookNode:
    """Run every cell, as somebody does who opens the notebook in ``checkout/notebooks``.

    A cell that raises, raises here.
    """
    from nbclient import NotebookClient  # noqa: PLC0415  # likewise

    notebook = committed(checkout / "notebooks" / name)
    own_folders = {name: str(checkout / ".jupyter") for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")}
    with pytest.MonkeyPatch.context() as patch:
        for variable, folder in own_folders.items():
            patch.setenv(variable, folder)
        client = NotebookClient(notebook, timeout=_CELL_SECONDS_MAX, record_timing=False, resources={"metadata": {"path": str(checkout / "notebooks")}})
        client.execute()
    return notebook


if __name__ == "__main__":
    import nbformat

    for written in NOTEBOOKS:
        with tempfile.TemporaryDirectory() as temporary:
            make_checkout(Path(temporary))
            result = executed(Path(temporary), written.name)
        result.metadata.pop("language_info", None)  # names the Python of whoever ran it
        nbformat.write(result, written)  # type: ignore[no-untyped-call]  # nbformat has no types
        sys.stdout.write(f"{written.relative_to(ROOT)}: {written.stat().st_size} bytes\n")
