"""Logged bytes to usage events, as Arrow tables with a record that accounts for every line.

::

    log_file, compression   a file, plain or compressed, as verified bytes
    lineage                 where this log was left off, whatever it is called now
    lines                   bytes to complete lines
    decode                  a line to an event or a row of the quarantine, by way of
        strict_json           exact JSON
        envelope              time, key, status, path  (fields, instants, fingerprint, log_format)
        exchange              not metered, failed, or what the body says
                              (routes, body, sse, aws_frames, families, counting)
        identity              which lines are the same exchange
    line_blocks, fast       the same rows for the usual lines, many at a time
    stretch, reading        tables and records, ready to be committed

``read_log`` is the entrance. The package writes nothing and reads neither clock nor environment. It does not own what
is billed of several copies (``sql/``), what usage costs (``pipeline.rating``), or where anything is kept
(``pipeline.lake``). No raw key, prompt or completion text leaves it: fields are picked one by one, and checked.
"""

from pipeline.collectors.fingerprint import KeyFingerprint
from pipeline.collectors.lineage import KnownSources
from pipeline.collectors.log_format import LogFormat
from pipeline.collectors.problems import ProblemReason, SourceProblem
from pipeline.collectors.reading import LogReading, read_log
from pipeline.collectors.stretch import Stretch

__all__ = [
    "KeyFingerprint",
    "KnownSources",
    "LogFormat",
    "LogReading",
    "ProblemReason",
    "SourceProblem",
    "Stretch",
    "read_log",
]
