"""What commands write before a line that show the logs of several containers or processes, or the time of each line.

``kubectl logs --prefix``: ``[pod/gateway-0/app] {"ts": …}``. stern: ``gateway-6c9d8f7b5d-x2k4q app {"ts": …}``, the
namespace before it where there are several. ``docker compose logs``: ``gateway-1  | {"ts": …}``. Of services of Swarm:
``gateway.1.x7k2p9q8r5s4@node    | {"ts": …}``. ``pm2 logs``: ``0|gateway  | {"ts": …}``. ``fly logs``:
``2026-10-01T00:00:00Z app[d8d9112b5d4e08] fra [info]{"ts": …}``, in colours; Compose and PM2 may be told to write these
(``--ansi always``). ``--timestamps`` of ``kubectl logs``, stern, ``docker logs``, ``podman logs`` and Compose write the
container's instant, in nanoseconds, right before the line or, of Swarm's services, before the name.

Containers and pods are known by what is made for them: a number, or the five letters and digits at the end of a pod's
name; other words before a line are some program's own. Docker writes an instant before each part of a line beyond
16 KiB, and the parts on one line; what it put between them is taken out.

Source: the references of these commands; ``staging/src/k8s.io/kubectl/pkg/cmd/logs`` and
``staging/src/k8s.io/apimachinery/pkg/util/rand`` of Kubernetes; ``cmd/cmd.go`` of stern;
``cli/command/service/logs.go`` of Docker's CLI and ``daemon/logger/copier.go`` of moby; ``lib/API/Log.js`` of PM2;
``internal/render/logs.go`` of flyctl.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.collectors.wrappers.wrapper import Unwrapped, knows_behind, text_before

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "command-output"

_SECOND = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
_ZONE = rb"(?:Z|[+-][0-9]{2}:[0-9]{2})"
_NANOSECONDS = _SECOND + rb"\.[0-9]{9}" + _ZONE
_SHORTENED = _SECOND + rb"(?:\.[0-9]{1,9})?" + _ZONE
"""Podman leaves zeros at its end out, so not every line has nine digits; a log is known by one that has."""
_NAME = rb"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"
_POD = rb"[a-z0-9][a-z0-9.-]{0,251}"
_LABEL = rb"[a-z0-9-]{1,63}"
_MADE = rb"-[bcdfghjklmnpqrstvwxz2456789]{5}"
"""The end of a name that Kubernetes made up, in the alphabet that it has for it."""
_COLOUR = rb"(?:\x1b\[[0-9;]{0,16}m)*"
_KUBECTL = rb"\[pod/" + _POD + rb"/" + _LABEL + rb"\] "
_COMPOSE = _COLOUR + _NAME + rb"[-_][0-9]{1,9} {1,128}\| " + _COLOUR
_SERVICE = rb"(?:" + _NANOSECONDS + rb" )?" + _NAME + rb"\.[0-9]{1,9}(?:\.[a-z0-9]{12,25})?@[!-~]{1,255} {1,64}\| "
_PM2 = _COLOUR + rb"[0-9]{1,2}\|[A-Za-z0-9@][A-Za-z0-9_.@/-]{0,63} {1,64}\| " + _COLOUR
"""Three digits may be a status, before a path and what a caller sent."""
_FLY = (
    _COLOUR + _SECOND + rb"Z" + _COLOUR + rb" app\[[0-9a-z]{4,64}\] "
    + _COLOUR + rb"[a-z]{3}" + _COLOUR + rb" \[" + _COLOUR + rb"[a-z]{1,16}" + _COLOUR + rb"\] ?"
)  # fmt: skip


def _stern(end_of_pod: bytes) -> bytes:
    pod = _POD + end_of_pod
    return rb"(?:" + pod + rb"|" + _LABEL + rb" " + pod + rb") " + _LABEL + rb" "


def _before(stern: bytes, instant: bytes) -> bytes:
    of_lines = rb"|".join((_KUBECTL, _COMPOSE, _SERVICE, _PM2, stern))
    return rb"(?:" + of_lines + rb")(?:" + _NANOSECONDS + rb" )?|" + _FLY + rb"|" + instant + rb" "


_OF_ANY = _stern(rb"(?:" + _MADE + rb"|-[0-9]{1,5})")
_BEFORE = _before(_OF_ANY, _SHORTENED)
_SURE = _before(_stern(_MADE), _NANOSECONDS) + rb"|" + _OF_ANY + _NANOSECONDS + rb" "
"""Of pods whose names end in a number, only an instant tells: a program may begin its lines with such words."""
_PART_BYTES = 2**14
_BETWEEN = re.compile(_NANOSECONDS + rb" ")


def unwrap(line: bytes) -> Unwrapped | None:
    """Return what a container or a process wrote, ``None`` where a line is of none of these commands."""
    found = text_before(_BEFORE, line)
    if found is None:
        return None
    return Unwrapped(content=b"".join(_parts(line, found.end())))


def _parts(line: bytes, at: int) -> Iterator[bytes]:
    """Yield what stands between that which Docker put into a line, each part once: a line may have thousands."""
    while (between := _BETWEEN.match(line, at + _PART_BYTES)) is not None:
        yield line[at : between.start()]
        at = between.end()
    yield line[at:]


def knows(line: bytes) -> bool:
    """Tell a line of these commands behind whose prefix JSON stands, and which nothing else writes."""
    return knows_behind(_SURE, line)
