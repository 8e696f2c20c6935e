"""A machine: unit files are what systemd takes, cron runs its line, and the page can be followed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from deploying import DEPLOY, ROOT, crontab, settings, shell_blocks
from workspaces import make_workspace, plain, tallybook, write_log

PROGRAM = "/opt/tallybook/bin/tallybook"
METRICS = "/var/lib/node_exporter/textfile"
CALL = f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom pipeline.cli import main\nmain()\n"
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze on this machine")


def run(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=300, **more)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The command line, as a file that can be run from anywhere."""
    path = tmp_path / "bin/tallybook"
    path.parent.mkdir()
    path.write_text(CALL, encoding="utf-8")
    path.chmod(0o755)
    return path


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_unit_files(tmp_path: Path, program: Path) -> None:
    for name in ("tallybook.service", "tallybook.timer"):
        text = (DEPLOY / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace(PROGRAM, str(program)), encoding="utf-8")
    units = [str(tmp_path / name) for name in ("tallybook.service", "tallybook.timer")]
    done = run("systemd-analyze", "verify", "--man=no", *units)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    (tmp_path / "tallybook.service").write_text("[Service]\nExecStart=/nowhere\nProtectSystm=1\n", encoding="utf-8")
    assert run("systemd-analyze", "verify", "--man=no", units[0]).returncode or done.stderr  # it does look


@needs_systemd
def test_the_timer_fires_once_a_day_at_the_same_instant_everywhere() -> None:
    (calendar,) = settings("tallybook.timer")["Timer", "OnCalendar"]
    for zone in ("UTC", "America/New_York"):
        done = run("systemd-analyze", "calendar", "--iterations=3", calendar, env={**os.environ, "TZ": zone})
        assert done.returncode == 0, done.stderr
        assert len(re.findall(r"03:15:00 UTC|\(in UTC\): .*03:15:00", done.stdout)) >= 3


@needs_systemd
def test_the_service_is_spared_nearly_all_that_it_does_not_need(tmp_path: Path) -> None:
    path = shutil.copy(DEPLOY / "tallybook.service", tmp_path)
    done = run("systemd-analyze", "security", "--offline=true", "--threshold=10", str(path))
    if "offline" in done.stderr:
        pytest.skip("this systemd-analyze cannot look at a file")
    assert done.returncode == 0, f"above 1.0 of 10: {done.stdout[-300:]}"


def test_service_cron_and_page_run_the_same_night_in_the_same_places() -> None:
    service = settings("tallybook.service")
    (command,) = service["Service", "ExecStart"]
    variables, times, user, line = crontab()
    assert f" {command} " in f" {line} "
    assert {f"{name}={value}" for name, value in variables.items() if name.startswith("TALLYBOOK_")} == set(
        service["Service", "Environment"]
    )
    assert ([user], times) == (service["Service", "User"], "15 3 * * *")
    assert "%" not in line  # cron would end the line there
    assert Path(shlex.split(command)[-1]).parent == Path(METRICS)
    assert service["Service", "ReadWritePaths"] == ["/srv/billing/books", f"-{METRICS}"]
    assert service["Service", "WorkingDirectory"] == ["/srv/billing"]


@pytest.mark.long
def test_cron_says_something_only_where_a_night_failed(tmp_path: Path, program: Path) -> None:
    """Run as cron does: by its shell, with its variables and no other, in the user's home."""
    books = make_workspace(tmp_path / "billing/books")
    write_log(books, "l.jsonl", plain("2026-10-01T10:00:00Z", id="a", key="key_x"))
    log, metrics = tmp_path / "nightly.log", tmp_path / "tallybook.prom"
    variables, _, _, line = crontab()
    places = {
        "/var/log/tallybook/nightly.log": str(log),
        f"{METRICS}/tallybook.prom": str(metrics),
        "/srv/billing": str(tmp_path / "billing"),
        PROGRAM: str(program),
    }
    for place, here in places.items():
        line = line.replace(place, here)
        variables = {name: value.replace(place, here) for name, value in variables.items()}
    environment = {"HOME": str(tmp_path), "LOGNAME": "tallybook", **variables}
    nights = [run(variables["SHELL"], "-c", line, cwd=tmp_path, env=environment) for _ in range(2)]
    assert nights[0].stdout == f"tallybook nightly ended with exit code 3; see {log}\n"
    assert [nights[0].stderr, nights[1].stdout, nights[1].stderr] == ["", "", ""]
    text = log.read_text(encoding="utf-8")
    assert text.count('"event": "finished"') == 2
    assert stat.S_IMODE(log.stat().st_mode) == 0o640
    assert "tallybook_night_exit_code 0\n" in metrics.read_text(encoding="utf-8")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a folder to a group")
def test_the_metrics_are_for_the_group_of_their_folder_and_for_nobody_else(tmp_path: Path) -> None:
    folder = tmp_path / "textfile"
    folder.mkdir()
    os.chown(folder, 0, 12345)
    folder.chmod(0o2750)
    books = make_workspace(tmp_path / "books")
    assert tallybook(books, "nightly", "--metrics-file", str(folder / "tallybook.prom")).returncode == 0
    status = (folder / "tallybook.prom").stat()
    assert (status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, 0o640)


FOLLOWED = """
set -euo pipefail
mount -t tmpfs tmpfs /mnt
for place in {places}; do
    mkdir -p "/mnt/$place/up" "/mnt/$place/work"
    mount -t overlay overlay -o "lowerdir=/$place,upperdir=/mnt/$place/up,workdir=/mnt/$place/work" "/$place"
done
for path in {paths}; do
    while [ "$path" != / ]; do chmod o+rx "$path"; path=$(dirname "$path"); done
done
"""
"""What is written to these folders is gone when it ends; Python and its packages are there for every user meanwhile."""


def followed() -> str:
    """Return the begin of a script that has a machine of its own, with this Python and this checkout on it."""
    paths = [Path(sys.executable).resolve().parent, Path(sys.base_prefix), Path(sys.prefix), ROOT]
    places = sorted({"etc", "opt", "srv", "var", *(path.parts[1] for path in paths)} - {"usr"})
    return FOLLOWED.format(places=" ".join(places), paths=" ".join(shlex.quote(str(path)) for path in paths))


NIGHTS = r"""
set -uo pipefail
grep -oP '^\S+ \S+ \S+ \S+ \K\S+' /proc/self/mountinfo | while read -r place; do
    case $place in /proc*|/sys*|/dev*) ;; *) mount -o remount,bind,ro "$place" 2>/dev/null;; esac
done
for place in {writable}; do
    mount --bind "$place" "$place" && mount -o remount,bind,rw "$place"
done
{{ touch /srv/other || touch /usr/other || touch "${{TMPDIR:-/tmp}}"; }} 2>/dev/null || echo "all else is read-only"
cd /srv/billing && umask {umask}
for night in 1 2; do
    setpriv --reuid {user} --regid {user} --init-groups --no-new-privs --bounding-set=-all --inh-caps=-all -- \
        env -i PATH=/usr/bin:/bin {environment} {command} >/dev/null
    echo "night $night: $?"
done
"""
"""What ``ProtectSystem=strict``, ``ReadWritePaths``, ``PrivateTmp`` and no capabilities come to; run twice."""


def nights() -> str:
    """Return the nights of the service, as a script for a process with mounts of its own."""
    service = {key: values for (section, key), values in settings("tallybook.service").items() if section == "Service"}
    return NIGHTS.format(
        writable=" ".join(path.removeprefix("-") for path in service["ReadWritePaths"]),
        umask=service["UMask"][0],
        user=service["User"][0],
        environment=" ".join(service["Environment"]),
        command=service["ExecStart"][0],
    )


def can_have_a_machine() -> bool:
    return run("unshare", "--mount", "bash", "-c", f"{followed()}touch /srv/mine").returncode == 0


@pytest.mark.slow
def test_the_page_is_followed_on_a_fresh_machine_to_nights_in_a_read_only_root_a_backup_and_a_restore(
    tmp_path: Path,
) -> None:
    """As root, in mounts of its own; ``pip`` and ``systemctl`` alone are stood in for."""
    if not shutil.which("unshare") or not can_have_a_machine():
        pytest.skip("no mounts of its own for this process: it takes root, unshare and overlayfs")
    install, units, cron, by_hand, _, _, backup, restore, upgrade = shell_blocks()
    stand_in = f"printf %s {shlex.quote(CALL)} >{PROGRAM}; chmod 0755 {PROGRAM}"
    install, pips = re.subn(r"^/opt/tallybook/bin/pip install .*$", lambda _: stand_in, install, flags=re.MULTILINE)
    install = install.replace("python3 -m venv", f"{shlex.quote(sys.executable)} -m venv --without-pip")
    units = re.sub(r"^(systemctl|journalctl) .*\n", "", units, flags=re.MULTILINE)
    upgrade, upgraded = re.subn(r"^/opt/tallybook/bin/pip install .*\n", "", upgrade)
    assert (pips, upgraded) == (1, 1)
    (tmp_path / "nights.sh").write_text(nights(), encoding="utf-8")
    script = f"""{followed()}
cd {shlex.quote(str(ROOT))}
{install}{units}
if command -v systemd-analyze >/dev/null; then systemd-analyze verify --man=no /etc/systemd/system/tallybook.*; fi
unshare --mount bash {shlex.quote(str(tmp_path / "nights.sh"))}
stat -c '%n %U %a' /srv/billing/books/lake /var/lib/node_exporter/textfile/tallybook.prom
mkdir -p /etc/cron.d
{cron}{by_hand}{backup}{restore}{upgrade}
test ! -e /srv/billing/restored
install -d -o 10001 -g 10001 /srv/pod
as_in_a_pod="setpriv --reuid 10001 --regid 10001 --clear-groups env -i {PROGRAM}"
$as_in_a_pod init /srv/pod/books >/dev/null
$as_in_a_pod -w /srv/pod/books nightly >/dev/null 2>&1 && $as_in_a_pod -w /srv/pod/books verify | tail -1
echo followed
"""
    done = run("unshare", "--mount", "bash", "-c", script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all else is read-only\nnight 1: 3\nnight 2: 0\n" in done.stdout
    assert "/srv/billing/books/lake tallybook 750\n" in done.stdout
    assert "textfile/tallybook.prom tallybook 640\n" in done.stdout
    assert done.stdout.endswith("followed\n")
    assert not Path("/srv/billing").exists()
