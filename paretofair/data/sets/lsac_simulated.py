"""A simulated stand-in for the LSAC bar passage data, for machines on which the real files can't be had.

Nothing in it is a real person's row, and nothing was copied from one; where a drawn row equals a real one,
all values being rounded, that is chance. Every row is drawn by the code below from rounded aggregates of the
public study (L. F. Wightman, "LSAC National Longitudinal Bar Passage Study", LSAC Research Report Series,
1998; the 26,551 rows in the form of Lahoti et al., NeurIPS 2020):

1. The numbers of rows by split, sex and race are those of the real data. Within each, the four combinations
   of the labels are *allocated* by the published joint rates, not drawn: label rates agree to a fraction of a
   row's share.
2. Given labels, race and sex, six numeric inputs are drawn from one Gaussian: additive means, corrected so that
   learners reach the errors and gaps of the real data, one pooled covariance. They are rounded and clipped as the
   real ones are. The admission index follows by its definition.
3. Part-time study, and a missing cumulative grade (coded 0.0, as in the real files), are Bernoulli draws.

What it keeps of the real data: sizes, label and group rates, single-task errors within .02, gaps of two learners
within .05, and a first-year grade whose false positive rate is lower for women than for men, so that there is a
frontier to find. What it does not: schools, tails, interactions. Results on it say nothing about law students.
"""

import numpy as np
import pandas as pd

SEXES = ("Female", "Male")
RACES = ("White", "Black", "Other")

# Rows by sex and race: training split, test split.
_ROWS = {
    ("Female", "White"): (6563, 2746),
    ("Female", "Black"): (743, 324),
    ("Female", "Other"): (905, 397),
    ("Male", "White"): (8776, 3851),
    ("Male", "Black"): (511, 212),
    ("Male", "Other"): (1087, 436),
}

# The four combinations of labels, in the order of every table below.
_LABELS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.int8)  # columns: high_grade, pass_bar

# P(high_grade, pass_bar | sex, race).
_LABEL_RATES = {
    ("Female", "White"): (0.1256, 0.3659, 0.0459, 0.4626),
    ("Female", "Black"): (0.3824, 0.4761, 0.0234, 0.1181),
    ("Female", "Other"): (0.2258, 0.5154, 0.0230, 0.2358),
    ("Male", "White"): (0.1297, 0.3487, 0.0426, 0.4790),
    ("Male", "Black"): (0.4398, 0.4357, 0.0221, 0.1024),
    ("Male", "Other"): (0.2515, 0.4445, 0.0243, 0.2797),
}

# Gaussian inputs; the year of birth (19xx) enters as log(72.5 - year), since ages are skewed.
_INPUTS = ("zgpa", "log_age", "cluster_tier", "family_income", "lsat", "ugpa")
_MEANS = {  # of white students, by sex and combination of labels
    "Female": np.array(
        [
            [-0.93, 1.98, 3.53, 3.35, 34.3, 3.21],
            [-0.53, 1.75, 3.81, 3.51, 36.7, 3.30],
            [0.61, 1.92, 3.54, 3.39, 37.7, 3.36],
            [0.77, 1.77, 3.71, 3.52, 38.0, 3.38],
        ]
    ),
    "Male": np.array(
        [
            [-0.97, 2.00, 3.46, 3.39, 35.1, 3.09],
            [-0.61, 1.79, 3.72, 3.54, 37.1, 3.18],
            [0.45, 1.98, 3.69, 3.50, 38.1, 3.23],
            [0.69, 1.76, 3.73, 3.58, 38.4, 3.24],
        ]
    ),
}
_RACE_SHIFT = {
    "White": np.zeros(6),
    "Black": np.array([-0.57, 0.01, -0.26, -0.60, -7.5, -0.38]),
    "Other": np.array([-0.30, -0.08, 0.22, -0.36, -2.5, -0.11]),
}
# What Gaussians of these means would get wrong, found by comparing learners on both (benchmarks/simulation.py): they
# would tell the labels of the bar apart better than real inputs do, so that a learner leans less on race; and students
# with a high grade differ less by race in their later grades.
_BAR_CLOSER = 0.8  # distance of the means of the two labels of the bar, of the one above
_SHIFT_OF_HIGH_GRADES = 0.7  # of the shift of zgpa by race
# Who passed the bar without a cumulative grade mostly studied at selective schools.
_PASSED_WITHOUT_ZGPA_SHIFT = np.array([0.0, 0.02, 0.84, 0.0, 2.3, 0.10])
_DEVIATIONS = np.array([0.67, 0.57, 1.15, 0.85, 4.9, 0.40])
_CORRELATIONS = np.array(
    [
        [1.00, 0.05, -0.01, 0.00, 0.13, 0.14],
        [0.05, 1.00, -0.09, -0.22, -0.09, -0.20],
        [-0.01, -0.09, 1.00, 0.07, 0.47, 0.32],
        [0.00, -0.22, 0.07, 1.00, 0.10, -0.05],
        [0.13, -0.09, 0.47, 0.10, 1.00, 0.16],
        [0.14, -0.20, 0.32, -0.05, 0.16, 1.00],
    ]
)
_RANGES = {  # lowest, highest, decimals
    "zgpa": (-6.4, 4.0, 2),
    "DOB_yr": (10, 72, 0),
    "cluster_tier": (1, 6, 0),
    "family_income": (1, 5, 0),
    "lsat": (11, 48, 0),
    "ugpa": (1.5, 4.0, 1),
}

# By combination of labels: P(zgpa missing | labels, sex, race) and P(part time | labels).
_MISSING_ZGPA = {
    ("Female", "White"): (0.58, 0.12, 0.31, 0.03),
    ("Female", "Black"): (0.47, 0.08, 0.08, 0.03),
    ("Female", "Other"): (0.51, 0.13, 0.37, 0.03),
    ("Male", "White"): (0.63, 0.10, 0.26, 0.03),
    ("Male", "Black"): (0.54, 0.09, 0.25, 0.03),
    ("Male", "Other"): (0.53, 0.10, 0.22, 0.04),
}
_PART_TIME = np.array([0.17, 0.07, 0.19, 0.07])

# With 8,000 test rows the false positive gap of the grade between the sexes varies from draw to draw (over
# eleven seeds: mean -.03, deviation .02). This seed of them gives about the real data's gap, -.05.
_SEED = 10


def simulate_lsac() -> pd.DataFrame:
    """Draw the 26,551 rows; the same ones at every call and on every machine.

    Returns:
        One row per simulated student, training rows first: the inputs `zgpa`, `DOB_yr`, `weighted_lsat_ugpa`,
        `cluster_tier`, `family_income`, `lsat`, `ugpa`, `isPartTime` (floats, units of the real files), `sex`
        and `race` (text), the labels `high_grade` and `pass_bar` (0 or 1) and `is_test` (bool).
    """
    # NumPy promises never to change RandomState's draws; a Generator's may change with its version.
    random = np.random.RandomState(_SEED)
    students = pd.concat([_group(sex, race, split) for split in (0, 1) for sex, race in _ROWS], ignore_index=True)
    # Random order within each split, so that no batch or stratum depends on the order of the tables above.
    order = np.lexsort((random.random_sample(len(students)), students["is_test"].to_numpy()))
    students = students.iloc[order].reset_index(drop=True)

    combination = students.pop("combination").to_numpy()
    sex, race = students["sex"].to_numpy(dtype=object), students["race"].to_numpy(dtype=object)
    missing_rates = np.array([_MISSING_ZGPA[cell] for cell in zip(sex, race, strict=True)])
    missing = random.random_sample(len(students)) < missing_rates[np.arange(len(students)), combination]
    closer = {name: _bring_closer(table) for name, table in _MEANS.items()}
    means = np.where((sex == "Female")[:, None], closer["Female"][combination], closer["Male"][combination])
    shift = np.stack([_RACE_SHIFT[value] for value in race])
    shift[:, 0] *= np.where(_LABELS[combination, 0] == 1, _SHIFT_OF_HIGH_GRADES, 1)
    means += shift
    means[missing & (_LABELS[combination, 1] == 1)] += _PASSED_WITHOUT_ZGPA_SHIFT
    covariance = _CORRELATIONS * np.outer(_DEVIATIONS, _DEVIATIONS)
    noise = random.standard_normal(means.shape) @ np.linalg.cholesky(covariance).T
    inputs = dict(zip(_INPUTS, (means + noise).T, strict=True))
    inputs["DOB_yr"] = 72.5 - np.exp(inputs.pop("log_age"))
    for name, (lowest, highest, decimals) in _RANGES.items():
        students[name] = np.clip(np.round(inputs[name], decimals), lowest, highest)

    students.loc[missing, "zgpa"] = 0.0
    students["isPartTime"] = (random.random_sample(len(students)) < _PART_TIME[combination]).astype(float)
    # 60 % LSAT and 40 % undergraduate average on a scale to 1,000: exact in the real files.
    index = 600 * (students["lsat"] - 10) / 38 + 100 * students["ugpa"]
    students["weighted_lsat_ugpa"] = index.round(6)
    return students


def _bring_closer(means: np.ndarray) -> np.ndarray:
    """Means by combination of labels, those of the two labels of the bar nearer to their middle."""
    pairs = means.reshape(2, 2, -1)  # by high_grade, by pass_bar
    middle = pairs.mean(1, keepdims=True)
    return np.asarray((middle + _BAR_CLOSER * (pairs - middle)).reshape(means.shape))


def _group(sex: str, race: str, split: int) -> pd.DataFrame:
    """Rows of a sex, race and split (0 training, 1 test), labels allocated by largest remainder."""
    rows = _ROWS[sex, race][split]
    shares = rows * np.array(_LABEL_RATES[sex, race])
    counts = np.floor(shares).astype(int)
    largest_remainders = np.argsort(counts - shares, kind="stable")[: rows - counts.sum()]
    counts[largest_remainders] += 1
    combination = np.repeat(np.arange(len(_LABELS)), counts)
    return pd.DataFrame(
        {
            "combination": combination,
            "sex": np.full(rows, sex, dtype=object),
            "race": np.full(rows, race, dtype=object),
            "high_grade": _LABELS[combination, 0],
            "pass_bar": _LABELS[combination, 1],
            "is_test": bool(split),
        }
    )
