"""CelebA's identities: faces, of which a network learns which are of one person; groups by sex.

Source as of `celeba`, with `identity_CelebA.txt`: 202,599 pictures of 10,177 people, as "Technical Challenges for
Training Fair Neural Networks" uses them (9,177 people for training, 1,000 for test). Identities are numbers; who they
are is nowhere used. Test identities are drawn whole, evenly by sex.

Layouts are those of `celeba`; a cut is `images.zip` beside `labels.csv` with the columns file, identity, Male and,
where only some rows are for recognition, `recognition` (1 or 0).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from paretofair.data.assemble import assemble
from paretofair.data.dataset import Dataset
from paretofair.data.digest import hash_file
from paretofair.data.inputs.embeddings import Embeddings, MissingKey, Vectors
from paretofair.data.inputs.images import PixelImages
from paretofair.data.inputs.protocol import Inputs
from paretofair.data.inputs.vector_files import VectorFile
from paretofair.data.reading.tables import read_table
from paretofair.data.sets.images.drawing import draw_faces
from paretofair.data.sets.images.faces import FaceOptions
from paretofair.data.sets.images.picture_files import read_pictures
from paretofair.data.source import DataFile, DatasetSource, Layout
from paretofair.errors import DataError
from paretofair.sections import make_error
from paretofair.tasks import TaskKind

SEXES = ("Female", "Male")
_SITE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (by its agreement, for research that is not commercial)"
_FOLDER, _ARCHIVE = DataFile("img_align_celeba", origin=_SITE), DataFile("img_align_celeba.zip", origin=_SITE)
_LABELS, _IDENTITIES = DataFile("list_attr_celeba.txt", origin=_SITE), DataFile("identity_CelebA.txt", origin=_SITE)
_CUT = (DataFile("labels.csv"), DataFile("images.zip"))
_PEOPLE, _PICTURES, _SIGNS = 40, 12, 24  # of the simulation


class IdentityOptions(FaceOptions):
    """As `FaceOptions`, and which identities are for the test.

    Attributes:
        test: The share of rows whose identities are for the test, near which whole identities are drawn.
        test_seed: Which these are.
        embeddings: A file with a vector for each picture, as `export RUN --embeddings FILE` writes it, whose keys are
            the files of the pictures. Networks then read the vectors, and no picture.
    """

    test: Annotated[float, Field(gt=0, lt=1)] = 0.1
    test_seed: Annotated[int, Field(ge=0, le=999_999)] = 0
    embeddings: str | None = None

    @model_validator(mode="after")
    def _vectors_stay(self) -> IdentityOptions:
        if self.embeddings is not None and (self.augment or "size" in self.model_fields_set):
            key = "augment" if self.augment else "size"
            raise make_error(f"{key} is said of pictures; with embeddings none is read")
        return self


_DEFAULTS = IdentityOptions()


def read_identities(directory: Path, options: IdentityOptions = _DEFAULTS) -> Dataset:
    """Read the pictures and identities from `directory`, in any of the layouts.

    Raises:
        DataError: A file is missing, is none of CelebA's, or a picture cannot be read.
    """
    folder = Path(directory)
    if (folder / _CUT[0].name).exists():
        read, root, prefix = [folder / _CUT[0].name], folder / _CUT[1].name, ""
        rows = read_table(read[0], numeric=("Male",), text=("file", "identity"))
        header = pd.read_csv(read[0], nrows=0).columns
        if "recognition" in header:
            rows = rows[read_table(read[0], numeric=("recognition",))["recognition"].to_numpy() == 1]
        files, people, male = rows["file"].tolist(), rows["identity"].to_numpy(), rows["Male"].to_numpy()
    else:
        read = [folder / _IDENTITIES.name, folder / _LABELS.name]
        files, people, male = _read_published(*read)
        root, prefix = folder / _FOLDER.name, ""
        if not root.is_dir():
            root, prefix = folder / _ARCHIVE.name, f"{_FOLDER.name}/"
    checksums = {path.name: hash_file(path) for path in read}
    if options.embeddings is None:
        inputs: Inputs = read_pictures(root, [prefix + name for name in files], options.form, options.augment)
    else:
        inputs, own = _read_vectors(Path(options.embeddings), files)
        checksums |= own
    return _dataset(inputs, people, male > 0, options, "real", checksums)


def _read_vectors(path: Path, files: list[str]) -> tuple[Embeddings, dict[str, str]]:
    """The vectors of pictures, and the checksum of their file by its name."""
    if not path.is_file():
        raise DataError(f"data.options.embeddings: {path}: no such file; export RUN --embeddings FILE writes one")
    checksum = hash_file(path)
    try:
        return Embeddings.of(VectorFile(str(path)), checksum, files), {path.name: checksum}
    except MissingKey as error:
        words = f"no vector has the key {error.key!r}, a picture's file{error.more}"
        raise DataError(f"data.options.embeddings: {path}: {words}") from None


def simulate_identities(options: IdentityOptions = _DEFAULTS) -> Dataset:
    """480 pictures drawn by code of 40 people, half of them women: each person has some of 24 spots, of which a picture
    shows most (`draw_faces`). With `embeddings` vectors of 24 numbers in their place, the spots with noise; the file is
    not read."""
    random = np.random.default_rng(0)
    person = np.repeat(np.arange(_PEOPLE), _PICTURES)
    signs = random.integers(0, 2, (_PEOPLE, _SIGNS))[person]
    signs = np.where(random.random(signs.shape) < 0.05, 1 - signs, signs)
    if options.embeddings is None:
        inputs: Inputs = PixelImages.of(draw_faces(signs, options.size, 1), augmentation=options.augment)
    else:
        inputs = Vectors((signs + 0.3 * random.standard_normal(signs.shape)).astype(np.float32))
    people = np.array([f"{each:02d}" for each in person])
    return _dataset(inputs, people, person % 2 == 1, options, "simulated", {})


def _dataset(
    inputs: Inputs,
    people: np.ndarray,
    male: np.ndarray,
    options: IdentityOptions,
    source: str,
    checksums: dict[str, str],
) -> Dataset:
    names, labels = np.unique(people.astype(str), return_inverse=True)
    return assemble(
        "faces",
        source,
        labels={"person": labels.reshape(-1)},
        kinds={"person": TaskKind("identity", tuple(names.tolist()))},
        numeric={},
        categorical={},
        inputs=inputs,
        groups={"sex": male.astype(np.int8)},
        group_names={"sex": SEXES},
        test=options.test,
        test_seed=options.test_seed,
        checksums=checksums,
    )


def _read_published(identities: Path, attributes: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Files, identities and whether a man, of every row of the official lists."""
    try:
        people = pd.read_csv(identities, sep=r"\s+", header=None, names=["file", "identity"], dtype=str)
        listed = pd.read_csv(attributes, sep=r"\s+", skiprows=1)
        male = listed["Male"].reindex(people["file"])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{attributes.parent}: can't be read: {str(error).splitlines()[0]}") from None
    if male.isna().any():
        raise DataError(f"{identities}: {people['file'][int(male.isna().argmax())]} is not in {attributes.name}")
    return people["file"].tolist(), people["identity"].to_numpy(), male.to_numpy()


FACES = DatasetSource(
    name="faces",
    tasks=("person",),
    group_names={"sex": SEXES},
    files=(_LABELS, _IDENTITIES, _FOLDER),
    read=read_identities,
    simulate=simulate_identities,
    folder="celeba",
    others=(Layout("celeba", (_LABELS, _IDENTITIES, _ARCHIVE)), Layout("celeba_faces", _CUT)),
    options=IdentityOptions,
    files_in_options=("embeddings",),
    of_other_kinds={"person": "identity"},
)
