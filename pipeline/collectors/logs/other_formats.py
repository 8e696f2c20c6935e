"""What is no log of JSON lines, recognised by its first bytes and said once, not as a quarantined line for each part.

Does not own gzip and zstd, which are read (``compression``).
"""

from __future__ import annotations

from pipeline.collectors.logs.problems import LogUnreadable, ProblemReason

_BEGINNINGS = {
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
    b"PAR1": "Parquet",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xff\x06\x00\x00sNaPpY": "snappy",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Obj\x01": "Avro",
    b"ORC": "ORC",
    b"SQLite format 3\x00": "an SQLite database",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b'{\x00"\x00': "UTF-16",
    b'\x00{\x00"': "UTF-16",
}
BEGINNING_BYTES_MAX = max(map(len, _BEGINNINGS))
"""So many first bytes tell."""


def refuse_other_formats(first_bytes: bytes) -> None:
    """Raise ``LogUnreadable`` where the first (decompressed) bytes of a log are those of another format or encoding."""
    for beginning, name in _BEGINNINGS.items():
        if first_bytes.startswith(beginning):
            raise LogUnreadable(
                ProblemReason.NOT_JSON_LINES, f"this is {name}; logs are JSON lines in UTF-8, plain or as gzip or zstd"
            )
