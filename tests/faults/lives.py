"""Lives of workspaces, step by step, and the facts that must be there after each.

``LIVES`` are all of them: one from the first log on (``LIFE``), and one of a workspace that an earlier program left.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import json
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pyarrow.parquet as pq
from workspaces import append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline import lake, register
from pipeline.configuration.keys.key_aliases import read_key_aliases
from pipeline.lake.log import checkpoints
from pipeline.objects import layout
from pipeline.register import payments, signatures

if TYPE_CHECKING:
    from collections.abc import Callable

    from workspaces import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command of the life.

    ``logged`` is what the gateway wrote before it; ``repeatable``, whether run again it adds nothing;
    ``is_same_again``, whether it writes the same bytes in another copy of the workspace: not where it makes a secret.
    """

    name: str
    arguments: tuple[str, ...]
    logged: tuple[str, ...] = ()
    repeatable: bool = True
    is_same_again: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A workspace as it is when the harness begins, the steps it then goes through, and the night after them."""

    name: str
    begin: Callable[[Path], Path]
    steps: tuple[Step, ...]
    night: tuple[str, ...]


COMMITS_BETWEEN_CHECKPOINTS = 2
"""As few as the commits of a life are, so that nights write a checkpoint, and take one away."""
SIGNER, VERIFIER = "SIGNER", "VERIFIER"
"""Stand in the words of a command for the files of the key that signs, which lie outside of every workspace."""
_PAY_AND_SIGN = (
    Step(name="pay", arguments=("invoice", "paid", "INV-000003", "--on", "2026-11-03", "--as-of", "2026-11-03")),
    Step(name="sign", arguments=("sign", "--key", SIGNER, "--as-of", "2026-11-03")),
)
"""The last payments and signatures are proven to be there by nothing but a key."""

LIFE = (
    Step(name="collect", arguments=("collect",)),
    Step(name="nightly", arguments=("nightly", "--as-of", "2026-10-02")),
    Step(
        name="again",
        arguments=("nightly", "--as-of", "2026-11-02"),
        logged=(
            plain("2026-10-05T10:00:00Z", id="oct-5"),
            plain("2026-09-30T10:00:00Z", id="sep-30"),
            plain("2026-09-29T12:00:00Z", id="sep-29-late"),
            "no JSON",
        ),
    ),
    Step(name="issue", arguments=("invoice", "issue", "--period", "2026-09", "--as-of", "2026-11-02")),
    Step(name="void", arguments=("invoice", "void", "INV-000001", "--yes", "--as-of", "2026-11-02"), repeatable=False),
    Step(name="issue once more", arguments=("invoice", "issue", "--period", "2026-09", "--as-of", "2026-11-03")),
    *(_PAY_AND_SIGN if importlib.util.find_spec("cryptography") else ()),
    Step(name="compact", arguments=("compact", "--as-of", "2026-11-03T11:00:00Z")),
    Step(
        name="rotate",
        arguments=("keys", "rotate", "--as-of", "2026-11-03T12:00:00Z"),
        repeatable=False,
        is_same_again=False,
    ),
    Step(
        name="forget",
        arguments=("forget", "--before", "2026-10-01", "--with-uninvoiced", "--yes", "--as-of", "2026-11-04"),
    ),
)
NIGHT = ("nightly", "--as-of", "2026-11-05")
"""The night after the life: it finishes what was begun, and writes anew what is derived."""


_OLDEST = Path(__file__).parents[1] / "ages" / "golden" / "first-register"
UPGRADED = (
    Step(name="upgrade", arguments=("upgrade", "--as-of", "2026-05-02")),
    Step(
        name="continue",
        arguments=("nightly", "--as-of", "2026-06-01"),
        logged=(plain("2026-05-02T09:00:00Z", id="may-2"),),
    ),
)
"""What a workspace of the first program with a register goes through."""


def with_raw_key(ts: str, id: str) -> str:
    """Return a line of a gateway that logs raw keys."""
    return plain(ts, id=id).replace('"api_key_id": "key_a"', f'"api_key": "sk-{"made-up-":032}"')


def begin(root: Path) -> Path:
    """Make the workspace, with the logs of its first days."""
    make_workspace(root)
    lines = (plain("2026-09-28T10:00:00Z", id="sep-28"), plain("2026-09-29T10:00:00Z", id="sep-29"), "no JSON either")
    write_log(
        root, "a.jsonl", *lines, plain("2026-09-29T10:00:00Z", id="sep-29"), with_raw_key("2026-09-28T10:00:00Z", "raw")
    )
    return root


def begin_with_an_older_lake(root: Path) -> Path:
    """Copy a workspace that the first program with a register left."""
    return shutil.copytree(_OLDEST, root)


LIVES = (
    Life(name="from the first log", begin=begin, steps=LIFE, night=NIGHT),
    Life(
        name="of an older lake",
        begin=begin_with_an_older_lake,
        steps=UPGRADED,
        night=("nightly", "--as-of", "2026-06-02"),
    ),
)


@functools.cache
def signing_keys() -> dict[str, str]:
    """Make the files of the key that signs, the same in every process: what it signs is compared byte for byte."""
    from cryptography.hazmat.primitives import serialization as forms  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    folder = Path(tempfile.mkdtemp(prefix="tallybook-signer-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    private, public = folder / "private.pem", folder / "public.pem"
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    private.write_bytes(key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()))
    private.chmod(0o600)
    public.write_bytes(key.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo))
    return {SIGNER: str(private), VERIFIER: str(public)}


def words(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a command as they are typed, with the file of a key where one stands."""
    return tuple(signing_keys()[each] if each in {SIGNER, VERIFIER} else each for each in arguments)


def verify(root: Path) -> tuple[str, ...]:
    """Return the command that verifies a workspace: with the key, where something is signed."""
    return ("verify", "--key", VERIFIER) if layout.signatures(root).exists() else ("verify",)


def prepare(root: Path, step: Step) -> None:
    """Log what the gateway wrote before the step."""
    if step.logged:
        append_log(root, "a.jsonl", *step.logged)


def run(root: Path, arguments: tuple[str, ...]) -> Done:
    """Run one command in this process."""
    with mock.patch.object(checkpoints, "COMMITS_BETWEEN", COMMITS_BETWEEN_CHECKPOINTS):
        return tallybook(root, *words(arguments))


def facts(root: Path) -> Counter[str]:
    """Return every fact that counts, and how often it is there.

    Events, documents, payments, signatures, rotations, forgettings, and the version of the lake.

    Raise what the readers raise where a file is damaged.
    """
    found: Counter[str] = Counter()
    lake_dir = layout.lake(root)
    snapshot = lake.read_log(lake_dir)
    for path in lake.verified_files(lake_dir, snapshot):
        found.update(f"event of line {line}" for line in pq.ParquetFile(path).read(["line"])["line"].to_pylist())
    lake.verified_quarantine(lake_dir, snapshot)
    found.update("forgetting" for _ in snapshot.forgettings)
    if snapshot.lake_version is not None:
        found[f"lake of version {snapshot.lake_version}"] = 1
    for document in register.read(root):
        found[f"document {json.dumps(document, sort_keys=True, default=str)}"] += 1
    found.update(f"payment {payment}" for payment in payments.read_payments(root))
    found.update(f"signature {signature}" for signature in signatures.read_signatures(root)[0])
    if layout.key_aliases(root).exists():
        read_key_aliases(root)
        found["rotation"] = len(list(layout.key_aliases(root).glob("*.json")))
    return +found


def kept(root: Path) -> dict[str, str]:
    """Return the digest of every file that is to be the same whatever was repaired: not of spilled work."""
    return {name: digest for name, digest in fingerprints(root).items() if not name.startswith("lake/.spill")}
