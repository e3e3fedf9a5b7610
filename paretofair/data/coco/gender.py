"""The data set `coco_gender`: objects and gender of images of COCO from embeddings, 11 objects and the gender as tasks.

The real rows are 359 images of val2014 with published labels and embeddings of EfficientNet-Lite0 (1,280 numbers). Any
other selection and any other embeddings are a table of `paretofair coco` and a file of vectors, under `csv:`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from paretofair.data.coco.simulated import simulate_rows
from paretofair.data.coco.table import OBJECTS, name_task, object_columns, read_published
from paretofair.data.dataset import TEST, TRAIN, VALIDATION, Dataset, mark_test_rows
from paretofair.data.inputs.embeddings import Embeddings, Vectors
from paretofair.data.inputs.vector_files import VectorFile
from paretofair.data.source import DataFile, DatasetSource, FileForm
from paretofair.data.stratify import draw_rows

_LABELS, _VECTORS = "labels.csv", "efficientnet_lite0_embeddings.npz"
_FILES = (
    DataFile(_LABELS, (FileForm("84e388f65136b4291bd19c946135f2e8107ddfec2e02ceacfdb03d6f53004f26"),)),
    DataFile(_VECTORS, (FileForm("3731ff15f0e8b367982b6bf8f50019700493d9c81184a71bbafa4890bcc3f865"),)),
)
_GENDERS = ("man", "woman")
_NAME = "coco_gender"
_TASKS = (*(name_task(name) for name in OBJECTS), "man")


def _read(folder: Path) -> Dataset:
    checksums = {file.name: file.form_of(folder / file.name).sha256 for file in _FILES}
    table = read_published(folder / _LABELS, OBJECTS, every=True)
    columns = table[list(object_columns(table))].to_numpy(np.int8)
    man = (table["gender"] == "man").to_numpy()
    labels = np.concatenate([columns, man[:, None].astype(np.int8)], 1)
    vectors = Embeddings.of(VectorFile(str(folder / _VECTORS)), checksums[_VECTORS], table["image_id"].tolist())
    return _as_dataset("real", vectors, labels, _assign_parts(table["split"].to_numpy(str), labels), checksums)


def _assign_parts(split: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Published test rows are for testing, of the others every fifth is for validation, but for the only row of an
    object."""
    own = np.flatnonzero(split == "val")
    rare = labels[own].sum(0) == 1
    free = own[~labels[own][:, rare].any(1)]
    part = np.where(split == "test", TEST, TRAIN).astype(np.int8)
    part[free[draw_rows(labels[free], len(own) // 5, 0)]] = VALIDATION
    return part


def _simulate() -> Dataset:
    made = simulate_rows()
    test = draw_rows(made.labels, round(0.15 * len(made.labels)), 0)
    return _as_dataset("simulated", Vectors(made.embeddings), made.labels, mark_test_rows(test), {})


def _as_dataset(
    source: str, inputs: Embeddings | Vectors, labels: np.ndarray, part: np.ndarray, checksums: dict[str, str]
) -> Dataset:
    return Dataset(
        name=_NAME,
        source=source,
        inputs=inputs,
        tasks=_TASKS,
        labels=labels,
        groups={"gender": (1 - labels[:, -1]).astype(np.int8)},
        group_names={"gender": _GENDERS},
        part=part,
        checksums=checksums,
    )


COCO_GENDER = DatasetSource(
    name=_NAME,
    tasks=_TASKS,
    group_names={"gender": _GENDERS},
    files=_FILES,
    read=_read,
    simulate=_simulate,
    folder="coco_val2014_embed",
)
