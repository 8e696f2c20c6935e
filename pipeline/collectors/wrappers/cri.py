"""The Container Runtime Interface of Kubernetes (containerd, CRI-O, Podman's ``k8s-file``): time, stream, tag, text.

``2026-10-01T00:00:00.123456789Z stdout F {"ts": …}``. The first tag is ``P`` where the text goes on in the next line of
its stream, and ``F`` where it ends; further tags follow after a colon. Source: ``pkg/kubelet/kuberuntime/logs`` and the
design proposal "CRI: Log management for container stdout/stderr streams" of Kubernetes.
"""

from __future__ import annotations

from pipeline.collectors.wrappers.wrapper import Unwrapped, text_before

NAME = "cri"

_INSTANT = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})"
_BEFORE = _INSTANT + rb" (stdout|stderr) ([PF])(?::[^ ]*)? ?"


def unwrap(line: bytes) -> Unwrapped | None:
    """Return what a container wrote, ``None`` where a line is none of a container runtime."""
    found = text_before(_BEFORE, line)
    if found is None:
        return None
    stream, tag = found.groups()
    return Unwrapped(content=line[found.end() :], is_part=tag == b"P", stream=stream.decode("ascii"))
