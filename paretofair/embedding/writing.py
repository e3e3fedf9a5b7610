"""The file of vectors. Until it is whole a folder beside it has what is done, so that a broken-off run goes on."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from paretofair.data.inputs.pictures import PictureError
from paretofair.embedding.examples import KeyedExamples
from paretofair.embedding.networks import EmbeddingNetwork
from paretofair.errors import DataError
from paretofair.results.files import inside, make_folder, open_lock, write_whole
from paretofair.terminal.progress import show_progress

_DIGEST = 32  # bytes of a SHA-256
_ABOUT, _VECTORS, _DIGESTS, _FAULTS, _LOCK = "about.json", "vectors.bin", "digests.bin", "faults.jsonl", "lock"


@dataclass(frozen=True)
class WrittenVectors:
    """What stands in a file: how many vectors of which width, how many examples were done before this run, what was
    left out, by name, and what the file says of itself."""

    count: int
    width: int
    before: int
    left_out: tuple[str, ...]
    about: dict[str, Any]


class _Loaded(NamedTuple):
    digest: bytes
    prepared: Any  # None for what cannot be read
    fault: str


def write_vectors(
    examples: KeyedExamples,
    network: EmbeddingNetwork,
    output: Path,
    *,
    batch_size: int = 64,
    half: bool = False,
    leave_out: bool = False,
) -> WrittenVectors:
    """Embeds all examples and writes an `.npz` file with the arrays `key` `(n,)`, integers where all keys are, else
    texts; `embedding` `(n, width)`, float32 or, with `half`, float16; and `about`, JSON: the network, the checksums of
    its weights and of the examples with their keys, how these were read, and versions of packages.

    Batches are the same ones whether or not a run was broken off, and so are the bits of every vector.

    Args:
        examples: What is embedded.
        network: By what.
        output: The file. While it is not whole, the folder `<output>.partial` has what is done.
        batch_size: Examples at a time.
        half: Vectors in 16 bits.
        leave_out: Whether examples that cannot be read are left out; else they are an error, once all others are done.

    Raises:
        DataError: the file is there already; a folder of another command in the way; examples that cannot be read;
            vectors that are not finite, or too large for 16 bits.
        RunError: a symbolic link in the way.
    """
    if output.suffix != ".npz":
        raise DataError(f"--output: {output} ends in {output.suffix or 'nothing'!r}; accepted: .npz")
    if output.exists():
        raise DataError(f"--output: {output} is there already; remove it or give another name")
    if not output.parent.is_dir():
        raise DataError(f"--output: there is no folder {output.parent}")
    partial = inside(output.parent, f"{output.name}.partial")
    wanted = {"network": dict(network.about), "examples": examples.stamp(), "batch_size": batch_size, "half": half}
    kind = np.dtype("<f2" if half else "<f4")
    with _open(partial):
        done = _find_done(partial, wanted, kind, batch_size, len(examples.keys))
        width = _embed_rest(examples, network, partial, wanted, kind, batch_size, done)
        faults = _read_faults(partial)
        names = tuple(f"{examples.name(place)} {words}" for place, words in sorted(faults.items()))
        if faults and not leave_out:
            more = f" ({len(names) - 1:,} more)" if len(names) > 1 else ""
            raise DataError(f"{names[0]}{more}; all others are embedded: --leave-out writes the file without them")
        kept = np.array([place not in faults for place in range(len(examples.keys))])
        if not kept.any():
            raise DataError(f"none of the {examples.what} can be read; the first: {names[0]}")
        vectors = np.memmap(partial / _VECTORS, kind, "r", shape=(len(examples.keys), width))
        digests = np.fromfile(partial / _DIGESTS, np.uint8).reshape(-1, _DIGEST)
        keys = [key for key, keep in zip(examples.keys, kept, strict=True) if keep]
        about = {
            **network.about,
            "count": len(keys),
            "examples_sha256": _digest_examples(keys, digests[kept]),
            "packages": {name: version(name) for name in ("paretofair", "torch")},
        }
        with write_whole(output) as whole, whole.open("wb") as file:
            own = vectors if kept.all() else vectors[kept]
            np.savez(file, key=_as_keys(keys), embedding=own, about=np.array(json.dumps(about, sort_keys=True)))
        del vectors, own
    shutil.rmtree(partial)
    return WrittenVectors(len(keys), width, done, names, about)


@contextmanager
def _open(partial: Path) -> Iterator[None]:
    """Nobody else writes into the folder meanwhile."""
    try:
        make_folder(partial)
        lock = open_lock(inside(partial, _LOCK))
    except OSError as error:
        raise DataError(f"--output: {partial} cannot be written: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(f"--output: another command is writing into {partial}") from None
        yield


def _find_done(partial: Path, wanted: dict[str, Any], kind: np.dtype[Any], batch_size: int, count: int) -> int:
    """How many examples of the folder are done: whole batches. What stands behind them is cut off."""
    try:
        known = json.loads((partial / _ABOUT).read_text())
    except FileNotFoundError:
        known = None
    except ValueError:
        raise DataError(f"{partial / _ABOUT}: is damaged; remove the folder to begin anew") from None
    if known is None:
        for name in (_VECTORS, _DIGESTS, _FAULTS):
            (partial / name).write_bytes(b"")
        return 0
    width = known.pop("width")
    if known != json.loads(json.dumps(wanted)):
        other = next(name for name in wanted if known.get(name) != json.loads(json.dumps(wanted[name])))
        raise DataError(
            f"{partial} was begun with another {other.replace('_', ' ')}; remove the folder to begin anew, or give "
            "another --output"
        )
    sizes = ((_DIGESTS, _DIGEST), (_VECTORS, width * kind.itemsize))
    done = min((partial / name).stat().st_size // size for name, size in sizes)
    done = count if done >= count else done // batch_size * batch_size
    for name, size in sizes:
        os.truncate(partial / name, done * size)
    faults = {place: words for place, words in _read_faults(partial).items() if place < done}
    (partial / _FAULTS).write_text("".join(json.dumps(each) + "\n" for each in faults.items()))
    return done


def _embed_rest(
    examples: KeyedExamples,
    network: EmbeddingNetwork,
    partial: Path,
    wanted: dict[str, Any],
    kind: np.dtype[Any],
    batch_size: int,
    done: int,
) -> int:
    """Appends the vectors of all examples from the place `done` on; gives their width."""

    def load(place: int) -> _Loaded:
        try:
            content = examples.read(place)
            return _Loaded(hashlib.sha256(content).digest(), network.prepare(content), "")
        except PictureError as error:
            return _Loaded(bytes(_DIGEST), None, str(error))

    count = len(examples.keys)
    starts = range(done, count, batch_size)
    width = json.loads((partial / _ABOUT).read_text())["width"] if done else 0
    words = f"embedding {count:,} {examples.what}"
    with (
        ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool,
        show_progress(words, count, done) as tell,
        (partial / _VECTORS).open("ab") as vectors,
        (partial / _DIGESTS).open("ab") as digests,
        (partial / _FAULTS).open("a") as faults,
    ):

        def submit(start: int) -> list[Future[_Loaded]]:
            return [pool.submit(load, place) for place in range(start, min(start + batch_size, count))]

        ahead = submit(done)
        try:
            for start in starts:
                batch, ahead = [each.result() for each in ahead], submit(start + batch_size)
                readable = [each.prepared for each in batch if not each.fault]
                found = network.embed(readable) if readable else np.zeros((0, width), np.float32)
                _check(found, batch, examples, start, kind)
                if not width and readable:
                    width = found.shape[1]
                # Rows of a first batch that cannot be read wait for a width.
                if not (partial / _ABOUT).exists() and width:
                    (partial / _ABOUT).write_text(json.dumps({**wanted, "width": width}))
                    vectors.write(bytes(start * width * kind.itemsize))
                rows = np.zeros((len(batch), width), kind)
                rows[[not each.fault for each in batch]] = found
                for place, each in enumerate(batch, start):
                    if each.fault:
                        faults.write(json.dumps([place, each.fault]) + "\n")
                vectors.write(rows.tobytes())
                digests.write(b"".join(each.digest for each in batch))
                for file in (faults, vectors, digests):
                    file.flush()
                tell(len(batch))
        finally:
            for waiting in ahead:
                waiting.cancel()
    return width


def _check(found: np.ndarray, batch: list[_Loaded], examples: KeyedExamples, start: int, kind: np.dtype[Any]) -> None:
    """Raises DataError, with the name of the example, for a vector that is not finite in the type of the file."""
    with np.errstate(over="ignore"):
        wrong = ~np.isfinite(found.astype(kind)).all(1)
    if wrong.any():
        places = [place for place, each in enumerate(batch, start) if not each.fault]
        name = examples.name(places[int(np.argmax(wrong))])
        large = np.isfinite(found).all()
        why = "has a number that is too large for 16 bits: leave --half out" if large else "is not finite"
        raise DataError(f"{name}: its vector {why}")


def _read_faults(partial: Path) -> dict[int, str]:
    found = {}
    for line in (partial / _FAULTS).read_text().splitlines():
        place, words = json.loads(line)
        found[int(place)] = str(words)
    return found


def _digest_examples(keys: list[str], digests: np.ndarray) -> str:
    known = hashlib.sha256()
    for key, digest in zip(keys, digests, strict=True):
        known.update(key.encode(errors="surrogateescape") + b"\0" + digest.tobytes())
    return known.hexdigest()


def _as_keys(keys: list[str]) -> np.ndarray:
    if all(key.isdecimal() and len(key) <= 18 for key in keys):
        numbers = np.array([int(key) for key in keys], dtype=np.int64)
        if len(np.unique(numbers)) == len(keys):
            return numbers
    return np.array(keys)
