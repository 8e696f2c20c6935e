"""What is no log of JSON lines, recognised by its first bytes and said once, not as a quarantined line for each part.

Does not own what is read (``compression``): what is still compressed when that is taken off was compressed twice.
"""

from __future__ import annotations

import re

from pipeline.collectors.logs.problems import LogUnreadable, ProblemReason

_BEGINNINGS = {
    b"\xfd7zXZ\x00": "compressed twice",
    b"BZh": "compressed twice",
    b"\x1f\x8b": "compressed twice",
    b"\x28\xb5\x2f\xfd": "compressed twice",
    b"\x1f\x9d": "compress",
    b"\x78\x01": "zlib",
    b"\x78\x9c": "zlib",
    b"\x78\xda": "zlib",
    b"PK\x03\x04": "zip",
    b"PAR1": "Parquet, compressed once more",
    b"PARE": "Parquet, encrypted",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xff\x06\x00\x00sNaPpY": "snappy",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Obj\x01": "Avro",
    b"ORC": "ORC",
    b"SQLite format 3\x00": "an SQLite database",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\xff\xfe": "UTF-16, compressed",
    b"\xfe\xff": "UTF-16, compressed",
    b'{\x00"\x00': "UTF-16, compressed",
    b'\x00{\x00"': "UTF-16, compressed",
}
_ACCESS_LOG_AS_TEXT = re.compile(
    rb'[^\s"{\[]{1,128} [^\n"{\[]{1,128} \[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}(?::[0-9]{2}){3} [+-][0-9]{4}\] "'
)
"""The beginning of the common and the combined format of nginx, Apache, Traefik and APISIX."""
_TAR, _TAR_AT = b"ustar", 257
"""What a header of tar has in it, and where: before it stands the name of the first file."""
BEGINNING_BYTES_MAX = 384
"""So many first bytes tell."""


def refuse_other_formats(first_bytes: bytes) -> None:
    """Raise ``LogUnreadable`` where the first (decompressed) bytes of a log are those of another format or encoding."""
    name = next((name for beginning, name in _BEGINNINGS.items() if first_bytes.startswith(beginning)), None)
    if name is None and first_bytes.startswith(_TAR, _TAR_AT) and b"\0" in first_bytes[:_TAR_AT]:
        name = "tar"
    if name is not None:
        raise LogUnreadable(
            ProblemReason.NOT_JSON_LINES,
            f"this is {name}; logs are JSON lines in UTF-8 or UTF-16, plain or as gzip, zstd, xz or bzip2, or rows of "
            "Parquet",
        )
    if _ACCESS_LOG_AS_TEXT.match(first_bytes):
        raise LogUnreadable(
            ProblemReason.NOT_JSON_LINES,
            "this is an access log as text (nginx's combined format or its like), which says neither models nor "
            "tokens; let the server log JSON with the usage of answers, as docs/sources.md says of nginx",
        )
