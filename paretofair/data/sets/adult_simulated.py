"""A simulated stand-in for UCI Adult, for machines on which the real files can't be had.

Nothing in it is a real person's row, and nothing was copied from one. Every row is drawn by `simulation` from rounded
aggregates of the public data (B. Becker and R. Kohavi, "Adult", UCI Machine Learning Repository, 1996): rows by split,
sex and race; joint rates of the labels; shares and quantiles of every input by labels and sex (sampling weight and
country: by race); correlations between inputs; and how labels follow from inputs. The number of years of education
follows from its name.

What it keeps of the real data: sizes, label and group rates, errors within .01 of a linear and of a strong learner, and
false positive gaps within .03. Results on it say nothing about people.
"""

import itertools

import numpy as np
import pandas as pd

from paretofair.data.sets.simulation import Numbers, Shares, allocate_labels, draw_inputs, read_weights, relabel, table

SEXES = ("Female", "Male")
RACES = ("White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other")

# Rows by sex and race: training split, test split.
_ROWS = {
    ("Female", "White"): (8642, 4385),
    ("Female", "Black"): (1555, 753),
    ("Female", "Asian-Pac-Islander"): (346, 171),
    ("Female", "Amer-Indian-Eskimo"): (119, 66),
    ("Female", "Other"): (109, 46),
    ("Male", "White"): (19174, 9561),
    ("Male", "Black"): (1569, 808),
    ("Male", "Asian-Pac-Islander"): (693, 309),
    ("Male", "Amer-Indian-Eskimo"): (192, 93),
    ("Male", "Other"): (162, 89),
}
# P(income, capital_gain | sex, race), in the order 00, 01, 10, 11.
_LABEL_RATES = {
    ("Female", "White"): (0.848, 0.033, 0.091, 0.028),
    ("Female", "Black"): (0.913, 0.030, 0.043, 0.014),
    ("Female", "Asian-Pac-Islander"): (0.845, 0.021, 0.110, 0.023),
    ("Female", "Amer-Indian-Eskimo"): (0.876, 0.043, 0.065, 0.016),
    ("Female", "Other"): (0.903, 0.026, 0.039, 0.032),
    ("Male", "White"): (0.653, 0.031, 0.250, 0.066),
    ("Male", "Black"): (0.787, 0.030, 0.139, 0.043),
    ("Male", "Asian-Pac-Islander"): (0.626, 0.035, 0.271, 0.069),
    ("Male", "Amer-Indian-Eskimo"): (0.821, 0.039, 0.105, 0.035),
    ("Male", "Other"): (0.825, 0.020, 0.123, 0.032),
}

# In the order of their number of years, from 1.
_EDUCATION = (
    "Preschool 1st-4th 5th-6th 7th-8th 9th 10th 11th 12th HS-grad Some-college Assoc-voc "
    "Assoc-acdm Bachelors Masters Prof-school Doctorate"
)

# Tables have a row for each combination of labels and sex: 00 women, 00 men, 01 women, ...; shares are per mille.
_BY = ("labels", "sex")
_CELLS = tuple(itertools.product(("00", "01", "10", "11"), SEXES))


def _shares(categories: str, *rows: str) -> Shares:
    return Shares(_BY, tuple(categories.split()), table(_CELLS, *rows))


_COUNTRIES = "Mexico El-Salvador Puerto-Rico United-States ? Germany Philippines Canada India"
_RARE_COUNTRIES = (
    "Holand-Netherlands Guatemala Outlying-US(Guam-USVI-etc) Columbia Dominican-Republic Nicaragua "
    "Trinadad&Tobago Vietnam Laos Peru Honduras Haiti Ecuador Jamaica Scotland Thailand South Portugal Poland "
    "Cuba Hong China Ireland Hungary Cambodia Italy Yugoslavia Japan Greece England Iran Taiwan France"
)


def _countries(*rows: str) -> Shares:
    """By race; what the shares leave of a thousand is divided evenly among the rare ones."""
    rare = _RARE_COUNTRIES.split()
    shares = {
        race: (*row, *[(1000 - sum(row)) / len(rare)] * len(rare))
        for race, row in table([(race,) for race in RACES], *rows).items()
    }
    return Shares(("race",), (*_COUNTRIES.split(), *rare), shares)


_INPUTS: dict[str, Numbers | Shares] = {
    "age": Numbers(
        _BY,
        (0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1),
        table(
            _CELLS,
            "17 18 20 24 33 46 57 63 90",
            "17 19 21 26 34 46 57 63 90",
            "17 20 22 28 38 53 67 70 90",
            "17 21 24 30 39 53 66 71 90",
            "21 27 29 34 41 48 56 60 90",
            "19 29 31 37 44 51 58 62 90",
            "19 28 30 35 41 50 58 64 75",
            "21 30 32 38 45 53 61 66 90",
        ),
    ),
    "workclass": _shares(
        "Never-worked ? Without-pay Private State-gov Self-emp-not-inc Local-gov Federal-gov Self-emp-inc",
        "0 83 0 731 46 35 70 25 10",
        "1 59 1 706 35 99 52 22 27",
        "0 91 0 664 51 40 108 36 9",
        "0 60 2 680 30 122 49 27 29",
        "0 38 1 626 57 70 124 50 33",
        "0 19 0 638 45 94 74 50 80",
        "0 56 0 596 54 71 141 36 46",
        "0 20 0 622 36 103 57 43 119",
    ),
    "education": _shares(
        "Preschool 1st-4th 11th 5th-6th 9th 10th 7th-8th 12th HS-grad Some-college Assoc-voc Assoc-acdm "
        "Bachelors Masters Doctorate Prof-school",
        "2 4 45 9 15 32 16 15 331 270 44 37 135 37 3 5",
        "3 8 48 16 22 38 28 18 373 218 39 29 121 28 5 6",
        "4 4 32 6 19 23 23 8 309 243 63 42 152 68 2 4",
        "1 5 33 13 28 30 38 14 403 190 49 20 124 29 11 13",
        "0 0 7 3 3 3 1 1 186 174 50 52 306 150 36 29",
        "0 1 7 2 4 9 6 5 229 185 43 33 277 116 35 47",
        "0 0 5 0 2 0 0 5 187 139 61 39 258 209 36 58",
        "0 0 12 3 2 5 7 3 182 154 44 31 299 123 43 89",
    ),
    "marital-status": _shares(
        "Never-married Separated Widowed Married-spouse-absent Divorced Married-AF-spouse Married-civ-spouse",
        "486 63 79 20 259 1 93",
        "376 23 10 13 98 0 480",
        "385 63 127 13 252 2 157",
        "248 22 18 10 105 0 598",
        "130 15 38 7 147 7 656",
        "43 6 5 4 35 0 906",
        "200 17 44 19 182 2 535",
        "67 11 9 4 57 0 852",
    ),
    "occupation": _shares(
        "Priv-house-serv Other-service Handlers-cleaners ? Farming-fishing Machine-op-inspct Adm-clerical "
        "Transport-moving Craft-repair Sales Tech-support Protective-serv Armed-Forces Prof-specialty "
        "Exec-managerial",
        "16 184 17 83 6 54 239 8 20 128 33 7 0 112 92",
        "1 94 75 59 54 82 61 78 195 97 23 25 0 76 81",
        "15 133 13 91 4 44 250 11 19 70 61 9 0 184 95",
        "1 65 56 60 56 91 66 67 203 110 24 26 0 78 98",
        "1 48 4 38 1 17 182 6 15 74 41 8 0 323 241",
        "0 13 13 19 16 35 48 50 140 134 37 33 1 215 245",
        "2 32 5 56 5 12 151 12 29 80 29 10 0 348 229",
        "0 12 12 20 20 33 39 38 120 138 29 18 0 247 272",
    ),
    "hours-per-week": Numbers(
        _BY,
        (0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 1),
        table(
            _CELLS,
            "1 15 20 25 35 40 40 40 40 45 50 99",
            "1 20 25 36 40 40 40 40 48 55 60 99",
            "4 14 20 30 35 40 40 40 40 50 55 99",
            "1 15 24 38 40 40 40 44 50 55 65 99",
            "2 20 25 35 40 40 40 42 50 51 60 99",
            "1 36 40 40 40 40 45 50 52 60 65 99",
            "2 20 30 35 40 40 40 45 50 57 60 80",
            "2 35 40 40 40 40 50 50 55 60 65 99",
        ),
    ),
    "fnlwgt": Numbers(
        ("race",),
        (0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1),
        table(
            [(race,) for race in RACES],
            "10000 39000 117000 177000 234000 374000 490000 1490000",
            "20000 64000 149000 208000 283000 462000 650000 1270000",
            "20000 65000 91000 140000 196000 337000 380000 550000",
            "10000 22000 34000 102000 175000 303000 370000 820000",
            "20000 55000 131000 188000 241000 381000 440000 660000",
        ),
    ),
    "native-country": _countries(
        "21 3 3 922 14 5 0 4 0",
        "1 0 3 911 28 2 0 0 0",
        "1 0 1 282 84 3 184 1 82",
        "23 0 2 962 0 2 2 0 0",
        "155 20 74 466 59 2 0 5 22",
    ),
}
# Of the Gaussian variables behind the inputs, in their order.
_CORRELATIONS = (
    (1,),
    (0.16, 1),
    (0.05, 0.17, 1),
    (0.51, 0.13, -0.08, 1),
    (0.09, 0.31, 0.39, 0.06, 1),
    (0.06, 0.18, 0.11, 0.12, 0.18, 1),
    (-0.08, -0.03, -0.04, -0.06, 0, -0.02, 1),
    (0.06, 0.04, 0.17, 0.02, 0.08, 0.03, -0.08, 1),
)
# Shifts of a group's variables, in deviations.
_SHIFTS = table(
    (("race", "Black"), ("race", "Asian-Pac-Islander"), ("race", "Amer-Indian-Eskimo"), ("race", "Other")),
    "0.03 0.03 -0.19 -0.21 -0.28 -0.05 0 0",
    "-0.05 -0.03 0.39 -0.06 0.05 -0.1 0 0",
    "-0.01 0.27 -0.14 0.06 -0.09 0.04 0 0",
    "-0.33 -0.2 -0.31 -0.17 -0.21 -0.12 0 0",
)
# Log-odds of labels by inputs, of the second task given the first.
_WEIGHTS = {
    "income": read_weights(
        "age value -0.17, age log 8.8, education-num value 0.37, education-num log -0.84",
        "hours-per-week value 0.0099, hours-per-week log 0.57, workclass ? -0.67, workclass Federal-gov 0.61",
        "workclass Private 0.26, workclass Self-emp-inc 0.53, workclass Self-emp-not-inc -0.2",
        "marital-status Divorced -0.4, marital-status Married-AF-spouse 2.5",
        "marital-status Married-civ-spouse 1.8, marital-status Never-married -0.49",
        "marital-status Separated -0.45, occupation Adm-clerical -0.47, occupation Craft-repair -0.51",
        "occupation Exec-managerial 0.29, occupation Farming-fishing -1.4, occupation Handlers-cleaners -1.2",
        "occupation Machine-op-inspct -0.88, occupation Other-service -1.4, occupation Priv-house-serv -2.2",
        "occupation Sales -0.2, occupation Transport-moving -0.65",
    ),
    "capital_gain": read_weights(
        "age value 0.04, age log -0.89, education-num value 0.12, education-num log -0.8",
        "hours-per-week value 0.008, workclass Federal-gov -0.28, workclass Local-gov -0.27",
        "workclass Private -0.2, workclass Self-emp-not-inc -0.19, workclass State-gov -0.41",
        "marital-status Married-civ-spouse -0.16, marital-status Never-married -0.18, occupation ? -0.19",
        "occupation Other-service -0.35, occupation Sales -0.13, occupation Transport-moving -0.2",
    ),
}
_SEED = 1


def simulate_adult() -> pd.DataFrame:
    """Draw the 48,842 rows; the same ones at every call.

    Returns:
        One row per simulated person: the columns of the real files that `adult` reads, the labels `income` and
        `capital_gain` (0 or 1) and `is_test` (bool).
    """
    rows = {(*cell, split): count for cell, counts in _ROWS.items() for split, count in enumerate(counts)}
    people = allocate_labels(("sex", "race", "is_test"), ("income", "capital_gain"), rows, _LABEL_RATES)
    people = draw_inputs(people, _INPUTS, _CORRELATIONS, _SHIFTS, _SEED)
    years = {name: years for years, name in enumerate(_EDUCATION.split(), start=1)}
    people["education-num"] = people["education"].map(years)
    people = relabel(people, ("sex", "race", "is_test"), _WEIGHTS, np.random.RandomState(_SEED))
    people["is_test"] = people["is_test"] == 1
    return people
