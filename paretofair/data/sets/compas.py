"""ProPublica's COMPAS data: charged again within two years, and charged with a violent crime.

Source: J. Angwin, J. Larson, S. Mattu, L. Kirchner, "Machine Bias", 2016; Broward County, Florida, public records.
After ProPublica's filter 6,172 of 7,214 rows, of which three tenths, stratified by labels and groups, are test rows.
Inputs are what was known at the screening: age, earlier charges, the degree of the charge, sex and race. Neither the
columns that describe what came after are inputs, nor the COMPAS scores, which are predictions themselves. Names, dates
of birth and case numbers, which the published file has, are neither read nor kept.

The attribute `race` has all six groups, of which the smallest has 11 rows: a single row decides its rates. `race_pair`
is what is usually compared, African-Americans and Caucasians; others are in no known group of it.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.data.assemble import assemble
from paretofair.data.dataset import Dataset, group_indices
from paretofair.data.reading.tables import read_header, read_table
from paretofair.data.sets.compas_simulated import RACES, SEXES, simulate_compas
from paretofair.data.source import DataFile, DatasetSource, FileForm

NUMERIC = ("age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count")
CATEGORICAL = ("c_charge_degree", "sex", "race")
TEST_SHARE = 0.3

_FILE = DataFile(
    "compas-scores-two-years.csv",
    (
        FileForm("a5e5c34bfd2d1f065bb12a44c0323421baf74b98b97d585915a0c2e1513ecaba"),
        FileForm(
            "c451db85908b2f7fef1d83203bedf6b71ecda0d5af468d82ae62178f91d0cc7d",
            None,
            "https://raw.githubusercontent.com/propublica/compas-analysis/"
            "bafff5da3f2e45eca6c2d5055faad269defd135a/compas-scores-two-years.csv",
            drop=("name", "first", "last", "dob", "c_case_number", "r_case_number", "vr_case_number"),
        ),
    ),
)


def read_compas(directory: Path) -> Dataset:
    """Read the file from `directory`, as published or without the columns that tell who somebody is.

    Raises:
        DataError: The file is missing or its checksum is not a pinned one.
    """
    path = Path(directory) / _FILE.name
    form = _FILE.form_of(path)
    # Two columns occur twice, with equal values: the second ones get another name and are not read.
    header = read_header(path)
    header = [name if name not in header[:position] else f"{name} again" for position, name in enumerate(header)]
    people = read_table(
        path,
        numeric=(*NUMERIC, "days_b_screening_arrest", "is_recid", "two_year_recid", "is_violent_recid"),
        text=(*CATEGORICAL, "score_text"),
        header=header,
        skip_lines=1,
        missing=("",),
    )
    kept = (
        people["days_b_screening_arrest"].between(-30, 30)
        & (people["is_recid"] != -1)
        & (people["c_charge_degree"] != "O")
        & (people["score_text"] != "N/A")
    )
    people = people[kept].rename(columns={"is_violent_recid": "violent_recid"})
    return _dataset(people, "real", {_FILE.name: form.sha256})


def make_simulated_compas() -> Dataset:
    """The simulated data set of the same schema and size (see `compas_simulated`)."""
    return _dataset(simulate_compas(), "simulated", {})


def _dataset(people: pd.DataFrame, source: str, checksums: dict[str, str]) -> Dataset:
    return assemble(
        "compas",
        source,
        labels={task: people[task].to_numpy() for task in COMPAS.tasks},
        numeric={name: people[name].to_numpy(dtype=np.float64) for name in NUMERIC},
        categorical={name: people[name].to_numpy() for name in CATEGORICAL},
        groups={
            name: group_indices(people["race" if name == "race_pair" else name], names)
            for name, names in COMPAS.group_names.items()
        },
        group_names=COMPAS.group_names,
        test=TEST_SHARE,
        checksums=checksums,
    )


COMPAS = DatasetSource(
    name="compas",
    tasks=("two_year_recid", "violent_recid"),
    group_names={"race": RACES, "sex": SEXES, "race_pair": RACES[:2]},
    files=(_FILE,),
    read=read_compas,
    simulate=make_simulated_compas,
)
