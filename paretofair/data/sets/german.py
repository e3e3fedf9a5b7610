"""Statlog German Credit: a good loan, and an amount above 2,000 marks.

Source: H. Hofmann, "Statlog (German Credit Data)", UCI Machine Learning Repository, 1994, doi:10.24432/C5NC77. 1,000
rows, of which a fifth, stratified by labels and groups, are test rows. The inputs are those of the MTA-F experiments
(Wang et al. 2021): every field but the amount, and of field 9, which joins marital status and sex, the sex alone.
Grömping ("South German Credit Data", 2019) shows that the published meaning of several codes is wrong, that of field 9
among them; the mapping to sexes is the one that the fairness literature uses. `good_loan` is 1 for a good loan.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.data.assemble import assemble, group_by_bins
from paretofair.data.dataset import Dataset, group_indices
from paretofair.data.reading.tables import read_table
from paretofair.data.sets.german_simulated import AGES, SEXES, simulate_german
from paretofair.data.source import DataFile, DatasetSource, FileForm

NUMERIC = ("duration", "installment_rate", "residence_since", "age", "existing_credits", "people_liable")
CATEGORICAL = (
    "checking_status",
    "credit_history",
    "purpose",
    "savings",
    "employment_since",
    "sex",
    "other_debtors",
    "property",
    "other_installment_plans",
    "housing",
    "job",
    "telephone",
    "foreign_worker",
)
TEST_SHARE = 0.2

_COLUMNS = (
    "checking_status",
    "duration",
    "credit_history",
    "purpose",
    "credit_amount",
    "savings",
    "employment_since",
    "installment_rate",
    "personal_status_sex",
    "other_debtors",
    "residence_since",
    "property",
    "age",
    "other_installment_plans",
    "housing",
    "existing_credits",
    "job",
    "people_liable",
    "telephone",
    "foreign_worker",
    "credit_risk",
)
_FILE = DataFile(
    "german.data",
    (
        FileForm(
            "b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871",
            _COLUMNS,
            "https://archive.ics.uci.edu/ml/machine-learning-databases/statlog/german/german.data",
        ),
        # Some copies have a space at the end of line 267.
        FileForm("e2bc10785808eeb5e30462f0805edb73a672f295bc671dec0bca6e2fb5c8e1ca", _COLUMNS),
    ),
)


def read_german(directory: Path) -> Dataset:
    """Read the file from `directory`.

    Raises:
        DataError: The file is missing or its checksum is not a pinned one.
    """
    path = Path(directory) / _FILE.name
    form = _FILE.form_of(path)
    loans = read_table(
        path,
        numeric=(*NUMERIC, "credit_amount", "credit_risk"),
        text=(*(name for name in CATEGORICAL if name != "sex"), "personal_status_sex"),
        separator=" ",
        header=form.header,
    )
    loans["sex"] = np.where(loans["personal_status_sex"].isin(["A92", "A95"]), "Female", "Male")
    loans["good_loan"] = loans["credit_risk"] == 1
    loans["high_credit"] = loans["credit_amount"] > 2000
    return _dataset(loans, "real", {_FILE.name: form.sha256})


def make_simulated_german() -> Dataset:
    """The simulated data set of the same schema and size (see `german_simulated`)."""
    return _dataset(simulate_german(), "simulated", {})


def _dataset(loans: pd.DataFrame, source: str, checksums: dict[str, str]) -> Dataset:
    return assemble(
        "german",
        source,
        labels={task: loans[task].to_numpy() for task in GERMAN.tasks},
        numeric={name: loans[name].to_numpy(dtype=np.float64) for name in NUMERIC},
        categorical={name: loans[name].to_numpy() for name in CATEGORICAL},
        groups={
            "sex": group_indices(loans["sex"], SEXES),
            "age": group_by_bins(loans["age"].to_numpy(dtype=np.float64), (25,))[1],
        },
        group_names=GERMAN.group_names,
        test=TEST_SHARE,
        checksums=checksums,
    )


GERMAN = DatasetSource(
    name="german",
    tasks=("good_loan", "high_credit"),
    group_names={"sex": SEXES, "age": AGES},
    files=(_FILE,),
    read=read_german,
    simulate=make_simulated_german,
)
