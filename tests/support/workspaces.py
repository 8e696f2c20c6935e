"""Small workspaces for tests: configuration as text, logs as lines, the command line in this process."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest import mock

from variables import variables

from pipeline.cli import run
from pipeline.cli.commands.invoice import freeze

if TYPE_CHECKING:
    from pathlib import Path

_AHEAD = timedelta(days=3 * 365)
STANDARD = """
id = "standard"
currency = "USD"

[aliases]
"jamba-large-1.7" = "jamba-large"

[[rates]]
model = "jamba-large"
effective_from = 2026-01-01T00:00:00Z
prompt = 2.00
completion = 8.00
"""

RICH = """
id = "rich"
currency = "USD"
[[rates]]
model = "jamba-large"
prompt = { mode = "graduated", tiers = [ { up_to = 1_000_000, rate = 2.00 }, { rate = 1.00, flat = 3.00 } ] }
prompt_cached = { mode = "volume", tiers = [ { up_to = 100_000, rate = 0.50 }, { rate = 0.25 } ] }
completion = { mode = "package", tokens = 100_000, price = 0.80 }
per_request = 0.01
"""
"""A price of every shape."""


def account(id: str, *keys: str, name: str = "", **more: Any) -> str:
    """Return a table of ``accounts.toml``. Named after its id, where nothing else is said."""
    stated = {"id": id, "name": name or id.title(), "keys": list(keys), **more}
    return "[[accounts]]\n" + _stated(stated)


def tagged(key: str, **tags: str) -> str:
    """Return the tags of a key, as a table of ``accounts.toml``."""
    return f"[keys.{key}]\n" + _stated(tags)


def _stated(values: dict[str, Any]) -> str:
    """Write texts, whole numbers, truths and lists of them as TOML does, which is as JSON does."""
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())


def make_workspace(root: Path, *, config: str = "", accounts: str = "", cards: dict[str, str] | None = None) -> Path:
    (root / "rates").mkdir(parents=True)
    (root / "logs").mkdir()
    sources = '[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nformat = "request-log"\n'
    (root / "tallybook.toml").write_text(config + ("" if "[[sources]]" in config else sources), encoding="utf-8")
    (root / "accounts.toml").write_text(accounts or account("acme", "key_a"), encoding="utf-8")
    for name, text in (cards or {"standard": STANDARD}).items():
        (root / "rates" / f"{name}.toml").write_text(text, encoding="utf-8")
    return root


def plain(
    ts: str,
    *,
    id: str | None,
    prompt: int = 1_000_000,
    completion: int = 0,
    key: str = "key_a",
    model: str = "jamba-large",
    cached: int | None = None,
    audio: tuple[int, int] | None = None,
    **more: Any,
) -> str:
    usage: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if cached is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": cached}
    if audio is not None:
        usage.setdefault("prompt_tokens_details", {})["audio_tokens"] = audio[0]
        usage["completion_tokens_details"] = {"audio_tokens": audio[1]}
    body = {
        "id": id,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
        "usage": usage,
    }
    line = {
        "ts": ts,
        "api_key_id": key,
        "status": 200,
        "path": "/studio/v1/chat/completions",
        "request": {"model": model, "stream": False},
        "response": body,
    }
    return json.dumps(line | more)


def stream(
    ts: str,
    *,
    id: str,
    pieces: list[str],
    usage: tuple[int, int] | None,
    key: str = "key_a",
    model: str = "jamba-large",
    **more: Any,
) -> str:
    chunks: list[dict[str, Any]] = [
        {"id": id, "choices": [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}]}
    ]
    chunks += [
        {"id": id, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]} for piece in pieces
    ]
    if usage is not None:
        stated = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
        chunks.append(
            {"id": id, "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}], "usage": stated}
        )
    text = "".join(f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in chunks) + (
        "data: [DONE]\r\n\r\n" if usage is not None else ""
    )
    line = {
        "ts": ts,
        "api_key_id": key,
        "status": 200,
        "path": "/studio/v1/chat/completions",
        "request": {"model": model, "stream": True},
        "response": text,
    }
    return json.dumps(line | more)


def write_log(workspace: Path, name: str, *lines: str) -> Path:
    path = workspace / "logs" / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def append_log(workspace: Path, name: str, *lines: str) -> None:
    with (workspace / "logs" / name).open("a", encoding="utf-8") as log:
        log.writelines(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def tallybook(workspace: Path, *arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Done:
    """Run a command in this process, as ``pipeline.cli.main`` does; what it prints is caught, what it raises is not.

    A date that a test gives may be three years ahead of the machine's clock: tests are of no day.
    """
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with (
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")),
        variables(env or {}),
        mock.patch.object(freeze, "_AHEAD_MAX", _AHEAD),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
    ):
        code = run(["-w", str(workspace), *arguments])
    said = [
        stream.buffer.getvalue().decode("utf-8") for stream in (stdout, stderr) if isinstance(stream.buffer, io.BytesIO)
    ]
    return Done(returncode=code, stdout=said[0], stderr=said[1])


def tallybook_process(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the real command in a process of its own."""
    command = [sys.executable, "-m", "pipeline.cli", "-w", str(workspace), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def fingerprints(folder: Path) -> dict[str, str]:
    """Return the digest of every file, but of the lock, which names its holder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
