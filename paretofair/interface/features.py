"""Features of a model of identities for every row of its run's data, as a file of embeddings: to be frozen inputs."""

from __future__ import annotations

import posixpath
from pathlib import Path

import numpy as np
import torch

from paretofair.data import Splits
from paretofair.data.inputs.images import FittedImages, Images
from paretofair.errors import RunError
from paretofair.exported import ExportedModel
from paretofair.results.files import space_file, write_whole
from paretofair.runs.run import RunOptions, load_splits
from paretofair.space.numbering import decode_seed
from paretofair.space.space import load_space

_CHUNK = 256  # rows at a time


def write_features(run: Path, model: ExportedModel, file: Path, data_dir: Path | None = None) -> tuple[int, int]:
    """Writes an `.npz` file with a vector (`embedding`) for each row of the run's data, or for each picture, and what
    it is called (`key`): a picture by its path, without the folders that all have in common, any other row by its
    number from 0. Returns how many vectors of how many numbers.

    `model` is an exported trial of the run.

    Raises:
        RunError: a file of another kind; a model that was not trained on identities; other data than those of the run.
    """
    if file.suffix != ".npz":
        raise RunError(f"--embeddings: found {file}; expected a name that ends in .npz")
    if not any(kind.is_identity for kind in model.kinds):
        raise RunError(f"{run} was not trained on identities, whose features these are")
    real = model.about["source"] == "real"
    by_seed = load_splits(load_space(space_file(run)), RunOptions(run, (), data_dir=data_dir, require_real_data=real))
    splits = by_seed.of(decode_seed(model.about["stage"], model.about["seed"])[0])
    if splits.split_id != model.about["data"]["split_id"]:
        raise RunError(f"{run}: the data are not those that the trial was trained on; give their --data-dir")
    keys, rows = _name_rows(splits)
    inputs = splits.inputs.on(rows, torch.device("cpu"), torch.float32)
    chunks = [model.features_of(inputs.take(chunk)) for chunk in torch.arange(len(rows)).split(_CHUNK)]
    features = torch.cat(chunks).numpy()
    with write_whole(file) as partial, partial.open("wb") as opened:
        np.savez(opened, key=keys, embedding=features)
    return features.shape[0], features.shape[1]


def _name_rows(splits: Splits) -> tuple[np.ndarray, np.ndarray]:
    """What the vectors are called, and the rows that they are of."""
    inputs, rows = splits.inputs, np.arange(len(splits.dataset))
    if not (isinstance(inputs, FittedImages) and isinstance(inputs.images, Images)):
        return rows, rows
    names = inputs.images.read_names()
    folders = {posixpath.dirname(name) for name in names}
    shared = posixpath.commonpath(folders) if len(folders) > 1 else folders.pop()
    keys = np.array([posixpath.relpath(name, shared or ".") for name in names])
    used, first = np.unique(inputs.images.pictures, return_index=True)
    return keys[used], first
