"""Make ``kernel.wasm`` of the sources beside it: ``python .ci/kernel.py [--check]``.

Needs the pinned ``ziglang`` (``pip install -c constraints.txt -e '.[kernel]'``), as nobody does who only uses the
kernel. Equal sources make equal bytes; ``--check`` compares them with those that are there, and writes nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[1] / "pipeline/collectors/kernel"
KERNEL = _FOLDER / "kernel.wasm"
SOURCE = _FOLDER / "source"
_OPTIONS = (
    *("-target", "wasm32-freestanding", "-O3", "-msimd128", "-mbulk-memory", "-nostdlib"),
    *("-Wl,--no-entry", "-Wl,--strip-all", "-Wl,-z,stack-size=1048576"),
)


def built(source: Path = SOURCE, *, warns: bool = True) -> bytes:
    """Return the program; ``warns``: a warning is an error.

    Raises ``subprocess.CalledProcessError`` where the sources make none.
    """
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / "kernel.wasm"
        warnings = ("-Wall", "-Wextra", "-Werror") if warns else ("-w",)
        command = [sys.executable, "-m", "ziglang", "cc", *_OPTIONS, *warnings, "-o", str(to), "kernel.c"]
        cache = {f"ZIG_{which}_CACHE_DIR": folder for which in ("GLOBAL", "LOCAL")}  # 100 MB a build, kept for good
        subprocess.run(command, check=True, cwd=source, env=os.environ | cache)  # noqa: S603 - our own program
        return to.read_bytes()


def main() -> None:
    """Build, or compare; exit code 1 where the program is not that of its sources."""
    found = built()
    if "--check" not in sys.argv[1:]:
        KERNEL.write_bytes(found)
    elif found != KERNEL.read_bytes():
        sys.exit(f"{KERNEL.name} is not what its sources make; run python .ci/kernel.py")


if __name__ == "__main__":
    main()
