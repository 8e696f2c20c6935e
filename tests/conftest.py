"""Let every test import the oracle, its random logs, small workspaces and stored lines by their plain names.

Owns what every test runs under as well: no deadlines, no waiting for a disk, nothing traversed that never goes.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

for folder in ("oracle", "oracle/labelled", "support/**/", "golden/readings"):
    sys.path[:0] = [str(each) for each in Path(__file__).parent.glob(folder)]

WITH_EVERY_CHANGE = ("not slow and not long", "long and not slow")
"""What the two suites choose that ``.ci/run`` runs; the first is that of ``pyproject.toml``."""
OF_THE_ENGINE = {"engines", "warehouse", "sql"}
ABOUT_WHEN_IT_IS_ASKED = {"test_dates_counted.py"}

settings.register_profile("tallybook", deadline=None)  # how long an example takes says nothing on a busy machine
settings.load_profile("tallybook")


def _not_waited_for(descriptor: int) -> None:
    """Refuse a descriptor that is none, as fsync does.

    What it waits for can be seen after a power cut alone, which tests make up (``storage/faulty_os.py``); waiting took
    a seventh of the time of all tests. Processes that tests start wait as ever.
    """
    os.fstat(descriptor)


os.fsync = _not_waited_for
gc.disable()  # until all tests are collected: nothing of them goes, and to look again and again takes a quarter of it


def pytest_addoption(parser: pytest.Parser) -> None:
    said = "ask the engine each time (whatever is not the fast suite does)"
    parser.addoption("--ask-anew", action="store_true", help=said)


@pytest.fixture(scope="module", autouse=True)
def _counted_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """In what is tried with every change: ``-m "slow or not slow"`` asks the engine each time.

    So do the tests of the engine, and those that look at when it is asked.
    """
    option = request.config.option
    room, *_, name = request.path.relative_to(Path(__file__).parent).parts
    is_about_it = room in OF_THE_ENGINE or name in ABOUT_WHEN_IT_IS_ASKED
    with pytest.MonkeyPatch.context() as patch:
        if option.markexpr in WITH_EVERY_CHANGE and not option.ask_anew and not is_about_it:
            from counted_once import put_in_place  # noqa: PLC0415  # the process that hands tests out needs no Arrow

            put_in_place(patch, below=tmp_path_factory.getbasetemp().resolve())
        yield


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep the collector of garbage from traversing thousands of tests, which stay to the end, again and again.

    Whoever tries mutants finds through it what is to be forgotten between two tests.
    """
    gc.enable()
    if not session.config.option.ask_anew:
        gc.collect()
        gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send no keywords of what passed to the process that hands tests out: nobody asks for them there.

    They are more than a third of what is sent three times a test.
    """
    report = yield
    if report.passed:
        report.keywords = {}
    return report


def pytest_unconfigure() -> None:
    """Let what was kept go, as extensions ask for that count what is left."""
    gc.unfreeze()
