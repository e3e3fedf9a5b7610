"""What fair features change for women and men, from a finished run of search_spaces/faces_adversarial.yaml.

    python benchmarks/fair_features.py results/faces_adversarial      # writes benchmarks/results/fair_features.csv

The commands that make the run stand in the header of the space. A change is that against `vanilla` of the same seed,
with Student's t over seeds, which share people and frozen features: intervals do not cover which people these are.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import paretofair
from paretofair.metrics.rates import accuracy
from paretofair.statistics.intervals import mean_interval

RESULTS = Path(__file__).parent / "results" / "fair_features.csv"


def read_accuracies(results: paretofair.Results) -> Iterator[dict[str, object]]:
    """A row for each trial, split and group."""
    trials = results.trials[(results.trials["stage"] == "sweep") & (results.trials["status"] == "completed")]
    assert results.cells is not None
    names = results.cells.group_names("sex")
    for split, (counts,) in results.cells.of(trials["trial_id"].tolist()).items():
        of_trials = accuracy(results.cells.by_group(counts, "sex").values)
        for trial, of_groups in zip(trials.to_dict("records"), of_trials, strict=True):
            row = {"method": trial["method"], "penalty_weight": trial.get("penalty_weight", np.nan)}
            row |= {"seed": trial["seed"], "split": split}
            yield from (row | {"group": name, "accuracy": own} for name, own in zip(names, of_groups, strict=True))


def summarise(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    """A row for each method, weight, split and group."""
    keys = ["method", "penalty_weight", "split", "group"]
    plain = table[table["method"] == "vanilla"].set_index(["split", "group", "seed"])["accuracy"].sort_index()
    for key, own in table.groupby(keys, dropna=False, sort=False):
        values = own.set_index("seed")["accuracy"]
        change = mean_interval((values - plain[key[2], key[3]]).dropna().to_numpy())
        row = dict(zip(keys, key, strict=True)) | {"accuracy": values.mean(), "seeds": len(values)}
        yield row | {"change": change.mean, "change_low": change.low, "change_high": change.high}


if __name__ == "__main__":
    found = pd.DataFrame(summarise(pd.DataFrame(read_accuracies(paretofair.Results(sys.argv[1])))))
    found.to_csv(RESULTS, index=False, float_format="%.4f")
    print(found.to_string(index=False))
