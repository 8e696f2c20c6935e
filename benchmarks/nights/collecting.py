"""Collecting here and on workers of a server beside it, in turns.

``python -m benchmarks.nights.collecting --size 256M`` prints it. Makes seeded logs, starts Sail for as long as it
measures, or asks the server of ``--remote``, whose own CPU seconds are then not seen. With ``--store`` each lake lies
on an S3 server that is started for this, in a process of its own. Prints the CPU seconds of each process, whether the
lakes are equal to the byte, and of the one that workers write, whose files are others, whether the events are equal.
Seconds say little where one machine is both; what matters is what is left for this machine to do where workers read:
the events that it takes in and commits in a CPU second are the most that one machine can collect, however many workers
there are.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.inputs.events import write_workspace
from benchmarks.inputs.generate import number_of, write_log
from benchmarks.inputs.lines import KINDS, Recipe
from benchmarks.turns.measure import ROOT, python, run
from pipeline.lake import read_log, verified_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.turns.measure import Run

_SERVER = """
import sys
from pysail.spark import SparkConnectServer
server = SparkConnectServer(ip="127.0.0.1", port=0)
server.start(background=True)
print(server.listening_address[1], flush=True)
sys.stdin.read()
"""
_NOTES = frozenset({".lock", ".store"})
_TICKS = os.sysconf("SC_CLK_TCK")


@click.command()
@click.option("--remote", help="A server that can read what this machine writes; default: Sail, started for this.")
@click.option("--kind", default="short", show_default=True, type=click.Choice(KINDS))
@click.option("--size", default="256M", show_default=True, help="Bytes of logs.")
@click.option("--logs", default=8, show_default=True, type=click.IntRange(min=1), help="How many logs have them.")
@click.option("--turns", default=3, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--one-by-one", is_flag=True, help="Name a place of lines within lines, so that they are read one at a time."
)
@click.option("--store", is_flag=True, help="Let each lake lie on an S3 server (moto), started for this.")
def main(*, remote: str | None, kind: str, size: str, logs: int, turns: int, one_by_one: bool, store: bool) -> None:
    """Print a table: who collected, CPU seconds of this machine and of the server, seconds, events a CPU second."""
    with tempfile.TemporaryDirectory(prefix="tallybook-collecting-") as folder:
        here, there, written = (Path(folder) / name for name in ("here", "there", "written"))
        write_workspace(here)
        events = sum(
            write_log(here / "logs" / f"{number}.jsonl", Recipe(kind=kind, seed=number), number_of(size) // logs)
            for number in range(logs)
        )
        if one_by_one:
            with (here / "tallybook.toml").open("a", encoding="utf-8") as settings:
                settings.write('line_in = "nowhere"\n')
        shutil.copytree(here, there)
        with _bucket(is_wanted=store) as bucket, _server(remote) as (address, server):
            with (there / "tallybook.toml").open("a", encoding="utf-8") as settings:
                settings.write(f'\n[engine]\nkind = "spark"\nremote = "{address}"\ncollect = true\n')
            shutil.copytree(there, written)
            with (written / "tallybook.toml").open("a", encoding="utf-8") as settings:
                settings.write("write = true\n")
            runs: dict[str, list[tuple[Run, float]]] = {}
            for turn in range(turns):
                for name, root in (("here", here), ("on workers", there), ("on workers that write", written)):
                    shutil.rmtree(root / "lake", ignore_errors=True)
                    if bucket is not None:
                        os.environ["TALLYBOOK_LAKE"] = f"{bucket}/{root.name}-{turn}"
                    before = _cpu_seconds(server)
                    done = run(python("pipeline.cli", "-w", str(root), "collect", "--as-of", "2026-04-02"))
                    runs.setdefault(name, []).append((done, _cpu_seconds(server) - before))
        how = f"{', read one by one' if one_by_one else ''}{', the lake on a store' if store else ''}"
        print(f"{events} lines of {kind}{how}, {size} in {logs} logs, {turns} turns, load {os.getloadavg()[0]:.1f}")
        print("| read | CPU s here | CPU s of the server | s | events a CPU s here |\n|---|---:|---:|---:|---:|")
        for name, each in runs.items():
            ours = median(done.cpu_seconds for done, _ in each)
            theirs = median(used for _, used in each)
            seconds = median(done.wall_seconds for done, _ in each)
            print(f"| {name} | {ours:.1f} | {theirs:.1f} | {seconds:.1f} | {events / ours:,.0f} |")
        print(f"the lakes are {'equal' if _digests(here) == _digests(there) else 'NOT equal'}")
        print(f"the events that workers wrote are {'equal' if _events(here).equals(_events(written)) else 'NOT equal'}")


@contextmanager
def _bucket(*, is_wanted: bool) -> Iterator[str | None]:
    """Yield the address of a bucket of an S3 server that is started for this; the environment says how to reach it."""
    if not is_wanted:
        yield None
        return
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port = asked.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    os.environ |= {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    os.environ["AWS_REGION"] = "us-east-1"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:  # noqa: S603 - ours
        try:
            _make_bucket(f"{endpoint}/books")
            yield "s3://books"
        finally:
            server.kill()


def _make_bucket(address: str) -> None:
    """Make a bucket, as soon as its server listens. Raises ``OSError`` where it does not within two minutes."""
    for left in reversed(range(240)):
        try:
            put = urllib.request.Request(address, method="PUT")  # noqa: S310 - on the loopback
            urllib.request.urlopen(put).close()  # noqa: S310 - on the loopback
        except OSError:
            if not left:
                raise
            time.sleep(0.5)
        else:
            return


@contextmanager
def _server(remote: str | None) -> Iterator[tuple[str, int | None]]:
    """Yield the address of a server, and its process where it was started for this."""
    if remote is not None:
        yield remote, None
        return
    environment = os.environ | {"RUST_LOG": "off", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", _SERVER]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            port = server.stdout.readline().strip() if server.stdout is not None else ""
            time.sleep(1)
            yield f"sc://127.0.0.1:{port}", server.pid
        finally:
            server.kill()


def _cpu_seconds(process: int | None) -> float:
    """Return the CPU seconds that a process has used so far; 0 of one that is not ours."""
    if process is None:
        return 0.0
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _digests(root: Path) -> dict[str, str]:
    """Return the digest of every file of a lake but the notes of who holds it, and of where its store is."""
    files = (path for path in (root / "lake").rglob("*") if path.is_file() and path.name not in _NOTES)
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _events(root: Path) -> pa.Table:
    """Return all events of a lake, in the order of the logs."""
    files = verified_files(root / "lake", read_log(root / "lake"))
    events = pa.concat_tables(pq.ParquetFile(path).read() for path in files)
    return events.sort_by([("source", "ascending"), ("byte_start", "ascending")]).combine_chunks()


if __name__ == "__main__":
    main()
