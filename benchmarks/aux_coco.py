"""Does amplification fall along the weight of `bias_alignment`? Objects and gender of made rows, paired by seed.

    python benchmarks/aux_coco.py simulated
    PARETOFAIR_DATA=FOLDER python benchmarks/aux_coco.py real
    python benchmarks/aux_coco.py time

Every seed has other made rows of the same truth (9,885 × 512), other validation rows, initial values and batches; of
the real embeddings (359 × 1,280) the published test rows are those of every seed. What is trained is what
`search_spaces/aux_coco.yaml` trains, in 5 epochs at a rate of 4e-4: a little further than the 50 epochs at 3e-5 of the
paper lead, in a tenth of the time (`--epochs 50 --rate 3e-5`, in `aux_coco_simulated_50_epochs.csv`). Beside the test
rows each model is measured on 20,000 more made rows, and so are the best possible decisions: how much these amplify is
what the rows have injected.

In `results/`, `aux_coco_simulated.csv` and `aux_coco_real.csv` have a row for each seed, sharpness and weight. Printed:
means over seeds and differences from no weight by seed, with 95 % intervals. Simulated rows say nothing about people.
`time` writes `aux_coco_time.json`: processor seconds of a trial and epoch, alone and in a stack of eight.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from paretofair.data import load
from paretofair.data.coco.gender import COCO_GENDER
from paretofair.data.coco.simulated import ROWS, best_scores, simulate_rows
from paretofair.data.dataset import Dataset, mark_test_rows
from paretofair.data.inputs.embeddings import FittedVectors, Vectors
from paretofair.data.splits import Splits, split
from paretofair.data.stratify import draw_rows
from paretofair.methods import METHODS, LossSettings, Names
from paretofair.metrics.registry import METRICS
from paretofair.metrics.rows import co_occurrence
from paretofair.metrics.rows.co_occurrence import JointRows, interval
from paretofair.models import MultilayerPerceptron
from paretofair.statistics.intervals import mean_interval
from paretofair.training import Experiment, Threshold, TrainingSettings, Trials, to_device, train_pack
from paretofair.training.optimizers import OPTIMIZERS

RESULTS = Path(__file__).parent / "results"
FRESH = 20_000  # rows of the same truth that nothing is trained or chosen on
WEIGHTS = (0.3, 1.0, 3.0)
SHARPNESS = (1.0, 4.0)
# Learned in a quarter of the time that the defaults take, for every seed's rows anew.
DESCRIPTOR = {"chains": 256, "filter_updates": 50, "weight_updates": 250}
MEASURES = {
    "away": co_occurrence.bias_amplification,
    "towards": co_occurrence.bias_amplification_towards,
    "absolute": co_occurrence.bias_amplification_absolute,
}


def make_data(seed: int) -> tuple[Dataset, np.ndarray, np.ndarray]:
    """Made rows of a seed, and the embeddings and labels of the fresh ones."""
    made = simulate_rows(ROWS + FRESH, seed=10_000 + seed)
    labels = made.labels[:ROWS]
    test = draw_rows(labels, round(0.15 * ROWS), 0)
    data = Dataset(
        name=COCO_GENDER.name,
        source="simulated",
        inputs=Vectors(made.embeddings[:ROWS]),
        tasks=COCO_GENDER.tasks,
        labels=labels,
        groups={"gender": (1 - labels[:, -1]).astype(np.int8)},
        group_names=COCO_GENDER.group_names,
        part=mark_test_rows(test),
        checksums={},
    )
    return data, made.embeddings[ROWS:], made.labels[ROWS:].T


def measure_joint(rows: JointRows, name: str, resamples: int) -> dict[str, float]:
    """Amplification of decisions with its interval by resampled rows; none where `resamples` is 0."""
    found = {}
    for what, function in MEASURES.items():
        found[f"{name}_{what}"] = float(np.nanmean(function(rows)))
        if resamples:
            low, high = interval(rows, function, resamples=resamples)
            found |= {f"{name}_{what}_low": low[-1], f"{name}_{what}_high": high[-1]}
    return found


def sum_gaps(values: np.ndarray, wanted: np.ndarray) -> float:
    """The loss of the method on rows `(T, n)` of probabilities or decisions, against co-occurrence `(2, T)`."""
    member = values[-1]
    found = np.stack([(values * member).mean(-1), (values * (1 - member)).mean(-1)])
    return float(np.abs(found - wanted)[:, :-1].sum())


def build_experiment(cut: Splits, sharpness: float) -> Experiment:
    """What `search_spaces/aux_coco.yaml` says of its trials."""
    data = to_device(cut, dict.fromkeys(cut.tasks, "gender"), torch.device("cpu"), torch.float32)
    names = Names(data.tasks, tuple(data.group_names["gender"] for _ in data.tasks))
    kind = METHODS["bias_alignment"]
    how = kind.Options(sharpness=sharpness, **DESCRIPTOR)
    method = kind(LossSettings(goal="parity", reduction="mean"), how, names)
    network = MultilayerPerceptron(data.numeric, data.categories, len(data.tasks), (256,), (), 0)
    training = TrainingSettings(64, OPTIMIZERS["adam"]())
    own = tuple(METRICS[f"bias_amplification{end}"] for end in ("", "_towards", "_absolute"))
    return Experiment(data, network, method, training, Threshold("fixed", 0.5), own)


def make_trials(
    experiment: Experiment, seed: int, weights: Sequence[float], epochs: int, rate: float, decay: float
) -> Trials:
    count, tasks = len(weights), len(experiment.data.tasks)
    values = {
        "learning_rate": np.full(count, rate),
        "weight_decay": np.full(count, decay),
        "epochs": np.full(count, epochs),
        "task_weight": np.full((count, tasks), 1 / tasks),
        "alignment_weight": np.array(weights, dtype=float),
    }
    return Trials(np.full(count, seed), values)


def train_seed(
    cut: Splits,
    seed: int,
    sharpness: float,
    weights: Sequence[float],
    fresh: tuple[np.ndarray, np.ndarray] | None,
    options: argparse.Namespace,
) -> Iterator[dict[str, float]]:
    """One row for each weight."""
    experiment, count = build_experiment(cut, sharpness), len(weights)
    data, network, method = experiment.data, experiment.network, experiment.method
    assert experiment.samples is not None
    trials = make_trials(experiment, seed, weights, options.epochs, options.rate, options.decay)
    (stack,) = train_pack(experiment, trials, width=count)
    samples = experiment.samples.model.standard.restore(experiment.samples.model.bank)
    train, test = data.splits["train"], data.splits["test"]
    training_labels, wanted = train.labels.numpy().astype(np.int8), method.trial_state(experiment.training_rows)
    for place, trial in enumerate(stack.positions.tolist()):
        parameters = torch.as_tensor(stack.parameters[place, None])

        def scores(rows: torch.Tensor, parameters: torch.Tensor = parameters) -> np.ndarray:
            logits = network.forward(parameters, rows.float()).logits[0, :, : len(rows)]
            return torch.sigmoid(logits).double().numpy()

        row: dict[str, float] = {"seed": seed, "sharpness": sharpness, "weight": weights[trial]}
        for part in ("train", "test"):
            error = stack.evaluation.values_of(METRICS["error"], part, data)[place]
            row[f"{part}_error"] = float(error.mean())
        row["average_precision"] = float(
            np.nanmean(stack.evaluation.values_of(METRICS["average_precision"], "test", data)[place])
        )
        decided = (scores(test.examples()) >= 0.5).astype(np.int8)
        joint = JointRows(test.labels.numpy().astype(np.int8), decided, len(decided) - 1, training_labels)
        row |= measure_joint(joint, "test", options.resamples)
        known = stack.evaluation.values_of(METRICS["bias_amplification"], "test", data)[place]
        assert np.allclose(np.nanmean(known), row["test_away"], equal_nan=True)  # as a run measures it
        of_samples = scores(samples)
        row["samples_gap"] = sum_gaps(of_samples, wanted["co_occurrence"])
        row["samples_gap_of_decisions"] = sum_gaps((of_samples >= 0.5).astype(float), wanted["co_occurrence"])
        if fresh is not None:
            fitted = cut.inputs
            assert isinstance(fitted, FittedVectors)
            found = scores(torch.as_tensor((fresh[0] - fitted.mean) / fitted.scale))
            decided = (found >= 0.5).astype(np.int8)
            row |= measure_joint(replace(joint, labels=fresh[1], decisions=decided), "fresh", 0)
            row["fresh_gap"] = sum_gaps(found, wanted["co_occurrence"])
            row["fresh_gap_of_decisions"] = sum_gaps(decided.astype(float), wanted["co_occurrence"])
        yield row


def measure_time() -> dict[str, float]:
    """Processor seconds of an epoch of one trial (of one core, whatever else the machine does), without the first."""
    data, *_ = make_data(0)
    splits = split(data, validation=0.15, split_seed=0, scale_with_test=False)
    found = {}
    for name, count in (("alone", 1), ("eight", 8)):
        experiment = build_experiment(splits, 1.0)
        weights = np.linspace(0, 3, count)
        assert experiment.samples is not None
        spent = []
        for epochs in (1, 2):
            began = time.process_time()
            list(train_pack(experiment, make_trials(experiment, 0, weights, epochs, 3e-5, 1e-3), width=count))
            spent.append(time.process_time() - began)
        found[name] = (spent[1] - spent[0]) / count
        print(f"{name}: {found[name]:.3f} s", flush=True)
    return found


def measure_best(data: Dataset, seed: int, fresh: tuple[np.ndarray, np.ndarray], resamples: int) -> dict[str, float]:
    """The best possible decisions: on test rows, and on fresh rows what the made rows have injected."""
    test = data.part == 2
    labels, training = data.labels[test].T, data.labels[~test].T
    embeddings = data.inputs.read(np.flatnonzero(test))
    row: dict[str, float] = {"seed": seed, "sharpness": np.nan, "weight": np.nan}
    decided = (best_scores(embeddings).T >= 0.5).astype(np.int8)
    joint = JointRows(labels, decided, len(labels) - 1, training)
    row |= {"test_error": float((decided != labels).mean())} | measure_joint(joint, "test", resamples)
    decided = (best_scores(fresh[0]).T >= 0.5).astype(np.int8)
    return row | measure_joint(replace(joint, labels=fresh[1], decisions=decided), "fresh", 0)


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds, and differences from no weight of the same seed with their intervals."""
    names = ["test_error", "average_precision", "test_away", "test_towards", "test_absolute"]
    names += [name for name in ("fresh_away", "fresh_towards", "fresh_absolute", "samples_gap") if name in table]
    zero = table[table["weight"] == 0].set_index("seed")
    rows = []
    for (sharpness, weight), own in table[table["weight"] > 0].groupby(["sharpness", "weight"]):
        row = {"sharpness": sharpness, "weight": weight, "seeds": len(own)}
        for name in names:
            off = (own.set_index("seed")[name] - zero[name]).dropna().to_numpy()
            row[name] = own[name].mean()
            if len(off) > 1:
                found = mean_interval(off)
                row[f"{name}_off"] = f"{off.mean():+.3f} ({found.low:+.3f} to {found.high:+.3f})"
        rows.append(row)
    first = {"sharpness": "", "weight": 0, "seeds": len(zero)} | {name: zero[name].mean() for name in names}
    return pd.DataFrame([first, *rows])


def main() -> None:
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("source", choices=("simulated", "real", "time"))
    command.add_argument("--seeds", type=int, default=6)
    command.add_argument("--weights", type=float, nargs="+", default=WEIGHTS)
    command.add_argument("--sharpness", type=float, nargs="+", default=SHARPNESS)
    command.add_argument("--epochs", type=int, default=5)
    command.add_argument("--rate", type=float, default=4e-4)
    command.add_argument("--decay", type=float, default=1e-3)
    command.add_argument("--resamples", type=int, default=200)
    command.add_argument("--anew", action="store_true", help="train seeds again that stand in the output")
    command.add_argument("--output", type=Path)
    options = command.parse_args()
    torch.set_num_threads(1)
    if options.source == "time":
        path = options.output or RESULTS / "aux_coco_time.json"
        path.write_text(json.dumps(measure_time(), indent=1) + "\n")
        return
    output = options.output or RESULTS / f"aux_coco_{options.source}.csv"
    known = pd.read_csv(output) if output.exists() and not options.anew else pd.DataFrame()
    rows: list[dict[str, float]] = known.to_dict("records")
    for seed in [each for each in range(options.seeds) if not len(known) or each not in set(known["seed"])]:
        of_seed: list[dict[str, float]] = []
        fresh = None
        if options.source == "real":
            data = load("coco_gender", source="real")
        else:
            data, *more = make_data(seed)
            fresh = (more[0], more[1])
            of_seed.append(measure_best(data, seed, fresh, options.resamples))
        cut = split(data, validation=0.15, split_seed=seed, scale_with_test=False)
        for place, sharpness in enumerate(options.sharpness):
            weights = [*([] if place else [0.0]), *options.weights]
            of_seed += train_seed(cut, seed, sharpness, weights, fresh, options)
            print(f"seed {seed}, sharpness {sharpness:g}: trained", flush=True)
        rows += of_seed
        pd.DataFrame(rows).to_csv(output, index=False, float_format="%.5f")
    table = pd.DataFrame(rows)
    print(table[table["weight"].isna()].dropna(axis=1).round(3).to_string(index=False))
    print(summarise(table).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
