"""Methods compared on a table in memory: from a frame to frontiers and a chosen model."""

from __future__ import annotations

import hashlib
import io
import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from html import escape
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from rich.console import Console

from paretofair.analysis.overview import overview
from paretofair.analysis.results import Results
from paretofair.analysis.rules import default_rule, join_fronts, parse_rule
from paretofair.api import train
from paretofair.errors import RunError, SpaceError
from paretofair.export import choose_trial, export_trial
from paretofair.interface.chosen import ChosenModel
from paretofair.interface.describe import OBJECTIVES, describe_space, find_two_numbers
from paretofair.interface.given_data import GivenData, gather_data
from paretofair.interface.words import find_group_words, find_label_words
from paretofair.metrics.objectives import NamedSet, build_set
from paretofair.results.files import space_file
from paretofair.runs.run import RunOptions
from paretofair.space.space import Space, build_space, load_space

if TYPE_CHECKING:
    from paretofair.runs.jobs import EngineName


class Comparison:
    """A run of several methods: its results, and models chosen from them.

    A finished or unfinished one is opened by `Comparison(folder)`. In a notebook it shows itself.
    """

    def __init__(self, folder: str | Path, *, data_dir: str | Path | None = None) -> None:
        """Opens the results folder of `compare` or of `paretofair sweep`. Raises RunError where it is none."""
        self.folder = Path(folder)
        self.results = Results(self.folder)
        self._data_dir = data_dir

    @property
    def space(self) -> str:
        """The space file of the run, with every default: `paretofair sweep --space` trains the same from it."""
        return space_file(self.folder).read_text(encoding="utf-8")

    @property
    def trials(self) -> pd.DataFrame:
        """One row for each trial."""
        return self.results.trials

    @property
    def summary(self) -> pd.DataFrame:
        """One row for each method: its trials, the best value of each objective, and mean hypervolumes."""
        return overview(self.results, self.results.methods)

    def frontier(self, *objectives: str) -> pd.DataFrame:
        """The points that no other trial of the method and seed beats, under the objectives of the run by default; see
        `Results.frontier`."""
        return self.results.frontier(*(objectives or (self.results.leading,)))

    def findings(self) -> list[str]:
        """What a careful reader would say of the results, in sentences."""
        from paretofair.report.findings import find

        return [each.sentence for each in find(self.results)]

    def plot(self) -> Any:
        """The frontiers on test, one colour for each method: a figure of matplotlib. Raises RunError before there are
        any."""
        from paretofair.report.figures import fronts, sets

        figure = sets.draw(self.results) if self.results.compared_sets else None
        figure = figure or fronts.draw(self.results)
        if figure is None:
            raise RunError(f"{self.folder} has no frontier yet")
        # A notebook asks for it; matplotlib gives figures none of their own outside of pyplot.
        figure._repr_png_ = lambda: _to_png(figure)  # type: ignore[attr-defined]
        return figure

    def report(self, output: str | Path | None = None) -> Path:
        """Writes tables, figures and `report.html` to a folder, by default that of the run; gives the page."""
        from paretofair.report.figures import write_figures
        from paretofair.report.latex import write_latex
        from paretofair.report.page import write_page
        from paretofair.report.write import write_report

        folder = Path(output or self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_report(self.results, folder)
        write_latex(self.results, folder)
        write_figures(self.results, folder)
        return write_page(self.results, folder)

    def best(
        self,
        rule: str | None = None,
        *,
        method: str | None = None,
        seed: int | None = None,
        objectives: str | None = None,
        output: str | Path | None = None,
    ) -> ChosenModel:
        """The model that a rule chooses on validation, over all methods and seeds or of one.

        Args:
            rule: As `"smallest equalized_odds_max, error <= 0.2"`, `"knee"` or `"smallest error + equalized_odds_max"`;
                by default the knee of the frontier.
            method: One of the run's.
            seed: One of the run's.
            objectives: A set of the run's, by default its first.
            output: Where the model is saved, by default `exported/<trial>` in the run's folder.

        Raises:
            RunError: A rule, method or seed that is none; no point that keeps the bound of the rule.
        """
        return self.model(self.choose(rule, method=method, seed=seed, objectives=objectives), output)

    def choose(
        self,
        rule: str | None = None,
        *,
        method: str | None = None,
        seed: int | None = None,
        objectives: str | None = None,
    ) -> str:
        """The id of the trial that `best` takes. Raises RunError, as it does."""
        rule = rule or default_rule(self.results.settings)
        return choose_trial(self.results, rule, method, seed, objectives)

    def joint_frontier(self) -> pd.DataFrame:
        """The points of `frontier` that no point of any method or seed beats on the split that chooses."""
        return join_fronts(self.results, self.results.leading)

    def model(self, trial_id: str, output: str | Path | None = None) -> ChosenModel:
        """The model of a trial of the table. Raises RunError for a trial that is none or was not completed."""
        done = export_trial(self.folder, trial_id, output, data_dir=self._data_dir)
        space = load_space(space_file(self.folder))
        labels, groups = find_label_words(space, done.model.about), find_group_words(space)
        sources = {name: (list(file.tasks), list(file.sensitive)) for name, file in space.data.sources.items()}
        return ChosenModel(done.model, labels, groups, done.folder, sources)

    def __repr__(self) -> str:
        return f"Comparison({str(self.folder)!r}): {len(self.trials):,} trials of {', '.join(self.results.methods)}"

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{escape(str(self.folder))}</b>: {len(self.trials):,} trials</p>"]
        parts.append(self.summary.round(4).to_html(index=False))
        with suppress(RunError):  # no frontier yet
            parts.append(f'<img src="data:image/png;base64,{b64encode(_to_png(self.plot())).decode()}">')
        parts.append("<ul>" + "".join(f"<li>{escape(each)}</li>" for each in self.findings()[:8]) + "</ul>")
        return "".join(parts)


def compare(
    data: Any,
    labels: Any = None,
    *,
    tasks: str | Sequence[str] | Mapping[str, Any] | None = None,
    sensitive: str | Sequence[str] | Mapping[str, Any] | None = None,
    sensitive_features: Any = None,
    positive: Any = None,
    methods: str | Sequence[str] | Mapping[str, Any] = "all",
    trials: int = 50,
    seeds: int | Sequence[int] = 6,
    objectives: Sequence[str] = OBJECTIVES,
    split: Any = None,
    test: float = 0.3,
    validation: float = 0.2,
    sample_weight: Any = None,
    inputs: Mapping[str, Any] | Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    name: str = "comparison",
    output: str | Path | None = None,
    engine: EngineName = "auto",
    address: str | None = None,
    data_dir: str | Path | None = None,
    require_real_data: bool = False,
    time_budget: float | None = None,
    quiet: bool = False,
) -> Comparison:
    """Trains methods with many settings each and compares them by their frontiers.

        run = compare(frame, tasks=["repaid", "large"], sensitive="sex", trials=100)
        run.frontier(), run.plot(), run.findings()
        model = run.best("smallest equalized_odds_max, error <= 0.2")
        model.predict(frame)

    The same call again trains only what is missing; more trials, seeds or methods extend a run.

    Args:
        data: A table (pandas, polars, Arrow, or a numpy array), a file (CSV, Parquet, Feather), or the name of a known
            data set.
        labels: What is predicted, where the data have no column of it: one column, or one for each task.
        tasks: Columns of the data, or a mapping of names to columns or expressions such as `amount > 6000`. Two values
            are a yes and a no, more are classes.
        sensitive: The columns whose groups are compared; the losses act on the first. Or a mapping, as in a space file.
        sensitive_features: The same, where the data have no column of it. It is then no input.
        positive: The value that counts as a yes, for each task where there are several; by default 1, true, yes, or of
            two other values the last in sorted order.
        methods: Names, a mapping of names to what a space file says of them, or `all` that need no choice of yours.
        trials: Settings drawn for each method and seed.
        seeds: How many, or which. Fewer than six cannot show that two methods differ.
        objectives: The metrics of the frontiers; of several tasks their means. docs/objectives.md lists them. The gap
            among them decides on which rows the losses compare groups.
        split: A column, or one value for each row: the words train, validation and test. By default a share of rows is
            drawn for `test`, and of the others for `validation`, on which points are chosen.
        sample_weight: A column, or one number for each row, from 0.
        inputs: The columns that are read, or a mapping as in a space file; by default all others.
        exclude: Columns that are not read, identifiers say.
        settings: Sections of a space file that are laid over what this function writes, as in
            `{"network": {"shared": [64]}, "stages": {"confirm": {"runs": 5}}}`.
        name: Of the run, in figures and captions.
        output: The results folder or a URL; by default a folder in `results` that follows from the data and settings.
        engine: `process`: in this process; `ray`: by workers; `auto`: whichever is done sooner.
        address: An existing Ray cluster.
        data_dir: Where known data sets are looked for first.
        require_real_data: Fail rather than use simulated data in place of a known data set.
        time_budget: Seconds after which no new pack of trials begins.
        quiet: Whether to show no progress.

    Raises:
        DataError, SpaceError, RunError: data, settings or an output that do not fit, in one sentence each.
    """
    settings = settings or {}
    if not isinstance(settings, Mapping):
        raise SpaceError(f"settings: found {type(settings).__name__}; expected sections of a space file, as a mapping")
    _check_search(trials, seeds, objectives)
    csv = (settings.get("data") or {}).get("csv") or {}
    given = gather_data(
        *(data, labels),
        tasks=tasks,
        sensitive=sensitive,
        sensitive_features=sensitive_features,
        positive=positive,
        split=split,
        sample_weight=sample_weight,
        inputs=inputs,
        exclude=exclude,
        csv=csv,
    )
    return train_comparison(
        given,
        methods=methods,
        trials=trials,
        seeds=seeds,
        objectives=objectives,
        test=None if split is not None else test,
        validation=validation,
        settings=settings,
        name=name,
        output=output,
        engine=engine,
        address=address,
        data_dir=data_dir,
        require_real_data=require_real_data,
        time_budget=time_budget,
        quiet=quiet,
    )


def _check_search(trials: Any, seeds: Any, objectives: Any) -> list[int]:
    """Gives the seeds. Raises SpaceError where a search is none; before any data are read."""
    if isinstance(objectives, str):
        raise SpaceError(
            f"objectives: found the text {objectives!r}; expected a list of metrics, as {list(OBJECTIVES)}"
        )
    if not isinstance(trials, Integral) or trials < 1:
        raise SpaceError(f"trials: found {trials!r}; expected how many settings are drawn for each method, from 1 on")
    if isinstance(seeds, str) or not isinstance(seeds, Integral | Sequence | np.ndarray):
        raise SpaceError(f"seeds: found {seeds!r}; expected how many, or which")
    return list(range(int(seeds))) if isinstance(seeds, Integral) else [int(seed) for seed in seeds]


def train_comparison(
    given: GivenData,
    *,
    methods: str | Sequence[str] | Mapping[str, Any],
    trials: int,
    seeds: int | Sequence[int],
    objectives: Sequence[str],
    test: float | None = None,
    validation: float = 0.2,
    settings: Mapping[str, Any] | None = None,
    name: str = "comparison",
    output: str | Path | None = None,
    engine: EngineName = "auto",
    address: str | None = None,
    data_dir: str | Path | None = None,
    require_real_data: bool = False,
    time_budget: float | None = None,
    quiet: bool = False,
    exports: bool = True,
    without: Mapping[str, str] | None = None,
    rule: str | None = None,
) -> Comparison:
    """What `compare` does with data that are described, by the same keywords. Without `exports` the tables that follow
    from the trials are not written. `without` are methods that the word `all` leaves out, with the reason. A `rule`
    that will choose is checked before anything is trained."""
    numbers, laid = _check_search(trials, seeds, objectives), dict(settings or {})
    section = dict(given.section)
    if "csv" in section:
        section = {"name": name, **section}
        section["csv"] = section["csv"] | ({} if test is None else {"test": test})
    section["validation"] = validation
    document, left_out = describe_space(
        *(name, section, given.kinds, given.rows, methods, objectives, int(trials), numbers, laid, without or {})
    )
    document["resources"] = {"engine": engine, **(document.get("resources") or {})}
    place = output if output is not None else Path("results") / f"{name}-{_digest(document, given.digest)}"
    folder = RunOptions.find_folder(place)
    document["data"] = {**document["data"], **_merge_csv(document["data"], given.write(folder))}
    try:
        space = build_space(document, "compare")
    except SpaceError as error:
        if "frontiers" in laid:
            raise
        # Of the only set, which the argument makes.
        raise SpaceError(re.sub(r"frontiers\.objectives\[0\](\.of)?", "objectives", str(error))) from None
    if rule is not None:
        _check_rule(rule, space)
    console = Console(quiet=quiet)
    told = (
        [f"Left out of all methods: {'; '.join(f'{name} ({why})' for name, why in left_out.items())}."]
        if left_out
        else []
    )
    told += [
        f"{name}: two values, {ends}, of which one is drawn; a range is {{'uniform': {ends}}} or log_uniform."
        for name, ends in find_two_numbers(laid)
    ]
    for words in told:
        console.print(words, markup=False, highlight=False, soft_wrap=True)
    options = RunOptions.of(
        space,
        place,
        data_dir=None if data_dir is None else Path(data_dir),
        require_real_data=require_real_data,
        time_budget=time_budget,
        exports=exports,
    )
    try:
        train(space, options, console, address)
    except KeyboardInterrupt:
        words = f"Interrupted. Finished stacks are in {options.output}; the same call goes on from there."
        console.print(words, markup=False, highlight=False, soft_wrap=True)
        raise
    return Comparison(options.output, data_dir=data_dir)


def _check_rule(rule: str, space: Space) -> None:
    """Raises RunError for a rule that is none, of the frontiers that lead a space."""
    first, tasks, metrics = space.frontiers.objectives[0], space.tasks, space.known_metrics
    if not first.of:
        return  # settings of the caller name one of the sets that every run has
    try:
        parse_rule(rule, build_set(NamedSet(first.name, first.of), tasks, metrics), tasks, metrics)
    except ValueError as error:
        raise RunError(f"rule: {error}") from None


def _merge_csv(written: Mapping[str, Any], section: Mapping[str, Any]) -> dict[str, Any]:
    """The path of the table that was written, beside what is said of it."""
    if "csv" not in section:
        return {}
    return {"csv": {**written["csv"], "path": section["csv"]["path"]}}


def _digest(document: Mapping[str, Any], data: str) -> str:
    """Eight hexadecimal digits of what no run can be extended by: the same call goes on, others begin anew."""
    stages = document["stages"]
    fixed = {key: each for key, each in document.items() if key not in ("methods", "seeds", "stages", "resources")}
    fixed |= {"baselines": stages.get("baselines"), "tune": stages.get("tune"), "table": data}
    text = json.dumps(fixed, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _to_png(figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=150, bbox_inches="tight")
    return stream.getvalue()
