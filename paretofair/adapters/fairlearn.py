"""Adds fairlearn's reductions to a finished run: the same data and splits, rows in the same trial table.

Each task gets models of its own (ExponentiatedGradient and GridSearch, Agarwal et al. 2018) over a grid of constraint
strengths. A row takes one model for each task; every combination is a row, or where these are more than --rows as
many, in which each model stands about equally often.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from paretofair.adapters.rows import Model, combinations, trial_ids, write_rows
from paretofair.analysis.overview import overview
from paretofair.analysis.results import Results
from paretofair.cli.ending import run_command
from paretofair.data.splits import SplitsBySeed
from paretofair.errors import RunError
from paretofair.results import TrialTable
from paretofair.results.files import space_file
from paretofair.runs.folder import open_folder
from paretofair.runs.resume import check_data
from paretofair.runs.run import RunOptions, export, load_splits
from paretofair.space.method_space import digest
from paretofair.space.space import Space, load_space
from paretofair.training import DeviceData, to_device

METHODS = ("exponentiated_gradient", "grid_search")
ESTIMATORS = ("logistic_regression", "gradient_boosting")
CONSTRAINTS = {
    "fpr": "FalsePositiveRateParity",
    "tpr": "TruePositiveRateParity",
    "odds": "EqualizedOdds",
    "parity": "DemographicParity",
}
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.08, 0.12)
GRID = 41  # a whole grid of one or of two dimensions; fairlearn cuts others off at one end
# Of the Lagrange multipliers. Fairlearn's default, 2, is so wide that all but a few points exchange the groups' rates.
LIMITS = (0.05, 0.3)

EXAMPLES = """
examples:
  python -m paretofair.adapters.fairlearn results/mtaf_lsac
  python -m paretofair.adapters.fairlearn results/mtaf_lsac --methods grid_search --estimators logistic_regression
  python -m paretofair.adapters.fairlearn results/mtaf_lsac --methods exponentiated_gradient --bounds 0.01,0.05

The same command again fits only what is missing. Needs pip install 'paretofair[fairlearn]'.
Exit codes: 0 done, 1 a failure of the program, 2 wrong input, 130 interrupted.
"""


@dataclass(frozen=True)
class FairlearnSettings:
    """What is fitted for every seed.

    A model's strength is its `difference_bound` (exponentiated gradient: of each group's rate against that of all rows,
    so that a gap may be twice as large), or its `grid_point` of `grid` in the grid to `grid_limit` (grid search).
    """

    goal: str
    estimators: tuple[str, ...]
    bounds: tuple[float, ...]
    grid: int
    limits: tuple[float, ...]
    rows: int

    def models(self, method: str) -> list[dict[str, float | str]]:
        """The hyperparameters of every model of a task, in order."""
        strengths: list[dict[str, float | str]] = [{"difference_bound": bound} for bound in self.bounds]
        if method == "grid_search":
            points = itertools.product(self.limits, range(self.grid))
            strengths = [{"grid_limit": limit, "grid_point": float(point)} for limit, point in points]
        return [{"estimator": name, **strength} for name in self.estimators for strength in strengths]

    def identity(self, space: Space, method: str) -> str:
        """The `space_id`: everything that changes a row of given seed and index."""
        data = space.baselines.identity("baselines")["data"]
        own = {"method": method, "goal": self.goal, "models": self.models(method), "rows": self.rows}
        return digest({"protocol": space.protocol, "data": data, **own})


def add_fairlearn(
    folder: Path,
    space: Space,
    splits: SplitsBySeed,
    settings: FairlearnSettings,
    *,
    methods: Sequence[str] = METHODS,
    seeds: Sequence[int],
    jobs: int = 1,
    console: Console,
) -> int:
    """Fits what is missing, writes one file per method and seed to `folder/trials`; the number of new rows.

    Raises RunError where the folder holds rows of other data or of other settings, or none of a seed's split.
    """
    table = TrialTable(folder).read()
    check_data(folder, table, splits, "Give the --data-dir that it was made with.")
    without = [seed for seed in seeds if len(table) and splits.id_of(seed) not in set(table["split_id"])]
    if without:
        raise RunError(f"{folder} has no single-task models on the test rows of seed {without[0]}; train it first")
    new = 0
    for method in methods:
        name, space_id = f"fairlearn_{method}", settings.identity(space, method)
        if "method" in table and (table.loc[table["method"] == name, "space_id"] != space_id).any():
            raise RunError(f"{folder} holds rows of {name} that were fitted with other settings. Give the same again.")
        for seed in seeds:
            places = combinations([len(settings.models(method))] * len(space.tasks), settings.rows, seed)
            if set(trial_ids(space_id, splits.id_of(seed), name, seed, len(places))) <= set(table["trial_id"]):
                continue
            own = splits.of(seed)
            data = to_device(own, space.baselines.sensitive, torch.device("cpu"), torch.float64)
            models = fit_models(method, settings, data, seed, jobs=jobs, console=console)
            for problem in sorted({model.error for each in models for model in each if model.error}):
                console.print(f"A fit of {name} failed: {problem}", style="yellow", markup=False, soft_wrap=True)
            write_rows(
                folder,
                models,
                places,
                data,
                own,
                method=name,
                seed=seed,
                space_id=space_id,
                protocol=space.protocol,
                path=f"fairlearn {version('fairlearn')}",
            )
            new += len(places)
    return new


def fit_models(
    method: str,
    settings: FairlearnSettings,
    data: DeviceData,
    seed: int,
    *,
    jobs: int = 1,
    console: Console | None = None,
) -> list[list[Model]]:
    """Every model of every task, in the order of `Settings.models`; `jobs` processes at a time."""
    from joblib import Parallel, delayed

    inputs = {name: split.examples().numpy() for name, split in data.splits.items()}
    train = data.splits["train"]
    works = []
    for task in range(len(data.tasks)):
        # Fairlearn takes no unknown label or group.
        known = ((train.labels[task] >= 0) & (train.groups[task] >= 0)).numpy()
        rows = known, train.labels[task].numpy()[known].astype(int), train.groups[task].numpy()[known]
        models = settings.models(method)
        # A grid is one piece of work, a bound another.
        size = settings.grid if method == "grid_search" else 1
        for start in range(0, len(models), size):
            works.append(delayed(fit)(method, settings.goal, models[start : start + size], inputs, rows, seed))
    done = Parallel(n_jobs=jobs, return_as="generator")(works)
    shown = track(done, f"{method}, seed {seed}", total=len(works), console=console, disable=console is None)
    fitted = [model for each in shown for model in each]
    size = len(settings.models(method))
    return [fitted[start : start + size] for start in range(0, len(fitted), size)]


def fit(
    method: str,
    goal: str,
    models: Sequence[dict[str, float | str]],
    inputs: dict[str, np.ndarray],
    rows: tuple[np.ndarray, np.ndarray, np.ndarray],
    seed: int,
) -> list[Model]:
    """The model of one bound, or those of a whole grid.

    `rows` are a mask of the training rows of `inputs` that are fitted to, and the labels and groups of these.
    """
    from fairlearn import reductions
    from threadpoolctl import threadpool_limits

    known, labels, groups = rows
    estimator = _estimator(str(models[0]["estimator"]), seed)
    constraint = getattr(reductions, CONSTRAINTS[goal])
    started = time.perf_counter()
    try:
        # One thread each: the processes are as many as the processors.
        with warnings.catch_warnings(), threadpool_limits(1):
            # Of fairlearn's own use of pandas.
            warnings.simplefilter("ignore", DeprecationWarning)
            if method == "grid_search":
                size, limit = len(models), float(models[0]["grid_limit"])
                reduction = reductions.GridSearch(estimator, constraint(), grid_size=size, grid_limit=limit)
            else:
                bounded = constraint(difference_bound=models[0]["difference_bound"])
                reduction = reductions.ExponentiatedGradient(estimator, bounded)
            reduction.fit(inputs["train"][known], labels, sensitive_features=groups)
            if method == "grid_search":
                decided = [_of_predictor(each, inputs) for each in reduction.predictors_]
            else:
                decided = [_of_mixture(reduction, inputs, seed)]
    except Exception as error:  # one fit that fails must not end the others
        return [Model(values, {}, {}, 0.0, f"{type(error).__name__}: {error}") for values in models]
    seconds = (time.perf_counter() - started) / len(models)
    return [Model(values, *each, seconds) for values, each in zip(models, decided, strict=True)]


def _estimator(name: str, seed: int) -> Any:
    if name == "logistic_regression":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(max_iter=1000)
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(random_state=seed)


Decided = tuple[dict[str, np.ndarray], dict[str, np.ndarray]]


def _of_predictor(predictor: Any, inputs: dict[str, np.ndarray]) -> Decided:
    """A classifier of a grid: its decisions, and its probability of the label 1."""
    decisions = {name: predictor.predict(rows) for name, rows in inputs.items()}
    if len(predictor.classes_) == 1:  # fairlearn puts a constant where all labels of its problem are equal
        return decisions, {name: values.astype(float) for name, values in decisions.items()}
    return decisions, {name: predictor.predict_proba(rows)[:, 1] for name, rows in inputs.items()}


def _of_mixture(mixture: Any, inputs: dict[str, np.ndarray], seed: int) -> Decided:
    """A random choice of classifiers for each row: one draw of the decisions, and the probability of a positive one."""
    draws = np.random.RandomState(seed)
    decisions = {name: mixture.predict(rows, random_state=draws) for name, rows in inputs.items()}
    used = [(weight, mixture.predictors_[index]) for index, weight in mixture.weights_.items() if weight > 0]
    scores = {name: sum(weight * each.predict(rows) for weight, each in used) for name, rows in inputs.items()}
    return decisions, {name: np.clip(values, 0, 1) for name, values in scores.items()}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parser().parse_args(arguments)
    return run_command(
        lambda: _add(options, Console()),
        interrupted="Every finished method and seed is on disk; the same command goes on from there.",
    )


def _print_summary(report: Results, new: int, folder: Path, console: Console) -> None:
    best = [f"best {name}" for name in report.objective_set(report.leading).names]
    table = Table("method", "rows", *best, "hypervolume", "on test")
    for row in overview(report, sorted(report.hypervolumes_of(report.leading)["method"].unique())).itertuples():
        table.add_row(row.method, f"{row.trials:,}", *(f"{value:.4f}" for value in row[4:]))
    console.print(table)
    if (report.trials["source"] == "simulated").any():
        console.print("SIMULATED data: these numbers say nothing about real people.", style="bold yellow")
    console.print(f"{new:,} new rows; exports written again in {folder}", highlight=False, soft_wrap=True)


def _add(options: argparse.Namespace, console: Console) -> int:
    try:
        import fairlearn.reductions  # noqa: F401
    except ImportError as error:
        raise RunError(f"fairlearn cannot be imported ({error}): pip install 'paretofair[fairlearn]'") from None
    space = load_space(space_file(options.run))
    rows = options.rows or space.stages.sweep.trials
    settings = FairlearnSettings(
        space.fairness.goal, options.estimators, options.bounds, options.grid, options.limits, rows
    )
    with open_folder(options.run):
        splits = load_splits(space, RunOptions(options.run, (), data_dir=options.data_dir))
        new = add_fairlearn(
            options.run,
            space,
            splits,
            settings,
            methods=options.methods,
            seeds=options.seeds or space.seeds,
            jobs=options.jobs,
            console=console,
        )
        report = export(options.run)
    _print_summary(report, new, options.run, console)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        prog="python -m paretofair.adapters.fairlearn",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = command.add_argument
    add("run", type=Path, metavar="RUN", help="results folder of a run of paretofair sweep")
    add("--methods", type=_among(METHODS), default=METHODS, metavar="A,B", help=f"{', '.join(METHODS)}; both")
    what = f"classifiers to reduce to: {', '.join(ESTIMATORS)}; both"
    add("--estimators", type=_among(ESTIMATORS), default=ESTIMATORS, metavar="A,B", help=what)
    what = "difference bounds of exponentiated gradient; ten from .001 to .12"
    add("--bounds", type=_numbers(float, "numbers above 0"), default=BOUNDS, metavar="A,B", help=what)
    add("--grid", type=_count, default=GRID, metavar="N", help=f"points of a grid search; {GRID}")
    what = f"largest multipliers of grid searches; {LIMITS[0]} and {LIMITS[1]}"
    add("--limits", type=_numbers(float, "numbers above 0"), default=LIMITS, metavar="A,B", help=what)
    add("--rows", type=_count, metavar="N", help="rows per method and seed; as many as the run's stages.sweep.trials")
    what = "of classifiers and random decisions; the run's"
    add("--seeds", type=_numbers(int, "whole numbers from 0"), metavar="0,1", help=what)
    add("--jobs", type=_count, default=os.cpu_count(), metavar="N", help="processes; one per CPU")
    add("--data-dir", type=Path, metavar="DIR", help="where the real data sets are looked for first")
    return command


def _among(known: Sequence[str]) -> Any:
    def names(text: str) -> tuple[str, ...]:
        given = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
        for name in given:
            if name not in known:
                raise argparse.ArgumentTypeError(f"found {name!r}; accepted: {', '.join(known)}")
        return given

    return names


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}; write a whole number, at least 1")
    return int(text)


def _numbers(kind: type[float], least: str) -> Any:
    def values(text: str) -> tuple[float, ...]:
        try:
            found = tuple(kind(each) for each in text.split(","))
        except ValueError:
            found = ()
        if not found or not all(0 <= value < float("inf") and (value > 0 or kind is int) for value in found):
            raise argparse.ArgumentTypeError(f"found {text!r}; write {least}, with commas between")
        return found

    return values


if __name__ == "__main__":
    sys.exit(main())
