"""A server that speaks Spark Connect, for as long as the tests of a process run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from servers import sail

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["sail"]

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "workers")]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what asks the server out of the fast suite: a session and its plans take longer than most tests."""
    for item in items:
        if "sail" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of Spark on two threads, whose workers have the secret of key ids in their environment."""
    from spark_server import SECRET, spark_server  # noqa: PLC0415  # few tests start it

    with spark_server(tmp_path_factory.mktemp("spark"), TALLYBOOK_KEY_SECRET=SECRET) as remote:
        yield remote
