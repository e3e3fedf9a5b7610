"""Chest X-rays: findings as tasks; groups by sex and by age. The pictures of a patient stay together.

`nih_chestxray`: Wang et al., "ChestX-ray8", CVPR 2017: 112,120 pictures of 30,805 patients with 14 findings, open to
all by the NIH Clinical Center. Read from `Data_Entry_2017.csv` (or `Data_Entry_2017_v2020.csv`) beside `images/`; or
from a cut, `images.zip` beside `labels.csv` with the columns image, patient_id, sex, age and findings (words with `|`
between).

`chexpert`: Irvin et al., AAAI 2019: 223,414 pictures with 14 findings, of which the five of its competition are tasks.
Read from `train.csv` and `valid.csv` beside the folders `train` and `valid` that they name; `valid` is the test part. A
blank label is 0; of uncertain ones the option says what they are. By its agreement it is never downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from paretofair.data.assemble import assemble, group_by_bins
from paretofair.data.dataset import TEST, TRAIN, Dataset, group_indices
from paretofair.data.digest import hash_file
from paretofair.data.inputs.augmentation import Augmentation
from paretofair.data.inputs.images import Images, PixelImages
from paretofair.data.inputs.pictures import Blur, PictureForm
from paretofair.data.reading.tables import read_table
from paretofair.data.sets.images.drawing import draw_faces
from paretofair.data.sets.images.picture_files import read_pictures
from paretofair.data.source import DataFile, DatasetSource, Layout
from paretofair.errors import DataError
from paretofair.sections import Section

FINDINGS = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis", "Hernia"),
    *("Infiltration", "Mass", "Nodule", "Pleural_Thickening", "Pneumonia", "Pneumothorax", "No_Finding"),
)
COMPETITION = {
    "cardiomegaly": "Cardiomegaly",
    "edema": "Edema",
    "consolidation": "Consolidation",
    "atelectasis": "Atelectasis",
    "effusion": "Pleural Effusion",
}
_ONES = ("edema", "atelectasis")  # whose uncertain labels count as positive by default
SEXES = ("Female", "Male")
_AGES = (40.0, 60.0)
AGE_NAMES = ("up_to_40", "40_to_60", "over_60")
GROUP_NAMES: dict[str, tuple[str, ...]] = {"sex": SEXES, "age": AGE_NAMES}
_SITE = "https://nihcc.app.box.com/v/ChestXray-NIHCC"
_AGREEMENT = "https://stanfordmlgroup.github.io/competitions/chexpert/ (by its agreement)"
_CUT = (DataFile("labels.csv"), DataFile("images.zip"))


class XrayOptions(Section):
    """What is made of the pictures.

    Attributes:
        size: Pixels of a side; a picture that is no square is stretched.
        augment: The random changes that training sees, as in `[{affine: {degrees: 15}}]`.
        blur: What is done to every picture before training (`PictureForm`): none, as the paper says, or as code does.
    """

    size: Annotated[int, Field(ge=8, le=1024)] = 64
    augment: Augmentation = Augmentation()
    blur: Blur = "none"

    @property
    def form(self) -> PictureForm:
        """What every picture becomes."""
        return PictureForm(self.size, self.size, 1, "stretch", self.blur)


class CheXpertOptions(XrayOptions):
    """As `XrayOptions`, and what uncertain labels are.

    Attributes:
        uncertain: `ones`, `zeros`, `ignore` (unknown), or `mixed`: ones of edema and atelectasis, else zeros.
    """

    uncertain: Literal["mixed", "ones", "zeros", "ignore"] = "mixed"


_NIH_DEFAULTS, _CHEXPERT_DEFAULTS = XrayOptions(), CheXpertOptions()


def read_nih(directory: Path, options: XrayOptions = _NIH_DEFAULTS) -> Dataset:
    """Read pictures and findings from `directory`, in either layout. A fifth of the rows is for the test, by patient.

    Raises:
        DataError: A file is missing or is none of these, or a picture cannot be read.
    """
    folder = Path(directory)
    names = dict(zip(("file", "patient", "age", "sex", "findings"), _NIH_COLUMNS, strict=True))
    path, root = folder / _ENTRIES[0].name, folder / "images"
    if (folder / _CUT[0].name).exists():
        names = dict(zip(names, ("image", "patient_id", "age", "sex", "findings"), strict=True))
        path, root = folder / _CUT[0].name, folder / _CUT[1].name
    elif not path.exists():
        path = folder / _ENTRIES[1].name
    texts = [names[key] for key in ("file", "patient", "sex", "findings")]
    rows = read_table(path, numeric=(names["age"],), text=texts).rename(columns={v: k for k, v in names.items()})
    found = [{word.replace(" ", "_") for word in words.split("|")} for words in rows["findings"]]
    unknown = set().union(*found) - set(FINDINGS)
    if unknown:
        raise DataError(f"{path}: found the finding {min(unknown)!r}; known are {', '.join(FINDINGS)}")
    labels = {name: np.array([name in words for words in found], dtype=np.int8) for name in FINDINGS}
    inputs = read_pictures(root, rows["file"].tolist(), options.form, options.augment)
    sexes = rows["sex"].map({"F": SEXES[0], "M": SEXES[1]})
    patients = np.unique(rows["patient"].to_numpy().astype(str), return_inverse=True)[1]
    read = "nih_chestxray", inputs, labels, sexes, rows["age"].to_numpy(), patients, None, "real"
    return _dataset(*read, {path.name: hash_file(path)})


def read_chexpert(directory: Path, options: CheXpertOptions = _CHEXPERT_DEFAULTS) -> Dataset:
    """Read the official lists and pictures from `directory`.

    Raises:
        DataError: A file is missing or is none of these, or a picture cannot be read.
    """
    folder = Path(directory)
    parts = []
    for name, part in (("train.csv", TRAIN), ("valid.csv", TEST)):
        own = read_table(folder / name, numeric=("Age", *COMPETITION.values()), text=("Path", "Sex"), missing=("",))
        parts.append(own.assign(part=part))
    rows = pd.concat(parts, ignore_index=True)
    places = rows["Path"].str.split("/")
    # `CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg`
    rows["file"], rows["patient"] = places.str[1:].str.join("/"), places.str[1] + "/" + places.str[2]
    labels = {name: _settle(rows[column].to_numpy(), name, options) for name, column in COMPETITION.items()}
    inputs = read_pictures(folder, rows["file"].tolist(), options.form, options.augment)
    patients = np.unique(rows["patient"].to_numpy().astype(str), return_inverse=True)[1]
    part = rows["part"].to_numpy(dtype=np.int8)
    read = "chexpert", inputs, labels, rows["Sex"], rows["Age"].to_numpy(), patients, part, "real"
    return _dataset(*read, {name: hash_file(folder / name) for name in ("train.csv", "valid.csv")})


def simulate_nih(options: XrayOptions = _NIH_DEFAULTS) -> Dataset:
    """900 pictures drawn by code of 300 patients: each finding has a spot of its own (`draw_faces`)."""
    return _simulate("nih_chestxray", FINDINGS, options)


def simulate_chexpert(options: CheXpertOptions = _CHEXPERT_DEFAULTS) -> Dataset:
    """900 pictures drawn by code of 300 patients: each finding has a spot of its own (`draw_faces`)."""
    return _simulate("chexpert", tuple(COMPETITION), options)


def _simulate(name: str, tasks: Sequence[str], options: XrayOptions) -> Dataset:
    random = np.random.default_rng(0)
    patients = np.repeat(np.arange(300), 3)
    sexes, ages = np.array(SEXES)[patients % 2], random.integers(20, 90, 300)[patients].astype(float)
    signs = (random.random((len(patients), len(tasks))) < 0.3).astype(np.int8)
    pixels = np.round(draw_faces(signs, options.size, 2).mean(1, keepdims=True)).astype(np.uint8)
    labels = dict(zip(tasks, signs.T, strict=True))
    inputs = PixelImages.of(pixels, augmentation=options.augment)
    return _dataset(name, inputs, labels, pd.Series(sexes), ages, patients, None, "simulated", {})


def _settle(values: np.ndarray, task: str, options: CheXpertOptions) -> np.ndarray:
    """Labels of a list: blank ones (NaN) are 0, uncertain ones (-1) what the option says."""
    mixed = 1 if task in _ONES else 0
    uncertain = {"ones": 1, "zeros": 0, "ignore": -1, "mixed": mixed}[options.uncertain]
    return np.where(np.isnan(values), 0, np.where(values < 0, uncertain, values)).astype(np.int8)


def _dataset(
    name: str,
    inputs: Images | PixelImages,
    labels: dict[str, np.ndarray],
    sexes: pd.Series,
    ages: np.ndarray,
    patients: np.ndarray,
    part: np.ndarray | None,
    source: str,
    checksums: dict[str, str],
) -> Dataset:
    _, of_ages = group_by_bins(ages, _AGES)
    return assemble(
        name,
        source,
        labels=labels,
        numeric={},
        categorical={},
        inputs=inputs,
        groups={"sex": group_indices(sexes, SEXES), "age": of_ages},
        group_names=GROUP_NAMES,
        part=part,
        test=0.2,
        together=patients,
        checksums=checksums,
    )


_NIH_COLUMNS = ("Image Index", "Patient ID", "Patient Age", "Patient Gender", "Finding Labels")
_ENTRIES = tuple(DataFile(name, origin=_SITE) for name in ("Data_Entry_2017.csv", "Data_Entry_2017_v2020.csv"))
_IMAGES = DataFile("images", origin=_SITE)

NIH_CHESTXRAY = DatasetSource(
    name="nih_chestxray",
    tasks=FINDINGS,
    group_names=GROUP_NAMES,
    files=(_ENTRIES[0], _IMAGES),
    read=read_nih,
    simulate=simulate_nih,
    others=(Layout("nih_chestxray", (_ENTRIES[1], _IMAGES)), Layout("nih_cxr_1000", _CUT)),
    options=XrayOptions,
)
CHEXPERT = DatasetSource(
    name="chexpert",
    tasks=tuple(COMPETITION),
    group_names=GROUP_NAMES,
    files=tuple(DataFile(name, origin=_AGREEMENT) for name in ("train.csv", "valid.csv")),
    read=read_chexpert,
    simulate=simulate_chexpert,
    folder="CheXpert-v1.0-small",
    options=CheXpertOptions,
)
