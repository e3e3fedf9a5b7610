"""Whether penalties bring the areas under the ROC curve of women and men together on training and on test rows.

    python benchmarks/xrays.py --data-dir FOLDER                 # writes benchmarks/results/xrays.csv
    python benchmarks/xrays.py --data-dir FOLDER --size 32 --epochs 10 --seeds 4

The space is search_spaces/penalties_nih.yaml with one weight of each penalty, the published one, and a test split by
patient of its own for every seed. The gap is that of the areas of the two sexes, and of the age groups, averaged over
tasks; a change is that against `vanilla` of the same seed. Intervals are Student's t over seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from machine import describe

import paretofair
from paretofair.analysis.tables import one_group
from paretofair.statistics.intervals import Interval, mean_interval

ROOT = Path(__file__).parents[1]
SPACE = ROOT / "search_spaces" / "penalties_nih.yaml"
RESULTS = Path(__file__).parent / "results" / "xrays.csv"
WEIGHTS = {"equal_loss": 100, "odds_penalty": 1000, "disparate_impact": 1000, "equal_loss_holdout": 100}
# Cherepanova et al., Table 1, the average over five tasks of CheXpert: gap on training and on test rows.
PUBLISHED = {
    "vanilla": (0.002, 0.047),
    "equal_loss": (0.003, 0.028),
    "odds_penalty": (0.002, 0.087),
    "disparate_impact": (0.004, 0.076),
    "equal_loss_holdout": (0.004, 0.062),
    "max_min": (0.052, 0.049),
}


def main() -> None:
    """Trains the space and writes the table."""
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("--data-dir", type=Path, required=True)
    command.add_argument("--seeds", type=int, default=5)
    command.add_argument("--epochs", type=int, default=20)
    command.add_argument("--size", type=int, default=64)
    command.add_argument("--output", type=Path, default=RESULTS)
    command.add_argument("--folder", type=Path, help="keeps the run here, to be gone on with")
    options = command.parse_args()
    begun = time.perf_counter()
    overrides = [
        f"seeds={list(range(options.seeds))}",
        f"parameters.epochs={options.epochs}",
        f"data.options.size={options.size}",
        "data.test_seed=each",
        "stages={baselines: {runs: 1, parameters: {epochs: 1}}, sweep: {trials: 1}}",
        "resources={engine: process, models: none}",
        *(f"methods.{method}.parameters.penalty_weight={weight}" for method, weight in WEIGHTS.items()),
    ]
    with tempfile.TemporaryDirectory() as folder:
        results = paretofair.sweep(
            SPACE,
            options.folder or Path(folder) / "run",
            overrides=overrides,
            data_dir=options.data_dir,
            require_real_data=True,
        )
        table = pd.DataFrame(summarise(one_group(results, "auc")))
    table.to_csv(options.output, index=False, float_format="%.4f")
    about = {"machine": describe(), "load": round(os.getloadavg()[0], 1)}
    about |= {"seconds": round(time.perf_counter() - begun)}
    about |= {key: getattr(options, key) for key in ("seeds", "epochs", "size")}
    options.output.with_suffix(".json").write_text(json.dumps(about, indent=1) + "\n")
    print(table.to_string(index=False))


def summarise(areas: pd.DataFrame) -> Iterator[dict[str, object]]:
    """A row for each attribute, method and split: mean area, gap, and its change against `vanilla`."""
    keys = ["attribute", "method", "split", "seed"]
    of_groups = areas.groupby([*keys, "task"], sort=False)["value"]
    gaps = (of_groups.max() - of_groups.min()).groupby(keys, sort=False).mean()
    for (attribute, method, split), own in gaps.groupby(keys[:3], sort=False):
        values = own.droplevel(keys[:3])
        change = values - gaps[attribute, "vanilla", split]
        every = areas[(areas["attribute"] == attribute) & (areas["method"] == method) & (areas["split"] == split)]
        row: dict[str, object] = {"attribute": attribute, "method": method, "split": split}
        row |= {"weight": WEIGHTS.get(str(method), float("nan")), "auc": every["value"].mean()}
        row |= tell("gap", mean_interval(values)) | {"seeds": len(values)}
        if method != "vanilla":
            row |= tell("change", mean_interval(change.dropna()))
        if attribute == "sex" and split != "validation":
            row["published_gap"] = PUBLISHED[str(method)][int(split == "test")]
        yield row


def tell(name: str, found: Interval) -> dict[str, object]:
    """A mean and its interval in columns."""
    return {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}


if __name__ == "__main__":
    main()
