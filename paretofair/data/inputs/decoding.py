"""Pictures decoded once per machine, into a memory map in the user's cache that all workers share."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import platformdirs

from paretofair.data.inputs.pictures import PictureError, PictureForm, PictureRoot, check_pillow
from paretofair.errors import DataError
from paretofair.terminal.progress import Tell, show_progress

_VERSION = "1"  # to be raised when the same file becomes other bytes
_DIGEST = 16  # bytes of each picture's SHA-256 that are kept
_OF_EACH_PROCESS = 2000  # pictures, at least: a process takes a second to start
_MOST_PROCESSES = 16
_SAID_EVERY = 100  # pictures
_PIXELS, _DIGESTS, _SUMS = "pixels.npy", "digests.npy", "sums.npy"
_SERVE = "from paretofair.data.inputs.decoding import serve; serve()"


class PictureFaults(Exception):
    """Pictures that cannot be decoded: `faults`, place among the names -> what is wrong, in words behind its name."""

    def __init__(self, faults: dict[int, str]) -> None:
        super().__init__(f"{len(faults)} pictures cannot be decoded")
        self.faults = faults

    @property
    def first(self) -> int:
        """The first place of one."""
        return min(self.faults)

    def describe(self, names: Sequence[str]) -> str:
        """The first one in words, and how many more there are; `names` are those of all pictures."""
        name = names[self.first]
        what = f"picture {name!r}" if name else "the name of the picture"
        more = f" ({len(self.faults) - 1:,} more such files)" if len(self.faults) > 1 else ""
        return f"{what} {self.faults[self.first]}{more}"


@dataclass(frozen=True)
class DecodedPictures:
    """The decoded pictures of some files, in the order of their names.

    Attributes:
        folder: Where they are in the cache of this machine.
        digests: `(pictures, 16)` uint8, the first bytes of the SHA-256 of each file.
        sums: `(pictures, channels, 2)` int64, sums of the bytes of each channel and of their squares.
    """

    folder: str
    digests: np.ndarray
    sums: np.ndarray

    def open(self) -> np.ndarray:
        """`(pictures, channels, height, width)` uint8, mapped from the file; what is written to it stays in this
        process."""
        pixels: np.ndarray = np.load(Path(self.folder) / _PIXELS, mmap_mode="c")
        return pixels


def image_cache() -> Path:
    """The folder of decoded pictures in the user's cache; it may be removed whenever nothing runs."""
    return Path(platformdirs.user_cache_dir("paretofair")) / "images"


def decode_pictures(root: str | Path, names: Sequence[str], form: PictureForm) -> DecodedPictures:
    """Decodes pictures, or finds them decoded.

    A folder of the cache is named by the checksums of all files and by the form. Which folder that is follows for
    unchanged files, by size and time, from a note in the cache, so that a second start reads none of them. One process
    decodes for all of a machine: others wait for it.

    Args:
        root: Folder or zip archive.
        names: The files in it, different ones.
        form: What each becomes.

    Raises:
        PictureFaults: Files that are missing, all of them; or, where none is, that cannot be decoded.
        DataError: No such root, no room in the cache, or no Pillow.
    """
    with closing(PictureRoot(root)) as source:
        faults = {place: fault for place, name in enumerate(names) if (fault := source.find_fault(name))}
        if faults:
            first = min(faults)
            faults[first] += source.suggest(names[first])
            raise PictureFaults(faults)
        stamp = _digest(_VERSION, str(source.path.resolve()), repr(form), *source.stamp(names))
    cache = image_cache()
    note = cache / f"{stamp}.txt"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(cache / f"{stamp}.lock"):
            found = _find_noted(note)
            if found is None:
                key = _decode_into(cache / f"{stamp}.partial", source.path, names, form)
                partial = note.with_suffix(".writing")
                partial.write_text(key)
                os.replace(partial, note)
                found = _find_folder(cache / key)
                assert found is not None, "what was just written is whole"
    except OSError as error:
        where = error.filename or cache
        raise DataError(f"decoded pictures cannot be kept in {where}: {error.strerror or error}") from None
    return found


def _digest(*texts: str) -> str:
    known = sha256()
    for text in texts:
        known.update(text.encode(errors="surrogateescape") + b"\0")
    return known.hexdigest()[:32]


def _find_noted(note: Path) -> DecodedPictures | None:
    return _find_folder(note.parent / note.read_text()) if note.exists() else None


def _find_folder(folder: Path) -> DecodedPictures | None:
    """The decoded pictures in a folder; None where there are none, or not whole ones."""
    try:
        found = DecodedPictures(str(folder), np.load(folder / _DIGESTS), np.load(folder / _SUMS))
        found.open()
    except (OSError, ValueError):
        return None
    return found


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    # The file stays: who waits for it has it open.


def _decode_into(partial: Path, root: Path, names: Sequence[str], form: PictureForm) -> str:
    """Decodes into `partial`, which becomes the folder whose name is returned."""
    check_pillow()  # here, since what a process of its own raises is not read
    shutil.rmtree(partial, ignore_errors=True)
    needed = len(names) * (int(np.prod(form.shape)) + _DIGEST + 16 * form.channels)
    free = shutil.disk_usage(partial.parent).free
    if needed > free:
        raise DataError(
            f"{root}: {len(names):,} decoded pictures need {needed / 1e9:.1f} GB in {partial.parent}, which has "
            f"{free / 1e9:.1f} GB left; set XDG_CACHE_HOME to a place that has more"
        )
    partial.mkdir()
    try:
        arrays = {
            _PIXELS: ((len(names), *form.shape), np.uint8),
            _DIGESTS: ((len(names), _DIGEST), np.uint8),
            _SUMS: ((len(names), form.channels, 2), np.int64),
        }
        for name, (shape, kind) in arrays.items():
            np.lib.format.open_memmap(partial / name, "w+", kind, shape).flush()
        with show_progress(f"decoding {len(names):,} pictures of {root.name}", len(names)) as tell:
            faults = _decode_all(partial, root, names, form, tell)
        if faults:
            raise PictureFaults(dict(sorted(faults.items())))
        digests: np.ndarray = np.load(partial / _DIGESTS)
        key = _digest(_VERSION, repr(form), sha256(digests.tobytes()).hexdigest())
        whole = partial.parent / key
        if _find_folder(whole) is None:  # else another root has the same pictures
            shutil.rmtree(whole, ignore_errors=True)
            os.rename(partial, whole)
        return key
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _decode_all(partial: Path, root: Path, names: Sequence[str], form: PictureForm, tell: Tell) -> dict[int, str]:
    """Fills the arrays in `partial`, in several processes where that is worth their start; gives the faults."""
    processes = min(len(os.sched_getaffinity(0)), _MOST_PROCESSES, len(names) // _OF_EACH_PROCESS)
    if processes < 2:
        return _decode_some(partial, root, names, 0, form, tell)
    bounds = np.linspace(0, len(names), processes + 1).astype(int).tolist()
    jobs = [
        {
            "partial": str(partial),
            "root": str(root),
            "names": list(names[first:last]),
            "first": first,
            "form": asdict(form),
        }
        for first, last in itertools.pairwise(bounds)
    ]
    # Not multiprocessing, which would run the script that has called this once more in every process.
    running = [
        subprocess.Popen([sys.executable, "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in jobs
    ]
    faults: dict[int, str] = {}
    ended: list[bool] = []

    def follow(process: subprocess.Popen[bytes], job: dict[str, object]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(json.dumps(job).encode())
        for line in process.stdout:
            said = json.loads(line)
            if "done" in said:
                tell(said["done"])
            else:
                faults.update({int(place): words for place, words in said["faults"].items()})
                ended.append(True)

    threads = [threading.Thread(target=follow, args=each, daemon=True) for each in zip(running, jobs, strict=True)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for process in running:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
    if len(ended) < len(jobs):
        raise DataError(f"{root}: a process that decodes pictures has ended before it was done; is there memory left?")
    return faults


def serve() -> None:
    """What each of several processes does: decodes what standard input says and writes how far it is."""
    job = json.load(sys.stdin)

    def tell(count: int) -> None:
        print(json.dumps({"done": count}), flush=True)

    with suppress(BrokenPipeError, KeyboardInterrupt):
        form = PictureForm(**job["form"])
        faults = _decode_some(Path(job["partial"]), Path(job["root"]), job["names"], job["first"], form, tell)
        print(json.dumps({"faults": faults}), flush=True)


def _decode_some(
    partial: Path, root: Path, names: Sequence[str], first: int, form: PictureForm, tell: Tell
) -> dict[int, str]:
    digests, sums = (np.lib.format.open_memmap(partial / name, "r+") for name in (_DIGESTS, _SUMS))
    faults, told = dict[int, str](), 0
    with closing(PictureRoot(root)) as source, (partial / _PIXELS).open("r+b") as pixels:
        # Written and not mapped: pages of a map would count as memory of this process.
        np.lib.format.read_magic(pixels)
        np.lib.format.read_array_header_1_0(pixels)
        pixels.seek(first * int(np.prod(form.shape)), os.SEEK_CUR)
        for place, name in enumerate(names, start=first):
            try:
                content = source.read(name)
                decoded = form.decode(content)
            except PictureError as error:
                faults[place] = str(error)
            else:
                pixels.write(np.ascontiguousarray(decoded).data)
                digests[place] = np.frombuffer(sha256(content).digest()[:_DIGEST], dtype=np.uint8)
                flat = decoded.reshape(len(decoded), -1).astype(np.int64)
                sums[place] = np.stack([flat.sum(1), (flat * flat).sum(1)], 1)
            told += 1
            if told == _SAID_EVERY:
                tell(told)
                told = 0
    tell(told)
    for array in (digests, sums):
        array.flush()
    return faults
