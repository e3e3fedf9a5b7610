"""Data sets: one value type (`Dataset`), one file per data set, fetching, splitting and encoding.

To add a data set, write a module with a `DatasetSource` and name it in `DATASETS`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paretofair.data.coco.gender import COCO_GENDER
from paretofair.data.dataset import Dataset
from paretofair.data.fetch import obtain
from paretofair.data.inputs import Columns, DeviceInputs, Encoding, FittedColumns, FittedInputs, Inputs
from paretofair.data.intersections import with_intersection
from paretofair.data.joining import join_datasets
from paretofair.data.reading.csv_file import read_csv_dataset, read_frame_dataset
from paretofair.data.reading.csv_schema import CsvSchema, InputColumns, Missing, Sensitive
from paretofair.data.reading.tables import read_table, suggest_known
from paretofair.data.sets.adult import ADULT, ADULT_INCOME
from paretofair.data.sets.adult_fairmixup import ADULT_FAIRMIXUP
from paretofair.data.sets.compas import COMPAS
from paretofair.data.sets.german import GERMAN
from paretofair.data.sets.images.celeba import CELEBA
from paretofair.data.sets.images.cifar10s import CIFAR10S
from paretofair.data.sets.images.colored_mnist import COLORED_MNIST
from paretofair.data.sets.images.fairface import FAIRFACE
from paretofair.data.sets.images.identities import FACES
from paretofair.data.sets.images.xrays import CHEXPERT, NIH_CHESTXRAY
from paretofair.data.sets.lsac import LSAC
from paretofair.data.sets.lsac_variants import VARIANTS
from paretofair.data.sets.text.multilingual_hate import HATE
from paretofair.data.sets.text.nlm_reports import NLM_REPORTS
from paretofair.data.source import DatasetSource
from paretofair.data.splits import Examples, Splits, split
from paretofair.data.task_choice import with_tasks
from paretofair.errors import DataError
from paretofair.sections import Section

_IMAGES = (COLORED_MNIST, CELEBA, FAIRFACE, FACES, CIFAR10S, NIH_CHESTXRAY, CHEXPERT)
_ALL = (
    LSAC,
    ADULT,
    ADULT_INCOME,
    ADULT_FAIRMIXUP,
    GERMAN,
    COMPAS,
    COCO_GENDER,
    *VARIANTS,
    NLM_REPORTS,
    *HATE,
    *_IMAGES,
)
DATASETS: dict[str, DatasetSource] = {source.name: source for source in _ALL}

SOURCES = ("auto", "real", "simulated")

__all__ = [
    "DATASETS",
    "SOURCES",
    "Columns",
    "CsvSchema",
    "Dataset",
    "DatasetSource",
    "DeviceInputs",
    "Encoding",
    "Examples",
    "FittedColumns",
    "FittedInputs",
    "InputColumns",
    "Inputs",
    "Missing",
    "Sensitive",
    "Splits",
    "join_datasets",
    "load",
    "read_csv_dataset",
    "read_frame_dataset",
    "read_table",
    "split",
    "with_intersection",
    "with_tasks",
]


def load(
    name: str,
    *,
    source: str = "auto",
    data_dir: Path | str | None = None,
    options: Mapping[str, Any] | Section | None = None,
) -> Dataset:
    """Get a data set of the registry.

    Args:
        name: A key of `DATASETS`.
        source: "real" (fails where the real data can't be had), "simulated", or "auto": real where possible,
            else simulated with a warning on the logger "paretofair". The result's `source` says which it is.
        data_dir: Folder to look in first, before PARETOFAIR_DATA, ./data, the user's cache and the public
            address.
        options: What may be chosen of it (`DatasetSource.options`), as `{"skew": 0.9}` of `colored_mnist`.

    Raises:
        ValidationError: Options that are none; it is pydantic's.
        DataError: Unknown name or source, options of a data set that has none, wrong checksum, `data_dir` not a folder,
            real data required (or nothing simulated to stand in for them) but not found.
    """
    if name not in DATASETS:
        raise DataError(f"no data set is called {name!r}; {suggest_known(name, list(DATASETS))}")
    if source not in SOURCES:
        raise DataError(f"data source is {source!r}; accepted: {', '.join(SOURCES)}")
    known = DATASETS[name].options
    if options and known is None:
        raise DataError(f"data set {name!r} has no options")
    chosen = None if known is None or not options else known.model_validate(options)
    return obtain(DATASETS[name], source, data_dir, chosen)
