"""The images that a study of gender in COCO selects: people of one gender with objects, one row for each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.data.coco.annotations import read_captions, read_instances
from paretofair.data.coco.words import GENDER_WORDS, GENDERS, check_words, tell_gender
from paretofair.data.reading.tables import suggest_known
from paretofair.data.stratify import draw_rows
from paretofair.errors import DataError

PERSON = "person"
# Choi, Zhang and Liu, Table 1.
OBJECTS = (
    *("truck", "motorcycle", "tie", "backpack", "sports ball", "handbag"),
    *("fork", "knife", "spoon", "cell phone", "teddy bear"),
)
# The share of men that this table gives for the training rows of each object.
PUBLISHED_BIAS: Mapping[str, float] = dict(
    zip(OBJECTS, (0.80, 0.8588, 0.8874, 0.763, 0.7282, 0.4864, 0.4908, 0.5312, 0.5277, 0.5859, 0.4243), strict=True)
)
_PUBLISHED = ("image_id", "gender", "objects")


def name_task(name: str) -> str:
    """An object as a column and a task.

    >>> name_task("sports ball")
    'sports_ball'
    """
    return name.replace(" ", "_")


def select_images(
    instances: Sequence[Path],
    captions: Sequence[Path],
    objects: Sequence[str] | None = OBJECTS,
    words: Mapping[str, Sequence[str]] = GENDER_WORDS,
) -> pd.DataFrame:
    """Images with a person, at least one of the objects, and captions that name one gender; each once.

    Args:
        instances, captions: Official annotation files; of the same images, however these are spread over files.
        objects: Names of categories; None for all that the files have, but for people.
        words: The words by which captions name each gender.

    Returns:
        Columns `image_id`, `file_name`, `gender` and for every object a column of zeros and ones, in the order of
        image ids.

    Raises:
        DataError: a file that is none; an object that no file knows; no image with both kinds of annotation; none left.
    """
    known = check_words(words)
    read = [read_instances(path) for path in instances]
    present = {image: own for part in read for image, own in part.objects.items()}
    files = {image: name for part in read for image, name in part.file_names.items()}
    said = {image: own for path in captions for image, own in read_captions(path).items()}
    shared = sorted(set(present) & set(said))
    if not shared:
        raise DataError(
            f"no image is in both {', '.join(map(str, instances))} and {', '.join(map(str, captions))}; "
            "take instances and captions of the same part of COCO"
        )
    wanted = _choose_objects(objects, [name for part in read for name in part.categories])
    rows = []
    for image in shared:
        if PERSON in present[image] and not present[image].isdisjoint(wanted):
            gender = tell_gender(said[image], known)
            if gender in GENDERS:
                rows.append((image, files[image], gender, present[image]))
    return _as_table(rows, wanted, f"{len(shared)} images")


def read_published(path: Path, objects: Sequence[str] | None = OBJECTS, *, every: bool = False) -> pd.DataFrame:
    """A published table with the columns `image_id`, `gender` and `objects` (names joined by `;`), in the form of
    `select_images`: images with at least one of the objects, or `every` image. A column `split` is kept.

    Raises:
        DataError: columns or objects that are missing, another gender, or an image that stands twice.
    """
    try:
        table = pd.read_csv(path, dtype={"objects": str}, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: can't be read: {error}") from error
    lacking = [name for name in _PUBLISHED if name not in table]
    if lacking:
        raise DataError(f"{path}: has no column {lacking[0]!r}; expected {', '.join(_PUBLISHED)}")
    other = table[~table["gender"].isin(GENDERS)]
    if len(other):
        raise DataError(f"{path}: gender is {other['gender'].iloc[0]!r} in row {other.index[0]}; accepted: man, woman")
    twice = table[table["image_id"].duplicated()]
    if len(twice):
        raise DataError(f"{path}: the image {twice['image_id'].iloc[0]} stands twice")
    present = [frozenset(filter(None, each.split(";"))) for each in table["objects"]]
    wanted = _choose_objects(objects, sorted(frozenset().union(*present)))
    names = table["file_name"] if "file_name" in table else [""] * len(table)
    rows = [
        row
        for row in zip(table["image_id"], names, table["gender"], present, strict=True)
        if every or row[3] & set(wanted)
    ]
    found = _as_table(rows, wanted, f"{len(table)} rows")
    if "split" in table:
        found.insert(2, "split", found["image_id"].map(table.set_index("image_id")["split"]))
    return found


def draw_test_images(table: pd.DataFrame, share: float = 0.15, seed: int = 0) -> pd.DataFrame:
    """The table with a column `split`, `train` or `test`: the share of test rows is drawn by the seed, stratified by
    gender and objects."""
    names = object_columns(table)
    strata = np.column_stack([table[list(names)].to_numpy(np.int8), table["gender"] == GENDERS[0]])
    is_test = draw_rows(strata, round(share * len(table)), seed)
    drawn = table.drop(columns="split", errors="ignore")
    drawn.insert(2, "split", np.where(is_test, "test", "train"))
    return drawn


def object_columns(table: pd.DataFrame) -> tuple[str, ...]:
    """The columns of a selection that are objects."""
    return tuple(name for name in table if name not in ("image_id", "file_name", "split", "gender"))


def _choose_objects(objects: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    every = [name for name in dict.fromkeys(known) if name != PERSON]
    if objects is None:
        return tuple(every)
    unknown = [name for name in objects if name not in every]
    if unknown:
        raise DataError(f"no object is called {unknown[0]!r}; {suggest_known(unknown[0], every)}")
    return tuple(dict.fromkeys(objects))


def _as_table(rows: Sequence[tuple[int, str, str, frozenset[str]]], objects: Sequence[str], among: str) -> pd.DataFrame:
    if not rows:
        raise DataError(f"among {among} there is none with a person of one gender and one of {', '.join(objects)}")
    images, names, genders, present = zip(*rows, strict=True)
    columns = {name_task(name): [int(name in each) for each in present] for name in objects}
    return pd.DataFrame({"image_id": images, "file_name": names, "gender": genders, **columns})
