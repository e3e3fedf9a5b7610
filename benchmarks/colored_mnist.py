"""Colored MNIST (Li et al., Table 5) on the real digits: the epoch kept and the last one beside the published row.

    python benchmarks/colored_mnist.py --data-dir FOLDER                  # writes benchmarks/results/colored_mnist.csv
    python benchmarks/colored_mnist.py --data-dir FOLDER --seeds 3 --trials 4 --epochs 10
    python benchmarks/colored_mnist.py --data-dir FOLDER --network cnn --folder runs/cnn   # colored_mnist_cnn.csv

The space is search_spaces/gcm_colored_mnist.yaml, or gcm_colored_mnist_cnn.yaml with a convolutional network on whole
pictures, whose trials are measured after every epoch; seeds, trials and epochs are by default those of the space.
With `--folder` a run is kept, and the same command goes on with it. Of each method and seed the trial is taken whose
gap on validation rows is smallest: at the epoch of each trial with the smallest such gap (`kept`), or at the last
epoch (`last`). Average precision and the sum of both equalized odds gaps are those of test rows, means over seeds
with the 95 % interval of Student's t.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from machine import describe

import paretofair
from paretofair.statistics.intervals import mean_interval

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
SPACES = {"mlp": "gcm_colored_mnist", "cnn": "gcm_colored_mnist_cnn"}
PUBLISHED = {  # average precision, less the gap
    "vanilla": (0.995, -0.750),
    "oversample": (0.906, -0.020),
    "adversarial": (0.896, -0.031),
    "eor": (0.907, -0.016),
    "gcm_0": (0.912, -0.015),
    "gcm_2": (0.908, -0.013),
}
GAPS = ("fpr_gap", "tpr_gap")  # of two groups they add up to the sum over labels that the paper takes


def main() -> None:
    """Trains the space and writes the table."""
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("--data-dir", type=Path, required=True)
    command.add_argument("--network", choices=SPACES, default="mlp")
    command.add_argument("--seeds", type=int)
    command.add_argument("--trials", type=int, help="fairness weights of each method and seed")
    command.add_argument("--epochs", type=int)
    command.add_argument("--skew", type=float, default=0.95)
    command.add_argument("--output", type=Path, help="by default results/colored_mnist.csv, or colored_mnist_cnn.csv")
    command.add_argument("--folder", type=Path, help="keeps the run here, to be gone on with")
    command.add_argument("--alone", action="store_true", help="trains in this process, on one core, without a Ray")
    options = command.parse_args()
    path = ROOT / "search_spaces" / f"{SPACES[options.network]}.yaml"
    space = yaml.safe_load(path.read_text())
    options.seeds = options.seeds or len(space["seeds"])
    options.trials = options.trials or space["stages"]["sweep"]["trials"]
    options.epochs = options.epochs or space["parameters"]["epochs"]
    ending = "" if options.network == "mlp" else f"_{options.network}"
    options.output = options.output or RESULTS / f"colored_mnist{ending}.csv"
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = options.folder or Path(folder) / "run"
        resumed = run.exists()
        paretofair.sweep(
            path, run, overrides=list_overrides(options), data_dir=options.data_dir, require_real_data=True
        )
        curves = read_curves(run)
    table = pd.DataFrame([row for name, own in curves.groupby("method") for row in summarise(str(name), own)])
    table = table.sort_values("method", key=lambda names: names.map(list(PUBLISHED).index), kind="stable")
    table.to_csv(options.output, index=False, float_format="%.4f")
    about: dict[str, object] = {"machine": describe()}
    if not resumed:  # of a part they would say nothing
        about |= {"seconds": round(time.perf_counter() - begun)}
    about |= {key: getattr(options, key) for key in ("seeds", "trials", "epochs", "skew")}
    options.output.with_suffix(".json").write_text(json.dumps(about, indent=1) + "\n")
    print(table.to_string(index=False))


def list_overrides(options: argparse.Namespace) -> list[str]:
    """What the options change in the space."""
    return [
        f"seeds={list(range(options.seeds))}",
        f"stages.sweep.trials={options.trials}",
        f"parameters.epochs={options.epochs}",
        f"data.options.skew={options.skew}",
        "training.keep_epoch=null",
        "stages.baselines={runs: 2, parameters: {learning_rate: 0.001, epochs: 1}}",
        "curves={stages: [sweep], every: 1}",
        "resources.models=false",
        *(["resources.engine=process"] if options.alone else []),
    ]


def read_curves(run: Path) -> pd.DataFrame:
    """Every epoch of every trial: method, seed, index, epoch, and gap and precision on both splits."""
    trials = pd.concat([pd.read_parquet(path) for path in (run / "trials").glob("*.parquet")])
    curves = pd.concat([pd.read_parquet(path) for path in (run / "curves").glob("*.parquet")])
    found = curves.merge(trials[["trial_id", "method", "seed", "index", "status"]], on="trial_id")
    return found[found["status"] == "completed"]


def read_metric(curves: pd.DataFrame, split: str, metric: str) -> np.ndarray:
    """`(rows,)` of a metric of the one task."""
    return np.array([values[0] for values in curves[f"{split}_{metric}"]], dtype=float)


def summarise(method: str, curves: pd.DataFrame) -> list[dict[str, object]]:
    """The rows `kept` and `last` of a method."""
    known = curves.assign(
        chosen=sum(read_metric(curves, "validation", gap) for gap in GAPS),
        gap=sum(read_metric(curves, "test", gap) for gap in GAPS),
        precision=read_metric(curves, "test", "average_precision"),
    ).sort_values("epoch")
    rows = []
    by_trial = known.groupby(["seed", "index"])
    for which, own in (
        ("kept", known.loc[by_trial["chosen"].idxmin()]),
        ("last", known.loc[by_trial["epoch"].idxmax()]),
    ):
        best = own.loc[own.groupby("seed")["chosen"].idxmin()]
        published = PUBLISHED[method]
        row: dict[str, object] = {"method": method, "epoch": which, "seeds": len(best)}
        for name, values, reference in (
            ("average_precision", best["precision"].to_numpy(), published[0]),
            ("minus_gap", -best["gap"].to_numpy(), published[1]),
        ):
            found = mean_interval(values)
            row |= {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
            row[f"{name}_published"] = reference
        rows.append(row)
    return rows


if __name__ == "__main__":
    main()
