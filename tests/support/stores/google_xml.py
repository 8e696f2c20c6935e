"""Google's store as clients in Rust ask for it: a front that answers in XML, before an emulator that knows JSON.

The emulators of Google's store that can be had speak its JSON API, and ``obstore`` its XML API. The front asks in the
one what it is asked in the other, one request after the other, as the reference of both says. What is there, of which
generation it is and which condition of a put is not met is the emulator's to say; the tag of a read is compared here.

Does not own the emulator (``emulators``).
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit
from xml.sax.saxutils import escape

PAGE = 3
"""So many keys are listed in one answer, so that a few objects are several."""


class GoogleXml:
    """The front, as a context: ``url`` is what a client is told."""

    def __init__(self, emulator: str) -> None:
        self._emulator = emulator
        self._serial = threading.Lock()
        self.slow_down = 0
        """So many requests are refused first, as a store does that is asked too much (429)."""

    def __enter__(self) -> Self:
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with front._serial:
                    status, headers, body = front._answer(self.command, self.path, dict(self.headers), content)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", headers.get("Content-Length") or str(len(body)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else body)

            do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def new_bucket(self, name: str) -> None:
        """Make an empty bucket."""
        _ask(f"{self._emulator}/storage/v1/b?project=books", "POST", json.dumps({"name": name}).encode())

    def _answer(self, method: str, path: str, headers: dict[str, str], content: bytes) -> _Answer:
        if self.slow_down:
            self.slow_down -= 1
            return _refusal(429, "SlowDown")
        asked = urlsplit(path)
        bucket, _, key = asked.path.removeprefix("/").partition("/")
        headers = {name.lower(): value for name, value in headers.items()}
        try:
            if not key:
                return self._listed(bucket, {name: each[0] for name, each in parse_qs(asked.query).items()})
            if method == "PUT":
                return self._put(bucket, unquote(key), headers.get("x-goog-if-generation-match"), content)
            url = f"{self._emulator}/storage/v1/b/{bucket}/o/{quote(unquote(key), safe='')}"
            if method == "DELETE":
                _ask(url, "DELETE")
                return 204, {}, b""
            return self._read(url, headers, is_wanted=method == "GET")
        except urllib.error.HTTPError as error:
            codes = {404: "NoSuchKey" if key else "NoSuchBucket", 412: "PreconditionFailed"}
            return _refusal(error.code, codes.get(error.code, "InternalError"))

    def _put(self, bucket: str, key: str, generation: str | None, content: bytes) -> _Answer:
        query = {"uploadType": "multipart"} | ({} if generation is None else {"ifGenerationMatch": generation})
        url = f"{self._emulator}/upload/storage/v1/b/{bucket}/o?{urlencode(query)}"
        described = f"--{_PART}\r\nContent-Type: application/json\r\n\r\n{json.dumps({'name': key})}\r\n".encode()
        whole = f"--{_PART}\r\nContent-Type: application/octet-stream\r\n\r\n".encode() + content
        made = json.loads(_ask(url, "POST", described + whole + f"\r\n--{_PART}--\r\n".encode()))
        return 200, {"ETag": _tag(made), "x-goog-generation": made["generation"]}, b""

    def _read(self, url: str, headers: dict[str, str], *, is_wanted: bool) -> _Answer:
        there = json.loads(_ask(url))
        if headers.get("if-match", _tag(there)) != _tag(there):
            return _refusal(412, "PreconditionFailed")
        told = {
            "ETag": _tag(there),
            "x-goog-generation": there["generation"],
            "Last-Modified": format_datetime(_instant(there), usegmt=True),
        }
        size = int(there["size"])
        if not is_wanted:
            return 200, told | {"Content-Length": str(size)}, b""
        content = _ask(f"{url}?alt=media")
        if "range" not in headers:
            return 200, told, content
        first, _, last = headers["range"].removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last or size - 1) + 1]
        return 206, told | {"Content-Range": f"bytes {first}-{int(first) + len(part) - 1}/{size}"}, part

    def _listed(self, bucket: str, asked: dict[str, str]) -> _Answer:
        after = asked.get("continuation-token", asked.get("start-after", ""))
        query = urlencode({"prefix": asked.get("prefix", ""), "startOffset": after})
        found = json.loads(_ask(f"{self._emulator}/storage/v1/b/{bucket}/o?{query}")).get("items", [])
        items = sorted((each for each in found if each["name"] > after), key=lambda each: str(each["name"]))
        page = items[:PAGE]
        contents = "".join(
            f"<Contents><Key>{escape(each['name'])}</Key><Size>{each['size']}</Size><ETag>{escape(_tag(each))}</ETag>"
            f"<LastModified>{_instant(each):%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>"
            for each in page
        )
        more = f"<NextContinuationToken>{escape(page[-1]['name'])}</NextContinuationToken>" if items[PAGE:] else ""
        body = f"<ListBucketResult><IsTruncated>{'true' if more else 'false'}</IsTruncated>{contents}{more}"
        return 200, {"Content-Type": "application/xml"}, f"{body}</ListBucketResult>".encode()


_Answer = tuple[int, dict[str, str], bytes]


_PART = "between-parts-of-an-upload"  # the emulator heeds conditions of uploads in parts alone


def _ask(url: str, method: str = "GET", content: bytes | None = None) -> bytes:
    kind = f"multipart/related; boundary={_PART}" if "uploadType" in url else "application/json"
    asked = urllib.request.Request(url, data=content, method=method, headers={"Content-Type": kind})  # noqa: S310
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
        return bytes(answer.read())


def _refusal(status: int, code: str) -> _Answer:
    return status, {"Content-Type": "application/xml"}, f"<Error><Code>{code}</Code></Error>".encode()


def _tag(there: dict[str, Any]) -> str:
    return '"{}"'.format(str(there["etag"]).strip('"'))


def _instant(there: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(there["updated"])
