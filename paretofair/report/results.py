"""The trial tables of one or more runs, read as one comparison."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from paretofair.errors import RunError
from paretofair.metrics import DIRECTIONS, metric_of
from paretofair.report.constraints import parsed, within
from paretofair.report.counts import Cells
from paretofair.report.frontiers import (
    SEARCHED,
    VOLUMES,
    WITHIN,
    candidates,
    front_hypervolumes,
    frontier,
    objective_sets,
    with_confirmed,
)
from paretofair.report.relative import RELATIVE, baselines, tasks_of, unreliable, with_relative
from paretofair.results import STAGES, STATUSES, TrialTable
from paretofair.results.files import SPACE

BASELINES, GROUPS = "baselines.csv", "groups.csv"
_METHOD = re.compile(r"[\w@+-][\w@+. -]*")
# What a table made elsewhere need not say.
_DEFAULTS: dict[str, Any] = {
    "stage": "sweep",
    "seed": 0,
    "status": "completed",
    "split_id": "",
    "source": "unknown",
    "protocol": "validation",
}


@dataclass(frozen=True)
class ReportSettings:
    """What a report needs to know that the trial table does not say.

    `objectives` are sets of `frontiers.objective_names`, `reference` the hypervolume's reference point (arfg, are),
    `sensitive` the attribute that the losses act on, or those by task, `threshold` the rule of decision in words.
    """

    objectives: tuple[str, ...] = ()
    reference: tuple[float, float] = (1.5, 1.1)
    protocol: str = "validation"
    sensitive: str | Mapping[str, str] | None = None
    constraints: tuple[str, ...] = ()
    threshold: str = ""
    methods: tuple[str, ...] = ()

    @property
    def selected_on(self) -> str:
        """The split that chooses frontier points."""
        return chosen_on(self.protocol)[0]

    @property
    def pooled(self) -> bool:
        """Whether the seeds of a method are one frontier."""
        return chosen_on(self.protocol)[1]


def chosen_on(protocol: str) -> tuple[str, bool]:
    """The split that chooses frontier points, and whether the seeds of a method are pooled into one frontier."""
    return ("test", True) if protocol == "paper" else ("validation", False)


class Results:
    """One or more runs as one comparison: `trials` with `<split>_are` and `<split>_arfg`, `baselines`, frontiers.

    Methods of the same name that were trained differently are told apart as `method@run`.

        results = Results("results/mtaf_lsac")
        results.frontier("arfg", "are").groupby("method")["test_are"].min()
    """

    def __init__(self, *runs: Path | str, **changes: Any) -> None:
        """Reads `runs`: results folders of `launch/sweep.py`, or tables made elsewhere (`.parquet`, `.csv`, or a folder
        of Parquet files) with the columns of the trial table. `changes` replace fields of `ReportSettings`.

        Raises RunError for what cannot be read or must not be compared: simulated beside real data, other data, splits,
        protocols, or attributes.
        """
        if not runs:
            raise RunError("no run was given; give the results folder of launch/sweep.py")
        parts = [_Run(Path(run)) for run in runs]
        trials = _merged(parts)
        methods = tuple(dict.fromkeys(name for part in parts for name in part.settings.methods))
        objectives = tuple(dict.fromkeys(name for part in parts for name in part.settings.objectives))
        settings = replace(parts[0].settings, **{"methods": methods, "objectives": objectives} | changes)
        known = next((part.baselines for part in parts if part.baselines is not None), None)
        folders = tuple(part.folder for part in parts if part.folder is not None)
        self._fill(trials, settings, folders, known)

    @classmethod
    def of(cls, trials: pd.DataFrame, settings: ReportSettings, folders: Sequence[Path] = ()) -> Results:
        """The same from a trial table in memory."""
        results = cls.__new__(cls)
        results._fill(trials, settings, tuple(folders), None)
        return results

    def _fill(
        self, trials: pd.DataFrame, settings: ReportSettings, folders: tuple[Path, ...], known: pd.DataFrame | None
    ) -> None:
        """`known` are single-task baselines for a table that has none."""
        order = ["stage", "method", "seed", "index"]
        own = baselines(trials[trials["stage"] == "baselines"].sort_values(order) if len(trials) else trials)
        self.baselines = known if own.empty and known is not None else own
        table = with_relative(trials, self.baselines)
        if settings.constraints:
            bounds = [parsed(text) for text in settings.constraints]
            table = table.assign(**{WITHIN: within(bounds, table, settings.selected_on)})
        # In one order, whatever the order in which trials finished.
        self.trials = table.sort_values(order, ignore_index=True) if len(table) else table
        tasks = tasks_of(self.trials)
        # Of one task, accuracies and all objectives are nothing else than that task.
        named = objective_sets(tasks) if len(tasks) > 1 else objective_sets(tasks)[:-2]
        self.settings = settings if settings.objectives else replace(settings, objectives=tuple(named))
        self.folders = folders

    @property
    def tasks(self) -> list[str]:
        """In the order of the table."""
        return tasks_of(self.trials)

    @property
    def sensitive(self) -> dict[str, str] | None:
        """The attribute that the loss of each task acts on, where it is known."""
        known = self.settings.sensitive
        return dict.fromkeys(self.tasks, known) if isinstance(known, str) else dict(known) if known else None

    @functools.cached_property
    def searched(self) -> pd.DataFrame:
        """The trials that may enter a frontier."""
        return candidates(self.trials)

    def rows_of(self, trial_ids: Iterable[str]) -> pd.DataFrame:
        """Rows of the trial table by `trial_id`, in its order."""
        return self.trials[self.trials["trial_id"].isin(list(trial_ids))].set_index("trial_id", drop=False)

    @functools.cached_property
    def methods(self) -> list[str]:
        """Those with trials, in the order of the space file."""
        present = list(candidates(self.trials, ["method"])["method"].unique()) if len(self.trials) else []
        order = [name for name in self.settings.methods if name in present]
        return [*order, *sorted(set(present) - set(order))]

    @property
    def source(self) -> str:
        """`real` or `simulated`."""
        return ", ".join(sorted(self.trials["source"].unique())) if len(self.trials) else ""

    @property
    def unreliable(self) -> list[str]:
        """Tasks whose single-task gap is not known to differ from 0: ARFG divides by it."""
        return unreliable(self.baselines)

    @functools.cached_property
    def hypervolumes(self) -> pd.DataFrame:
        """`frontiers.front_hypervolumes` of every method and seed; empty before there are baselines."""
        if self.baselines.empty or f"{self.settings.selected_on}_arfg" not in self.trials:
            return pd.DataFrame(columns=VOLUMES)
        own = self.settings
        return front_hypervolumes(self.trials, selected_on=own.selected_on, pooled=own.pooled, reference=own.reference)

    @property
    def undefined(self) -> dict[str, int]:
        """Errors and gaps that completed trials lack on the split that chooses, with the number of these trials."""
        names = [f"{metric}_{task}" for task in self.tasks for metric in ("error", "fpr_gap")]
        columns = {name: f"{self.settings.selected_on}_{name}" for name in names}
        searched = candidates(self.trials, columns.values())
        counts = {name: int(searched[column].isna().sum()) for name, column in columns.items()}
        return {name: count for name, count in counts.items() if count}

    @functools.cached_property
    def cells(self) -> Cells | None:
        """The counts in the finest cells of all attributes; None where a run has none, or others than the first."""
        if not self.folders or not all((folder / GROUPS).exists() for folder in self.folders):
            return None
        codes = [pd.read_csv(folder / GROUPS).filter(regex="^code_") for folder in self.folders]
        return Cells(*self.folders) if all(codes[0].equals(each) for each in codes) else None

    def frontier(self, *objectives: str) -> pd.DataFrame:
        """The points that no other trial of the method and seed beats, chosen on `settings.selected_on`.

        Args:
            objectives: the name of a set (`arfg_are`, a task, `accuracies`, `all`), or metrics by the names of their
                columns without the split, as in `frontier("arfg", "are")` and `frontier("error_income", "auc_income")`.

        Returns:
            One row per point: `method, seed, rank`, objectives on validation and test, `trial_id`, hyperparameters, and
            where points were confirmed means and deviations of fresh seeds.

        Raises:
            ValueError: a name that is no metric of the table, or one that is neither minimised nor maximised.
        """
        named = len(objectives) == 1 and objectives[0] in objective_sets(self.tasks)
        if not named:
            split = self.settings.selected_on
            every = [name.removeprefix(f"{split}_") for name in self.trials if name.startswith(f"{split}_")]
            # What is best at 1, or only shown, has no frontier.
            known = [name for name in every if DIRECTIONS.get(metric_of(name)) in ("minimised", "maximised")]
            for name in objectives:
                if name not in known:
                    raise ValueError(f"no metric {name!r}; accepted: {', '.join(known)}")
        return self._frontier(objectives[0] if named else objectives).copy()

    @functools.cache  # noqa: B019 (results live as long as they are looked at)
    def _frontier(self, objectives: str | tuple[str, ...]) -> pd.DataFrame:
        points = frontier(self.trials, objectives, selected_on=self.settings.selected_on, pooled=self.settings.pooled)
        return with_confirmed(points, self.trials)


@dataclass
class _Run:
    """One of the runs: its table, what it says of itself, and its folder where it has the files of a run."""

    path: Path
    folder: Path | None = None
    settings: ReportSettings = field(default_factory=ReportSettings)
    baselines: pd.DataFrame | None = None
    trials: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        path = self.path
        if not path.exists():
            raise RunError(f"{path} does not exist; give a results folder of launch/sweep.py, or a table")
        if path.is_dir() and not (path / "trials").is_dir() and not any(path.glob("*.parquet")):
            raise RunError(f"{path} holds no trial table; give the results folder that launch/sweep.py has written")
        if (path / "trials").is_dir():
            self.folder, self.trials = path, TrialTable(path).read()
        else:
            self.trials = _foreign(path)
        beside = path if path.is_dir() else path.parent
        if (beside / BASELINES).exists():
            self.baselines = _known_baselines(beside / BASELINES)
        if self.folder is not None:
            self.settings = read_settings(path)
        if self.trials.empty:
            raise RunError(f"{path} has no finished trials yet")


def read_settings(folder: Path) -> ReportSettings:
    """What the space file of a results folder says about reports; the defaults where there is none."""
    written = folder / SPACE
    if not written.exists():
        return ReportSettings()
    space = yaml.safe_load(written.read_text())
    frontiers = space.get("frontiers", {})
    point = frontiers.get("reference_point", {})
    threshold = space.get("threshold", "base_rate")
    return ReportSettings(
        objectives=tuple(frontiers.get("objectives", ())),
        reference=(point.get("arfg", 1.5), point.get("are", 1.1)),
        protocol=space.get("protocol", "validation"),
        sensitive=space.get("data", {}).get("sensitive"),
        constraints=tuple(space.get("constraints", ())),
        threshold=threshold if isinstance(threshold, str) else f"fixed {threshold['fixed']}",
        methods=tuple(space.get("methods", ())),
    )


def _known_baselines(path: Path) -> pd.DataFrame:
    """Single-task means that stand beside a table; what they do not say (intervals, say) is unknown."""
    known = pd.read_csv(path)
    missing = [name for name in ("task", "split", "metric", "mean") if name not in known]
    if missing:
        raise RunError(f"{path} has no column {', '.join(missing)}")
    known["split_id"] = known["split_id"].astype(object).fillna("") if "split_id" in known else ""
    return known.reindex(columns=list(dict.fromkeys([*known, "std", "low", "high", "runs", "source"])))


def _foreign(path: Path) -> pd.DataFrame:
    """A table that somebody else has made."""
    try:
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: not a readable trial table ({str(error).splitlines()[0]})") from None
    tasks = _tasks_of_any_split(table)
    splits = ("validation", "test") if "paper" not in set(table.get("protocol", ())) else ("test",)
    metrics = [metric for metric, _ in RELATIVE.values()]
    needed = ["method", *(f"{split}_{metric}_{task}" for split in splits for metric in metrics for task in tasks)]
    missing = [name for name in needed if name not in table]
    if missing or not tasks:
        words = ", ".join(missing) if tasks else "test_error_<task>"
        raise RunError(f"{path} has no column {words}; docs/reports.md names the columns of a trial table")
    _check_words(table, path)
    for method in table["method"].unique():
        # It becomes the name of a folder.
        if not _METHOD.fullmatch(str(method)):
            raise RunError(f"{path}: found the method {method!r}; accepted: letters, digits, _ . @ + - and spaces")
    for name, value in _DEFAULTS.items():
        table[name] = table[name].astype(object).where(table[name].notna(), value) if name in table else value
    if "index" not in table:
        table["index"] = table.groupby(["method", "seed"]).cumcount()
    if "trial_id" not in table:
        table["trial_id"] = [f"{path.stem}-{row}" for row in range(len(table))]
    repeated = table["trial_id"][table["trial_id"].duplicated()]
    if len(repeated):
        raise RunError(f"{path}: the trial_id {repeated.iloc[0]!r} stands in {len(repeated) + 1:,} rows or more")
    return table


def _tasks_of_any_split(table: pd.DataFrame) -> list[str]:
    found = [re.fullmatch(r"(?:train|validation|test)_error_(.+)", str(name)) for name in table]
    return list(dict.fromkeys(each[1] for each in found if each is not None))


def _check_words(table: pd.DataFrame, path: Path) -> None:
    """Raises RunError for a stage or status that nobody knows, and for a metric that is no number."""
    for name, words in (("stage", STAGES), ("status", STATUSES)):
        for found in table[name].dropna().unique() if name in table else ():
            if found not in words:
                raise RunError(f"{path}: found {name} {found!r}; accepted: {', '.join(words)}")
    for name in [name for name in table if str(name).startswith(("train_", "validation_", "test_"))]:
        numbers = pd.to_numeric(table[name], errors="coerce")
        wrong = numbers.isna() & table[name].notna()
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise RunError(f"{path}: column {name}, row {row + 1}: found {table[name].iloc[row]!r}; expected a number")
        table[name] = numbers


def _merged(runs: Sequence[_Run]) -> pd.DataFrame:
    """One table; trials that stand in several are taken once."""
    first = runs[0]
    for other in runs[1:]:
        _check_same(first, other)
    tables = [run.trials for run in runs]
    if len(runs) > 1:
        spaces = pd.concat([_spaces(run).assign(run=place) for place, run in enumerate(runs)])
        several = spaces.groupby("method")["space_id"].nunique()
        names = _names(runs)
        for place, run in enumerate(runs):
            own = run.trials["method"].where(
                ~run.trials["method"].map(several).gt(1), run.trials["method"] + f"@{names[place]}"
            )
            tables[place] = run.trials.assign(method=own)
    return pd.concat(tables, ignore_index=True).drop_duplicates("trial_id", ignore_index=True)


def _spaces(run: _Run) -> pd.DataFrame:
    """The spaces that the swept trials of every method were drawn from."""
    swept = run.trials[run.trials["stage"] == "sweep"]
    space = swept["space_id"] if "space_id" in swept else str(run.path)
    return swept[["method"]].assign(space_id=space)


def _names(runs: Sequence[_Run]) -> list[str]:
    names = [run.path.resolve().name if run.path.is_dir() else run.path.stem for run in runs]
    return [name if names.count(name) == 1 else f"{name}{place}" for place, name in enumerate(names)]


def _check_same(one: _Run, other: _Run) -> None:
    """Raises RunError where the runs must not stand on one figure."""

    def refuse(what: str, here: Any, there: Any) -> None:
        raise RunError(f"{one.path} and {other.path} cannot be compared: {what} {here} and {there}")

    for what, column in (("the data are", "source"), ("the protocol is", "protocol")):
        values = [sorted(set(run.trials[column])) for run in (one, other)]
        if values[0] != values[1]:
            refuse(what, *(", ".join(value) for value in values))
    if tasks_of(one.trials) != tasks_of(other.trials):
        refuse("the tasks are", *(", ".join(tasks_of(run.trials)) for run in (one, other)))
    if one.settings.sensitive and other.settings.sensitive and one.settings.sensitive != other.settings.sensitive:
        refuse("the losses act on", *(run.settings.sensitive for run in (one, other)))
    if all("data_id" in run.trials for run in (one, other)):
        ids = [set(run.trials["data_id"]) for run in (one, other)]
        if ids[0] != ids[1]:
            refuse("the data have the ids", *(", ".join(sorted(each)) for each in ids))
    splits = [_splits(run) for run in (one, other)]
    differ = [seed for seed in splits[0].index.intersection(splits[1].index) if splits[0][seed] != splits[1][seed]]
    if differ:
        refuse(f"the splits of seed {differ[0]} are", splits[0][differ[0]], splits[1][differ[0]])
    if set(splits[0]).isdisjoint(splits[1]):
        refuse("the splits are", *(", ".join(sorted(set(each))) for each in splits))


def _splits(run: _Run) -> pd.Series:
    searched = run.trials[run.trials["stage"].isin(SEARCHED)]
    return searched.drop_duplicates("seed").set_index("seed")["split_id"]
