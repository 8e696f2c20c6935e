"""The Container Runtime Interface of Kubernetes (containerd, CRI-O, Podman's ``k8s-file``): time, stream, tag, text.

``2026-10-01T00:00:00.123456789Z stdout F {"ts": …}``. The first tag is ``P`` where the text goes on in the next line of
its stream, and ``F`` where it ends; further tags follow after a colon. Source: ``pkg/kubelet/kuberuntime/logs`` and the
design proposal "CRI: Log management for container stdout/stderr streams" of Kubernetes.
"""

from __future__ import annotations

import re

from pipeline.collectors.wrappers.wrapper import Unwrapped

NAME = "cri"

_INSTANT = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})"
_LINE = re.compile(_INSTANT + rb" (stdout|stderr) ([PF])(?::[^ ]*)? ?(.*)", re.DOTALL)


def unwrap(line: bytes) -> Unwrapped | None:
    """Return what a container wrote, ``None`` where a line is none of a container runtime."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    stream, tag, content = found.groups()
    return Unwrapped(content=content, is_part=tag == b"P", stream=stream.decode("ascii"))
