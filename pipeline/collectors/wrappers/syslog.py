"""Syslog: priority, instant, host and program before the text, as RFC 5424 and RFC 3164 say and daemons write it.

On the wire ``<134>1 2026-10-01T00:00:00Z host gateway 12 - - {"ts": …}``, over TCP with its length before it (RFC 6587,
"Octet Counting"), which some daemons keep in their files, a message a line. In a file of traditional format
``Oct  1 00:00:00 host gateway[12]: {"ts": …}``, with an instant of RFC 3339 in rsyslog's and syslog-ng's own, and with
those of ``journalctl -o short-precise``, ``short-iso``, ``short-full`` and ``short-unix``; ``app[web.1]:`` without a
host in Heroku's. ``@cee:`` says that JSON follows. The text must be JSON from its first character: what stands behind
other words is what a program says of somebody else. Source: the three RFCs, the manual of rsyslog ("Templates",
"mmjsonparse"), journalctl(1), and Heroku's "Logging".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.wrappers.wrapper import behind, knows_behind, text_before

if TYPE_CHECKING:
    from pipeline.collectors.wrappers.wrapper import Unwrapped

NAME = "syslog"

_INSTANT = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_BSD_INSTANT = rb"[A-Z][a-z]{2} [ 0-3][0-9] [0-9:]{8}(?:\.[0-9]{6})?"
_FULL_INSTANT = rb"[A-Z][a-z]{2} [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}(?:\.[0-9]{6})? [A-Z]{1,5}"
_UNIX_INSTANT = rb"[0-9]{10}\.[0-9]{6}"
_STRUCTURED = rb'(?:-|(?:\[[^ =\]"]+(?: [^ =\]"]+="(?:[^"\\\]]|\\.)*")*\])+)'
_ON_THE_WIRE = (
    rb"(?:[1-9][0-9]{0,7} )?<[0-9]{1,3}>[0-9]{1,2} (?:-|"
    + _INSTANT
    + rb") [!-~]+ [!-~]+ [!-~]+ [!-~]+ "
    + _STRUCTURED
    + rb" "
)
_TAG = rb"[^\s:\[{\"]{1,64}"
_PROCESS = rb"\[[!-Z\\^-~]{1,64}\]"
_WITH_HOST = rb"(?:<[0-9]{1,3}>)?" + _BSD_INSTANT + rb" [!-~]+ " + _TAG
_WITH_PROCESS = rb"(?:<[0-9]{1,3}>)?" + _INSTANT + rb" (?:[!-~]+ )?" + _TAG + _PROCESS + rb": ?"
"""Whatever program may begin its own lines with such an instant, a level and a word, but not with a process."""
_OF_JOURNALCTL = rb"(?:" + _FULL_INSTANT + rb"|" + _UNIX_INSTANT + rb") [!-~]+ " + _TAG + _PROCESS + rb": ?"
_SURE = rb"|".join(
    (_ON_THE_WIRE + rb"(?:\xef\xbb\xbf)?", _WITH_HOST + _PROCESS + rb": ?", _WITH_PROCESS, _OF_JOURNALCTL)
)
"""What nothing else writes: a log is known by it whatever stands behind, be it thousands of other daemons' texts."""
_BEFORE = rb"(?:" + _SURE + rb"|" + _WITH_HOST + rb": ?)(?:@cee: ?)?"


def unwrap(line: bytes) -> Unwrapped | None:
    """Return a message, ``None`` for any other line."""
    return behind(_BEFORE, line)


def knows(line: bytes) -> bool:
    """Tell a message of a process, and any that is JSON."""
    return text_before(_SURE, line) is not None or knows_behind(_BEFORE, line)
