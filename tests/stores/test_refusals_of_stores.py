"""A store that refuses, or is away: one line, exit code 8, and nothing is half done."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.base.errors import StoreRefused
from pipeline.objects.stores import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NIGHT = ("nightly", "--as-of", "2026-11-02")


@pytest.fixture
def refusing() -> Iterator[ThreadingHTTPServer]:
    """A server that answers every request with the status and the code it holds as ``answer``."""

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, code = self.server.answer  # type: ignore[attr-defined]
            said = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_PUT = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("stores")
@pytest.mark.parametrize(
    ("answer", "what_to_do"),
    [
        ((403, "AccessDenied"), "the credentials in the environment lack the right to "),
        ((404, "NoSuchBucket"), "there is no such bucket: check the address"),
        pytest.param(
            (400, "ExpiredToken"), "the credentials in the environment are over: renew", marks=pytest.mark.long
        ),
        pytest.param((403, "InvalidAccessKeyId"), "check the credentials in the environment", marks=pytest.mark.long),
        pytest.param((403, "RequestTimeTooSkewed"), "the clock of this machine is not the", marks=pytest.mark.long),
        pytest.param(
            (400, "AuthorizationHeaderMalformed"), "in another region: set AWS_REGION", marks=pytest.mark.long
        ),
        pytest.param((301, "PermanentRedirect"), "in another region: set AWS_REGION", marks=pytest.mark.long),
        pytest.param((400, "KMS.DisabledException"), "the key that it is encrypted with", marks=pytest.mark.long),
        pytest.param((400, "Unheard"), "check the address, the credentials in the environment", marks=pytest.mark.long),
    ],
)
def test_what_a_store_refuses_is_one_line_and_the_next_night_is_right(
    tmp_path: Path,
    refusing: ThreadingHTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    answer: tuple[int, str],
    what_to_do: str,
) -> None:
    root = make_workspace(tmp_path / "one")
    write_log(root, "a.jsonl", plain("2026-10-05T10:00:00Z", id="r1"))
    refusing.answer = answer  # type: ignore[attr-defined]
    with monkeypatch.context() as wrong:
        wrong.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{refusing.server_port}")
        refused = tallybook(root, *NIGHT)
    assert refused.returncode == 8, refused
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith("tallybook: could not ")
    assert what_to_do in refused.stderr
    assert answer[1] in refused.stderr
    assert refused.stderr.endswith("then run the command again\n")
    assert "testing" not in refused.stderr
    assert not list((root / "lake").rglob("*.parquet"))
    assert tallybook(root, *NIGHT).returncode == 0
    assert tallybook(root, "verify").returncode == 0


@pytest.mark.long
def test_a_store_that_goes_away_before_the_entry_leaves_the_lake_as_it_was(
    tmp_path: Path, stores: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_workspace(tmp_path / "one")
    write_log(root, "a.jsonl", plain("2026-10-05T10:00:00Z", id="r1"))
    create = ObjectStore.put_if_absent

    def goes_away(self: ObjectStore, key: str, content: bytes) -> bool:
        if key.endswith(".json"):
            monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
            return create(ObjectStore(self.url), key, content)
        return create(self, key, content)

    with monkeypatch.context() as away:
        away.setattr(ObjectStore, "put_if_absent", goes_away)
        refused = tallybook(root, *NIGHT)
    assert refused.returncode == 8
    assert "could not create" in refused.stderr
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert tallybook(root, "usage").returncode == 8
    assert not list((root / "lake/usage_events/_delta_log").glob("*.json"))
    del stores


@pytest.mark.long
def test_a_store_that_ignores_conditions_is_refused_before_anything_is_committed(
    tmp_path: Path, stores: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_workspace(tmp_path / "one")
    write_log(root, "a.jsonl", plain("2026-10-05T10:00:00Z", id="r1"))

    def overwrites(self: ObjectStore, key: str, content: bytes) -> bool:
        self._store.put(key, content)
        return True

    with monkeypatch.context() as careless:
        careless.setattr(ObjectStore, "put_if_absent", overwrites)
        refused = tallybook(root, *NIGHT)
    assert refused.returncode == 2
    assert "is on a store that overwrites what it was told to create" in refused.stderr
    assert not list(ObjectStore(f"{stores}/lake").list("usage_events"))
    assert tallybook(root, *NIGHT).returncode == 0


@pytest.mark.long
def test_a_machine_that_could_not_let_go_of_the_lock_takes_it_again_at_once(
    tmp_path: Path, stores: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_workspace(tmp_path / "one")
    write_log(root, "a.jsonl", plain("2026-10-05T10:00:00Z", id="r1"))
    replace, replaced = ObjectStore.replace, []

    def goes_away(self: ObjectStore, key: str, content: bytes, *, tag: str | None) -> str:
        if key == "_lock.json":
            replaced.append(key)
            if len(replaced) > 1:
                raise StoreRefused(key)
        return replace(self, key, content, tag=tag)

    with monkeypatch.context() as away:
        away.setattr(ObjectStore, "replace", goes_away)
        assert tallybook(root, *NIGHT).returncode == 0
    held = ObjectStore(f"{stores}/lake").get("_lock.json")
    assert held is not None
    assert b'"run": "free"' not in held[0]
    assert tallybook(root, *NIGHT).returncode == 0
    assert (root / "lake/.lock").read_bytes() == b""
