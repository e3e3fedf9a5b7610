"""LSAC bar passage data, 12-column form: first-year grade above average, and passing the bar.

Source: L. F. Wightman, "LSAC National Longitudinal Bar Passage Study", LSAC Research Report Series, 1998, in
the form and split sizes of Lahoti et al., "Fairness without Demographics through Adversarially Reweighted
Learning", NeurIPS 2020. 18,585 training and 7,966 test rows. Missing grades and years of birth are coded 0 in
it, and who never sat the bar counts as not passed; both are left as published.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.data.dataset import Dataset, group_indices, mark_test_rows
from paretofair.data.inputs import Columns
from paretofair.data.reading.tables import read_table
from paretofair.data.sets.lsac_simulated import RACES, SEXES, simulate_lsac
from paretofair.data.source import DataFile, DatasetSource, FileForm

# The first-year grade `zfygpa` is what the first task asks for, so it is no input.
NUMERIC = ("zgpa", "DOB_yr", "weighted_lsat_ugpa", "cluster_tier", "family_income", "lsat", "ugpa")
CATEGORICAL = ("isPartTime", "race", "sex")

_PUBLIC_FOLDER = (
    "https://raw.githubusercontent.com/iriyagupta/FAIR_ML/99fa7995fe0201fbab1b33e473b6835183a341e2/data/law_school/"
)
_PUBLIC_COLUMNS = (
    "sex",
    "race",
    "zfygpa",
    "zgpa",
    "ugpa",
    "DOB_yr",
    "weighted_lsat_ugpa",
    "family_income",
    "cluster_tier",
    "isPartTime",
    "lsat",
    "pass_bar",
)
_TRAIN = DataFile(
    "lsac_arl_train.csv",
    (
        FileForm("922ad36a98f12c0e01242657f2349a2724f6753ccf43b859345b6a774f262867"),
        FileForm(
            "fedc9ee5bc0f55ea85b19bcec20dc5222dcf7ec40b09f67c37562e84d7183d44",
            _PUBLIC_COLUMNS,
            _PUBLIC_FOLDER + "train.csv",
        ),
    ),
)
_TEST = DataFile(
    "lsac_arl_test.csv",
    (
        FileForm("7969cbf16142ad81df8fa1d8d7d561769513e0e3ab98b2ad22f9b84e22798ab4"),
        FileForm(
            "d75b57734b1fe7e986488138007d8c01a369ac782ae8369163fde5995b5b75bc",
            _PUBLIC_COLUMNS,
            _PUBLIC_FOLDER + "test.csv",
        ),
    ),
)


def read_lsac(directory: Path) -> Dataset:
    """Read the two files from `directory`, in either form: the rows, and so `data_id`, are the same.

    Raises:
        DataError: A file is missing or its checksum is not a pinned one.
    """
    parts, checksums = [], {}
    for file, is_test in ((_TRAIN, False), (_TEST, True)):
        path = Path(directory) / file.name
        form = file.form_of(path)
        part = read_table(
            path,
            numeric=("zfygpa", *NUMERIC, "isPartTime", "pass_bar"),
            text=("sex", "race"),
            header=form.header,
        )
        parts.append(part.assign(high_grade=part["zfygpa"] > 0, is_test=is_test))
        checksums[file.name] = form.sha256
    return _dataset(pd.concat(parts, ignore_index=True), "real", checksums)


def make_simulated_lsac() -> Dataset:
    """The simulated data set of the same schema and sizes (see `lsac_simulated`)."""
    return _dataset(simulate_lsac(), "simulated", {})


def _dataset(students: pd.DataFrame, source: str, checksums: dict[str, str]) -> Dataset:
    part_time = np.where(students["isPartTime"].to_numpy() == 1, "1", "0")
    texts = {"isPartTime": part_time, "race": students["race"], "sex": students["sex"]}
    return Dataset(
        name="lsac",
        source=source,
        inputs=Columns.of(
            {name: students[name].to_numpy(dtype=np.float64) for name in NUMERIC},
            {name: np.asarray(texts[name], dtype=object) for name in CATEGORICAL},
        ),
        tasks=LSAC.tasks,
        labels=students[list(LSAC.tasks)].to_numpy(dtype=np.int8),
        groups={name: group_indices(texts[name], names) for name, names in LSAC.group_names.items()},
        group_names=dict(LSAC.group_names),
        part=mark_test_rows(students["is_test"].to_numpy(dtype=bool)),
        checksums=checksums,
    )


LSAC = DatasetSource(
    name="lsac",
    tasks=("high_grade", "pass_bar"),
    group_names={"sex": SEXES, "race": RACES},
    files=(_TRAIN, _TEST),
    read=read_lsac,
    simulate=make_simulated_lsac,
)
