"""The secret of key ids is rotated, and every key keeps its id, its account and its copies."""

from __future__ import annotations

import random
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from faulty_os import Died, FaultyOs, Recording
from workspaces import append_log, make_workspace, plain, tallybook, write_log

from pipeline import lake
from pipeline.configuration.keys.key_aliases import read_key_aliases
from pipeline.objects import disk, layout

if TYPE_CHECKING:
    from pathlib import Path

    from workspaces import Done

KEYS = tuple(f"sk-{'made-up-'}{number:024}" for number in range(4))


def line(day: int, number: int, key: str) -> str:
    logged = plain(f"2026-03-{day:02}T10:00:{number:02}Z", id=f"r{day}-{number}", prompt=10_000 * (number + 1))
    return logged.replace('"api_key_id": "key_a"', f'"api_key": "{key}"')


def done(workspace: Path, *arguments: str, stdin: str = "") -> Done:
    found = tallybook(workspace, *arguments, stdin=stdin)
    assert found.returncode == 0, (arguments, found.stderr)
    return found


def night(workspace: Path, day: int) -> Done:
    return done(workspace, "nightly", "--as-of", f"2026-03-{day:02}T23:00:00Z")


def rotate(workspace: Path, *options: str, day: int = 10, stdin: str = "") -> Done:
    return tallybook(workspace, "keys", "rotate", *options, "--as-of", f"2026-03-{day:02}T12:00:00Z", stdin=stdin)


def ids_of(workspace: Path) -> list[str]:
    return done(workspace, "keys", "id", stdin="\n".join(KEYS)).stdout.split()


def invoices(workspace: Path) -> dict[str, bytes]:
    return {
        path.relative_to(workspace).as_posix(): path.read_bytes()
        for path in (workspace / "invoices").rglob("*")
        if path.suffix in (".csv", ".json") and path.is_file()
    }


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two accounts, each with two of the keys, and a day of logs with all of them."""
    made = make_workspace(tmp_path_factory.mktemp("made") / "books")
    ids = ids_of(made)
    (made / "accounts.toml").write_text(
        "".join(
            f'[[accounts]]\nid = "{name}"\nname = "{name}"\nkeys = ["{ids[number]}", "{ids[number + 1]}"]\n'
            for name, number in (("acme", 0), ("bravo", 2))
        )
    )
    write_log(made, "app.jsonl", *(line(2, number, key) for number, key in enumerate(KEYS)))
    night(made, 2)
    return made


@pytest.fixture
def books(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_once, tmp_path / "books")


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))])
def test_a_life_with_rotations_bills_what_one_without_does(books: Path, tmp_path: Path, seed: int) -> None:
    chance, plain_life = random.Random(seed), shutil.copytree(books, tmp_path / "plain")
    logged: list[str] = []
    for day in range(3, 17):
        lines = [line(day, number, chance.choice(KEYS)) for number in range(chance.randrange(3))]
        lines += chance.sample(logged, k=min(len(logged), chance.randrange(3)))  # sent again by the gateway
        logged += lines
        for workspace in (books, plain_life):
            append_log(workspace, "app.jsonl", *lines)
        if day in (5, 11):
            assert rotate(books, day=day).returncode == 0
        if day in (8, 14):
            assert rotate(books, "--seen", day=day, stdin="\n".join(KEYS)).returncode == 0
            assert rotate(books, "--finish", day=day).returncode == 0
        for workspace in (books, plain_life) if seed or day % 3 == 1 else ():
            night(workspace, day)
        assert ids_of(books) == ids_of(plain_life)
    done(books, "verify")
    assert invoices(books) == invoices(plain_life) != {}
    assert (books / "key-secret").read_bytes() != (plain_life / "key-secret").read_bytes()
    assert len(read_key_aliases(books).checks) == 3


@pytest.mark.long
def test_a_request_that_was_billed_before_and_is_logged_again_after_is_the_same(books: Path) -> None:
    before = invoices(books)
    assert rotate(books).returncode == 0
    write_log(books, "again.jsonl", *(line(2, number, key) for number, key in reversed([*enumerate(KEYS)])))
    night(books, 10)
    assert rotate(books, "--finish", day=11).returncode == 0
    write_log(books, "once-more.jsonl", *(line(2, number, key) + " " for number, key in enumerate(KEYS)))
    night(books, 12)
    assert invoices(books) == before
    assert sum(sum(record.events.values()) for record in lake.read_log(books / "lake").sources) == 3 * len(KEYS)


@pytest.mark.long
def test_logs_that_are_read_anew_after_a_rotation_give_the_same_invoices(books: Path) -> None:
    assert rotate(books).returncode == 0
    assert rotate(books, "--seen", stdin="\n".join(KEYS)).returncode == 0
    assert rotate(books, "--finish", day=11).returncode == 0
    before = invoices(books)
    done(books, "collect", "--again", "--as-of", "2026-03-12")
    assert "again" not in "".join(path.name for path in books.iterdir())
    shutil.rmtree(books / "lake")
    night(books, 12)
    assert invoices(books) == before


def test_the_secrets_and_what_they_leave_are_where_nobody_else_reads_them(books: Path) -> None:
    first = (books / "key-secret").read_bytes()
    assert rotate(books).returncode == 0
    assert (books / "key-secret.old").read_bytes() == first != (books / "key-secret").read_bytes()
    for name in ("key-secret", "key-secret.old"):
        assert stat.S_IMODE((books / name).stat().st_mode) == 0o600
    assert rotate(books, "--seen", stdin="\n".join(KEYS)).returncode == 0
    assert rotate(books, "--finish").returncode == 0
    assert not (books / "key-secret.old").exists()
    kept = b"".join(path.read_bytes() for path in books.rglob("*") if path.is_file() and path.parent.name != "logs")
    assert first.strip() not in kept
    assert not any(key.encode() in kept for key in KEYS)


@pytest.mark.long
def test_a_key_that_was_not_seen_is_named_before_the_end_and_unassigned_after_it(books: Path) -> None:
    ids = ids_of(books)
    assert rotate(books).returncode == 0
    assert rotate(books, "--seen", stdin="\n".join(KEYS[:3])).returncode == 0
    for options in (("--finish",), ("--finish", "--dry-run")):
        found = rotate(books, *options)
        assert ids[3] in found.stdout + found.stderr
        assert found.returncode == (0 if "--dry-run" in options else 2)
        assert (books / "key-secret.old").exists()
    assert rotate(books, "--finish", "--force").returncode == 0
    before = invoices(books)
    append_log(books, "app.jsonl", line(11, 1, KEYS[3]))
    found = night(books, 11)
    (new_id,) = set(ids_of(books)) - set(ids)
    assert f"key {new_id}" in found.stderr
    assert "in no account" in found.stderr or "unassigned" in found.stderr
    assert invoices(books) == before


def test_a_night_needs_the_secret_of_before_for_as_long_as_the_rotation_is_open(books: Path) -> None:
    assert rotate(books).returncode == 0
    (books / "key-secret.old").unlink()
    append_log(books, "app.jsonl", line(11, 1, KEYS[3]))
    found = tallybook(books, "nightly", "--as-of", "2026-03-11T23:00:00Z")
    assert found.returncode == 2
    assert "tallybook keys rotate --finish" in found.stderr


@pytest.mark.long
def test_aliases_that_a_commit_names_and_that_are_gone_are_noticed(books: Path) -> None:
    assert rotate(books).returncode == 0
    append_log(books, "app.jsonl", *(line(10, number, key) for number, key in enumerate(KEYS)))
    night(books, 10)
    assert rotate(books, "--finish", day=11).returncode == 0
    append_log(books, "app.jsonl", line(12, 1, KEYS[0]))
    night(books, 12)
    entries = sorted(layout.key_aliases(books).iterdir())
    kept = {path: path.read_bytes() for path in entries}
    append_log(books, "app.jsonl", line(13, 1, KEYS[0]))
    for lost in (entries[-1:], entries):
        for path in lost:
            path.unlink()
        found = tallybook(books, "nightly", "--as-of", "2026-03-13T23:00:00Z")
        assert found.returncode == 2, found.stderr
        assert "restore key-aliases from a backup" in found.stderr
        assert "restore key-aliases from a backup" in tallybook(books, "doctor").stdout
        for path, content in kept.items():
            path.write_bytes(content)
    night(books, 13)


@pytest.mark.long
def test_another_secret_than_the_one_of_the_rotation_is_refused(books: Path) -> None:
    first = (books / "key-secret").read_bytes()
    assert rotate(books).returncode == 0
    append_log(books, "app.jsonl", *(line(10, number, key) for number, key in enumerate(KEYS)))
    night(books, 10)
    (books / "key-secret").write_bytes(first)
    append_log(books, "app.jsonl", line(11, 1, KEYS[0]))
    for arguments in (("nightly", "--as-of", "2026-03-11T23:00:00Z"), ("keys", "rotate", "--finish")):
        found = tallybook(books, *arguments)
        assert found.returncode == 2, found.stderr
        assert "not the one" in found.stderr


@pytest.mark.parametrize("is_finished", [False, True])
def test_a_machine_with_the_secret_of_before_is_told_of_the_rotation_and_what_to_bring(
    books: Path, *, is_finished: bool
) -> None:
    first = (books / "key-secret").read_bytes()
    assert rotate(books).returncode == 0
    append_log(books, "app.jsonl", *(line(10, number, key) for number, key in enumerate(KEYS)))
    night(books, 10)
    if is_finished:
        assert rotate(books, "--finish").returncode == 0
    (books / "key-secret").write_bytes(first)
    (books / "key-secret.old").unlink(missing_ok=True)  # it never was on that machine
    append_log(books, "app.jsonl", line(11, 1, KEYS[0]))
    found = tallybook(books, "nightly", "--as-of", "2026-03-11T23:00:00Z")
    assert found.returncode == 2
    (told,) = found.stderr.splitlines()
    assert "was rotated on 2026-03-10, and is the one of before; take the new one (key-secret, or" in told
    assert ("and key-secret.old, while the rotation is open," in told) is not is_finished
    assert first.decode().strip() not in told


@pytest.mark.long
def test_doctor_finds_a_secret_that_is_missing_or_another_one_before_a_night_needs_it(books: Path) -> None:
    secret = books / "key-secret"
    assert "LOOK" not in tallybook(books, "doctor").stdout
    secret.write_text("x" * 64)
    other = tallybook(books, "doctor")
    assert (other.returncode, "LOOK  key secret: the secret for key ids is not the one" in other.stdout) == (2, True)
    secret.unlink()
    missing = tallybook(books, "doctor")
    assert (missing.returncode, "LOOK  key secret: the secret for key ids is missing" in missing.stdout) == (2, True)
    assert not secret.exists()


@pytest.mark.long
def test_a_trial_calls_keys_what_a_night_will_call_them_and_keeps_nothing(books: Path, tmp_path: Path) -> None:
    assert rotate(books).returncode == 0
    log = tmp_path / "new.jsonl"
    log.write_text("".join(f"{line(11, number, key)}\n" for number, key in enumerate(KEYS)))
    before = read_key_aliases(books)
    ids = ids_of(books)
    assert "in no account" not in done(books, "try", str(log)).stdout
    assert read_key_aliases(books) == before
    assert rotate(books, "--seen", stdin="\n".join(KEYS)).returncode == 0
    assert rotate(books, "--finish").returncode == 0
    assert "in no account" not in done(books, "try", str(log)).stdout
    (books / "accounts.toml").write_text('[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\n')
    assert all(f"in no account: key {each}," in done(books, "try", str(log)).stdout for each in ids)


@pytest.mark.long
def test_a_secret_of_the_environment_is_replaced_by_the_next_one(tmp_path: Path) -> None:
    old, new = ({"TALLYBOOK_KEY_SECRET": f"{name} secret of the environment, long enough"} for name in ("old", "new"))
    books = make_workspace(tmp_path / "books")
    write_log(books, "app.jsonl", *(line(2, number, key) for number, key in enumerate(KEYS)))
    assert tallybook(books, "nightly", "--as-of", "2026-03-02", env=old).returncode == 0
    before = tallybook(books, "keys", "id", stdin="\n".join(KEYS), env=old).stdout
    refused = tallybook(books, "keys", "rotate", env=new)
    assert (refused.returncode, "--old FILE" in refused.stderr) == (2, True)
    file = tmp_path / "old-secret"
    file.write_text(old["TALLYBOOK_KEY_SECRET"])
    file.chmod(0o600)
    same = tallybook(books, "keys", "rotate", "--old", str(file), env=old)
    assert (same.returncode, "holds the secret of before" in same.stderr) == (2, True)
    for options in (("--old", str(file)), ("--seen",), ("--finish",)):
        found = tallybook(books, "keys", "rotate", *options, stdin="\n".join(KEYS), env=new)
        assert found.returncode == 0, found.stderr
    assert tallybook(books, "keys", "id", stdin="\n".join(KEYS), env=new).stdout == before
    file.write_text(new["TALLYBOOK_KEY_SECRET"])
    back = tallybook(books, "keys", "rotate", "--old", str(file), env=old)
    assert (back.returncode, "was replaced before" in back.stderr) == (2, True)
    assert not (books / "key-secret").exists()


def test_doctor_says_where_a_rotation_stands(books: Path) -> None:
    assert "there is one\n" in done(books, "doctor").stdout
    assert rotate(books).returncode == 0
    assert "a rotation is open since 2026-03-10: 4 keys of accounts.toml not seen yet" in done(books, "doctor").stdout
    assert rotate(books, "--finish", "--force").returncode == 0
    assert "there is one, rotated last on 2026-03-10\n" in done(books, "doctor").stdout


STEPS = (("rotate",), ("rotate", "--seen"), ("rotate", "--finish"))


@pytest.mark.long
@pytest.mark.parametrize("tried", ["after each durable call", pytest.param("at each call", marks=pytest.mark.slow)])
@pytest.mark.parametrize("step", range(len(STEPS)), ids=("begin", "seen", "finish"))
def test_a_step_that_dies_anywhere_is_gone_on_with_by_the_same_command(
    books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, tried: str
) -> None:
    ids = ids_of(books)
    for arguments in STEPS[:step]:
        done(books, "keys", *arguments, stdin="\n".join(KEYS))
    nights = set()
    recording = Recording(shutil.copytree(books, tmp_path / "undisturbed"))
    with monkeypatch.context() as patched:
        patched.setattr(disk, "os", recording)
        done(recording.root, "keys", *STEPS[step], stdin="\n".join(KEYS))
    for die_at in (
        range(2, recording.calls + 1) if tried == "at each call" else [call + 1 for call in recording.durable]
    ):
        left = shutil.copytree(books, tmp_path / f"death-{die_at}")
        with monkeypatch.context() as patched:
            patched.setattr(disk, "os", fault := FaultyOs(left, die_at=die_at))
            with suppress(Died):
                tallybook(left, "keys", *STEPS[step], stdin="\n".join(KEYS))
            fault.revive()
        if step == 2:  # a night meanwhile needs the secret of before only where the rotation is still open
            append_log(left, "app.jsonl", line(11, 1, KEYS[0]))
            night(left, 11)
        if step == 2 and not read_key_aliases(left).is_open and not (left / "key-secret.old").exists():
            continue  # it was done when it died
        if step == 0:  # a night meanwhile goes on as before, or says which command goes on with the rotation
            append_log(left, "app.jsonl", line(11, 1, KEYS[0]))
            found = tallybook(left, "nightly", "--as-of", "2026-03-11T23:00:00Z")
            assert found.returncode == (2 if "tallybook keys rotate goes on with it" in found.stderr else 0)
            nights.add(found.returncode)
        for arguments in STEPS[step:]:
            done(left, "keys", *arguments, stdin="\n".join(KEYS))
        assert ids_of(left) == ids
        assert not (left / "key-secret.old").exists()
        assert not [*left.glob(".tmp-*")], "it may hold a secret"
    assert recording.durable
    assert nights == ({0, 2} if step == 0 else set())


@pytest.mark.parametrize("damage", ["flipped", "emptied"])
def test_verify_names_a_damaged_entry_of_the_aliases(books: Path, damage: str) -> None:
    assert rotate(books).returncode == 0
    assert tallybook(books, "verify").returncode == 0
    entry = max(layout.key_aliases(books).glob("*.json"))
    content = entry.read_bytes()
    entry.write_bytes(content.replace(b'"', b"'", 1) if damage == "flipped" else b"")
    found = tallybook(books, "verify")
    assert found.returncode == 6
    assert "FAIL  key_aliases_are_unchanged: " in found.stdout
    assert entry.name in found.stdout


@pytest.mark.long
def test_verify_notices_that_the_last_entry_of_the_aliases_is_gone(books: Path) -> None:
    assert rotate(books).returncode == 0
    append_log(books, "app.jsonl", line(11, 0, KEYS[0]))
    night(books, 11)
    assert tallybook(books, "verify").returncode == 0
    max(layout.key_aliases(books).glob("*.json")).unlink()
    found = tallybook(books, "verify")
    assert found.returncode == 6
    assert "FAIL  key_aliases_are_unchanged: " in found.stdout
