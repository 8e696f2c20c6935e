r"""JSON that a database wrote as text: every backslash of it twice, as ``COPY … TO`` of PostgreSQL does.

The text format of ``COPY``, ``mysql --batch`` and ClickHouse's ``TabSeparated`` write a backslash as two, and what
would end a column or a row as a letter behind one. So no backslash is left that begins an escape of JSON, and what each
stands for is certain. A line that is JSON as it stands is none of these. Source: "File Formats" of PostgreSQL's
``COPY``; "mysql Client Options" of MySQL, ``--batch``; "TabSeparated" of ClickHouse.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_BEFORE_A_QUOTE = b'\\\\"'
_MEANT = {b"\\": b"\\", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"'": b"'"}


def copied(line: bytes) -> bytes | None:
    r"""Return the line that a database wrote so, ``None`` where there is a backslash that it would not have written.

    Quotes that JSON escapes tell such a line: without any, nobody knows.

    >>> copied(rb'{"body": "{\\"id\\": 7}\\n"}')
    b'{"body": "{\\"id\\": 7}\\n"}'
    """
    if _BEFORE_A_QUOTE not in line or any(escape not in _MEANT for escape in _ESCAPE.findall(line)):
        return None
    return _ESCAPE.sub(lambda found: _MEANT[found[1]], line)
