"""What margins and flipped labels change for women and men in recognising faces, beside the published direction.

    python benchmarks/faces.py --data-dir FOLDER                             # writes benchmarks/results/faces.csv
    python benchmarks/faces.py --data-dir FOLDER --folder runs/faces --minutes 12 --size 40

The spaces are search_spaces/faces_margins.yaml and faces_flip.yaml with a test split of its own for every seed, so that
intervals hold the choice of identities too. Accuracy is that of the head on training rows, and rank-1 within the split
on validation and test rows. A change is that against `vanilla` of the same seed; its interval (Student's t over seeds)
says whether the published direction is confirmed, contradicted or not resolved. The nearest raw picture of 24 x 24 grey
pixels stands beside it. With `--folder` a run is kept, and the same command goes on with it.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from machine import describe
from PIL import Image
from sklearn.neighbors import NearestNeighbors

import paretofair
from paretofair.data import load, split
from paretofair.data.inputs.images import Images
from paretofair.metrics.rates import accuracy
from paretofair.statistics.intervals import Interval, mean_interval

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "faces.csv"
SPLITS, GROUPS = ("train", "validation", "test"), ("Female", "Male")
SIDE = 24  # pixels of a raw picture
TEST = 0.2308  # share of rows, as in the space files
ANGLES = {"intra_angle_women": "Female", "intra_angle_men": "Male"}
ANGLES |= {"inter_angle_women": "Female", "inter_angle_men": "Male"}
ARMS = {  # by space: method, its parameter, the values
    "faces_margins": ("angular_margin", "margin_Female", [0.75]),
    "faces_flip": ("label_flip", "flip", [0.3, 0.5]),
}
# Cherepanova et al., Table 6 (ResNet-18): less `vanilla`, in points, of women and men on the three splits.
PUBLISHED = {
    ("margin_Female", 0.75): {"train": (-2.9, -3.2), "validation": (2.2, -1.2), "test": (-1.3, -0.3)},
    ("flip", 0.3): {"train": (-4.9, -24.1), "validation": (-1.0, -6.2), "test": (0.8, -0.8)},
    ("flip", 0.5): {"train": (-5.8, -72.4), "validation": (-2.2, -15.8), "test": (0.1, -3.2)},
}


def main() -> None:
    """Trains what is missing and writes the table."""
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("--data-dir", type=Path, required=True)
    command.add_argument("--seeds", type=int, default=4)
    command.add_argument("--epochs", type=int, default=30)
    command.add_argument("--size", type=int, default=64)
    command.add_argument("--minutes", type=float, default=1e6, help="after which no further training begins")
    command.add_argument("--output", type=Path, default=RESULTS)
    command.add_argument("--folder", type=Path, help="keeps the runs here, to be gone on with")
    options = command.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = options.folder or Path(folder)
        train(options, runs)
        measured = pd.concat(
            [pd.DataFrame(read_run(runs / name)) for name in ARMS if (runs / name / "trials").exists()]
        )
    if measured.empty:
        print("No trial is finished yet; the same command goes on.")
        return
    measured = pd.concat([measured, pd.DataFrame(measure_pixels(options, sorted(set(measured["seed"]))))])
    table = pd.DataFrame(summarise(measured))
    table.to_csv(options.output, index=False, float_format="%.4f")
    about = {"machine": describe(), "load": round(os.getloadavg()[0], 1)}
    about |= {"seconds_of_a_trial": round(float(measured["seconds"].median()), 1)}
    about |= {key: getattr(options, key) for key in ("seeds", "epochs", "size")}
    options.output.with_suffix(".json").write_text(json.dumps(about, indent=1) + "\n")
    print(table.to_string(index=False))


def train(options: argparse.Namespace, runs: Path) -> None:
    """Seed by seed, so that what is there when the time is over can be compared."""
    begun = time.monotonic()
    for seeds in range(1, options.seeds + 1):
        for name, (method, parameter, values) in ARMS.items():
            left = options.minutes * 60 - (time.monotonic() - begun)
            if left <= 0:
                return
            overrides = [
                f"seeds={list(range(seeds))}",
                f"methods.{method}.parameters.{parameter}={values}",
                f"parameters.epochs={options.epochs}",
                f"data.options.size={options.size}",
                "data.test_seed=each",
                "stages.baselines={runs: 1, parameters: {epochs: 1}}",
                "resources={engine: process, models: none}",
            ]
            paretofair.sweep(
                ROOT / "search_spaces" / f"{name}.yaml",
                runs / name,
                overrides=overrides,
                methods=["vanilla", method] if name == "faces_margins" else [method],
                data_dir=options.data_dir,
                require_real_data=True,
                time_budget=left,
            )


def read_run(folder: Path) -> Iterator[dict[str, object]]:
    """A row for each trial, split, group and metric."""
    results = paretofair.Results(folder)
    trials = results.trials[(results.trials["stage"] == "sweep") & (results.trials["status"] == "completed")]
    assert results.cells is not None
    counts = results.cells.of(trials["trial_id"].tolist())
    for place, (_, trial) in enumerate(trials.iterrows()):
        parameter = next((name for _, name, _ in ARMS.values() if pd.notna(trial.get(name))), "")
        row = {"method": trial["method"], "parameter": parameter, "seed": trial["seed"]}
        row |= {"value": trial[parameter] if parameter else np.nan, "seconds": trial["train_seconds"]}
        for part in SPLITS:
            of_groups = accuracy(results.cells.by_group(counts[part][0], "sex").values)[place]
            names = results.cells.group_names("sex")
            for group, own in zip(names, of_groups, strict=True):
                yield row | {"split": part, "group": group, "metric": "accuracy", "measured": own}
            for name, group in ANGLES.items():
                if f"{part}_{name}_person" in trial:
                    metric = name.rpartition("_")[0]
                    measured = trial[f"{part}_{name}_person"]
                    yield row | {"split": part, "group": group, "metric": metric, "measured": measured}


def measure_pixels(options: argparse.Namespace, seeds: list[int]) -> Iterator[dict[str, object]]:
    """Rank-1 on test rows by the nearest raw picture of `SIDE` x `SIDE` grey pixels."""
    data = load("faces", source="real", data_dir=options.data_dir, options={"size": options.size, "test": TEST})
    assert isinstance(data.inputs, Images)
    grey = [Image.fromarray(each.transpose(1, 2, 0)).convert("L").resize((SIDE, SIDE)) for each in data.inputs.open()]
    pixels = np.stack([np.asarray(each, dtype=float).ravel() for each in grey])[data.inputs.pictures]
    for seed in seeds:
        test = split(data, test_seed=seed).test
        own, people = pixels[test.rows], test.labels[:, 0]
        nearest = NearestNeighbors(n_neighbors=2).fit(own).kneighbors(own, return_distance=False)
        other = np.where(nearest[:, 0] == np.arange(len(own)), nearest[:, 1], nearest[:, 0])
        right = people[other] == people
        for place, group in enumerate(GROUPS):
            row = {"method": "raw pixels", "parameter": "", "value": np.nan, "seed": seed, "split": "test"}
            measured = right[test.groups[:, 0] == place].mean()
            yield row | {"group": group, "metric": "accuracy", "measured": measured}


def summarise(measured: pd.DataFrame) -> Iterator[dict[str, object]]:
    """A row for each method, value, split, group and metric: its mean and its change against `vanilla`."""
    keys = ["split", "group", "metric", "seed"]
    vanilla = measured[measured["method"] == "vanilla"].set_index(keys)["measured"]
    for (method, parameter, value), own in measured.groupby(["method", "parameter", "value"], dropna=False, sort=False):
        for (split_name, group, metric), rows in own.groupby(keys[:3], sort=False):
            values = rows.set_index("seed")["measured"]
            row = {"method": method, "parameter": parameter, "value": value, "split": split_name, "group": group}
            row |= {"metric": metric} | tell("", mean_interval(values.to_numpy()))
            reference = vanilla.get((split_name, group, metric))
            if method != "vanilla" and reference is not None:
                change = mean_interval((values - reference).dropna().to_numpy())
                published = PUBLISHED.get((parameter, value), {}).get(split_name)
                row |= tell("change_", change)
                if published is not None and metric == "accuracy":
                    row["published_change"] = published[GROUPS.index(str(group))] / 100
                    row["direction"] = judge(change, row["published_change"])
            yield row


def tell(prefix: str, found: Interval) -> dict[str, object]:
    """Mean, interval and number of seeds in columns."""
    named = {"mean": found.mean, "low": found.low, "high": found.high, "seeds": found.runs}
    return {f"{prefix}{name}": value for name, value in named.items()}


def judge(change: Interval, published: float) -> str:
    """Whether the interval of a change lies on the side of 0 on which the published one is."""
    if not (change.low > 0 or change.high < 0):
        return "not resolved"
    return "confirmed" if (change.mean > 0) == (published > 0) else "contradicted"


if __name__ == "__main__":
    main()
