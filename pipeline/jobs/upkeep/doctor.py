"""Looks a workspace over for its owner: does each part exist, is it readable, and what waits for a decision.

Does not own the claims that must hold (``pipeline.jobs.proofs.verify``).
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import register
from pipeline.base.errors import ConfigurationError, ExtraMissing, LakeError, LakeIsNewer
from pipeline.base.raw_keys import holds_raw_key
from pipeline.collectors.kernel.program import has_kernel
from pipeline.configuration.accounts.accounts_file import ACCOUNTS_FILE
from pipeline.configuration.budgets_file import read_budgets
from pipeline.configuration.keys.key_aliases import read_key_aliases
from pipeline.configuration.keys.key_secret import OLD_SECRET_FILE, find_key_secret
from pipeline.configuration.source_files import find_logs, source_text
from pipeline.configuration.stored.stored_log import is_there
from pipeline.invoicing.document import invoice_from_document
from pipeline.invoicing.refused_changes import refuse_lowered_grants, refuse_removed_accounts
from pipeline.jobs.check import Check
from pipeline.jobs.key_ids import open_key_ids
from pipeline.jobs.state.held import held_text, held_usage, in_force
from pipeline.jobs.state.log_formats import log_format_of
from pipeline.jobs.state.notices.acknowledged import acknowledged_text, read_acknowledged
from pipeline.jobs.state.quarantined import quarantined_lines, tokens_stated
from pipeline.jobs.state.stored.notes import read_listings
from pipeline.jobs.upkeep.rotate_keys import unseen_keys
from pipeline.jobs.wording import NO_SOURCES, counted
from pipeline.lake.checked_files import verified_files
from pipeline.lake.commits import named_files, read_log
from pipeline.lake.store_orphans import orphans_on_store
from pipeline.objects.litter import left_behind
from pipeline.objects.mounted.mounts import mount_of
from pipeline.objects.temporary.scratch import left_folders
from pipeline.register.payments import read_payments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.configuration.source_settings import SourceSettings
    from pipeline.configuration.workspace import Workspace
    from pipeline.lake.log.snapshot import LakeSnapshot


_WORDS = re.compile(r"[^\s\"',]+"), re.compile(r"[A-Za-z0-9_-]+")
"""What an id may be in a file: between quotes, or a bare name of TOML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found."""

    findings: tuple[Check, ...]
    is_lake_damaged: bool
    """Whether a file of the lake or an entry of its log is not what it was."""
    quarantined: tuple[tuple[str, int, str, str, int | None, str, str], ...]
    """Source, line, byte range, key, stated tokens, reason and detail of every quarantined line; never its content.

    The key is empty and the tokens are ``None`` where they cannot be read.
    """


def examine(workspace: Workspace, *, key_secret: bytes | None) -> Examination:
    """Look everything over; what is wrong becomes a finding and no exception."""
    findings = [
        *_configuration(workspace),
        *_raw_keys(workspace),
        _secret(workspace, key_secret),
        *_kernel(),
        *_acknowledged(workspace),
        *_budgets(workspace),
        *_issued(workspace),
        *_left_behind(workspace),
    ]
    is_lake_damaged = False
    quarantined: list[tuple[str, int, str, str, int | None, str, str]] = []
    try:
        snapshot = read_log(workspace.lake)
        files = len(verified_files(workspace.lake, snapshot))
        held = held_usage(workspace, in_force(workspace, snapshot)[1])
        quarantined = [
            (
                row["source"],
                row["line"],
                f"{row['byte_start']}-{row['byte_end']}",
                row["api_key_id"] or "",
                tokens_stated(row),
                row["reason"],
                row["detail"],
            )
            for row in quarantined_lines(workspace.lake, snapshot)
            .sort_by([("source", "ascending"), ("line", "ascending")])
            .to_pylist()
        ]
        version = (
            "no commit yet"
            if snapshot.version is None
            else f"commit {snapshot.version}, {counted(files, 'data file')}, undamaged"
        )
        findings.append(Check(name="lake", ok=True, detail=version))
        findings.extend(_store(workspace, snapshot))
        findings.extend(Check(name="held", ok=False, detail=held_text(usage)) for usage in held)
    except LakeError as damage:
        is_lake_damaged = not isinstance(damage, LakeIsNewer)
        findings.append(Check(name="lake", ok=False, detail=str(damage)))
    return Examination(findings=tuple(findings), is_lake_damaged=is_lake_damaged, quarantined=tuple(quarantined))


def _store(workspace: Workspace, snapshot: LakeSnapshot) -> Iterator[Check]:
    """Say where the lake is, and what lies there in vain, where it is on a store."""
    mounted = mount_of(workspace.lake)
    if mounted is None:
        return
    found = orphans_on_store(workspace.lake, named_files(workspace.lake, snapshot), snapshot.version)
    orphans = (*found.overtaken, *found.waiting)
    detail = f"{mounted.store.url} answers"
    if orphans:
        detail = (
            f"{mounted.store.url} holds {counted(len(orphans), 'file', 'files')} that nothing names, such as "
            f"{mounted.url(orphans[0])}: a run that died left them, and they count for nothing; the next night "
            "after such a run removes them, or remove them by hand"
        )
    yield Check(name="store", ok=not orphans, detail=detail)


def _configuration(workspace: Workspace) -> Iterator[Check]:
    settings = workspace.settings
    yield Check(
        name="configuration",
        ok=True,
        detail=f"time zone {settings.timezone}, currency {settings.currency}, rounding {settings.rounding}",
    )
    if not settings.sources:
        yield Check(name="sources", ok=False, detail=NO_SOURCES)
    for source in settings.sources:
        for is_ok, detail in _of_source(workspace, source):
            yield Check(name=f"source {source.name}", ok=is_ok, detail=detail)
    keys = sum(len(account.keys) for account in workspace.accounts)
    yield Check(
        name="accounts",
        ok=bool(len(workspace.accounts)),
        detail=f"{counted(len(workspace.accounts), 'account')} with {counted(keys, 'key')}"
        if len(workspace.accounts)
        else f"none in {ACCOUNTS_FILE}; write one for each customer, with the ids of its keys",
    )
    yield Check(
        name="rate cards",
        ok=bool(workspace.rate_cards),
        detail=", ".join(sorted(workspace.rate_cards)) or "none; add rates/standard.toml",
    )


def _of_source(workspace: Workspace, source: SourceSettings) -> Iterator[tuple[bool, str]]:
    """Yield what is to be said of a source, each with whether that is well: its format, its files, what is refused."""
    try:
        log_format_of(workspace.settings, source)
    except ConfigurationError as wrong:
        yield False, str(wrong)
    try:
        found = find_logs(workspace.root, source.all_paths, source.link_roots)
    except ExtraMissing as missing:
        yield False, str(missing)
        return
    if found.logs:
        yield True, counted(len(found.logs), "file")
    elif not any(refused.is_stored for refused in found.refused):
        yield False, f"no file fits {', '.join(source.paths)}"
    for listed in found.listings:
        yield True, _listed_text(workspace, source, listed.glob.glob)
    for refused in found.refused:
        yield False, f"{source_text(workspace.root, refused.path)}: {refused.detail}"
    for log in found.logs:
        if not is_there(log.target):
            yield False, f"{source_text(workspace.root, log.path)}: only regular files are logs; remove it"


def _listed_text(workspace: Workspace, source: SourceSettings, glob: str) -> str:
    """Say when a run listed all keys of a glob last, and behind which one runs begin."""
    listing = read_listings(workspace.lake).get(glob)
    if listing is None:
        return f"{glob}: no run has listed it yet"
    told = f"{glob}: all keys were last listed by the run of {listing.all_at:%Y-%m-%d %H:%M}Z"
    if not source.full_listing_days or listing.mark is None:
        return f"{told}, and are by every run"
    due = listing.due_at(source.full_listing_days)
    return f"{told}; before {due:%Y-%m-%d %H:%M}Z runs list those behind {listing.mark}"


def _raw_keys(workspace: Workspace) -> Iterator[Check]:
    """Find what may be a raw key, in comments too: configurations are kept, to the last byte, with what they issued."""
    accounts = workspace.accounts
    key_ids = {key.key_id for account in accounts for key in account.keys} | accounts.tags.keys()
    for name, content in workspace.files.items():
        for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), start=1):
            rest = line
            for words in _WORDS:
                rest = words.sub(lambda word: "" if word[0] in key_ids else word[0], rest)
            if holds_raw_key(rest):
                detail = (
                    "something that may be a raw key; take it out, since the next invoice is issued with a copy of the "
                    "file, comments and all"
                )
                yield Check(name=f"{name}, line {number}", ok=False, detail=detail)


def _kernel() -> Iterator[Check]:
    """Say where logs are read slowly."""
    if not has_kernel():
        yield Check(
            name="kernel",
            ok=True,
            detail="wasmtime is not installed, or cannot run here: lines are read one by one, which is slow",
        )


def _acknowledged(workspace: Workspace) -> Iterator[Check]:
    """Say which warnings are quieted, since when and why."""
    try:
        for each in read_acknowledged(workspace.root):
            yield Check(name="acknowledged", ok=True, detail=acknowledged_text(each))
    except ConfigurationError as wrong:
        yield Check(name="acknowledged", ok=False, detail=str(wrong))


def _budgets(workspace: Workspace) -> Iterator[Check]:
    """Say how many budgets there are, or what is wrong with their file, which no other check reads."""
    try:
        if found := read_budgets(workspace):
            yield Check(name="budgets", ok=True, detail=", ".join(budget.name for budget in found))
    except ConfigurationError as wrong:
        yield Check(name="budgets", ok=False, detail=str(wrong))


def _issued(workspace: Workspace) -> Iterator[Check]:
    """Say how much is issued, or what of it is not as it was, or lacks what the configuration had for it."""
    try:
        documents = [invoice_from_document(document) for document in register.read(workspace.root)]
        read_payments(workspace.root)
        refuse_removed_accounts(documents, workspace.accounts)
        refuse_lowered_grants(documents, workspace.accounts)
    except (ConfigurationError, LakeError) as wrong:
        yield Check(name="issued", ok=False, detail=str(wrong))
        return
    if documents:
        yield Check(name="issued", ok=True, detail=f"{counted(len(documents), 'document')}, unchanged")


def _left_behind(workspace: Workspace) -> Iterator[Check]:
    """Name what runs that were killed left: what is swept anyway, and what somebody has to remove."""
    swept, others = left_behind(workspace.root)
    if swept:
        detail = (
            f"{counted(len(swept), 'temporary file')} of runs that were killed; the next one that writes sweeps them"
        )
        yield Check(name="left behind", ok=True, detail=detail)
    for path in others:
        detail = f"{path.relative_to(workspace.root)}: half of a file, of a run that was killed; remove it"
        yield Check(name="left behind", ok=False, detail=detail)
    for path in left_folders():
        detail = f"{path}: a folder of a run that was killed, of this workspace or another one; remove it"
        yield Check(name="left behind", ok=True, detail=detail)


def _secret(workspace: Workspace, key_secret: bytes | None) -> Check:
    try:
        secret = find_key_secret(workspace.root, environment=key_secret)
    except ConfigurationError as error:
        return Check(name="key secret", ok=False, detail=str(error))
    try:
        rotated = _rotated(workspace, key_secret)
    except (ConfigurationError, LakeError) as wrong:
        return Check(name="key secret", ok=False, detail=str(wrong))
    return Check(
        name="key secret",
        ok=True,
        detail=f"there is one{rotated}" if secret else "none yet; it is only needed where logs hold raw keys",
    )


def _rotated(workspace: Workspace, key_secret: bytes | None) -> str:
    """Say what rotations came to; raise ``ConfigurationError`` where the next raw key would be refused."""
    aliases = read_key_aliases(workspace.root)
    expected = None
    with suppress(LakeError):  # another check says so
        expected = read_log(workspace.lake).key_secret_check
    if expected is not None or aliases.checks:  # else one would be made
        open_key_ids(workspace.root, environment=key_secret, expected_check=expected)
    if not aliases.checks:
        return ""
    if not aliases.is_open:
        left = f", and {OLD_SECRET_FILE} is left to remove" if (workspace.root / OLD_SECRET_FILE).exists() else ""
        return f", rotated last on {aliases.begun_at[:10]}{left}"
    unseen = counted(len(unseen_keys(workspace, aliases)), "key")
    return f", and a rotation is open since {aliases.begun_at[:10]}: {unseen} of accounts.toml not seen yet"
