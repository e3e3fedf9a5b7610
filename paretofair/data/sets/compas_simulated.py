"""A simulated stand-in for ProPublica's COMPAS data, for machines on which the real file can't be had.

Nothing in it is a real person's row, and nothing was copied from one. Every row is drawn by `simulation` from rounded
aggregates of the public data (J. Angwin et al., "Machine Bias", ProPublica, 2016) after the published filter: rows by
race and sex; joint rates of the labels; shares and quantiles of every input by labels; correlations between inputs;
and how labels follow from inputs.
All inputs are small whole numbers and few of them are there, so many simulated rows equal some real one by chance.

What it keeps of the real data: size, label and group rates, errors within .01 of a linear and of a strong learner,
and false positive gaps within .05. Results on it say nothing about defendants.
"""

import numpy as np
import pandas as pd

from paretofair.data.sets.simulation import Numbers, Shares, allocate_labels, draw_inputs, read_weights, relabel, table

RACES = ("African-American", "Caucasian", "Hispanic", "Other", "Asian", "Native American")
SEXES = ("Female", "Male")

# Rows by race and sex.
_ROWS = {
    ("African-American", "Female"): 549,
    ("African-American", "Male"): 2626,
    ("Caucasian", "Female"): 482,
    ("Caucasian", "Male"): 1621,
    ("Hispanic", "Female"): 82,
    ("Hispanic", "Male"): 427,
    ("Other", "Female"): 58,
    ("Other", "Male"): 285,
    ("Asian", "Female"): 2,
    ("Asian", "Male"): 29,
    ("Native American", "Female"): 2,
    ("Native American", "Male"): 9,
}
# P(two_year_recid, violent_recid) by race and, where there are enough, sex, in the order 00, 01, 10, 11.
_LABEL_RATES: dict[tuple[str, ...], tuple[float, ...]] = {
    ("African-American", "Female"): (0.625, 0.005, 0.284, 0.086),
    ("African-American", "Male"): (0.438, 0.007, 0.419, 0.136),
    ("Caucasian", "Female"): (0.643, 0.004, 0.305, 0.048),
    ("Caucasian", "Male"): (0.592, 0.006, 0.309, 0.093),
    ("Hispanic", "Female"): (0.68, 0.00, 0.26, 0.06),
    ("Hispanic", "Male"): (0.61, 0.01, 0.31, 0.07),
    ("Other", "Female"): (0.81, 0.00, 0.16, 0.03),
    ("Other", "Male"): (0.60, 0.01, 0.28, 0.12),
    ("Asian",): (0.74, 0.00, 0.16, 0.10),
    ("Native American",): (0.45, 0.10, 0.35, 0.10),
}

# Tables have a row for no charge, a charge and a violent charge; shares are per mille.
_BY = ("outcome",)
_CELLS = (("none",), ("charge",), ("violent",))


def _shares(categories: str, *rows: str) -> Shares:
    return Shares(_BY, tuple(categories.split()), table(_CELLS, *rows))


_INPUTS: dict[str, Numbers | Shares] = {
    "age": Numbers(
        _BY,
        (0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1),
        table(
            _CELLS,
            "18 21 23 26 34 45 55 59 80",
            "18 21 21 24 29 37 49 54 80",
            "18 20 21 24 29 36 47 53 80",
        ),
    ),
    "juv_fel_count": _shares("0 1 2 3 4", "983 12 3 1 0", "949 32 10 4 5", "936 43 9 1 10"),
    "juv_misd_count": _shares("0 1 2 3 4", "973 21 3 2 2", "916 58 17 5 4", "884 75 20 10 10"),
    "juv_other_count": _shares("0 1 2 3 4", "962 26 9 2 1", "885 85 19 7 5", "877 81 22 12 9"),
    "priors_count": Numbers(
        _BY,
        (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1),
        table(
            _CELLS,
            "0 0 0 0 0 1 1 2 3 6 9 30",
            "0 0 0 1 2 3 4 6 8 13 17 35",
            "0 0 0 1 2 3 4 6 8 12 16 35",
        ),
    ),
    "c_charge_degree": _shares("M F", "41 59", "28 72", "36 64"),
}
# Of the Gaussian variables behind the inputs, in their order.
_CORRELATIONS = (
    (1,),
    (-0.14, 1),
    (-0.26, 0.37, 1),
    (-0.38, 0.23, 0.48, 1),
    (0.26, 0.4, 0.45, 0.15, 1),
    (-0.1, 0.13, 0.09, 0.08, 0.18, 1),
)
# Shifts of a group's variables, in deviations.
_SHIFTS = table(
    (("race", "Caucasian"), ("race", "Hispanic"), ("race", "Other"), ("sex", "Female")),
    "0.35 -0.12 -0.18 -0.02 -0.32 -0.19",
    "0.16 -0.07 -0.13 -0.06 -0.44 -0.25",
    "0.17 -0.18 -0.13 -0.24 -0.6 -0.15",
    "-0.04 -0.14 -0.13 -0.18 -0.3 -0.14",
)
# Log-odds of labels by inputs, of the second task given the first.
_WEIGHTS = {
    "two_year_recid": read_weights(
        "age value 0.059, age log -3.8, juv_fel_count value 0.37, juv_fel_count log -0.66",
        "juv_other_count value -0.19, juv_other_count log 0.76, priors_count value 0.028, priors_count log 0.67",
        "c_charge_degree M -0.098",
    ),
    "violent_recid": read_weights(
        "age log -0.37, juv_fel_count value 0.14, juv_misd_count log 0.47, juv_other_count value 0.26",
        "juv_other_count log -0.51, priors_count value -0.012, priors_count log 0.099, c_charge_degree F -1.5",
        "c_charge_degree M -1.2",
    ),
}
# Chosen among six as the one whose false positive gaps are nearest the real ones.
_SEED = 3


def simulate_compas() -> pd.DataFrame:
    """Draw the 6,172 rows; the same ones at every call.

    Returns:
        One row per simulated person: the inputs that `compas` reads and the labels `two_year_recid` and
        `violent_recid` (0 or 1).
    """
    people = allocate_labels(("race", "sex"), ("two_year_recid", "violent_recid"), _ROWS, _LABEL_RATES)
    # A violent charge after more than two years is rare: its inputs are those of one within two years.
    people["outcome"] = people["labels"].map({"00": "none", "10": "charge", "01": "violent", "11": "violent"})
    people = draw_inputs(people, _INPUTS, _CORRELATIONS, _SHIFTS, _SEED)
    return relabel(people, ("race", "sex"), _WEIGHTS, np.random.RandomState(_SEED))
