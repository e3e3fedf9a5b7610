"""CelebA: forty attributes of faces, each a task; groups by sex and by age.

Source: Liu, Luo, Wang and Tang, "Deep Learning Face Attributes in the Wild", ICCV 2015. 202,599 pictures of 10,177
people, 162,770 for training, 19,867 for validation and 19,962 for test. Its agreement allows research that is not
commercial and forbids to pass it on, so that it is never downloaded. Labels are impressions of annotators.

Three layouts are read: `img_align_celeba/` or `img_align_celeba.zip` beside `list_attr_celeba.txt` and
`list_eval_partition.txt`, as published; and a cut of one's own: `images.zip` beside `labels.csv` with the columns file,
partition (0 training, 1 validation, 2 test) and the forty attributes as 0 and 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.data.assemble import assemble
from paretofair.data.dataset import TEST, TRAIN, VALIDATION, Dataset
from paretofair.data.digest import hash_file
from paretofair.data.inputs.images import Images, PixelImages
from paretofair.data.reading.tables import read_table
from paretofair.data.sets.images.drawing import draw_faces
from paretofair.data.sets.images.faces import FaceOptions
from paretofair.data.sets.images.picture_files import read_pictures
from paretofair.data.source import DataFile, DatasetSource, Layout
from paretofair.errors import DataError

# Share in percent among women and among men, of a cut of 3,848 pictures, rounded to five: the simulation draws from it.
_RATES = {
    "5_o_Clock_Shadow": (0, 25),
    "Arched_Eyebrows": (50, 5),
    "Attractive": (65, 25),
    "Bags_Under_Eyes": (10, 35),
    "Bald": (0, 5),
    "Bangs": (20, 10),
    "Big_Lips": (40, 20),
    "Big_Nose": (10, 45),
    "Black_Hair": (30, 35),
    "Blond_Hair": (15, 5),
    "Blurry": (5, 5),
    "Brown_Hair": (20, 5),
    "Bushy_Eyebrows": (15, 25),
    "Chubby": (0, 10),
    "Double_Chin": (0, 10),
    "Eyeglasses": (0, 10),
    "Goatee": (0, 15),
    "Gray_Hair": (0, 5),
    "Heavy_Makeup": (70, 0),
    "High_Cheekbones": (60, 25),
    "Male": (0, 100),
    "Mouth_Slightly_Open": (55, 45),
    "Mustache": (0, 10),
    "Narrow_Eyes": (15, 20),
    "No_Beard": (100, 60),
    "Oval_Face": (35, 25),
    "Pale_Skin": (5, 0),
    "Pointy_Nose": (50, 15),
    "Receding_Hairline": (5, 10),
    "Rosy_Cheeks": (10, 0),
    "Sideburns": (0, 15),
    "Smiling": (55, 40),
    "Straight_Hair": (20, 30),
    "Wavy_Hair": (50, 15),
    "Wearing_Earrings": (30, 5),
    "Wearing_Hat": (5, 5),
    "Wearing_Lipstick": (90, 0),
    "Wearing_Necklace": (20, 0),
    "Wearing_Necktie": (0, 10),
    "Young": (95, 70),
}
ATTRIBUTES = tuple(_RATES)
GROUP_NAMES: dict[str, tuple[str, ...]] = {"sex": ("Female", "Male"), "age": ("old", "young")}
_SITE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (by its agreement, for research that is not commercial)"
_FOLDER, _ARCHIVE = DataFile("img_align_celeba", origin=_SITE), DataFile("img_align_celeba.zip", origin=_SITE)
_LABELS, _PARTITION = DataFile("list_attr_celeba.txt", origin=_SITE), DataFile("list_eval_partition.txt", origin=_SITE)
_CUT = (DataFile("labels.csv"), DataFile("images.zip"))
_PART_OF = {0: TRAIN, 1: VALIDATION, 2: TEST}
_SIMULATED = {TRAIN: 700, VALIDATION: 150, TEST: 150}
_DEFAULTS = FaceOptions()


def read_celeba(directory: Path, options: FaceOptions = _DEFAULTS) -> Dataset:
    """Read the pictures and labels from `directory`, in any of the layouts.

    Raises:
        DataError: A file is missing, is none of CelebA's, or a picture cannot be read.
    """
    folder = Path(directory)
    if (folder / _CUT[0].name).exists():
        path = folder / _CUT[0].name
        rows = read_table(path, numeric=("partition", *ATTRIBUTES), text=("file",))
        rows, read, root = rows.set_index("file"), [path], folder / _CUT[1].name
        prefix = ""
    else:
        read = [folder / _LABELS.name, folder / _PARTITION.name]
        rows = _read_published(read[0], "columns").join(_read_published(read[1], "partition"), how="left")
        root, prefix = folder / _FOLDER.name, ""
        if not root.is_dir():
            root, prefix = folder / _ARCHIVE.name, f"{_FOLDER.name}/"
    wrong = ~rows["partition"].isin(_PART_OF)
    if wrong.any():
        raise DataError(f"{read[-1]}: {rows.index[wrong.argmax()]} has no partition 0, 1 or 2")
    labels = (rows[list(ATTRIBUTES)].to_numpy() > 0).astype(np.int8)
    part = rows["partition"].map(_PART_OF).to_numpy(dtype=np.int8)
    inputs = read_pictures(root, [prefix + name for name in rows.index], options.form, options.augment)
    return _dataset(inputs, labels, part, "real", {path.name: hash_file(path) for path in read})


def simulate_celeba(options: FaceOptions = _DEFAULTS) -> Dataset:
    """1,000 pictures drawn by code (`draw_faces`), half of them of women, whose attributes have the shares of `_RATES`
    and are independent beside that."""
    random = np.random.default_rng(0)
    part = np.repeat(list(_SIMULATED), list(_SIMULATED.values())).astype(np.int8)
    labels = np.zeros((len(part), len(ATTRIBUTES)), dtype=np.int8)
    male = np.arange(len(part)) % 2
    for place, shares in enumerate(_RATES.values()):
        for sex, share in enumerate(shares):
            for number in _SIMULATED:
                rows = random.permutation(np.flatnonzero((male == sex) & (part == number)))
                # Where hardly anybody has or lacks it, some do, so that no rate is undefined.
                ones = round(len(rows) * np.clip(share / 100, 0.04, 0.96))
                labels[rows[:ones], place] = 1
    labels[:, ATTRIBUTES.index("Male")] = male
    inputs = PixelImages.of(draw_faces(labels, options.size, 0), augmentation=options.augment)
    return _dataset(inputs, labels, part, "simulated", {})


def _dataset(
    inputs: Images | PixelImages, labels: np.ndarray, part: np.ndarray, source: str, checksums: dict[str, str]
) -> Dataset:
    columns = dict(zip(ATTRIBUTES, labels.T, strict=True))
    return assemble(
        "celeba",
        source,
        labels=columns,
        numeric={},
        categorical={},
        inputs=inputs,
        groups={"sex": columns["Male"], "age": columns["Young"]},
        group_names=GROUP_NAMES,
        part=part,
        checksums=checksums,
    )


def _read_published(path: Path, what: str) -> pd.DataFrame:
    """A published list by file name: of attributes, below a count and a header, or of partitions."""
    names = list(ATTRIBUTES) if what == "columns" else [what]
    try:
        with path.open() as file:
            header = [file.readline(), file.readline()][1].split() if what == "columns" else names
        rows = pd.read_csv(
            path, sep=r"\s+", skiprows=2 if what == "columns" else 0, names=["file", *names], index_col=0
        )
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: can't be read: {str(error).splitlines()[0]}") from None
    if header != names or not all(map(pd.api.types.is_numeric_dtype, rows.dtypes)):
        raise DataError(f"{path}: is no {path.name} of CelebA: expected numbers below {', '.join(names[:3])}, …")
    return rows


CELEBA = DatasetSource(
    name="celeba",
    tasks=ATTRIBUTES,
    group_names=GROUP_NAMES,
    files=(_LABELS, _PARTITION, _FOLDER),
    read=read_celeba,
    simulate=simulate_celeba,
    others=(Layout("celeba", (_LABELS, _PARTITION, _ARCHIVE)), Layout("celeba_faces", _CUT)),
    options=FaceOptions,
)
