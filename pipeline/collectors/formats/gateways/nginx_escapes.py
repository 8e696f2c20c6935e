r"""JSON that nginx wrote without ``escape=json``: quotes, backslashes and bytes above 126 as ``\xXX``, as no JSON has.

nginx escapes every quote and every backslash of a value, so a backslash that is left begins an escape of its own, and
what it stands for is certain. Source: https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format, and lines
that nginx 1.22 wrote.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\x([0-9A-F]{2})")
_OTHER_BACKSLASH = re.compile(rb"\\(?!x[0-9A-F]{2})")
_PRINTABLE = 0x20


def unescaped(line: bytes) -> bytes | None:
    r"""Return the JSON that a line of nginx stands for, ``None`` where it has no escapes, or others than nginx writes.

    What a caller sent may be no UTF-8.

    >>> unescaped(rb'{"body": "{\x22id\x22: 7}\x0A"}')
    b'{"body": "{\\"id\\": 7}\\u000a"}'
    """
    if not _ESCAPE.search(line) or _OTHER_BACKSLASH.search(line):
        return None
    return _ESCAPE.sub(_as_json, line)


def _as_json(found: re.Match[bytes]) -> bytes:
    byte = bytes.fromhex(found[1].decode())
    if byte in b'"\\':
        return b"\\" + byte
    return b"\\u%04x" % byte[0] if byte[0] < _PRINTABLE else byte
