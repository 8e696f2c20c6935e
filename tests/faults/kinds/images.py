"""The power of a real file system is cut while the command runs on it, and right after it has returned.

File systems lie in image files on loop devices. The kernel is told to take the disk away from one at once, with what it
had not written yet (``forking.cut_power``, as the file systems' own tests do it); then it is mounted again, which plays
its journal back. What is there must be what the step came from or comes to; where the command had returned, the latter.
Needs root and Linux; where loop devices cannot be mounted the kind is skipped, visibly.
"""

from __future__ import annotations

import itertools
import random
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import lives
import recovery
from forking import ForkingParent, Run, cut_power
from tally import Tally

from pipeline.base.errors import TallybookError
from pipeline.cli.context import EXIT_MACHINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recovery import Undisturbed

CUTS = 240
"""In a whole run, over all steps and file systems."""
SEED = 16
AFTER_ITS_END_EVERY = 3
LATER_THAN_ALL = 1.05
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own in it


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A kind of file system, how it is made, and how it is mounted."""

    name: str
    make: tuple[str, ...]
    options: str
    size: int


FILE_SYSTEMS = (
    FileSystem("ext4", ("mkfs.ext4", "-q", "-F"), "loop", 64 << 20),
    FileSystem("ext4 data=writeback", ("mkfs.ext4", "-q", "-F"), "loop,data=writeback", 64 << 20),
    FileSystem("xfs", ("mkfs.xfs", "-q", "-f"), "loop", 320 << 20),
)


def tried(scratch: Path, *, every: int) -> Tally:
    """Cut ``CUTS / every`` times, as often in each step, on one kind of file system after the other."""
    tally = Tally("images", frozenset({"old", "new", "took something that was not synced"}))
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else scratch, prefix="tallybook-images-") as name:
        folder = Path(name)
        images = []
        for kind in FILE_SYSTEMS:
            try:
                images.append(Image.made(kind, folder))
            except (OSError, subprocess.CalledProcessError) as error:
                said = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else error
                tally.outcomes[f"SKIPPED {kind.name} ({said})"] = 0
        if not images:
            tally.skipped = "; ".join(tally.outcomes)
            return tally
        _walk(tally, folder, images, every)
    return tally


@dataclass(frozen=True, slots=True)
class Image:
    """A file system in a file, and where it is mounted."""

    kind: FileSystem
    file: Path
    folder: Path

    @classmethod
    def made(cls, kind: FileSystem, folder: Path) -> Image:
        """Make one, and see that it can be mounted, cut and mounted again; raise what says why not."""
        image = cls(kind, folder / f"{kind.name}.img", folder / f"mounted {kind.name}")
        with image.file.open("wb") as file:
            file.truncate(kind.size)
        _do(*kind.make, str(image.file))
        image.folder.mkdir()
        with image.mounted():
            cut_power(str(image.folder))
        with image.mounted():
            pass
        return image

    @contextmanager
    def mounted(self) -> Iterator[Path]:
        """Mount it for the body."""
        _do("mount", "-o", self.kind.options, str(self.file), str(self.folder))
        try:
            yield self.folder
        finally:
            _do("umount", str(self.folder))


def _do(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _walk(tally: Tally, folder: Path, images: list[Image], every: int) -> None:
    steps = sum(len(life.steps) for life in lives.LIVES)
    instants, numbers = random.Random(SEED), itertools.count()
    with ForkingParent() as parent:
        for life in lives.LIVES:
            root = life.begin(folder / "life")
            for step in life.steps:
                lives.prepare(root, step)
                before = lives.facts(root)
                undisturbed = shutil.copytree(root, folder / "undisturbed")
                arguments = list(lives.words(step.arguments))
                ended = parent.run(Run(workspace=str(undisturbed), arguments=arguments, kill_after=None))
                known = recovery.of_undisturbed(before, undisturbed, life, step, folder)
                for number in itertools.islice(numbers, -(-CUTS // (every * steps))):
                    is_after = number % AFTER_ITS_END_EVERY == 0
                    after = None if is_after else instants.uniform(0, ended.seconds * LATER_THAN_ALL)
                    image = images[number // AFTER_ITS_END_EVERY % len(images)]
                    left = folder / "left"
                    is_done = _cut(tally, parent, image, root, step, after, left)
                    where = f"{step.name}, cut {number} on {image.kind.name}"
                    _check(tally, where, left, known, is_done=is_done)
                    shutil.rmtree(left)
                shutil.rmtree(root)
                undisturbed.rename(root)
            shutil.rmtree(root)


def _cut(  # noqa: PLR0917 - one cut
    tally: Tally,
    parent: ForkingParent,
    image: Image,
    root: Path,
    step: lives.Step,
    after: float | None,
    left: Path,
) -> bool:
    """Run the step on the image, cut the power, and copy what is left; return whether the command had returned."""
    with image.mounted() as mounted:
        shutil.rmtree(mounted / "books", ignore_errors=True)
        books = shutil.copytree(root, mounted / "books")
        _do("sync", "-f", str(books))
        arguments = list(lives.words(step.arguments))
        ended = parent.run(Run(workspace=str(books), arguments=arguments, kill_after=after, cut_first=str(mounted)))
        seen = {}
        if not ended.is_cut:
            seen = _sizes(books)
            cut_power(str(mounted))
        # Who hears of the disk that is gone may say so, and end before it is killed; nothing else may be wrong.
        if ended.code and not (ended.is_killed or (ended.is_cut and ended.code == EXIT_MACHINE)):
            tally.lost.append(f"{step.name}: ends with {ended.code}")
        tally.injected[f"{image.kind.name}, {'while it ran' if ended.is_cut else 'after its end'}"] += 1
    with image.mounted() as mounted:
        shutil.copytree(mounted / "books", left)
    if seen and seen != _sizes(left):
        tally.outcomes["took something that was not synced"] += 1
    return ended.code == 0


def _sizes(root: Path) -> dict[str, int]:
    paths = [path for path in root.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.stat().st_size for path in paths}


def _check(tally: Tally, where: str, left: Path, known: Undisturbed, *, is_done: bool) -> None:
    try:
        found = lives.facts(left)
    except TallybookError as error:
        tally.lost.append(f"{where}: {error}")
        return
    tally.outcomes[recovery.outcome(found, known)] += 1
    if is_done:
        tally.compare(f"{where}: it had returned", found, known.after)
    if not recovery.finish(tally, where, left, known):
        tally.outcomes["left what was recovered before"] += 1
