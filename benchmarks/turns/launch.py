"""Starts one command and says what it used.

``python launch.py STDOUT STDERR COMMAND …``, with two open file descriptors for its output.

A process of its own because the peak memory that the system reports of a child is never less than that of the parent it
was forked from: this one imports next to nothing (about 10 MB). Does not own what is made of the numbers (``measure``).
"""

import json
import os
import sys
import time


def main(output: int, errors: int, command: list[str]) -> None:
    """Run the command to its end, and print what it used as one JSON object."""
    begun = time.perf_counter()
    redirected = [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, errors, 2)]
    process_id = os.posix_spawnp(command[0], command, os.environ, file_actions=redirected)
    _, status, used = os.wait4(process_id, 0)
    wall_seconds = time.perf_counter() - begun
    unit_bytes = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
    stated = {
        "exit_code": os.waitstatus_to_exitcode(status),
        "wall_seconds": wall_seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_bytes": used.ru_maxrss * unit_bytes,
    }
    sys.stdout.write(json.dumps(stated))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
