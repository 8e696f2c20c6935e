"""What ``docs/deploy/`` holds, as tests read it: unit files, the cron table, blocks of its page."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs/deploy"


def settings(name: str) -> dict[tuple[str, str], list[str]]:
    """Return the values of a unit file by section and key, in their order."""
    found: dict[tuple[str, str], list[str]] = {}
    section = ""
    for line in (DEPLOY / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault((section, key), []).append(value)
    return found


def crontab() -> tuple[dict[str, str], str, str, str]:
    """Return the variables of the cron table, and of its one line: the times, the user and the command."""
    lines = (DEPLOY / "tallybook.cron").read_text(encoding="utf-8").splitlines()
    variables = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
    (line,) = (line for line in lines if re.match(r"[0-9*]", line))
    *times, user, command = line.split(maxsplit=6)
    return variables, " ".join(times), user, command


def shell_blocks() -> list[str]:
    """Return the blocks of the page that somebody types as root."""
    return re.findall(
        r"^```sh\n(.*?)^```$", (DEPLOY / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the container file, each with what follows its name."""
    lines = (DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line and not line.startswith("#")]
