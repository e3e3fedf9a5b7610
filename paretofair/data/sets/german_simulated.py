"""A simulated stand-in for Statlog German Credit, for machines on which the real file can't be had.

Nothing in it is a real person's row, and nothing was copied from one. Every row is drawn by `simulation` from rounded
aggregates of the public data (H. Hofmann, "Statlog (German Credit Data)", UCI Machine Learning Repository, 1994): rows
by sex and age group; joint rates of the labels; shares and quantiles of every input by labels (age: by age group);
correlations between inputs; and how labels follow from inputs.

What it keeps of the real data: size, label and group rates, errors within .03 of a linear and of a strong learner, and
false positive gaps within .1; on 1,000 rows a gap has a standard error of .06. Results on it say nothing about
borrowers.
"""

import numpy as np
import pandas as pd

from paretofair.data.sets.simulation import Numbers, Shares, allocate_labels, draw_inputs, read_weights, relabel, table

SEXES = ("Female", "Male")
AGES = ("up_to_25", "over_25")

# By sex and age group: rows, and P(good_loan, high_credit) in the order 00, 01, 10, 11.
_ROWS = {
    ("Female", "up_to_25"): 105,
    ("Female", "over_25"): 205,
    ("Male", "up_to_25"): 85,
    ("Male", "over_25"): 605,
}
_LABEL_RATES = {
    ("Female", "up_to_25"): (0.23, 0.22, 0.28, 0.28),
    ("Female", "over_25"): (0.15, 0.16, 0.37, 0.33),
    ("Male", "up_to_25"): (0.15, 0.24, 0.29, 0.32),
    ("Male", "over_25"): (0.09, 0.17, 0.30, 0.44),
}

# Tables have a row for each combination of labels; shares are in percent, quantiles at these levels.
_BY = ("labels",)
_CELLS = (("00",), ("01",), ("10",), ("11",))
_LEVELS = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)


def _shares(categories: str, *rows: str) -> Shares:
    return Shares(_BY, tuple(categories.split()), table(_CELLS, *rows))


_INPUTS: dict[str, Numbers | Shares] = {
    "duration": Numbers(
        _BY,
        _LEVELS,
        table(
            _CELLS,
            "6 9 12 15 24 24 45",
            "6 15 18 27 36 48 72",
            "3 6 9 12 18 24 36",
            "3 12 15 24 30 39 60",
        ),
    ),
    "age": Numbers(
        ("age_group",),
        _LEVELS,
        table(
            [(group,) for group in AGES],
            "19 21 22 23 24 25 25",
            "26 27 30 36 44 54 75",
        ),
    ),
    "installment_rate": _shares("1 2 3 4", "6 12 11 71", "15 26 18 41", "9 15 16 60", "19 31 16 33"),
    "residence_since": _shares("1 2 3 4", "12 30 21 38", "12 34 10 44", "15 29 15 41", "12 31 15 42"),
    "existing_credits": _shares("1 2 3 4", "73 25 2 1", "63 35 2 1", "59 37 4 1", "64 33 3 1"),
    "people_liable": _shares("1 2", "82 18", "87 13", "87 13", "82 18"),
    "checking_status": _shares("A11 A12 A13 A14", "47 33 7 12", "44 36 3 17", "19 22 9 50", "20 25 6 49"),
    "credit_history": _shares("A30 A31 A32 A33 A34", "5 12 61 7 14", "11 7 53 11 18", "1 3 54 5 37", "3 3 50 11 33"),
    "purpose": _shares(
        "A46 A410 A40 A45 A49 A44 A42 A43 A41 A48",
        "11 1 39 5 4 2 12 26 0 1",
        "5 2 23 1 16 1 25 17 9 0",
        "5 1 23 2 8 2 15 39 3 2",
        "3 1 19 2 10 0 20 25 20 0",
    ),
    "savings": _shares("A61 A62 A65 A63 A64", "69 11 13 3 3", "74 12 9 4 1", "59 10 15 8 8", "52 10 26 7 5"),
    "employment_since": _shares(
        "A72 A71 A73 A75 A74", "28 7 31 19 14", "20 8 37 23 12", "15 4 35 29 17", "14 7 32 25 21"
    ),
    "other_debtors": _shares("A102 A101 A103", "3 94 2", "8 88 4", "2 90 8", "4 91 4"),
    "property": _shares("A124 A123 A122 A121", "17 34 21 28", "26 34 25 15", "8 24 25 43", "16 40 22 22"),
    "other_installment_plans": _shares("A141 A142 A143", "18 8 74", "20 5 75", "11 2 87", "12 5 82"),
    "housing": _shares("A153 A151 A152", "12 22 66", "17 24 59", "6 16 78", "12 15 73"),
    "job": _shares("A174 A171 A173 A172", "8 4 60 28", "23 1 64 12", "8 3 61 28", "18 2 65 15"),
    "telephone": _shares("A191 A192", "80 20", "50 50", "65 35", "53 47"),
    "foreign_worker": _shares("A201 A202", "99 1", "98 2", "93 7", "97 3"),
}
# Of the Gaussian variables behind the inputs, in their order.
_CORRELATIONS = (
    (1,),
    (-0.05, 1),
    (0.35, 0.05, 1),
    (0.05, 0.25, 0.05, 1),
    (0, 0.1, 0.05, 0.1, 1),
    (-0.15, 0.1, -0.15, 0.1, 0.15, 1),
    (0, -0.05, 0, -0.05, 0.1, -0.05, 1),
    (-0.05, 0.1, 0.05, 0.1, 0.55, -0.05, 0.15, 1),
    (0.05, -0.05, 0.1, 0, -0.05, -0.05, 0.1, -0.1, 1),
    (0.05, 0, 0, 0.1, -0.05, 0, 0.25, 0, 0.05, 1),
    (0.1, 0.15, 0.05, 0.2, 0.1, 0.1, 0.05, 0.1, 0, 0.1, 1),
    (0, 0, 0, 0, -0.05, 0.05, -0.1, -0.1, 0.05, -0.15, 0.05, 1),
    (-0.2, -0.1, -0.1, -0.2, 0, 0, -0.05, 0.05, 0.05, -0.05, -0.1, 0.15, 1),
    (-0.05, -0.05, 0, 0, -0.15, -0.2, 0, 0.2, 0.05, 0, -0.05, -0.15, 0.1, 1),
    (-0.1, -0.15, 0.05, -0.45, 0, -0.15, 0.1, 0.05, 0.05, -0.05, -0.05, 0.05, 0.6, -0.05, 1),
    (-0.15, 0, -0.1, 0.05, 0, 0.2, -0.05, 0, -0.05, 0, 0, 0.1, 0.3, -0.05, 0.15, 1),
    (0.2, 0.1, 0.1, 0.1, 0.05, -0.05, 0.1, 0.05, 0, 0.05, 0.1, -0.1, -0.25, 0, -0.15, -0.55, 1),
    (-0.3, -0.1, -0.3, -0.1, 0, 0.25, -0.2, 0, -0.15, 0, -0.05, 0.05, 0.25, 0, 0.05, 0.15, -0.25, 1),
)
# Shifts of a group's variables, in deviations.
_SHIFTS = table(
    (("sex", "Female"), ("age_group", "up_to_25"), ("labels", "00"), ("labels", "01"), ("labels", "10")),
    "-0.1 -0.15 -0.25 0 -0.2 -0.5 0.05 -0.05 -0.05 0.05 -0.35 -0.05 0.05 0.1 -0.1 0 -0.1 -0.1",
    "0 -0.05 -0.2 -0.05 -0.35 -0.45 -0.3 -0.15 0.25 -0.15 -0.2 0.05 0.25 0.15 -0.2 0.3 -0.45 -0.1",
    "0 -0.1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
    "0 0.05 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
    "0 0.1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
)
# Log-odds of labels by inputs, of the second task given the first.
_WEIGHTS = {
    "good_loan": read_weights(
        "duration value -0.041, installment_rate value -0.2, age value 0.004, existing_credits value -0.26",
        "people_liable value -0.17, checking_status A11 -0.74, checking_status A12 -0.4, checking_status A13 0.26",
        "checking_status A14 0.89, credit_history A30 -0.88, credit_history A31 -0.84, credit_history A32 -0.2",
        "credit_history A34 0.6, purpose A40 -0.73, purpose A41 0.7, purpose A43 0.19, purpose A46 -0.73",
        "savings A61 -0.42, savings A64 0.78, savings A65 0.48, employment_since A71 -0.18",
        "employment_since A72 -0.29, employment_since A73 -0.13, employment_since A74 0.52",
        "other_debtors A101 -0.17, other_debtors A102 -0.58, other_debtors A103 0.77, property A121 0.28",
        "property A124 -0.51, other_installment_plans A141 -0.28, other_installment_plans A143 0.27",
        "housing A151 -0.31, housing A153 0.36, job A172 -0.25, job A173 -0.3, job A174 -0.41",
        "telephone A191 -0.11, telephone A192 0.11, foreign_worker A201 -0.61, foreign_worker A202 0.64",
    ),
    "high_credit": read_weights(
        "duration value 0.16, installment_rate value -0.97, residence_since value -0.082, age value 0.0088",
        "existing_credits value -0.23, people_liable value 0.31, checking_status A13 -0.54",
        "credit_history A30 0.83, credit_history A31 -0.74, credit_history A32 -0.14, credit_history A34 0.13",
        "purpose A40 0.38, purpose A41 1.8, purpose A42 1.1, purpose A43 0.21, purpose A46 -0.21, purpose A49 0.3",
        "savings A64 -0.56, savings A65 0.32, employment_since A73 0.17, employment_since A75 -0.25",
        "other_debtors A101 -0.3, other_debtors A102 0.76, property A121 -0.3, property A123 0.18",
        "property A124 0.25, housing A151 0.17, job A172 0.43, job A173 0.81, job A174 1.3",
        "foreign_worker A201 0.23, foreign_worker A202 -0.24",
    ),
}
# Chosen among sixteen as one whose errors are no smaller than the real ones.
_SEED = 0


def simulate_german() -> pd.DataFrame:
    """Draw the 1,000 rows; the same ones at every call.

    Returns:
        One row per simulated loan: the inputs that `german` reads, `sex`, and the labels `good_loan` and `high_credit`
        (0 or 1).
    """
    loans = allocate_labels(("sex", "age_group"), ("good_loan", "high_credit"), _ROWS, _LABEL_RATES)
    loans = draw_inputs(loans, _INPUTS, _CORRELATIONS, _SHIFTS, _SEED)
    return relabel(loans, ("sex", "age_group"), _WEIGHTS, np.random.RandomState(_SEED))
