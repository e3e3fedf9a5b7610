"""Kept weights of trials: safetensors, one file for each stack, with a tensor for each trial under its id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from paretofair.errors import RunError, first_line
from paretofair.results.files import check_file, inside, write_whole
from paretofair.results.store import Store

MODELS = "models"
_ENDING = ".safetensors"


def write_weights(place: Path | Store, name: str, trial_ids: Sequence[str], parameters: np.ndarray) -> int:
    """Keeps the rows of parameters `(n, P)` of trials of the stack whose rows have the file `name`; the file appears
    whole or not at all. Gives its size in bytes; without trials nothing is written."""
    if not len(trial_ids):
        return 0
    import safetensors.numpy

    rows = np.ascontiguousarray(parameters, dtype=np.float32)
    content = safetensors.numpy.save(dict(zip(trial_ids, rows, strict=True)))
    file = f"{MODELS}/{name.removesuffix('.parquet')}{_ENDING}"
    if isinstance(place, Store):
        place.put(file, content)
    else:
        with write_whole(inside(place, file)) as partial:
            partial.write_bytes(content)
    return len(content)


def count_bytes(place: Path | Store) -> int:
    """How many bytes of weights are kept."""
    if isinstance(place, Store):
        return sum(place.sizes(MODELS).values())
    return sum(path.stat().st_size for path in (place / MODELS).glob(f"*{_ENDING}"))


def weights_of(folder: Path, trial_id: str) -> np.ndarray | None:
    """The row of parameters of a trial, `(P,)` float32; None where it was not kept.

    Raises RunError for a file that does not hold finite numbers.
    """
    found: np.ndarray | None = None
    for path, own in _read_rows(folder, trial_id):
        if own.dtype != np.float32 or own.ndim != 1:
            raise RunError(f"{path}: the weights of trial {trial_id} are {own.dtype} {own.shape}; expected one row")
        if not np.isfinite(own).all():
            raise RunError(f"{path}: the weights of trial {trial_id} are not finite")
        if found is not None and not np.array_equal(found, own):
            raise RunError(f"{path}: trial {trial_id} stands in several files with other weights")
        found = own
    return found


def find_weights(folder: Path, trial_id: str) -> Path:
    """The file that the weights of a trial stand in, for messages; the folder of all where none is found."""
    return next((path for path, _ in _read_rows(folder, trial_id)), folder / MODELS)


def _read_rows(folder: Path, trial_id: str) -> Iterator[tuple[Path, np.ndarray]]:
    """Every file that has the trial, with its row."""
    import safetensors

    for path in sorted((folder / MODELS).glob(f"*{_ENDING}")):
        check_file(path)
        try:
            with safetensors.safe_open(path, "np") as file:
                own = file.get_tensor(trial_id) if trial_id in file.keys() else None  # noqa: SIM118 (it is no mapping)
        except (safetensors.SafetensorError, OSError, ValueError, TypeError) as error:
            raise RunError(f"{path}: not readable safetensors ({first_line(error)})") from None
        if own is not None:
            yield path, own
