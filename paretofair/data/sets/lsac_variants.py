"""Other published forms of the LSAC bar passage data: the same students as in `lsac`, other columns and labels.

Source: L. F. Wightman, "LSAC National Longitudinal Bar Passage Study", LSAC Research Report Series, 1998; forms of
Le Quy et al. 2022 (`law_school_clean`) and Kusner et al. 2017 (`law_data`). They are views of one study, good for
checking a conclusion, and never further rows of it. Three tenths, stratified by labels and groups, are test rows.

`pass_bar` is passing at the first or second try, `pass_first_try` at the first; unknown for who never sat the bar.
Inputs are what was known before the first year: grades, deciles and what came later are left out, so the first-year
grade is harder to tell than in `lsac`, where the final grade is an input. Empty numbers are filled (`fill_missing`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from paretofair.data.assemble import assemble
from paretofair.data.dataset import Dataset, group_indices
from paretofair.data.reading.tables import read_table
from paretofair.data.source import DataFile, DatasetSource, FileForm

TEST_SHARE = 0.3


@dataclass(frozen=True)
class _Form:
    """A form of the study: which of its columns is what, under the names that inputs have here.

    `sex` and `race` are a column each, and the group of every value of it; `part_time` is a column whose values are
    1 (full time) and 2 (part time).
    """

    numeric: tuple[str, ...]
    grade: str
    bar: tuple[str, str]
    sex: tuple[str, Mapping[str, str]]
    race: tuple[str, Mapping[str, str]]
    part_time: str | None = None

    @property
    def tasks(self) -> tuple[str, ...]:
        return ("high_grade", self.bar[0])

    @property
    def group_names(self) -> dict[str, tuple[str, ...]]:
        return {"sex": ("Female", "Male"), "race": tuple(self.race[1].values())}


def _read(name: str, form: _Form, file: DataFile, directory: Path) -> Dataset:
    path = Path(directory) / file.name
    checksum = file.form_of(path).sha256
    bar_task, bar_column = form.bar
    columns = [form.sex[0], form.race[0], *([form.part_time] if form.part_time else [])]
    students = read_table(path, numeric=(*form.numeric, form.grade, bar_column), text=columns, missing=("",))
    grade, bar = students[form.grade].to_numpy(), students[bar_column].to_numpy()
    texts = {
        attribute: students[column].map(dict(values)).fillna("").to_numpy(dtype=object)
        for attribute, (column, values) in (("sex", form.sex), ("race", form.race))
    }
    inputs = dict(texts)
    if form.part_time:
        codes = {"1": "0", "1.0": "0", "2": "1", "2.0": "1"}
        inputs["part_time"] = students[form.part_time].map(codes).fillna("").to_numpy(dtype=object)
    return assemble(
        name,
        "real",
        labels={
            "high_grade": np.where(np.isnan(grade), -1, grade > 0),
            bar_task: np.where(np.isnan(bar), -1, bar == 1),
        },
        numeric={column: students[column].to_numpy() for column in form.numeric},
        categorical=inputs,
        groups={attribute: group_indices(texts[attribute], names) for attribute, names in form.group_names.items()},
        group_names=form.group_names,
        test=TEST_SHARE,
        checksums={file.name: checksum},
    )


_FULL = _Form(
    numeric=("lsat", "ugpa", "index6040", "tier", "fam_inc", "DOB_yr"),
    grade="zfygpa",
    bar=("pass_bar", "pass_bar"),
    sex=("gender", {"female": "Female", "male": "Male"}),
    race=("race1", {"white": "White", "black": "Black", "asian": "Asian", "hisp": "Hispanic", "other": "Other"}),
    part_time="fulltime",
)
_CLEAN = _Form(
    numeric=("lsat", "ugpa", "tier", "fam_inc"),
    grade="zfygpa",
    bar=("pass_first_try", "pass_bar"),
    sex=("male", {"0.0": "Female", "1.0": "Male"}),
    race=("race", {race: race for race in ("White", "Non-White")}),
    part_time="fulltime",
)
# The region is that of the bar examination, which came later.
_LAW_DATA = _Form(
    numeric=("LSAT", "UGPA", "sander_index"),
    grade="ZFYA",
    bar=("pass_first_try", "first_pf"),
    sex=("sex", {"1": "Female", "2": "Male"}),
    race=(
        "race",
        {
            race: race
            for race in ("White", "Black", "Asian", "Hispanic", "Mexican", "Puertorican", "Amerindian", "Other")
        },
    ),
)


def _source(name: str, form: _Form, sha256: str, address: str | None = None) -> DatasetSource:
    file = DataFile(f"{name}.csv", (FileForm(sha256, None, address),))
    read: Callable[[Path], Dataset] = partial(_read, name, form, file)
    return DatasetSource(name, form.tasks, form.group_names, (file,), read, folder="lsac")


VARIANTS = (
    _source(
        "lsac_full",
        _FULL,
        "14461269477cc8b0572253187cc8e10e9a726fa496153dd160f180e4963bc12e",
        "https://raw.githubusercontent.com/iriyagupta/FAIR_ML/99fa7995fe0201fbab1b33e473b6835183a341e2/data/law_school/"
        "lsac.csv",
    ),
    _source(
        "law_school_clean",
        _CLEAN,
        "23c1b173f3480beb7afc4957b107a9917dfc4a8dc9d87ea6034ec35222152452",
        "https://raw.githubusercontent.com/tailequy/fairness_dataset/abb5a18b822ba56a221c5311082e192e85000b95/"
        "experiments/data/law_school_clean.csv",
    ),
    _source("law_data", _LAW_DATA, "095fbb4641b0f767feb664388b877a4544ad5a731630623b375e74b5fdbfa715"),
    _source("bar_pass_prediction", _FULL, "76ebfdb0427ce8db038d53fa5943180ac77096bffb8264f000ed21e9f0ec82f2"),
)
