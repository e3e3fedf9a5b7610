"""FairFace: whether a face looks older than some age; groups by gender and by race.

Source: Karkkainen and Joo, "FairFace", WACV 2021 (CC BY 4.0). 86,744 training and 10,954 validation pictures, which are
the test rows here; age in nine classes, gender in two and race in seven, all of them impressions of annotators. It is
not downloaded, since it is shared by links to a drive.

Three layouts are read: `train/` and `val/`, or `fairface-img-margin025-trainval.zip`, beside `fairface_label_train.csv`
and `fairface_label_val.csv`, as published; and a cut of one's own: `images.zip` beside `labels.csv` with the columns
file, age, gender, race and split (train or val).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.data.assemble import assemble
from paretofair.data.dataset import TEST, TRAIN, Dataset, group_indices
from paretofair.data.digest import hash_file
from paretofair.data.inputs.images import Images, PixelImages
from paretofair.data.reading.tables import read_table
from paretofair.data.sets.images.drawing import draw_faces
from paretofair.data.sets.images.faces import FaceOptions
from paretofair.data.sets.images.picture_files import read_pictures
from paretofair.data.source import DataFile, DatasetSource, Layout
from paretofair.errors import DataError

AGES = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "more than 70")
GENDERS = ("Female", "Male")
RACES = ("White", "Black", "Latino_Hispanic", "East Asian", "Southeast Asian", "Indian", "Middle Eastern")
# Task -> the first class of age that is labelled 1.
_FROM = {"over_19": "20-29", "over_29": "30-39", "over_39": "40-49", "over_49": "50-59"}
_SITE = "https://github.com/joojs/fairface (CC BY 4.0)"
_LISTS = tuple(DataFile(f"fairface_label_{part}.csv", origin=_SITE) for part in ("train", "val"))
_FOLDERS = (DataFile("train", origin=_SITE), DataFile("val", origin=_SITE))
_ARCHIVE = DataFile("fairface-img-margin025-trainval.zip", origin=_SITE)
_CUT = (DataFile("labels.csv"), DataFile("images.zip"))
_PART_OF = {"train": TRAIN, "val": TEST}
# Shares in percent of each age among women and among men, and of each race, rounded: the simulation draws from them.
_AGE_SHARES = ((2, 12, 13, 32, 20, 11, 6, 2, 2), (2, 13, 10, 25, 24, 14, 7, 4, 1))
_RACE_SHARES = (19, 16, 15, 14, 12, 14, 10)
_SIMULATED = {TRAIN: 700, TEST: 300}
_DEFAULTS = FaceOptions()


def read_fairface(directory: Path, options: FaceOptions = _DEFAULTS) -> Dataset:
    """Read the pictures and labels from `directory`, in any of the layouts.

    Raises:
        DataError: A file is missing, has another value than those above, or a picture cannot be read.
    """
    folder = Path(directory)
    names = ("file", "age", "gender", "race")
    if (folder / _CUT[0].name).exists():
        read, root = [folder / _CUT[0].name], folder / _CUT[1].name
        rows = read_table(read[0], text=(*names, "split"))
    else:
        read = [folder / each.name for each in _LISTS]
        parts = [read_table(path, text=names) for path in read]
        rows = pd.concat([own.assign(split=part) for own, part in zip(parts, _PART_OF, strict=True)])
        root = folder / _ARCHIVE.name if (folder / _ARCHIVE.name).exists() else folder
    for column, known in (("age", AGES), ("gender", GENDERS), ("race", RACES), ("split", tuple(_PART_OF))):
        wrong = ~rows[column].isin(known)
        if wrong.any():
            line = rows.index[wrong.argmax()]
            found = rows[column].iloc[wrong.argmax()]
            where = f"{', '.join(path.name for path in read)}: line {line}, column {column!r}"
            raise DataError(f"{where}: found {found!r}; accepted: {', '.join(known)}")
    inputs = read_pictures(root, rows["file"].tolist(), options.form, options.augment)
    return _dataset(inputs, rows, "real", {path.name: hash_file(path) for path in read})


def simulate_fairface(options: FaceOptions = _DEFAULTS) -> Dataset:
    """1,000 pictures drawn by code (`draw_faces`), whose ages, genders and races have the shares above; each of these
    has a sign in the picture, an age those of all that are younger."""
    random = np.random.default_rng(0)
    drawn = []
    for part, number in _SIMULATED.items():
        for gender, shares in zip(GENDERS, _AGE_SHARES, strict=True):
            count = number // 2
            ages = random.permutation(_allocate(shares, count))
            races = random.permutation(_allocate(_RACE_SHARES, count))
            split = next(word for word, own in _PART_OF.items() if own == part)
            drawn.append(pd.DataFrame({"age": ages, "race": races, "gender": GENDERS.index(gender), "split": split}))
    rows = pd.concat(drawn, ignore_index=True)
    age, race = rows["age"].to_numpy(), rows["race"].to_numpy()
    # Annotators disagree about ages.
    seen = age + np.round(random.normal(0, 0.6, len(rows)))
    older = seen[:, None] > np.arange(len(AGES))
    signs = np.concatenate([older, race[:, None] == np.arange(len(RACES)), rows[["gender"]]], 1)
    rows = rows.assign(age=np.array(AGES)[age], race=np.array(RACES)[race], gender=np.array(GENDERS)[rows["gender"]])
    inputs = PixelImages.of(draw_faces(signs.astype(np.int8), options.size, 1), augmentation=options.augment)
    return _dataset(inputs, rows, "simulated", {})


def _allocate(shares: tuple[int, ...], count: int) -> np.ndarray:
    """`(count,)` places in `shares`, in proportion."""
    ends = np.round(np.cumsum(shares) / sum(shares) * count)
    return np.searchsorted(ends, np.arange(count), side="right")


def _dataset(inputs: Images | PixelImages, rows: pd.DataFrame, source: str, checksums: dict[str, str]) -> Dataset:
    age = np.array([AGES.index(each) for each in rows["age"]])
    return assemble(
        "fairface",
        source,
        labels={task: (age >= AGES.index(first)).astype(np.int8) for task, first in _FROM.items()},
        numeric={},
        categorical={},
        inputs=inputs,
        groups={"gender": group_indices(rows["gender"], GENDERS), "race": group_indices(rows["race"], RACES)},
        group_names={"gender": GENDERS, "race": RACES},
        part=np.array([_PART_OF[each] for each in rows["split"]], dtype=np.int8),
        checksums=checksums,
    )


FAIRFACE = DatasetSource(
    name="fairface",
    tasks=tuple(_FROM),
    group_names={"gender": GENDERS, "race": RACES},
    files=(*_LISTS, *_FOLDERS),
    read=read_fairface,
    simulate=simulate_fairface,
    others=(Layout("fairface", (*_LISTS, _ARCHIVE)), Layout("fairface", _CUT)),
    options=FaceOptions,
)
