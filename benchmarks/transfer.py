"""Does fairness carry over to a task whose groups are hidden? ε and error of the target by method, paired by seed.

    python benchmarks/transfer.py reports
    python benchmarks/transfer.py hate --attribute age

The real data are needed (`PARETOFAIR_DATA`). On each seed's own split every method is trained with every weight of a
small grid, one setting of the network for all. Of each method and target the weight is taken with the smallest ε on
validation rows among those whose validation error is at most .01 above that of all tasks without treatment. In
`results/`, `transfer_<name>.csv` has what these have on test rows, and `auc_<name>.csv` the AUC of scikit-learn's
logistic regression on the same numbers; an attribute that is given is part of the name. Printed:
means, and differences from all tasks without treatment with 95 % intervals over seeds. Test rows that are drawn anew
overlap between seeds; intervals are widened for that (Nadeau and Bengio 2003). `--show` prints from what is stored.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from paretofair.data import load
from paretofair.data.splits import SplitsBySeed
from paretofair.methods import METHODS, LossSettings, Names
from paretofair.metrics.registry import METRICS
from paretofair.models import MultilayerPerceptron
from paretofair.statistics.intervals import mean_interval
from paretofair.training import DeviceData, Experiment, Threshold, TrainingSettings, Trials, to_device, train_pack
from paretofair.training.optimizers import OPTIMIZERS

RESULTS = Path(__file__).parent / "results"
SLACK = 0.01  # of validation error
WEIGHTS = (0.1, 0.5, 2.0, 8.0)
SHARES = (0.1, 0.3, 1.0)


class Setting(NamedTuple):
    """A data set, its related task, its targets, and how its network is trained."""

    data: str
    related: str
    targets: tuple[str, ...]
    attribute: str
    epochs: int
    batch_size: int
    learning_rate: float


SETTINGS = {
    "reports": Setting("nlm_reports", "normal", ("cardiomegaly", "opacity", "atelectasis"), "sex", 20, 256, 0.003),
    "hate": Setting("hate_english", "related_hate", ("target_hate",), "gender", 5, 512, 0.002),
    "control": Setting("hate_english_spanish", "related_hate", ("target_hate",), "gender", 5, 512, 0.002),
}


class Arm(NamedTuple):
    """A method under a name: its options, the share of the related task's rows that show their group, and the task that
    is trained alone."""

    name: str
    method: str
    options: dict[str, str]
    share: float | None = None
    alone: str | None = None


def list_arms(setting: Setting) -> Iterator[Arm]:
    yield Arm("together, no treatment", "vanilla", {})
    yield Arm("together, every group", "per_task", {})
    for share in SHARES:
        yield Arm(f"transfer, {share:g} known", "transfer", {}, share)
    yield Arm("transfer, linear", "transfer", {"schedule": "linear"}, 1.0)
    yield Arm("transfer, step", "transfer", {"schedule": "step"}, 1.0)
    yield Arm("pseudo groups", "pseudo_groups", {}, 1.0)
    for target in setting.targets:
        yield Arm(f"{target} alone, no treatment", "vanilla", {}, alone=target)
        yield Arm(f"{target} alone, own groups", "per_task", {}, alone=target)


def measure_arm(arm: Arm, setting: Setting, data: DeviceData, seed: int) -> pd.DataFrame:
    """Error and ε of every target and weight, on validation and test rows."""
    weights = (0.0,) if arm.method == "vanilla" else WEIGHTS
    tasks = data.tasks
    used = {arm.alone} if arm.alone else set(tasks)
    shares = [setting_share(arm, setting, task) for task in tasks]
    count = len(weights)
    values = {
        "learning_rate": np.full(count, setting.learning_rate),
        "adversary_learning_rate": np.full(count, 0.01),
        "epochs": np.full(count, setting.epochs),
        "task_weight": np.tile([(task in used) / len(used) for task in tasks], (count, 1)),
        "fairness_weight": np.repeat(np.array(weights)[:, None], len(tasks), 1),
        "known_share": np.tile(shares, (count, 1)),
    }
    kind = METHODS[arm.method]
    losses = LossSettings(distance="differential", goal="odds", concentration=0.05, rate=0.1, reduction="mean")
    attributes = tuple(data.attributes[attribute] for attribute in data.acts_on)
    names = Names(tasks, tuple(data.group_names[name] for name in attributes), data.several, attributes)
    method = kind(losses, kind.Options(**arm.options), names)
    network = MultilayerPerceptron(data.numeric, data.categories, len(tasks), (64,), (16,), 0)
    training = TrainingSettings(setting.batch_size, OPTIMIZERS["adam"]())
    experiment = Experiment(data, network, method, training, Threshold("base_rate"))
    trials = Trials(np.full(count, seed), values)
    (stack,) = train_pack(experiment, trials, width=max(count, 8))
    order = np.argsort(stack.positions)
    found = {
        f"{split}_{name}": stack.evaluation.values_of(METRICS[name], split, data)[order]
        for split in ("validation", "test")
        for name in ("error", "epsilon_odds", "auc")
    }
    rows = [
        {"seed": seed, "arm": arm.name, "target": target, "weight": weight}
        | {name: column[place, tasks.index(target)] for name, column in found.items()}
        for target in setting.targets
        if target in used
        for place, weight in enumerate(weights)
    ]
    return pd.DataFrame(rows)


def setting_share(arm: Arm, setting: Setting, task: str) -> float:
    """Which part of the rows of a task shows its group."""
    if arm.share is None:
        return 1.0
    return arm.share if task == setting.related else 0.0


def compare_with_logistic_regression(setting: Setting, data: DeviceData) -> Iterator[dict[str, object]]:
    """The AUC of scikit-learn's on the same numbers, its penalty chosen on validation rows."""
    rows = {name: (part.examples().numpy(), part.labels.numpy()) for name, part in data.splits.items()}
    for target in (setting.related, *setting.targets):
        place = data.tasks.index(target)
        parts = {name: (x[y[place] >= 0], y[place][y[place] >= 0]) for name, (x, y) in rows.items()}
        best = (-1.0, -1.0)
        for penalty in (0.001, 0.01, 0.1, 1.0):
            model = LogisticRegression(C=penalty, max_iter=500).fit(*parts["train"])
            scores = [roc_auc_score(y, model.decision_function(x)) for x, y in (parts["validation"], parts["test"])]
            best = max(best, (scores[0], scores[1]))
        yield {"target": target, "logistic": best[1]}


def choose(table: pd.DataFrame) -> pd.DataFrame:
    """Of each seed, target and arm the weight that validation takes."""
    untreated = table[table["arm"] == "together, no treatment"].set_index(["seed", "target"])["validation_error"]
    bound = untreated.reindex(pd.MultiIndex.from_frame(table[["seed", "target"]])).to_numpy() + SLACK
    over = np.maximum(table["validation_error"].to_numpy() - bound, 0)
    # Where no weight keeps the bound the one that is nearest to it.
    ordered = table.assign(over=over).sort_values(["over", "validation_epsilon_odds"], na_position="last")
    return ordered.groupby(["seed", "target", "arm"], sort=False).head(1)


def summarise(chosen: pd.DataFrame, order: list[str], overlap: float) -> pd.DataFrame:
    """Means over seeds of the arms in this order, and differences from all tasks without treatment with their
    intervals. `overlap`: test rows divided by training rows; the variance of a mean over seeds is so much larger, in
    units of one seed's, than over independent ones."""
    rows = []
    for target, own in chosen.groupby("target"):
        wide = {
            name: own.pivot(index="seed", columns="arm", values=f"test_{name}") for name in ("epsilon_odds", "error")
        }
        for arm in sorted(set(own["arm"]), key=order.index):
            row: dict[str, object] = {"target": target, "arm": arm, "seeds": wide["error"][arm].notna().sum()}
            for name, table in wide.items():
                off = (table[arm] - table["together, no treatment"]).dropna().to_numpy()
                row[name] = table[arm].mean()
                if arm != "together, no treatment" and len(off) > 1:
                    interval = mean_interval(off)
                    half = (interval.high - interval.mean) * np.sqrt(1 + len(off) * overlap)
                    row |= {
                        f"{name}_difference": interval.mean,
                        f"{name}_low": interval.mean - half,
                        f"{name}_high": interval.mean + half,
                    }
            rows.append(row)
    return pd.DataFrame(rows)


def show(summary: pd.DataFrame) -> str:
    """The rows of a table in Markdown: a value where nothing is compared, else the difference with its interval."""

    def say(row: pd.Series, name: str) -> str:
        change, low, high = (row[f"{name}_{part}"] for part in ("difference", "low", "high"))
        return f"{row[name]:.3f}" if np.isnan(change) else f"{change:+.3f} ({low:+.3f} to {high:+.3f})"

    return "\n".join(
        f"| {row['target']} | {row['arm']} | {say(row, 'epsilon_odds')} | {say(row, 'error')} |"
        for _, row in summary.iterrows()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(SETTINGS))
    parser.add_argument("--attribute")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--show", action="store_true", help="trains nothing, prints what is stored")
    options = parser.parse_args()
    torch.set_num_threads(1)
    setting = SETTINGS[options.name]
    if options.attribute:
        setting = setting._replace(attribute=options.attribute)
    label = "_".join(filter(None, (options.name, options.attribute)))
    paths = RESULTS / f"transfer_{label}.csv", RESULTS / f"auc_{label}.csv"
    own = {"validation": 0.2, "split_seed": 0, "scale_with_test": False}
    splits = SplitsBySeed(load(setting.data, source="real"), **own, test_seed="each")
    first = splits.of(0)
    tables, areas = [], []
    for seed in range(0 if options.show else options.seeds):
        began = time.perf_counter()
        cut = splits.of(seed)
        data = to_device(cut, dict.fromkeys(cut.tasks, setting.attribute), torch.device("cpu"), torch.float32)
        areas += [{"seed": seed, **row} for row in compare_with_logistic_regression(setting, data)]
        tables += [measure_arm(arm, setting, data, seed) for arm in list_arms(setting)]
        choose(pd.concat(tables)).to_csv(paths[0], index=False, float_format="%.6g")
        pd.DataFrame(areas).to_csv(paths[1], index=False, float_format="%.6g")
        print(f"seed {seed}: {time.perf_counter() - began:.0f} s", flush=True)
    chosen, area = map(pd.read_csv, paths)
    print(show(summarise(chosen, [arm.name for arm in list_arms(setting)], len(first.test) / len(first.train))))
    untreated = chosen[chosen["arm"] == "together, no treatment"].groupby("target")["test_auc"].mean()
    print(pd.concat([untreated, area.groupby("target")["logistic"].mean()], axis=1).round(4))


if __name__ == "__main__":
    main()
