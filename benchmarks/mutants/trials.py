"""Try changed modules, one after the other, each in a process of its own that has all but the change imported already.

A trial asks the tests that call the changed function, those that call least besides or noticed most first, and ends
with the first that fails. Which those are is seen once, with nothing changed. A function is changed where it stands,
in a fork of a process that has collected the tests; what is read at import is changed in a fork that imports everything
anew.

Does not own what is changed nor which tests may notice. Tests that start other processes see no change there.
"""

from __future__ import annotations

import functools
import gc
import importlib
import importlib.abc
import importlib.util
import itertools
import json
import math
import os
import pickle
import resource
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, NamedTuple

import click
import pytest
from hypothesis import Phase, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import FrameType, ModuleType

ROOT = Path(__file__).parents[2]
_ROOT = f"{ROOT}/"
_OURS = f"{_ROOT}pipeline/"
_OPTIONS = (
    *("-n", "0", "-q", "-p", "no:faulthandler", "-p", "no:cacheprovider", "--tb=line", f"--rootdir={ROOT}"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
    *("-m", "not slow"),
    "--ask-anew",  # what was answered before the change says nothing of it
)
_WARM = ("click", "duckdb", "numpy", "pyarrow", "pyarrow.compute", "pyarrow.parquet", "rich.console", "backports.zstd")
_BROKEN = 99
"""The exit code of a fork that raised what no test caught: a trial that could not be made."""
_TRUST = 5
"""A test that noticed once is asked sooner, as if it called a sixth as much; one that noticed often, sooner still."""
_CPU_SECONDS_MORE = 10
_CPU_TIMES = 6
"""A test ends as noticing when it takes so much more CPU than it took with nothing changed: a loop has no end."""
_STANDS_STILL_SECONDS, _STANDS_STILL_CPU_SECONDS = 45, 0.02
"""Or when it uses no more CPU than this in so long: it waits for what never comes, however busy the machine is."""


class Trial(NamedTuple):
    """A changed module: its file below the root, what it is then, and of which tests it may be noticed (paths)."""

    name: str
    path: str
    changed: Callable[[], CodeType]
    tests: tuple[str, ...]


class Verdict(NamedTuple):
    """Whether a trial was noticed, and by what."""

    name: str
    noticed_by: str | None


class _Seen(NamedTuple):
    """What was seen with nothing changed."""

    calls: dict[str, frozenset[str]]
    """Node id of a test to the functions it calls, as ``path:qualified name``, and to the modules, as ``path``."""
    seconds: dict[str, float]
    at_import: frozenset[str]


def tried(trials: Sequence[Trial], seen_file: Path | None = None, seconds_max: float = math.inf) -> Iterator[Verdict]:
    """Yield the verdict of each trial, in no promised order.

    A trial asks tests as long as they take no more CPU than ``seconds_max`` in all, those first that call little else.
    What each test calls is kept in ``seen_file``, where it is given, and believed for the tests that stand there.

    Raises ``ClickException`` where a test fails with nothing changed.
    """
    for name in [each for each in sys.modules if each.partition(".")[0] in {"pipeline", "tests"}]:
        del sys.modules[name]
    for name in _WARM:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="trials-") as scratch:
        seen_file = Path(scratch) / "seen" if seen_file is None else seen_file.resolve()
        again = []
        session = functools.partial(_session, trials, seen_file, seconds_max, Path(scratch))
        for answer in _answers_of(session, Path(scratch)):
            verdict = Verdict(*json.loads(answer))
            if verdict.noticed_by == _ANEW:
                again.append(verdict.name)
            else:
                yield verdict
        seen: _Seen = pickle.loads(seen_file.read_bytes())  # noqa: S301 - a process of ours wrote it
        for trial in trials:
            if trial.name in again:
                yield Verdict(trial.name, _tried_anew(trial, seen, seconds_max, Path(scratch)))


_ANEW = "has to be imported anew"


def _answers_of(session: Callable[[Callable[[str], None]], None], scratch: Path) -> Iterator[str]:
    """Yield what a fork tells, line by line; raise where it did not end well."""
    reading, writing = os.pipe()
    log = scratch / "log"
    process_id = os.fork()
    if not process_id:
        code = 1
        try:
            os.close(reading)
            _quiet(log)
            with os.fdopen(writing, "w") as told:
                session(lambda line: print(line, file=told, flush=True))
            code = 0
        except Exception:  # noqa: BLE001 - a fork must not go on as if it were the first
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as told:
        for line in told:
            yield line.rstrip("\n")
    if os.waitpid(process_id, 0)[1]:
        message = f"the tests did not run, or fail with nothing changed:\n{log.read_text()[-4000:]}"
        raise click.ClickException(message)


def _quiet(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)


def _session(
    trials: Sequence[Trial], seen_file: Path, seconds_max: float, scratch: Path, tell: Callable[[str], None]
) -> None:
    plugin = _Session(trials, seen_file, seconds_max, scratch, tell)
    tests = sorted({test for trial in trials for test in trial.tests})
    plugin.watch.start()
    code = pytest.main([*_OPTIONS, f"--basetemp={scratch / 'temporary'}", *_absolute(tests)], plugins=[plugin])
    if code != pytest.ExitCode.OK or not plugin.is_done:
        sys.stdout.flush()
        os._exit(1)


def _absolute(tests: Iterable[str]) -> list[str]:
    return [str(ROOT / test) for test in tests]


class _SameExamples:
    """Lets examples be the same each time, and none be kept or made smaller."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Take the place of the profile that ``tests/conftest.py`` loads."""
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("trials", deadline=None, derandomize=True, database=None, phases=phases)
        settings.load_profile("trials")


class _Watch:
    """Which functions of the project are called."""

    def __init__(self) -> None:
        self.calls: set[str] = set()
        self._seen: dict[CodeType, str | None] = {}

    def start(self) -> None:
        threading.settrace(self._called)
        sys.settrace(self._called)

    def stop(self) -> None:
        threading.settrace(None)
        sys.settrace(None)

    def _called(self, frame: FrameType, *_: object) -> None:
        code = frame.f_code
        if code not in self._seen:
            is_ours = code.co_filename.startswith(_OURS)
            self._seen[code] = f"{code.co_filename[len(_ROOT) :]}:{_function_of(code)}" if is_ours else None
        if name := self._seen[code]:
            self.calls.add(name)


def _function_of(code: CodeType) -> str:
    return code.co_qualname.partition(".<locals>")[0]


class _Session(_SameExamples):
    """Sees which test calls what, then tries each change of a function in a fork."""

    def __init__(
        self,
        trials: Sequence[Trial],
        seen_file: Path,
        seconds_max: float,
        scratch: Path,
        tell: Callable[[str], None],
    ) -> None:
        self._trials, self._seen_file, self._seconds_max = trials, seen_file, seconds_max
        self._scratch, self._tell = scratch, tell
        self._noticed_by: Counter[str] = Counter()
        self.watch = _Watch()
        self.is_done = False
        self._failed: str | None = None
        self._calls_of_fixtures: dict[object, set[str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: object) -> Iterator[None]:
        before, self.watch.calls = self.watch.calls, set()
        try:
            return (yield)
        finally:
            self._calls_of_fixtures.setdefault(fixturedef, set()).update(self.watch.calls)
            self.watch.calls |= before

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self._failed is None:
            self._failed = report.nodeid
            print(report.longreprtext)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            message = f"{session.testsfailed} errors while the tests were collected"
            raise session.Interrupted(message)
        self.watch.stop()
        at_import = frozenset(self.watch.calls)
        for trial in self._trials:  # commands import what they need when they run: their functions are to be there now
            importlib.import_module(module_of(trial.path))
        caches = [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]  # noqa: SLF001
        caches = [each for each in caches if not each.__module__.startswith("pipeline.collectors.kernel")]
        seen_file = self._seen_file

        def see() -> int:
            return self._see(session.items, at_import, caches)

        if _forked(see, cpu_seconds=3600, wall_seconds=7200)[0]:
            return True
        seen: _Seen = pickle.loads(seen_file.read_bytes())  # noqa: S301 - a process of ours wrote it
        functions = _functions({str(ROOT / trial.path) for trial in self._trials})
        gc.collect()
        gc.freeze()
        for trial in self._trials:
            self._tell(json.dumps([trial.name, self._tried(trial, session.items, seen, functions, caches)]))
        self.is_done = True
        return True

    def _see(self, items: list[pytest.Item], at_import: frozenset[str], caches: list[object]) -> int:
        calls, seconds = {}, {}
        if self._seen_file.exists():
            before: _Seen = pickle.loads(self._seen_file.read_bytes())  # noqa: S301 - a process of ours wrote it
            calls, seconds = dict(before.calls), dict(before.seconds)
            items = [each for each in items if each.nodeid not in calls]
        self.watch.start()
        for item, following in itertools.pairwise([*items, None]):
            self.watch.calls = set()
            for cache in caches:
                cache.cache_clear()
            began = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            seconds[item.nodeid] = time.process_time() - began
            if self._failed is not None:
                sys.stdout.flush()
                return 1
            of_fixtures = [
                self._calls_of_fixtures.get(each[-1], set())
                for each in item._fixtureinfo.name2fixturedefs.values()  # noqa: SLF001
            ]
            found = self.watch.calls.union(*of_fixtures)
            calls[item.nodeid] = frozenset(found | {name.partition(":")[0] for name in found})
        self.watch.stop()
        self._seen_file.write_bytes(pickle.dumps(_Seen(calls, seconds, at_import)))
        return 0

    def _tried(
        self,
        trial: Trial,
        items: list[pytest.Item],
        seen: _Seen,
        functions: dict[tuple[str, str], list[FunctionType]],
        caches: list[object],
    ) -> str | None:
        file = str(ROOT / trial.path)
        old = compile(Path(file).read_text(encoding="utf-8"), file, "exec", dont_inherit=True)
        changed = _changed_functions(old, trial.changed())
        if changed is None or any((file, name) not in functions for name in changed):
            return _ANEW
        called = {f"{trial.path}:{name}" for name in changed}
        others = [(each, code) for name, code in changed.items() for each in functions.get((file, name), [])]
        if any(len(each.__code__.co_freevars) != len(code.co_freevars) for each, code in others):
            return _ANEW  # a function that closes over other variables can only be made anew
        by_id = {each.nodeid: each for each in items}
        asked = [each for each in _asked(trial, called, seen, self._seconds_max) if each in by_id]
        asked.sort(key=lambda test: len(seen.calls[test]) / (1 + _TRUST * self._noticed_by[test]))
        chosen = [by_id[each] for each in asked]

        def ask() -> int:
            for cache in caches:
                cache.cache_clear()
            for function, code in others:
                function.__code__ = code
            for item, following in itertools.pairwise([*chosen, None]):
                _begin(item.nodeid, seen.seconds[item.nodeid], self._scratch)
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if self._failed is not None:
                    (self._scratch / "failed").write_text(self._failed, encoding="utf-8")
                    return 1
            return 0

        seconds = sum(seen.seconds[each.nodeid] for each in chosen)
        noticed = _noticed(ask, seconds, self._scratch) if chosen else None
        self._noticed_by[noticed or ""] += 1
        return _ANEW if noticed is None and called & seen.at_import else noticed


def _asked(trial: Trial, calls: set[str], seen: _Seen, seconds_max: float) -> list[str]:
    """Return the tests that call any of these, those that call least besides first: it is their matter."""
    found = [
        test
        for test, called in seen.calls.items()
        if called & calls and any(_is_below(test, each) for each in trial.tests)
    ]
    found.sort(key=lambda test: len(seen.calls[test]))
    sums = itertools.accumulate(seen.seconds[test] for test in found)
    return [test for test, seconds in zip(found, sums, strict=True) if seconds <= seconds_max]


def _is_below(test: str, path: str) -> bool:
    return test == path or test.startswith((f"{path}/", f"{path}::", f"{path}["))


def _begin(test: str, seconds: float, scratch: Path) -> None:
    """Say which test is asked; it ends where it takes so much more CPU than with nothing changed, or stands still."""
    (scratch / "asked").write_text(test, encoding="utf-8")
    used, (_, hard) = time.process_time(), resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (min(hard, round(used + seconds * _CPU_TIMES) + _CPU_SECONDS_MORE), hard))
    used += sum(os.times()[2:4])

    def look(*_: object) -> None:
        nonlocal used
        before, used = used, time.process_time() + sum(os.times()[2:4])
        if used - before < _STANDS_STILL_CPU_SECONDS:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGALRM)
        signal.alarm(_STANDS_STILL_SECONDS)

    signal.signal(signal.SIGALRM, look)
    signal.alarm(_STANDS_STILL_SECONDS)


def _noticed(ask: Callable[[], int], seconds: float, scratch: Path) -> str | None:
    code, ended_by = _forked(
        ask,
        cpu_seconds=round(seconds * _CPU_TIMES) + 2 * _CPU_SECONDS_MORE,
        wall_seconds=0,  # each test has its own
    )
    if ended_by:
        return f"{(scratch / 'asked').read_text(encoding='utf-8')}, which did not end"
    if code == _BROKEN:
        message = "a trial could not be made"
        raise RuntimeError(message)
    if not code:
        return None
    failed = scratch / "failed"
    noticed_by = failed.read_text(encoding="utf-8") if failed.exists() else "an error while tests were collected"
    failed.unlink(missing_ok=True)
    return noticed_by


def _forked(task: Callable[[], int], *, cpu_seconds: int, wall_seconds: int) -> tuple[int, int]:
    """Run a task in a fork; return its exit code and the signal that ended it."""
    sys.stdout.flush()
    process_id = os.fork()
    if not process_id:
        code = _BROKEN
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(wall_seconds)
            code = task()
        except Exception:  # noqa: BLE001 - likewise
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(process_id, 0)
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 0, os.WTERMSIG(status)


def _functions(files: set[str]) -> dict[tuple[str, str], list[FunctionType]]:
    found: dict[tuple[str, str], list[FunctionType]] = {}
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename in files:
            found.setdefault((each.__code__.co_filename, each.__code__.co_qualname), []).append(each)
    return found


def _changed_functions(old: CodeType, new: CodeType) -> dict[str, CodeType] | None:
    """Return the functions of a module that are others, by qualified name; None where what is read at import is.

    Functions within functions count as theirs.
    """
    olds, news = _nested(old), _nested(new)
    if not _is_same_itself(old, new) or [each.co_qualname for each in olds] != [each.co_qualname for each in news]:
        return None
    changed: dict[str, CodeType] = {}
    for one, other in zip(olds, news, strict=True):
        is_function = bool(one.co_flags & 0x2) and one.co_name.isidentifier()  # CO_NEWLOCALS: a class body has none
        if not is_function:
            inner = _changed_functions(one, other)
            if inner is None:
                return None
            changed |= inner
        elif not _is_same(one, other):
            changed[other.co_qualname] = other
    return changed


def _nested(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def _is_same(one: CodeType, other: CodeType) -> bool:
    olds, news = _nested(one), _nested(other)
    return (
        _is_same_itself(one, other)
        and len(olds) == len(news)
        and all(_is_same(old, new) for old, new in zip(olds, news, strict=True))
    )


def _is_same_itself(one: CodeType, other: CodeType) -> bool:
    return all(of(one) == of(other) for of in _PARTS)


_PARTS: tuple[Callable[[CodeType], object], ...] = (
    lambda code: code.co_code,
    lambda code: code.co_names,
    lambda code: code.co_varnames,
    lambda code: code.co_freevars,
    lambda code: code.co_exceptiontable,
    lambda code: [(type(each), each) for each in code.co_consts if not isinstance(each, CodeType)],
)


def _tried_anew(trial: Trial, seen: _Seen, seconds_max: float, scratch: Path) -> str | None:
    """Try a change of what is read at import: by every test that calls anything of the module."""
    wanted = _asked(trial, {trial.path}, seen, seconds_max)
    files = sorted({test.partition("::")[0] for test in wanted})

    def ask() -> int:
        _quiet(scratch / "log")
        sys.meta_path.insert(0, _Finder(trial))
        plugin = _Chosen(wanted, seen, scratch)
        code = pytest.main(
            [*_OPTIONS, "-x", f"--basetemp={scratch / 'temporary'}", *_absolute(files)], plugins=[plugin]
        )
        if plugin.failed is not None:
            (scratch / "failed").write_text(plugin.failed, encoding="utf-8")
        return int(code)

    if not wanted:
        return None
    return _noticed(ask, sum(seen.seconds[each] for each in wanted) + 5, scratch)


class _Chosen(_SameExamples):
    """Runs some tests, in the order given."""

    def __init__(self, wanted: list[str], seen: _Seen, scratch: Path) -> None:
        self._wanted, self._seen, self._scratch = wanted, seen, scratch
        self.failed: str | None = None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        by_id = {each.nodeid: each for each in items}
        items[:] = [by_id[each] for each in self._wanted if each in by_id]

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        _begin(nodeid, self._seen.seconds[nodeid], self._scratch)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.failed is None:
            self.failed = report.nodeid


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the changed module in the place of the one that is there."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def find_spec(self, name: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        del path, target
        if name != module_of(self._trial.path):
            return None
        file = str(ROOT / self._trial.path)
        return importlib.util.spec_from_file_location(
            name,
            file,
            loader=_Loader(name, file, self._trial.changed()),
            submodule_search_locations=[str(Path(file).parent)] if file.endswith("/__init__.py") else None,
        )


class _Loader(SourceFileLoader):
    def __init__(self, name: str, file: str, code: CodeType) -> None:
        super().__init__(name, file)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        return self._code


def module_of(path: str) -> str:
    """Return the name under which a file below the root is imported."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
