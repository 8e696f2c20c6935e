"""Signatures over the heads of all chains: a forgery that is sealed again as a whole shows, and nothing else does."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from forgery import reseal
from signing_keys import make_key
from workspaces import append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.objects import layout

if TYPE_CHECKING:
    from pathlib import Path

NAME = "what_was_signed_is_there"
AS_OF = ("--as-of", "2026-11-02T08:00:00Z")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two invoices and a payment, signed; then a third one that is not."""
    root = make_workspace(tmp_path_factory.mktemp("made") / "books")
    make_key(root.parent / "key.pem", root.parent / "public.pem")
    make_key(root.parent / "other.pem", root.parent / "other-public.pem")
    write_log(root, "l.jsonl", *(plain(f"2026-0{month}-05T10:00:00Z", id=f"chat-{month}") for month in (7, 8, 9)))
    run(root, "nightly", *AS_OF)
    for month in ("2026-07", "2026-08"):
        run(root, "invoice", "issue", "--period", month, *AS_OF)
    run(root, "invoice", "paid", "INV-000001", *AS_OF)
    assert run(root, "sign", "--key", f"{root.parent}/key.pem", *AS_OF) == (
        "signature 1: commit 0 of the lake, 2 documents and 1 payment that were not signed before\n"
    )
    run(root, "invoice", "issue", "--period", "2026-09", *AS_OF)
    return root


@pytest.fixture
def books(made_once: Path, tmp_path: Path) -> Path:
    for name in ("key.pem", "public.pem", "other.pem", "other-public.pem"):
        shutil.copy(made_once.parent / name, tmp_path)
    return shutil.copytree(made_once, tmp_path / "books")


def run(root: Path, *arguments: str) -> str:
    done = tallybook(root, *arguments)
    assert done.returncode == 0, done
    return done.stdout


def sign(root: Path, *more: str) -> str:
    return run(root, "sign", "--key", f"{root.parent}/key.pem", *AS_OF, *more)


def check(root: Path, *keys: str) -> tuple[bool, str]:
    before = fingerprints(root)
    given = [word for key in keys or ("public.pem",) for word in ("--key", f"{root.parent}/{key}")]
    done = tallybook(root, "verify", "--json", *given)
    assert fingerprints(root) == before
    found = {each["name"]: each for each in json.loads(done.stdout)["checks"]}
    assert done.returncode == (0 if all(each["ok"] for each in found.values()) else 6)
    return found[NAME]["ok"], found[NAME]["detail"]


def failure(root: Path, *keys: str) -> str:
    ok, detail = check(root, *keys)
    assert not ok, detail
    return detail.removeprefix("not so: ")


@pytest.mark.long
def test_it_is_said_up_to_which_number_is_signed(books: Path) -> None:
    assert check(books) == (
        True,
        (
            "1 signature, the last of 2026-11-02T08:00:00Z: documents up to 2 of 3, payments up to 1 of 1, "
            "commits up to 0 of 0"
        ),
    )
    assert NAME not in run(books, "verify")


@pytest.mark.long
def test_what_came_since_is_signed_by_the_next_one_and_nothing_twice(books: Path) -> None:
    append_log(books, "l.jsonl", plain("2026-10-05T10:00:00Z", id="chat-10"))
    run(books, "nightly", *AS_OF)
    assert sign(books) == "signature 2: commit 1 of the lake, 1 document and 0 payments that were not signed before\n"
    before = fingerprints(books)
    assert sign(books) == "nothing is new since the last signature\n"
    assert json.loads(sign(books, "--json"))["signature"] is None
    assert fingerprints(books) == before
    assert "documents up to 3 of 3, payments up to 1 of 1, commits up to 1 of 1" in check(books)[1]


@pytest.mark.long
def test_a_commit_of_which_nothing_was_issued_is_signed_too(books: Path) -> None:
    sign(books)
    append_log(books, "l.jsonl", plain("2026-10-05T10:00:00Z", id="chat-10"))
    run(books, "nightly", *AS_OF)
    assert sign(books) == "signature 3: commit 1 of the lake, 0 documents and 0 payments that were not signed before\n"
    assert sign(books) == "nothing is new since the last signature\n"


@pytest.mark.parametrize("number", [1, 2])
def test_a_document_that_was_changed_and_sealed_again_with_all_that_follow_shows(books: Path, number: int) -> None:
    reseal(layout.register(books), number, lambda document: document.update(account_name="Acme Ltd."))
    assert f"document {number} is not the one of signature 1" in failure(books)


def test_a_document_that_is_not_signed_yet_may_still_be_forged(books: Path) -> None:
    reseal(layout.register(books), 3, lambda document: document.update(account_name="Acme Ltd."))
    assert check(books)[0]


def test_a_payment_that_was_changed_and_sealed_again_shows(books: Path) -> None:
    reseal(layout.payments(books), 1, lambda payment: payment.update(reference="another"))
    assert failure(books) == "payment 1 is not the one of signature 1"


def test_documents_and_payments_that_are_gone_show(books: Path) -> None:
    for number in (2, 3):
        (layout.register(books) / f"{number:020}.json").unlink()
    (layout.payments(books) / f"{1:020}.json").unlink()
    assert failure(books) == ("document 2 is gone, and is of signature 1; payment 1 is gone, and is of signature 1")


@pytest.mark.long
def test_a_lake_that_was_made_again_shows_until_the_owner_of_the_key_says_so(books: Path) -> None:
    shutil.rmtree(layout.lake(books))
    run(books, "nightly", "--as-of", "2026-11-03")
    assert failure(books) == "commit 0 of the lake is not the one of signature 1"
    refused = tallybook(books, "sign", "--key", f"{books.parent}/key.pem", *AS_OF)
    assert (refused.returncode, "give --lake-anew" in refused.stderr) == (1, True)
    sign(books, "--lake-anew")
    assert check(books)[0]
    reseal(layout.register(books), 1, lambda document: document.update(account_name="Acme Ltd."))
    assert "document 1 is not the one of signature 1" in failure(books)


def test_nothing_is_signed_over_a_forgery(books: Path) -> None:
    reseal(layout.register(books), 1, lambda document: document.update(account_name="Acme Ltd."))
    for more in ((), ("--lake-anew",)):
        refused = tallybook(books, "sign", "--key", f"{books.parent}/key.pem", *AS_OF, *more)
        assert refused.returncode == 1
        assert "nothing is signed: document 1 is not the one of signature 1" in refused.stderr
    assert len(list(layout.signatures(books).iterdir())) == 1


def test_without_a_signature_nothing_is_shown(books: Path) -> None:
    shutil.rmtree(layout.signatures(books))
    assert failure(books) == "there is no signature; 'tallybook sign' makes one"


@pytest.mark.long
def test_a_signature_by_another_key_is_none(books: Path) -> None:
    assert failure(books, "other-public.pem") == "signature 1 is not by this key"
    run(books, "sign", "--key", f"{books.parent}/other.pem", *AS_OF)
    assert failure(books) == "signature 2 is not by this key"
    assert check(books, "public.pem", "other-public.pem")[0]


@pytest.mark.parametrize(
    "changed",
    [
        {"signed_at": "2026-11-03T08:00:00Z"},
        {"lake_number": None},
        {"lake_sha256": "0" * 64},
        {"lake_anew": True},
        {"first_document": 2},
        {"documents": []},
        {"payments": []},
        {"ed25519": base64.b64encode(bytes(64)).decode()},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_whatever_a_signature_states_is_signed(books: Path, changed: dict[str, object]) -> None:
    reseal(layout.signatures(books), 1, lambda signature: signature.update(changed))
    assert failure(books).startswith("signature 1 is not by this key")


def test_a_torn_signature_is_named(books: Path) -> None:
    (path,) = layout.signatures(books).iterdir()
    path.write_bytes(path.read_bytes()[:100])
    ok, detail = check(books)
    assert (ok, "it is torn" in detail) == (False, True)


def test_a_key_in_the_workspace_or_for_everybody_or_of_another_kind_is_refused(books: Path) -> None:
    shutil.copy(books.parent / "key.pem", books / "key.pem")
    before = fingerprints(books)

    def refused(key: Path) -> str:
        done = tallybook(books, "sign", "--key", str(key), *AS_OF)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert fingerprints(books) == before
        return done.stderr

    assert "lies in the workspace" in refused(books / "key.pem")
    assert "is no private Ed25519 key" in refused(private(books.parent / "public.pem"))
    assert "there is no key file" in refused(books.parent / "nowhere.pem")
    (books.parent / "loop.pem").symlink_to("loop.pem")
    assert "cannot be read: Too many levels of symbolic links" in refused(books.parent / "loop.pem")
    done = tallybook(books, "verify", "--key", str(books.parent / "loop.pem"))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    (books.parent / "key.pem").chmod(0o640)
    assert "others may read the key" in refused(books.parent / "key.pem")
    done = tallybook(books, "verify", "--key", str(books.parent / "key.pem"))
    assert (done.returncode, "is no public Ed25519 key" in done.stderr) == (2, True)


def private(path: Path) -> Path:
    path.chmod(0o600)
    return path


def test_without_the_library_it_is_said_what_to_install(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    done = tallybook(books, "sign", "--key", f"{books.parent}/key.pem")
    assert (done.returncode, "pip install 'tallybook[sign]'" in done.stderr) == (1, True)


@pytest.mark.long
def test_a_bundle_holds_the_signature_of_its_invoice_and_says_how_to_check_it(books: Path, tmp_path: Path) -> None:
    run(books, "recompute", "INV-000003", "--bundle", str(tmp_path / "unsigned"))
    assert not (tmp_path / "unsigned/signature.txt").exists()
    assert "signed" not in (tmp_path / "unsigned/README.txt").read_text(encoding="utf-8")
    bundle = tmp_path / "bundle"
    run(books, "recompute", "INV-000002", "--bundle", str(bundle))
    lines = (bundle / "README.txt").read_text(encoding="utf-8").splitlines()
    shutil.copy(books.parent / "public.pem", bundle / "PUBLIC.pem")
    python = "\n".join(
        line.strip() for line in lines[lines.index("or in Python, with the package cryptography:") + 1 :]
    )
    (grep,) = (line.strip() for line in lines if line.startswith("    grep"))
    if shutil.which("openssl"):
        (openssl,) = (line.strip() for line in lines if line.startswith("    openssl"))
        assert "Verified Successfully" in shell(bundle, openssl)
    assert shell(bundle, grep).startswith("document 2 ")
    check_by_python(bundle, python, returncode=0)
    (bundle / "signature.txt").write_bytes(
        (bundle / "signature.txt").read_bytes().replace(b"document 2", b"document 4")
    )
    check_by_python(bundle, python, returncode=1)


def shell(folder: Path, command: str) -> str:
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=True).stdout


def check_by_python(folder: Path, program: str, *, returncode: int) -> None:
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, check=False, env=os.environ | {"PYTHONPATH": path}
    )
    assert done.returncode == returncode
