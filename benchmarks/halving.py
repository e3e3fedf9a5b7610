"""Hypervolume against trial-epochs: successive halving on vectors beside random stopping, one objective, and none.

    PARETOFAIR_DATA=... python benchmarks/halving.py [--seeds 5] [--brackets 3]

MTA-F on LSAC as in search_spaces/mtaf_lsac.yaml, 60 epochs. A seed has `--brackets` brackets of 81 draws; one in three
goes on after 7 and after 20 epochs, 1,278 trial-epochs a bracket. `none` trains as many of the same draws to the end as
that pays for, 21 a bracket. `random` stops at the same rungs without looking, `scalarised` goes by the mean of ARFG and
ARE. Hypervolume to (1.5, 1.1) of the fully trained trials: chosen on validation, and of the same trials on test.
Denominators are ten single-task trainings of each task. Writes benchmarks/results/halving.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from machine import describe

from paretofair.metrics.metric import Metric
from paretofair.metrics.registry import METRICS
from paretofair.metrics.relative import are, arfg
from paretofair.pareto.fronts import non_dominated
from paretofair.pareto.halving import halving_ranks
from paretofair.pareto.hypervolume import hypervolume
from paretofair.runs.build import build_experiment, build_method
from paretofair.runs.packs import as_trials
from paretofair.runs.run import RunOptions, load_splits
from paretofair.runs.stages.baselines import baseline_packs
from paretofair.runs.stages.sweep import sweep_packs
from paretofair.space.space import load_space
from paretofair.training import Halving, WeightedMetric, to_device, train_pack

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "halving.json"
BRACKET, ETA, RUNGS, EPOCHS = 81, 3, (7, 20), 60
REFERENCE = (1.5, 1.1)
WIDTH = 32


@dataclasses.dataclass(frozen=True)
class RandomStopping(Halving):
    """As many go on, whichever."""

    def survivors(self, values: Callable[[Metric], np.ndarray], brackets: np.ndarray) -> np.ndarray:
        noise = np.random.default_rng(len(brackets)).random((len(brackets), len(self.objectives)))
        one = Halving(self.eta, self.rungs, (WeightedMetric(METRICS["error"], (1.0,)),))
        return one.survivors(lambda _: noise[:, :1], brackets)


@dataclasses.dataclass(frozen=True)
class Scalarisation(Halving):
    """The smallest sums of all objectives go on."""

    def survivors(self, values: Callable[[Metric], np.ndarray], brackets: np.ndarray) -> np.ndarray:
        total = sum(values(each.metric) @ np.array(each.weights) for each in self.objectives)
        one = Halving(self.eta, self.rungs, (WeightedMetric(METRICS["error"], (1.0,)),))
        return one.survivors(lambda _: total[:, None], brackets)


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--brackets", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    space = load_space(ROOT / "search_spaces" / "mtaf_lsac.yaml", [f"parameters.epochs={EPOCHS}"])
    splits = load_splits(space, RunOptions(Path(), ())).of(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    data = to_device(splits, space.baselines.sensitive, device, torch.float32)

    def train_method(method, trials, halving=None):
        experiment = build_experiment(method, data, compiled=False)
        stacks = list(train_pack(experiment, trials, width=WIDTH, halving=halving))
        full = np.concatenate([stack.status == "completed" for stack in stacks])
        epochs = int(sum(stack.epochs_trained.sum() for stack in stacks))
        names = [f"{split}_{metric}" for split in ("validation", "test") for metric in ("error", "fpr_gap")]
        found = {name: np.concatenate([stack.evaluation.metrics[name] for stack in stacks]) for name in names}
        return full, epochs, found

    (single,) = baseline_packs(space.baselines, splits.split_id, 0, 10, 1000)
    kind = type(build_method(space.baselines, data))
    _, _, alone = train_method(space.baselines, as_trials(single, data.tasks, kind))
    means = {name: np.nanmean(values, axis=0) for name, values in alone.items()}
    weights = {
        metric: tuple((1 / len(data.tasks) / means[f"validation_{metric}"]).tolist()) for metric in ("error", "fpr_gap")
    }
    objectives = (
        WeightedMetric(METRICS["fpr_gap"], weights["fpr_gap"]),
        WeightedMetric(METRICS["error"], weights["error"]),
    )
    method = space.method("mtaf")
    kind = type(build_method(method, data))
    rules = {"vectors": Halving, "scalarised": Scalarisation, "random": RandomStopping, "none": None}
    table = []
    for seed in range(options.seeds):
        count = BRACKET * options.brackets
        (pack,) = sweep_packs(method, splits.split_id, seed, count, count)
        trials = dataclasses.replace(as_trials(pack, data.tasks, kind), brackets=np.arange(count) // BRACKET)
        for name, rule in rules.items():
            start = time.perf_counter()
            if rule is None:
                paid = options.brackets * (BRACKET * RUNGS[0] + 27 * (RUNGS[1] - RUNGS[0]) + 9 * (EPOCHS - RUNGS[1]))
                result = train_method(method, trials.take(np.arange(paid // EPOCHS)))
            else:
                result = train_method(method, trials, rule(ETA, RUNGS, objectives))
            full, epochs, found = result
            points = {
                split: np.stack(
                    [
                        arfg(found[f"{split}_fpr_gap"][full], means[f"{split}_fpr_gap"]),
                        are(found[f"{split}_error"][full], means[f"{split}_error"]),
                    ],
                    1,
                )
                for split in ("validation", "test")
            }
            front = non_dominated(points["validation"])
            row = {
                "rule": name,
                "seed": seed,
                "trials": len(trials) if rule is not None else paid // EPOCHS,
                "fully_trained": int(full.sum()),
                "trial_epochs": epochs,
                "hypervolume": round(hypervolume(points["validation"], REFERENCE), 4),
                "test_hypervolume": round(hypervolume(points["test"][front], REFERENCE), 4),
                "seconds": round(time.perf_counter() - start, 1),
            }
            table.append(row)
            print(row, flush=True)
    summary = {
        name: {
            key: [
                round(float(stat([row[key] for row in table if row["rule"] == name])), 4) for stat in (np.mean, np.std)
            ]
            for key in ("hypervolume", "test_hypervolume", "trial_epochs", "seconds")
        }
        for name in rules
    }
    random = np.random.default_rng(0)
    times = []
    for _ in range(20):
        values = random.random((1000, 4))
        start = time.perf_counter()
        halving_ranks(values)
        times.append(time.perf_counter() - start)
    ranks = round(1000 * float(np.median(times)), 2)
    print(json.dumps(summary, indent=2), f"ranks of 1,000 vectors: {ranks} ms")
    written = {
        "machine": describe(),
        "source": splits.dataset.source,
        "ranks_of_1000_ms": ranks,
        "summary": summary,
        "runs": table,
    }
    RESULTS.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
