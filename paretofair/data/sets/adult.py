"""UCI Adult (Census Income): income above 50,000 dollars, and any capital gain.

Source: B. Becker and R. Kohavi, "Adult", UCI Machine Learning Repository, 1996, doi:10.24432/C5XW20. 32,561 training
and 16,281 test rows. The inputs are those of the MTA-F experiments (Wang et al. 2021): neither sex, relationship,
capital gain nor capital loss, but the sampling weight `fnlwgt`. The code "?" is kept as a category of its own.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.data.assemble import assemble
from paretofair.data.dataset import Dataset, group_indices, mark_test_rows
from paretofair.data.reading.tables import read_table
from paretofair.data.sets.adult_simulated import RACES, SEXES, simulate_adult
from paretofair.data.source import DataFile, DatasetSource, FileForm

NUMERIC = ("age", "fnlwgt", "education-num", "hours-per-week")
CATEGORICAL = ("workclass", "education", "marital-status", "occupation", "race", "native-country")
INCOME_NUMERIC = ("age", "education-num", "capital-gain", "capital-loss", "hours-per-week")
INCOME_CATEGORICAL = (*CATEGORICAL, "relationship")

_COLUMNS = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
    "income",
)
_PUBLIC_FOLDER = "https://archive.ics.uci.edu/ml/machine-learning-databases/adult/"
# Each file as published, which ends in an empty line, and without that line.
_TRAIN = DataFile(
    "adult.data",
    (
        FileForm(
            "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
            _COLUMNS,
            _PUBLIC_FOLDER + "adult.data",
        ),
        FileForm("df25a4e32ed6f1bd4b3910d21a7bd661a09061eced7cb45555a519d9667cc87b", _COLUMNS),
    ),
)
_TEST = DataFile(
    "adult.test",
    (
        FileForm(
            "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
            _COLUMNS,
            _PUBLIC_FOLDER + "adult.test",
        ),
        FileForm("ceb625d3b5aeddf1e04cd5eec3268e18af4140fbde5a853a11223deeebcfe0f5", _COLUMNS),
    ),
)


def read_adult(directory: Path) -> Dataset:
    """Read the two files from `directory`.

    Raises:
        DataError: A file is missing or its checksum is not a pinned one.
    """
    people, checksums = read_people(directory)
    return _dataset(people, "real", checksums)


def read_adult_income(directory: Path) -> Dataset:
    """As `read_adult`, with the task and inputs of `adult_income`."""
    people, checksums = read_people(directory)
    return _dataset(people, "real", checksums, ADULT_INCOME, INCOME_NUMERIC, INCOME_CATEGORICAL)


def read_people(directory: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """Every column of both files, labels as booleans, with `is_test`; and the checksums of the files."""
    parts, checksums = [], {}
    # The test file begins with a line that is no row.
    for file, is_test, skip_lines in ((_TRAIN, False, 0), (_TEST, True, 1)):
        path = Path(directory) / file.name
        form = file.form_of(path)
        part = read_table(
            path,
            numeric=(*NUMERIC, "capital-gain", "capital-loss"),
            text=(*INCOME_CATEGORICAL, "sex", "income"),
            header=form.header,
            skip_lines=skip_lines,
        )
        # Labels of the test file end in a full stop.
        rich = part["income"].str.rstrip(".") == ">50K"
        parts.append(part.assign(income=rich, capital_gain=part["capital-gain"] > 0, is_test=is_test))
        checksums[file.name] = form.sha256
    return pd.concat(parts, ignore_index=True), checksums


def make_simulated_adult() -> Dataset:
    """The simulated data set of the same schema and sizes (see `adult_simulated`)."""
    return _dataset(simulate_adult(), "simulated", {})


def _dataset(
    people: pd.DataFrame,
    source: str,
    checksums: dict[str, str],
    what: DatasetSource | None = None,
    numeric: tuple[str, ...] = NUMERIC,
    categorical: tuple[str, ...] = CATEGORICAL,
) -> Dataset:
    what = what or ADULT
    return assemble(
        what.name,
        source,
        labels={task: people[task].to_numpy() for task in what.tasks},
        numeric={name: people[name].to_numpy(dtype=np.float64) for name in numeric},
        categorical={name: people[name].to_numpy() for name in categorical},
        groups={name: group_indices(people[name], names) for name, names in what.group_names.items()},
        group_names=what.group_names,
        part=mark_test_rows(people["is_test"].to_numpy()),
        checksums=checksums,
    )


ADULT = DatasetSource(
    name="adult",
    tasks=("income", "capital_gain"),
    group_names={"sex": SEXES, "race": RACES},
    files=(_TRAIN, _TEST),
    read=read_adult,
    simulate=make_simulated_adult,
)
ADULT_INCOME = DatasetSource(
    name="adult_income",
    tasks=("income",),
    group_names={"sex": SEXES, "race": RACES},
    files=(_TRAIN, _TEST),
    read=read_adult_income,
    folder="adult",
)
