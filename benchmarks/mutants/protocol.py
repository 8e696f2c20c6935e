"""Take one step or check of storage away at a time, or swap two, and see whether the tests notice.

``python -m benchmarks.mutants protocol``. What is missing is found in the code (``changed_protocol.py``); what is done
in another order, or too late, is declared here by name. Owns which of them amount to nothing, each with its reason.
Does not own how they are tried (``trials.py``) or the tests.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from benchmarks.mutants import changed_protocol
from benchmarks.mutants.trials import ROOT, Trial, module_of, tried

if TYPE_CHECKING:
    from types import CodeType

    from benchmarks.mutants.changed_python import Mutant

ROOMS = (
    "pipeline/objects",
    "pipeline/lake",
    "pipeline/register",
    "pipeline/configuration/keys",
)
"""Where each refusal is a check of the protocol."""
CALLERS = ("pipeline/jobs", "pipeline/cli")
"""Whose steps, and comparisons of digests, are the protocol's too."""
_DURABLE = "tests/storage/disk/test_acknowledged_is_durable.py"
_LOCKED = "tests/storage/disk/test_commands_and_the_lock.py"
_SWEPT = "tests/storage/disk/test_swept.py"
_OF_THE_LAKE = (
    "tests/storage/register/test_entries_of_every_kind.py",
    "tests/storage/disk/test_faults.py",
    "tests/storage/lake/test_lake.py",
    "tests/storage/lake/test_log_refusals.py",
    "tests/storage/lake/test_rereading.py",
)
_OF_KEYS = (
    _DURABLE,
    "tests/config/accounts/test_key_aliases.py",
    "tests/config/accounts/test_key_secret.py",
    "tests/storage/register/test_key_rotation.py",
    "tests/storage/register/test_register.py",
)
_OF_THE_REGISTER = (
    _DURABLE,
    "tests/ages/test_newer.py",
    "tests/storage/register/test_entries_of_every_kind.py",
    "tests/storage/disk/test_faults.py",
    "tests/storage/register/test_forged_documents.py",
    "tests/storage/disk/test_interrupted_freezing.py",
    "tests/storage/register/test_lost_history.py",
    "tests/storage/register/test_register.py",
    "tests/storage/register/test_signatures.py",
)
_OF_NIGHTS = (
    *("tests/nights", "tests/forgetting/test_dying_while_forgetting.py", "tests/forgetting/test_forgetting.py"),
    *("tests/forgetting/test_gone_for_good.py", _SWEPT),
    *(_LOCKED, "tests/storage/disk/test_interrupted_freezing.py"),
    *("tests/storage/register/test_forged_documents.py", "tests/storage/register/test_lost_history.py"),
    *("tests/storage/register/test_signatures.py", *_OF_KEYS, *_OF_THE_LAKE),
)
_OF_STORES = ("tests/stores",)
_OF_COMPACTING = ("tests/compacting/test_dying.py", "tests/compacting/test_refused_entries.py")
_OF_OBJECTS = (
    _DURABLE,
    *_OF_THE_LAKE,
    _LOCKED,
    "tests/storage/lake/test_counted.py",
    "tests/storage/lake/test_derived.py",
    "tests/storage/disk/test_disk.py",
    "tests/storage/disk/test_litter.py",
    "tests/storage/disk/test_lock.py",
    "tests/storage/register/test_register.py",
    "tests/storage/register/test_strict_json.py",
    "tests/storage/register/test_entries_of_every_kind.py",
)
TESTS = {
    "pipeline/objects": _OF_OBJECTS,
    "pipeline/objects/litter.py": ("tests/storage/disk/test_litter.py", _SWEPT),
    "pipeline/objects/temporary/dead.py": ("tests/storage/disk/test_litter.py", _SWEPT),
    "pipeline/objects/bundle_files.py": (_DURABLE, "tests/tools/proofs/test_recompute.py"),
    "pipeline/objects/verified.py": (
        *("tests/storage/lake/test_derived.py", "tests/storage/disk/test_disk.py", "tests/storage/lake/test_lake.py"),
        "tests/storage/lake/test_log_refusals.py",
    ),
    "pipeline/objects/encoded/formats.py": ("tests/ages/test_newer.py",),
    "pipeline/objects/encoded/parquet_bytes.py": (*_OF_OBJECTS, "tests/engines/workers/test_writing_on_workers.py"),
    "pipeline/objects/append_log.py": (*_OF_OBJECTS, "tests/stores/test_store_protocol.py"),
    "pipeline/objects/stores.py": _OF_STORES,
    "pipeline/objects/mounted": _OF_STORES,
    "pipeline/lake": _OF_THE_LAKE,
    "pipeline/lake/commits.py": (*_OF_THE_LAKE, *_OF_COMPACTING),
    "pipeline/lake/data_files.py": (*_OF_THE_LAKE, *_OF_COMPACTING),
    "pipeline/lake/log/checkpoints.py": ("tests/storage/lake/test_checkpoints.py",),
    "pipeline/lake/log/commit.py": (*_OF_THE_LAKE, *_OF_COMPACTING),
    "pipeline/lake/log/compacting.py": _OF_COMPACTING,
    "pipeline/lake/log/delta.py": (*_OF_THE_LAKE, *_OF_COMPACTING),
    "pipeline/lake/log/parsing.py": (*_OF_THE_LAKE, *_OF_COMPACTING),
    "pipeline/lake/checked_files.py": (*_OF_THE_LAKE, "tests/tools/test_frames.py"),
    "pipeline/lake/counted.py": ("tests/nights/test_dates_counted.py", "tests/storage/lake/test_counted.py"),
    "pipeline/lake/derived.py": ("tests/storage/lake/test_derived.py",),
    "pipeline/lake/log/forgetting.py": (
        "tests/forgetting",
        "tests/storage/lake/test_log_refusals.py",
        "tests/storage/lake/test_refused_forgetting.py",
    ),
    **dict.fromkeys(
        [f"pipeline/lake/log/{name}.py" for name in ("applying", "snapshot")],
        (*_OF_THE_LAKE, *_OF_COMPACTING, "tests/forgetting/test_forgetting.py"),
    ),
    "pipeline/lake/told.py": (_DURABLE, "tests/nights/said/test_new_warnings.py"),
    "pipeline/register": _OF_THE_REGISTER,
    "pipeline/register/invoice_files.py": (*_OF_THE_REGISTER, "tests/nights/test_drafts_that_changed.py"),
    "pipeline/configuration/keys": _OF_KEYS,
    "pipeline/jobs": _OF_NIGHTS,
    "pipeline/jobs/invoices/freezing.py": ("tests/storage/disk/test_interrupted_freezing.py",),
    **dict.fromkeys(
        [f"pipeline/jobs/night/{name}.py" for name in ("collect", "run", "batches")],
        ("tests/nights/tried/test_trial.py", _SWEPT, *_OF_THE_LAKE),
    ),
    "pipeline/jobs/night/on_workers": (
        "tests/engines/workers/test_believed.py",
        "tests/engines/workers/test_writing_on_workers.py",
    ),
    "pipeline/jobs/night/nightly.py": (
        _LOCKED,
        _SWEPT,
    ),
    "pipeline/jobs/night/other_usage.py": ("tests/nights/said/test_other_usage.py",),
    "pipeline/jobs/night/logs/received.py": (
        _DURABLE,
        "tests/nights/tried/test_received.py",
        _SWEPT,
    ),
    "pipeline/jobs/night/trial.py": ("tests/nights/tried/test_trial.py",),
    "pipeline/jobs/state/aggregate.py": (_SWEPT,),
    "pipeline/jobs/state/drafted": ("tests/nights/test_drafts_that_changed.py", "tests/nights/test_heads_now.py"),
    "pipeline/jobs/state/history.py": ("tests/storage/register/test_lost_history.py",),
    "pipeline/jobs/state/notices": (_DURABLE,),
    "pipeline/jobs/upkeep/compact.py": (
        *_OF_COMPACTING,
        _LOCKED,
        _SWEPT,
    ),
    "pipeline/jobs/upkeep/forgetting": ("tests/forgetting", _SWEPT),
    "pipeline/jobs/upkeep/import_rates.py": (_DURABLE,),
    "pipeline/jobs/upkeep/init.py": (_DURABLE,),
    "pipeline/jobs/upkeep/rotate_keys.py": (
        "tests/storage/register/test_key_rotation.py",
        _SWEPT,
    ),
    "pipeline/jobs/upkeep/upgrade.py": (
        _LOCKED,
        _SWEPT,
    ),
    "pipeline/jobs/answers/queried": ("tests/nights/test_heads_now.py", "tests/tools/test_export_duckdb.py"),
    "pipeline/jobs/proofs": (
        *(
            "tests/storage/register/test_forged_documents.py",
            "tests/storage/register/test_signatures.py",
            _SWEPT,
        ),
        *("tests/storage/disk/test_verify_after_death.py", "tests/tools/proofs/test_recompute.py"),
    ),
    "pipeline/jobs/proofs/claims/store_checks.py": _OF_STORES,
    "pipeline/jobs/state/at_issue.py": ("tests/tools/proofs/test_recompute.py",),
    "pipeline/cli": (_DURABLE, _LOCKED),
}
"""Which tests have to notice what is wrong in a file, or in the files of a folder: the longest path that fits."""


class Declared(NamedTuple):
    """A mistake by its name: in which file what stands in the place of which text."""

    name: str
    path: str
    text: str
    other: str


DECLARED = (
    Declared(
        "two may create one key: a put on a store has no condition",
        "pipeline/objects/stores.py",
        "self._store.put(key, content, mode=mode, use_multipart=False)",
        "self._store.put(key, content, use_multipart=False)",
    ),
    Declared(
        "an object that is there already is another's, whatever it says",
        "pipeline/objects/stores.py",
        "                if there is not None and there[0] == content:\n                    return there[1]\n",
        "",
    ),
    Declared(
        "an object that is there already is ours, whatever it says",
        "pipeline/objects/stores.py",
        "if there is not None and there[0] == content:",
        "if there is not None:",
    ),
    Declared(
        "an object is replaced, whatever its tag is by now",
        "pipeline/objects/stores.py",
        'dict(zip(("e_tag", "version"), tag.split("\\n"), strict=False))',
        '"overwrite"',
    ),
    Declared(
        "a put that met another on its way is called another's",
        "pipeline/objects/stores.py",
        "if (None if there is None else there[1]) != tag:",
        "if True:",
    ),
    Declared(
        "an entry is here before the store has it",
        "pipeline/objects/append_log.py",
        "    is_ours = create_entry(final, content)\n    if is_ours:\n        try:\n"
        "            disk.link_new(temporary, final)\n",
        "    disk.link_new(temporary, final)\n    is_ours = create_entry(final, content)\n    if is_ours:\n"
        "        try:\n            pass\n",
    ),
    Declared(
        "an entry is written here alone",
        "pipeline/objects/append_log.py",
        "is_ours = create_entry(final, content)",
        "is_ours = True",
    ),
    Declared(
        "what a list does not show yet is not there",
        "pipeline/objects/mounted/entries.py",
        "        if probe.result() is not None:\n            new.add(last + 1)\n",
        "        probe.result()\n",
    ),
    Declared(
        "after what was listed nothing is looked for",
        "pipeline/objects/mounted/entries.py",
        "            new = {last + 1} if _get(mounted, folder, last + 1) is not None else set()\n",
        "            new = set()\n",
    ),
    Declared(
        "the last entry is not compared with the store's",
        "pipeline/objects/mounted/entries.py",
        "same = pool.submit(_get, mounted, folder, last) if here else None",
        "same = None",
    ),
    Declared(
        "a file is replaced on the store, whatever it says by now",
        "pipeline/objects/mounted/files.py",
        "mounted.store.replace(mounted.key(path), content, tag=before[1])",
        "mounted.store.replace(mounted.key(path), content, tag=state_on_store(path)[1])",
    ),
    Declared(
        "nobody tries whether a store heeds conditions",
        "pipeline/objects/mounted/mounts.py",
        "ignored = mounted.store.ignored_condition()",
        "ignored = None",
    ),
    Declared(
        "a list that broke off ends there",
        "pipeline/objects/stores.py",
        "                pages = None\n                raise\n",
        "                return ()\n",
    ),
    Declared(
        "a list that broke off begins anew",
        "pipeline/objects/stores.py",
        "self._store.list(prefix or None, offset=last)",
        "self._store.list(prefix or None, offset=after)",
    ),
    Declared(
        "a list has the key that it is to begin behind",
        "pipeline/objects/stores.py",
        "if begun_after is None or key > begun_after:",
        "if True:",
    ),
    Declared(
        "a list that broke off goes on behind the key that it has just begun with again",
        "pipeline/objects/stores.py",
        "last = key if last is None else max(last, key)",
        "last = key",
    ),
    Declared(
        "what was not answered is not asked again",
        "pipeline/objects/stores.py",
        "        with suppress(*_undecided()):\n            return ask()\n",
        "        return ask()\n",
    ),
    Declared(
        "the lock is not held while the work is done",
        "pipeline/objects/lock.py",
        "            with held(",
        "            fcntl.flock(descriptor, fcntl.LOCK_UN)\n            with held(",
    ),
    Declared(
        "the lock is not taken",
        "pipeline/objects/lock.py",
        "fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "pass",
    ),
    Declared(
        "the lock lets others in: it is shared",
        "pipeline/objects/lock.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
    ),
    Declared(
        "a commit is acknowledged and not written",
        "pipeline/lake/commits.py",
        "append_log.append_entry(layout.delta_log(lake_dir), new.number, delta.render_commit(new))",
        "append_log.sha256_of(delta.render_commit(new))",
    ),
    Declared(
        "a commit takes the number of the last one",
        "pipeline/lake/commits.py",
        "return 0 if snapshot.version is None else snapshot.version + 1",
        "return snapshot.version or 0",
    ),
    Declared(
        "an invoice takes the number of the last one",
        "pipeline/register/entries.py",
        "folder, number = layout.register(workspace), len(documents_so_far) + 1\n    last_sha256 = _sha256_of_last",
        "folder, number = layout.register(workspace), len(documents_so_far) or 1\n    last_sha256 = _sha256_of_last",
    ),
    Declared(
        "a name is durable before it is given: synced, then linked",
        "pipeline/objects/disk.py",
        "    try:\n        os.link(temporary, final)\n    except FileExistsError:\n        remove(temporary)\n"
        "        raise\n    sync_folder(final.parent)\n    remove(temporary)\n",
        "    sync_folder(final.parent)\n    try:\n        os.link(temporary, final)\n    except FileExistsError:\n"
        "        remove(temporary)\n        raise\n    remove(temporary)\n",
    ),
    Declared(
        "the folder of data files is synced before they are named in it",
        "pipeline/lake/data_files.py",
        "    disk.rename(disk.write_temporary(path.parent, content), path)\n    disk.sync_folder(path.parent)\n",
        "    disk.sync_folder(path.parent)\n    disk.rename(disk.write_temporary(path.parent, content), path)\n",
    ),
    Declared(
        "a manifest counts before its files are named",
        "pipeline/lake/derived.py",
        "    for key in new_names:\n        disk.rename(",
        "    disk.replace_durably(folder / MANIFEST_NAME, _render(manifest))\n"
        "    for key in new_names:\n        disk.rename(",
    ),
    Declared(
        "_last_checkpoint names a checkpoint that is not there yet",
        "pipeline/lake/log/checkpoints.py",
        "    disk.rename(disk.write_temporary(log_dir, content), log_dir / name)\n    disk.sync_folder(log_dir)\n",
        "    disk.replace_durably(log_dir / LAST_NAME, "
        "(json.dumps({'version': snapshot.version, 'size': len(rows), 'tags': {_ENTRY_SHA256: snapshot.entry_sha256, "
        "_FILE_SHA256: append_log.sha256_of(content)}}) + '\\n').encode())\n"
        "    disk.rename(disk.write_temporary(log_dir, content), log_dir / name)\n    disk.sync_folder(log_dir)\n",
    ),
    Declared(
        "an invoice names a configuration that is kept only after it",
        "pipeline/jobs/invoices/freezing.py",
        "        return append(\n            workspace.root, documents, lambda number: make_document(number) | "
        "_provenance(workspace, built, self.now)\n        )\n\n"
        "    def keep_configuration(self, workspace: Workspace) -> None:\n"
        '        """Keep what documents are about to name; before any register entry does."""\n'
        "        if self.rehearsal is None:\n            configurations.keep(workspace)\n",
        "        document = append(workspace.root, documents, lambda number: make_document(number) | "
        "_provenance(workspace, built, self.now))\n"
        "        if self.rehearsal is None:\n            configurations.keep(workspace)\n        return document\n\n"
        "    def keep_configuration(self, workspace: Workspace) -> None:\n        del workspace\n",
    ),
    Declared(
        "the secret of before is destroyed before that is said",
        "pipeline/jobs/upkeep/rotate_keys.py",
        "    add_finish(root, aliases, now=now)\n    destroy_old_secret(root)\n",
        "    destroy_old_secret(root)\n    add_finish(root, aliases, now=now)\n",
    ),
    Declared(
        "the secret is replaced before the one of before is kept",
        "pipeline/jobs/upkeep/rotate_keys.py",
        "    key_secret.keep_old_secret(root, present)\n    key_secret.replace_key_secret(root)\n",
        "    key_secret.replace_key_secret(root)\n    key_secret.keep_old_secret(root, present)\n",
    ),
    Declared(
        "an alias is used before it is kept",
        "pipeline/configuration/keys/key_aliases.py",
        "    sha256 = append_log.append_entry(folder, known.count + 1, content)\n",
        "    sha256 = append_log.sha256_of(content)\n",
    ),
    Declared(
        "what was collected is collected again",
        "pipeline/jobs/night/run.py",
        "            known=self.known,\n            segment_events_max",
        "            known=KnownSources(),\n            segment_events_max",
    ),
    Declared(
        "a reading that was superseded still counts",
        "pipeline/lake/log/applying.py",
        "    return files.pop(path)\n",
        "    return files[path]\n",
    ),
    Declared(
        "what was forgotten later is still asked for",
        "pipeline/lake/log/snapshot.py",
        "        if not later:\n            return self\n",
        "        return self\n",
    ),
    Declared(
        "orphans are removed that an entry may still name",
        "pipeline/lake/commits.py",
        "orphans = [name for name in unnamed if is_overtaken(folder / name, snapshot.version)]",
        "orphans = unnamed",
    ),
    Declared(
        "a file that is superseded is removed, though invoices were issued from it",
        "pipeline/lake/commits.py",
        "for file in (*snapshot.data_files, *snapshot.superseded_files)),",
        "for file in snapshot.data_files),",
    ),
    Declared(
        "a log with a gap is read as far as it goes",
        "pipeline/objects/append_log.py",
        '        message = f"it is missing, and there are later ones up to {newest}"\n'
        "        raise ValueError(message) from None\n",
        '        return b""\n',
    ),
)

EQUAL = {
    "objects.disk: link_all: rename for link": "copies of one entry have the same bytes",
    "objects.disk: write_pieces: without O_NOFOLLOW": "O_EXCL refuses a link as it refuses whatever has the name",
    "objects.mounted.entries: restored_entry: written in place": "a copy that is torn is brought anew",
    "objects.mounted.mounts: check_conditions: written in place": "a note that is torn is none, and the store is asked",
    "objects.mounted.mounts: _add: written in place": "a note that is torn is none, and the folder is compared again",
    "lake.log.checkpoints: _remove: no fsync of a folder": (
        "what comes back is removed again, and was true or is compared"
    ),
    "lake.counted: read_piece: without O_NOFOLLOW": "wherever a link leads, the bytes have to have the digest",
    "lake.log.parsing: _actions: no check: len(action) != 1": "the next statement takes one action alone",
    "jobs.proofs.recompute: _differences: digests never differ": "it tells names of fields, and no digests",
    "jobs.proofs.recompute: _decided_again: written in place": "into a scratch folder, for one run",
}
"""How the name of a mutant begins, and why nothing can go wrong with it."""


@click.command(name="protocol")
@click.option("--only", default="", help="Mutants whose name has this text in it.")
@click.option("--list", "is_listed", is_flag=True, help="Name them, and try none.")
@click.option("--seen", type=click.Path(path_type=Path), help="Keep here what each test calls, and believe it.")
@click.option("--seconds", default=30.0, show_default=True, help="How long each may be looked for, in seconds of CPU.")
def main(only: str, seen: Path | None, seconds: float, *, is_listed: bool) -> None:
    """Try every mutant of the protocol by name; exit code 1 where one is not noticed."""
    began = time.monotonic()
    trials = [each for each in every_trial() if only in each.name]
    if is_listed:
        click.echo("\n".join(each.name for each in trials))
        return
    equal = {each.name for each in trials if any(each.name.startswith(begin) for begin in EQUAL)}
    survivors = 0
    for verdict in tried([each for each in trials if each.name not in equal], seen, seconds):
        survivors += verdict.noticed_by is None
        what = "NOT NOTICED" if verdict.noticed_by is None else f"killed by {verdict.noticed_by.rpartition('::')[2]}"
        click.echo(f"{what}: {verdict.name}")
    click.echo(
        f"{len(trials)} mutants: {len(trials) - len(equal) - survivors} killed, {len(equal)} amount to nothing, "
        f"{survivors} not noticed; {time.monotonic() - began:.0f} s"
    )
    sys.exit(1 if survivors else 0)


def every_trial() -> list[Trial]:
    """Return every mutant: those found in the code, then those declared."""
    found: list[Trial] = []
    for folder in (*ROOMS, *CALLERS):
        for file in sorted((ROOT / folder).rglob("*.py")):
            path = file.relative_to(ROOT).as_posix()
            name, source = module_of(path).removeprefix("pipeline."), file.read_text(encoding="utf-8")
            every = changed_protocol.mutants(name, source, refuses=folder in ROOMS)
            found.extend(Trial(each.name, path, partial(_compiled, each, str(file)), tests_of(path)) for each in every)
    return found + [Trial(each.name, each.path, partial(_declared, each), tests_of(each.path)) for each in DECLARED]


def tests_of(path: str) -> tuple[str, ...]:
    """Return the tests that have to notice what is wrong in a file."""
    return TESTS[max((each for each in TESTS if path.startswith(each)), key=len)]


def _compiled(mutant: Mutant, file: str) -> CodeType:
    return compile(mutant.tree(), file, "exec", dont_inherit=True)


def _declared(mutant: Declared) -> CodeType:
    source = (ROOT / mutant.path).read_text(encoding="utf-8")
    if source.count(mutant.text) != 1:
        message = f"{mutant.name}: {mutant.path} has not once any more: {mutant.text!r}"
        raise click.ClickException(message)
    return compile(source.replace(mutant.text, mutant.other), str(ROOT / mutant.path), "exec", dont_inherit=True)
