"""UCI Adult as the experiments of Fair Mixup and of group contribution matching read it: income above 50,000 dollars.

Source of the rows: `adult`. Source of the preparation: the published code of C.-Y. Chuang and Y. Mroueh, "Fair Mixup:
Fairness via Interpolation", ICLR 2021. Rows whose occupation or country is "?" are left out, 45,222 stay, and a fifth
of all rows is for testing. Inputs: five numbers in ten bins each, and 35 questions with a yes or a no (each workclass,
marital status, occupation and relationship; whether race is White), which are 120 columns of zeros and ones. A quirk is
kept: each number is turned into z-scores, and all five are cut at the edges of the z-scores of age. Here the z-scores
and edges are those of all rows; in the source, of the 80 % that are not for testing, which moves them by less than a
hundredth.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.data.assemble import assemble
from paretofair.data.dataset import Dataset, group_indices
from paretofair.data.sets.adult import ADULT, read_people
from paretofair.data.source import DatasetSource

NUMBERS = ("age", "education-num", "capital-gain", "capital-loss", "hours-per-week")
QUESTIONS = ("workclass", "marital-status", "occupation", "relationship")
BINS = 10
TEST_SHARE = 0.2


def read_adult_fairmixup(directory: Path) -> Dataset:
    """Read the two files of `adult` from `directory`.

    Raises:
        DataError: A file is missing or its checksum is not a pinned one.
    """
    people, checksums = read_people(directory)
    people = people[(people["occupation"] != "?") & (people["native-country"] != "?")].reset_index(drop=True)
    return assemble(
        ADULT_FAIRMIXUP.name,
        "real",
        labels={"income": people["income"].to_numpy()},
        numeric={},
        categorical=cut_numbers(people) | ask_questions(people),
        groups={name: group_indices(people[name], names) for name, names in ADULT_FAIRMIXUP.group_names.items()},
        group_names=ADULT_FAIRMIXUP.group_names,
        test=TEST_SHARE,
        checksums=checksums,
    )


def cut_numbers(people: pd.DataFrame) -> dict[str, np.ndarray]:
    """The bin of every number, `0` to `9`, by name: equal widths between the smallest and the largest age; what lies
    beyond is in the first or the last."""
    scores = {name: people[name].to_numpy(float) for name in NUMBERS}
    scores = {name: (values - values.mean()) / values.std() for name, values in scores.items()}
    edges = np.linspace(scores["age"].min(), scores["age"].max(), BINS + 1)[1:-1]
    return {name: np.searchsorted(edges, values, side="right").astype(str) for name, values in scores.items()}


def ask_questions(people: pd.DataFrame) -> dict[str, np.ndarray]:
    """A `yes` or a `no` to every category, by `<column>=<category>`."""
    answers = {
        f"{name}={category}": people[name] == category for name in QUESTIONS for category in sorted(set(people[name]))
    }
    answers["race=White"] = people["race"] == "White"
    return {name: np.where(answer, "yes", "no") for name, answer in answers.items()}


ADULT_FAIRMIXUP = DatasetSource(
    name="adult_fairmixup",
    tasks=("income",),
    group_names=ADULT.group_names,
    files=ADULT.files,
    read=read_adult_fairmixup,
    folder="adult",
)
