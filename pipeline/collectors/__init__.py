"""Logged bytes to usage events, as Arrow tables with a record that accounts for every line.

::

    logs          a file, plain or compressed, to verified bytes; where it was left off; complete lines
    wrappers      what loggers put around a line
    decode        a line to events or a row of the quarantine, by way of
        strict_json     exact JSON
        formats         time, key, status, path, as a log writes them
        exchange        what the exchange amounts to, from
            bodies          its JSON documents, out of streams and frames
            families        what they state
            counting        token counts that hold together
            routes          what the path says
        identity        which lines are the same exchange
        refused         what a line that was refused tells all the same
    kernel        the same rows for the usual lines, many at a time, by several threads
    batch_files   which batch a log is the output of, and what is known of it from other files
    guess         what the fields of an unknown log are called
    segment       tables and the record that accounts for every line, ready to be committed

Here stands what every start needs; ``guess``, ``batch_files`` and ``segment`` are imported by who needs them.
``read_log`` is the entrance, and ``read_again`` for what was read before. Owns the whole way from a byte to a row;
writes nothing, and reads neither clock nor environment. Does not own what is billed of several copies (``sql/``), what
usage costs (``pipeline.rating``), or where anything is kept (``pipeline.lake``). No raw key, prompt or completion text
leaves it: fields are picked one by one, and checked. Read first: ``decode``, then ``exchange``.
"""

from pipeline.collectors.again import hash_log, read_again, records_beginning_like
from pipeline.collectors.formats.fingerprint import KeyFingerprint
from pipeline.collectors.formats.log_format import LogFormat, read_by, settings_digest
from pipeline.collectors.logs.hashed_again import Hashed
from pipeline.collectors.logs.lineage import KnownSources
from pipeline.collectors.logs.problems import ProblemReason, SourceProblem
from pipeline.collectors.logs.unread_tails import ends_of, unread_tails
from pipeline.collectors.reading.log_reading import LogReading, read_log

__all__ = [
    "Hashed",
    "KeyFingerprint",
    "KnownSources",
    "LogFormat",
    "LogReading",
    "ProblemReason",
    "SourceProblem",
    "ends_of",
    "hash_log",
    "read_again",
    "read_by",
    "read_log",
    "records_beginning_like",
    "settings_digest",
    "unread_tails",
]
