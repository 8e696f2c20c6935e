"""A server that speaks S3 on the loopback, whose answers can be made to lie at the nth request.

Its answers are moto's, one request after the other: moto alone looks whether a key is there and then puts it, and two
threads may both find nothing. Requests are counted from 1 and recorded by kind; a fault is planned for the number of a
request, or for all from it on. What a client is killed by is planned likewise.

Does not own what a client must come to after a fault (``tests/faults``).
"""

from __future__ import annotations

import io
import os
import re
import signal
import threading
import time
import urllib.parse
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import TracebackType

BEFORE = ("500 before", "503 before", "closed before", "409 before")
"""The store does nothing, and says so, or says nothing."""
AFTER = ("500 after", "closed after", "late")
"""The store does what it was asked, and the client does not learn it: its answer is another one, none, or too late."""
OF_READS = ("cut short", "flipped")
"""What is read ends early, or has another byte in its middle and says nothing of it."""
OF_LISTS = ("stale list", "old list")
"""A list lacks the newest keys, or tells of objects as they were before they were replaced."""
KILLS = ("killed before", "killed after")
"""The client's process is killed when the store has its request: before it does what it was asked, or after."""
RIVAL = "rival"
"""Another client does what it does, wholly, when the store has the request and before it is answered."""
FAULTS = (*BEFORE, *AFTER, *OF_READS, *OF_LISTS, *KILLS, RIVAL)
WRITES = frozenset({"create", "replace", "put", "delete"})

_CODES = {"500": ("500 Internal Server Error", "InternalError"), "503": ("503 Slow Down", "SlowDown")}
_CODES["409"] = ("409 Conflict", "ConditionalRequestConflict")
_CONTENTS = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)
_KEY = re.compile(rb"<Key>(.*?)</Key>")
_SIZE, _TAG = re.compile(rb"<Size>\d+</Size>"), re.compile(rb"<ETag>.*?</ETag>")

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asked for."""

    number: int
    kind: str
    """``create``, ``replace``, ``put``, ``get``, ``range``, ``head``, ``list``, ``delete``; else its method."""
    key: str
    """Below the bucket; of a list, the folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A fault at a request: at that one, or at all from it on."""

    fault: str
    at: int
    is_lasting: bool = False
    kinds: frozenset[str] = frozenset()
    """Of requests alone; none are all."""

    def is_at(self, request: Request) -> bool:
        """Say whether the fault is at this request."""
        if self.kinds and request.kind not in self.kinds:
            return False
        return request.number == self.at or (self.is_lasting and request.number > self.at)


class FaultyStore:
    """The server, as a context. ``environment`` is what a client needs to reach it."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        """Since ``plan`` was called last."""
        self.injected: list[Request] = []
        """Those of them at which there was a fault."""
        self.late_seconds = 1.0
        """After this time comes an answer that is late: it has to be more than a client's patience."""
        self.newest_hidden = 1
        """How many keys a stale list lacks."""
        self.ignored_conditions: frozenset[str] = frozenset()
        """Which conditions of requests are ignored, as some servers do, by their names in WSGI."""
        self.victim: Callable[[], int] = os.getpid
        """The process that is killed."""
        self.rival: Callable[[], None] = lambda: None
        self._planned: Planned | None = None
        self._is_rival_at_work = False
        self._serial = threading.Lock()
        self._under_way = threading.Condition()
        self._count_under_way = 0
        self._written: dict[str, int] = {}
        self._before: dict[str, tuple[int, str]] = {}
        """Size and tag of objects before they were replaced last."""

    def __enter__(self) -> Self:
        from werkzeug.serving import make_server  # noqa: PLC0415 - heavy

        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_handler())
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables by which a client reaches the server."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._server.server_port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "us-east-1",
        }

    def new_bucket(self) -> str:
        """Make an empty bucket and return its name."""
        name = f"books-{uuid.uuid4().hex[:12]}"
        self._backend.create_bucket(name, "us-east-1")
        return name

    def contents(self, bucket: str) -> dict[str, bytes]:
        """Return every object of a bucket by its key."""
        with self._serial:
            return {str(key): bytes(each.value) for key, each in self._backend.buckets[bucket].keys.items()}

    def refill(self, bucket: str, contents: dict[str, bytes]) -> None:
        """Let a bucket hold these objects and no others; their tags are what they were for the same bytes.

        First all requests end that are under way: one that a client gave up would find the tag that it named again.
        """
        with self._under_way:
            self._under_way.wait_for(lambda: not self._count_under_way, timeout=30)
        with self._serial:
            there = self._backend.buckets[bucket].keys
            for key in [key for key, each in there.items() if contents.get(str(key)) != each.value]:
                del there[key]
            for key in contents.keys() - set(map(str, there.keys())):
                self._backend.put_object(bucket, key, contents[key])
            self._written.clear()
            self._before.clear()

    def age(self, bucket: str) -> None:
        """Let every object have been put two hours before it was, as if a client came back so much later."""
        with self._serial:
            for each in self._backend.buckets[bucket].keys.values():
                each.last_modified -= timedelta(hours=2)

    def plan(self, fault: Planned | None = None) -> None:
        """Count from 1 again, with this fault ahead, or none."""
        with self._serial:
            self.requests, self.injected, self._planned = [], [], fault

    @cached_property
    def _moto(self) -> Any:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415

        os.environ.setdefault("MOTO_ALLOW_NONEXISTENT_REGION", "true")
        return DomainDispatcherApplication(create_backend_app)

    @cached_property
    def _backend(self) -> Any:
        from moto.s3.models import s3_backends  # noqa: PLC0415 - heavy

        return s3_backends["123456789012"]["aws"]

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with self._under_way:
            self._count_under_way += 1
        try:
            return self._answered(environ, start_response)
        finally:
            with self._under_way:
                self._count_under_way -= 1
                self._under_way.notify_all()

    def _answered(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(content)
        environ = {name: value for name, value in environ.items() if name not in self.ignored_conditions}
        with self._serial:
            request, fault = self._counted(environ)
        if fault == RIVAL:
            self._is_rival_at_work = True
            try:
                self.rival()
            finally:
                self._is_rival_at_work = False
        with self._serial:
            status, headers, body = self._done(environ, request, fault)
        if fault == "late":
            time.sleep(self.late_seconds)
        if fault == "cut short" and body:
            start_response(status, headers)
            return _cut(environ, body)
        if fault in {"closed before", "closed after"}:
            _hang_up(environ)
        start_response(status, headers)
        return [body]

    def _counted(self, environ: dict[str, Any]) -> tuple[Request, str]:
        if self._is_rival_at_work:
            return _request(environ, 0), ""
        request = _request(environ, len(self.requests) + 1)
        self.requests.append(request)
        planned = self._planned
        if planned is None or not planned.is_at(request):
            return request, ""
        self.injected.append(request)
        return request, planned.fault

    def _done(self, environ: dict[str, Any], request: Request, fault: str) -> tuple[str, Headers, bytes]:
        if fault == "killed before":
            os.kill(self.victim(), signal.SIGKILL)
        if fault in BEFORE or fault == "killed before":
            return _refusal(fault)
        status, headers, body = self._asked_of_moto(environ, request)
        if fault == "killed after":
            os.kill(self.victim(), signal.SIGKILL)
        if fault == "500 after":
            return _refusal(fault)
        if fault == "flipped" and body and request.kind in {"get", "range"}:
            place = len(body) // 2
            body = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        if request.kind == "list" and fault in OF_LISTS:
            body = self._without_the_newest(body, environ) if fault == "stale list" else self._as_before(body, environ)
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
            headers.append(("Content-Length", str(len(body))))
        return status, headers, body

    def _asked_of_moto(self, environ: dict[str, Any], request: Request) -> tuple[str, Headers, bytes]:
        from werkzeug.test import run_wsgi_app  # noqa: PLC0415 - heavy

        path = f"/{str(environ['PATH_INFO']).strip('/').partition('/')[0]}/{request.key}"
        before = self._told_of(path) if request.kind in WRITES else None
        answer, status, headers = run_wsgi_app(self._moto, environ, buffered=True)
        body = b"".join(answer)
        if request.kind in WRITES and status.startswith("2"):
            self._written[path] = max(self._written.values(), default=0) + 1
            if before is not None:
                self._before[path] = before
        return status, list(headers), body

    def _told_of(self, path: str) -> tuple[int, str] | None:
        bucket, _, key = path.removeprefix("/").partition("/")
        there = self._backend.buckets[bucket].keys.get(key) if bucket in self._backend.buckets else None
        return None if there is None else (int(there.size), str(there.etag))

    def _without_the_newest(self, body: bytes, environ: dict[str, Any]) -> bytes:
        def age(path: str) -> int:
            return self._written.get(path, 0)

        listed = [_path(environ, each[0]) for each in _CONTENTS.finditer(body)]
        hidden = set(sorted((each for each in listed if age(each)), key=age)[-self.newest_hidden :])
        return _CONTENTS.sub(lambda each: b"" if _path(environ, each[0]) in hidden else each[0], body)

    def _as_before(self, body: bytes, environ: dict[str, Any]) -> bytes:
        def told(each: re.Match[bytes]) -> bytes:
            before = self._before.get(_path(environ, each[0]))
            if before is None:
                return each[0]
            tag = before[1].replace('"', "&quot;").encode()
            return _TAG.sub(b"<ETag>%s</ETag>" % tag, _SIZE.sub(b"<Size>%d</Size>" % before[0], each[0]))

        return _CONTENTS.sub(told, body)


def _request(environ: dict[str, Any], number: int) -> Request:
    _, _, key = str(environ["PATH_INFO"]).removeprefix("/").partition("/")
    method = str(environ["REQUEST_METHOD"])
    if method == "PUT":
        kind = "create" if environ.get("HTTP_IF_NONE_MATCH") else "replace" if environ.get("HTTP_IF_MATCH") else "put"
    elif method == "GET" and not key:
        kind = "list"
        key = urllib.parse.parse_qs(environ["QUERY_STRING"]).get("prefix", [""])[0]
    elif method == "POST" and environ["QUERY_STRING"] == "delete":
        kind = "delete"
        key = ",".join(each.decode() for each in _KEY.findall(environ["wsgi.input"].getvalue()))
    elif method == "GET":
        kind = "range" if environ.get("HTTP_RANGE") else "get"
    else:
        kind = {"HEAD": "head", "DELETE": "delete"}.get(method, method)
    return Request(number=number, kind=kind, key=key)


def _path(environ: dict[str, Any], listed: bytes) -> str:
    """Return the path of an object that is listed; keys may be encoded as in an address."""
    found = _KEY.search(listed)
    assert found is not None
    bucket = str(environ["PATH_INFO"]).strip("/").partition("/")[0]
    return f"/{bucket}/{urllib.parse.unquote(found[1].decode())}"


def _refusal(fault: str) -> tuple[str, Headers, bytes]:
    status, code = _CODES.get(fault[:3], _CODES["500"])
    body = f"<Error><Code>{code}</Code><Message>by a test</Message></Error>".encode()
    return status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))], body


def _cut(environ: dict[str, Any], body: bytes) -> Iterable[bytes]:
    yield body[: len(body) // 2]
    _hang_up(environ)


def _hang_up(environ: dict[str, Any]) -> None:
    import socket  # noqa: PLC0415

    with suppress(OSError):
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)


def pid_in(file: Path) -> Callable[[], int]:
    """Return how the process is found that wrote its number into a file."""
    return lambda: int(file.read_text(encoding="ascii"))


def _handler() -> type:
    from moto.moto_server.werkzeug_app import MotoRequestHandler  # noqa: PLC0415 - heavy

    class Quiet(MotoRequestHandler):
        """Prints nothing of what is asked."""

        def log(self, *_: Any) -> None:
            """Say nothing."""

    return Quiet
