"""Signatures over the heads of all chains: made with a key that lies elsewhere, checked with its public half.

Whoever can write every file of a workspace can seal a changed history again, and nothing in it then tells. They cannot
sign it. A signature is of the last commit of the lake, which stands for all before it, and of each document and each
payment by its own digest, so that whoever is handed one document can find it in what was signed.

Owns what is signed, and what a signature shows. Does not own its form at rest (``pipeline.register.signatures``).
"""

from __future__ import annotations

import stat
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline import register
from pipeline.base.errors import ConfigurationError, HistoryLost, LogEntryRefused
from pipeline.base.periods import instant_text
from pipeline.documents.extras import extra_of
from pipeline.jobs.check import Check, check_that_none
from pipeline.jobs.state.history import refuse_lost_history
from pipeline.jobs.wording import counted
from pipeline.lake.commits import read_log
from pipeline.objects import append_log, layout
from pipeline.register.payments import read_payments
from pipeline.register.signatures import Signature, append_signature, read_signatures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from pipeline.configuration.workspace import Workspace

_MAKE = "openssl genpkey -algorithm ed25519 -out KEY.pem"


def sign(workspace: Workspace, key: Path, *, now: datetime, is_lake_anew: bool = False) -> Signature | None:
    """Sign what no signature states yet, durably; ``None`` where that is nothing. The caller holds the lock.

    Raises ``ConfigurationError`` for a key that cannot be used or lies in the workspace, ``HistoryLost`` where other
    files or earlier signatures name what is not there, and ``ExtraMissing`` without ``cryptography``.
    """
    private = _private_key(workspace.root, key)
    refuse_lost_history(workspace)
    earlier, last_sha256 = read_signatures(workspace.root)
    chains = _Chains(workspace)
    if wrong := list(_untrue(earlier, chains, is_lake_anew=is_lake_anew)):
        message = (
            f"nothing is signed: {wrong[0]}; restore what was signed from a backup, or, where the lake was collected "
            "anew and nothing else differs, give --lake-anew"
        )
        raise HistoryLost(message)
    documents, payments = (earlier[-1].last_document, earlier[-1].last_payment) if earlier else (0, 0)
    lake = chains.lake
    signature = Signature(
        number=len(earlier) + 1,
        signed_at=instant_text(now),
        lake_number=len(lake) - 1 if lake else None,
        lake_sha256=lake[-1] if lake else None,
        is_lake_anew=is_lake_anew,
        first_document=documents + 1,
        documents=chains.documents[documents:],
        first_payment=payments + 1,
        payments=chains.payments[payments:],
        previous_sha256=last_sha256,
    )
    is_new = signature.documents or signature.payments or is_lake_anew
    if not is_new and signature.lake_sha256 == (earlier[-1].lake_sha256 if earlier else None):
        return None
    signature = replace(signature, ed25519=private.sign(signature.text))
    append_signature(workspace.root, signature)
    return signature


def signature_check(workspace: Workspace, keys: Sequence[Path]) -> Check:
    """Check that each signature fits one of the public keys, and that what was signed is there.

    Raises ``ConfigurationError`` for a key that cannot be used, and ``ExtraMissing`` without ``cryptography``.
    """
    public = [_public_key(key) for key in keys]
    name = "what_was_signed_is_there"
    try:
        signatures, _ = read_signatures(workspace.root)
        chains = _Chains(workspace)
    except LogEntryRefused as refused:
        return Check(name=name, ok=False, detail=str(refused))
    if not signatures:
        return Check(name=name, ok=False, detail="not so: there is no signature; 'tallybook sign' makes one")
    wrong = [
        f"signature {signature.number} is not by {'this key' if len(keys) == 1 else 'any of these keys'}"
        for signature in signatures
        if not any(_fits(signature, key) for key in public)
    ]
    last = signatures[-1]
    return check_that_none(
        [*wrong, *_untrue(signatures, chains, is_lake_anew=False)],
        name=name,
        fine=(
            f"{counted(len(signatures), 'signature')}, the last of {last.signed_at}: documents up to "
            f"{last.last_document} of {len(chains.documents)}, payments up to {last.last_payment} of "
            f"{len(chains.payments)}, "
            + (
                "an empty lake"
                if last.lake_number is None
                else f"commits up to {last.lake_number} of {len(chains.lake) - 1}"
            )
        ),
        found="not so",
    )


def signature_of(workspace: Path, number: int) -> Signature | None:
    """Return the signature that states the document of a number; ``None`` where none does yet."""
    signatures, _ = read_signatures(workspace)
    found = (each for each in signatures if each.first_document <= number <= each.last_document)
    return next(found, None)


class _Chains:
    """The digests of all entries that are there, in their order."""

    def __init__(self, workspace: Workspace) -> None:
        root = workspace.root
        self.lake = read_log(workspace.lake).entry_digests
        self.documents = _digests(layout.register(root), len(register.read(root)))
        self.payments = _digests(layout.payments(root), len(read_payments(root)))


def _digests(folder: Path, count: int) -> tuple[str, ...]:
    paths = (append_log.entry_path(folder, number) for number in range(1, count + 1))
    return tuple(append_log.sha256_of(path.read_bytes()) for path in paths)


def _untrue(signatures: Sequence[Signature], chains: _Chains, *, is_lake_anew: bool) -> Iterator[str]:
    """Yield what was signed and is not there; commits are asked for since a signature said that the lake is anew."""
    anew = [each.number for each in signatures if each.is_lake_anew]
    first = anew[-1] if anew else 1
    documents = payments = 0
    for signature in signatures:
        if (signature.first_document, signature.first_payment) != (documents + 1, payments + 1):
            yield f"signature {signature.number} does not follow the one before it"
        documents, payments = signature.last_document, signature.last_payment
        place = signature.lake_number
        is_asked = place is not None and not is_lake_anew and signature.number >= first
        if is_asked and signature.lake_sha256 not in chains.lake[place:][:1]:
            yield f"commit {place} of the lake is not the one of signature {signature.number}"
        for what, begin, signed, there in (
            ("document", signature.first_document, signature.documents, chains.documents),
            ("payment", signature.first_payment, signature.payments, chains.payments),
        ):
            for number, sha256 in enumerate(signed, start=begin):
                if there[number - 1 : number] != (sha256,):
                    is_there = "is not the one" if number <= len(there) else "is gone, and is"
                    yield f"{what} {number} {is_there} of signature {signature.number}"


def _private_key(root: Path, path: Path) -> Ed25519PrivateKey:
    content = _read_key(path)
    if path.resolve().is_relative_to(root.resolve()):
        message = f"the key {path} lies in the workspace, where whoever changes invoices finds it; keep it elsewhere"
        raise ConfigurationError(message)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        message = f"others may read the key {path}; run: chmod 600 {path}"
        raise ConfigurationError(message)
    with extra_of("sign", "a signature"):
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - of an extra
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        message = f"{path} is no private Ed25519 key in PEM without a password; make one: {_MAKE}"
        raise ConfigurationError(message)
    return key


def _public_key(path: Path) -> Ed25519PublicKey:
    with extra_of("sign", "the check of signatures"):
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - of an extra
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415
    try:
        key = load_pem_public_key(_read_key(path))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        message = f"{path} is no public Ed25519 key in PEM; make it: openssl pkey -in KEY.pem -pubout -out PUBLIC.pem"
        raise ConfigurationError(message)
    return key


def _read_key(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        message = f"there is no key file {path}; make a key: {_MAKE}"
        raise ConfigurationError(message) from None
    except OSError as refused:
        message = f"the key file {path} cannot be read: {refused.strerror}"
        raise ConfigurationError(message) from refused


def _fits(signature: Signature, key: Ed25519PublicKey) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - of an extra

    try:
        key.verify(signature.ed25519, signature.text)
    except InvalidSignature:
        return False
    return True
