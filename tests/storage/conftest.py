"""Let the tests of storage import their builders and the faulty disk by plain names.

Owns what two of them begin with: a month that is drafted, and one that is issued.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from two_invoices import drafted_in  # noqa: PLC0415  # the process that hands tests out needs no Arrow

    return drafted_in(tmp_path_factory.mktemp("drafted") / "books")


@pytest.fixture(scope="session")
def issued(drafted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from two_invoices import ISSUE  # noqa: PLC0415  # likewise
    from workspaces import tallybook  # noqa: PLC0415  # likewise

    root = shutil.copytree(drafted, tmp_path_factory.mktemp("issued") / "books")
    assert tallybook(root, *ISSUE).returncode == 0
    return root
