"""A run in progress: trains what is missing, stage by stage."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from paretofair.analysis.derived import counted_metrics
from paretofair.analysis.overview import deciding_metrics, deciding_objectives, folders_behind, hypervolume_so_far
from paretofair.analysis.reading.settings import read_plain
from paretofair.analysis.results import ReportSettings, Results, read_settings
from paretofair.metrics.metric import Metric
from paretofair.metrics.objectives import needed_metrics
from paretofair.results import TrialTable
from paretofair.results.files import FAILED, inside, write_text
from paretofair.results.table_schema import SPLITS, TableSchema
from paretofair.runs.build import COMPILE_FROM, build_halving
from paretofair.runs.environment import read_commit
from paretofair.runs.folder import failures
from paretofair.runs.jobs import Engine, Job, Outcome, PackList, Source
from paretofair.runs.progress import watch
from paretofair.runs.resume import check_spaces
from paretofair.runs.stages import STAGE_OF, Context, Plan, Stage, spaces_of
from paretofair.runs.stages.studies import Studies
from paretofair.space.numbering import decode_seed
from paretofair.space.space import Space
from paretofair.training import CurveSettings, Halving

_SHOWN = 10.0  # seconds that progress may lag behind results at a URL, which are listed over the network


class Session:
    """A run in progress."""

    def __init__(
        self,
        context: Context,
        table: TrialTable,
        store: str | None,
        deadline: float | None,
        engine: Engine,
        connect: Callable[[], None],
    ) -> None:
        """`connect` connects the `engine`; it is called before packs are run, so never if nothing is left to train."""
        self._context, self._table, self._store = context, table, store
        self._deadline, self._engine, self._connect = deadline, engine, connect
        self._console, self._folder, self._plan = context.console, context.folder, context.plan
        self._settings = read_settings(context.folder)
        # Trials of packs that failed every time are left alone until they are asked for.
        self.given_up = {trial for each in failures(context.folder).values() for trial in each["trials"]}
        self.wanted: set[str] = set()
        self.not_begun = 0
        self.trained = 0
        self.workers = 0
        self.failed: dict[str, str] = {}
        self.out_of_time = False

    def train(self) -> None:
        """Every stage in order. Neighbours that need no earlier results are trained together, so that no worker is idle
        between them. A stage that needs results starts when all earlier ones are complete, and is left out otherwise.
        """
        space = self._context.space
        together: list[Stage] = []
        for stage in (stage for stage in STAGE_OF.values() if stage.seeds(space)):
            if stage.waits(space):
                self._train(together)
                ended, together = together, []
                if not self._complete():
                    self._leave_out(stage)
                    continue
                self._look_back(ended, stage)
            together.append(stage)
        self._train(together)

    def _complete(self) -> bool:
        """Whether everything that was to be trained so far has been."""
        return not self.out_of_time and not self.failed

    def _leave_out(self, stage: Stage) -> None:
        self.not_begun += sum(stage.count(self._plan, name) or 0 for name in stage.methods(self._plan))
        if stage.omission:
            self._console.print(stage.omission, style="yellow")

    def _look_back(self, ended: Sequence[Stage], stage: Stage) -> None:
        """Reads the results of the stages that ended into the context, and checks that `stage` can start from them."""
        folders = folders_behind(self._folder, self._context.space.tasks, self._settings)
        results = Results.of(self._table.read(), self._settings, folders, schema=self._table.schema)
        self._context = replace(self._context, results=results)
        stage.check(self._context)
        for each in ended:
            self._context = each.conclude(self._context)
        check_spaces(self._folder, self._context.results_so_far.trials, spaces_of(self._context), (stage.name,))

    def _train(self, stages: Sequence[Stage]) -> None:
        """Trains the trials of these stages that are not in the table."""
        if not stages:
            return
        done = self.given_up | set(self._table.read()["trial_id"])
        context, names = self._context, [stage.name for stage in stages]
        what = "search" if "sweep" in names[1:] else names[0]
        studies = stages[0].studies(context, self._table.read, done)
        if studies is not None:
            self._warn_of_asking(studies)
            self._run(what, stages, studies, studies.trial_ids, stages[0].seeds(context.space))
            return
        packs = [pack for stage in stages for pack in stage.packs(context)]
        ids = {trial for pack in packs for trial in pack.trial_ids}
        left = [pack for pack in (each.without(done) for each in packs) if len(pack)]
        seeds = {decode_seed(pack.stage, int(pack.seeds[0]))[0] for pack in left}
        self._run(what, stages, PackList(left), ids, seeds)

    def _warn_of_asking(self, studies: Studies) -> None:
        """Warns if the sampler will need longer to propose the remaining trials than workers need to train them, by the
        times of the trials so far."""
        asking, count, space = studies.asking_seconds(), studies.left(), self._context.space
        training = count * float(self._context.results_so_far.trials["train_seconds"].median()) / max(self.workers, 1)
        if asking > max(training, 60):
            name = space.stages.sweep.sampler.name
            words = f"Asking {name} for {count:,} trials will take about {asking / 60:,.0f} min, training them about "
            words += f"{training / 60:,.0f} min. A smaller history (stages.sweep.sampler) or nsga2 asks faster."
            self._console.print(words, style="yellow", soft_wrap=True)

    def _run(self, what: str, stages: Sequence[Stage], source: Source, ids: set[str], seeds: Collection[int]) -> None:
        """Trains the packs of `source`, which belong to these stages and to these `seeds` of the space file. `ids` are
        the trials that should stand in the table afterwards."""
        self.wanted |= ids
        if source.empty():
            return
        context, before = self._context, set(self._table.read()["trial_id"])
        space, curves = context.space, context.space.curves
        splits = {context.splits.id_of(seed): context.splits.of(seed) for seed in seeds}
        total = sum(
            stage.count(self._plan, name, context.results) or 0
            for stage in stages
            for name in stage.methods(self._plan)
        )
        job = Job(
            spaces=spaces_of(context),
            splits=splits,
            sensitive=space.baselines.sensitive,
            folder=self._folder.resolve(),
            store=self._store,
            device="cuda" if space.resources.gpus else "cpu",
            stack=space.resources.stack,
            compiled=_compiles(space),
            tf32=space.resources.tf32,
            half=space.resources.precision == "bf16",
            halving=_halving(context, splits) if "sweep" in [stage.name for stage in stages] else None,
            models=space.resources.models,
            models_bytes=space.resources.models_gb * 1e9,
            objectives=kept_objectives(space),
            version=f"{version('paretofair')} {read_commit()}",
            checkpoint=space.resources.checkpoint_seconds,
            deadline=None if self._deadline is None else time.time() + self._deadline - time.monotonic(),
            curves={}
            if curves is None
            else dict.fromkeys(curves.stages, CurveSettings(curves.every, curves.contribution, curves.splits)),
        )
        self._connect()
        resources = space.resources
        with watch(self._console, what, total, lambda: self._count_done(ids), self._hypervolume):
            outcome = self._engine.run_packs(
                job, source, cpus=resources.cpus, gpus=resources.gpus, deadline=self._deadline
            )
        after = self._table.read()
        new = after[~after["trial_id"].isin(before)]
        self.trained += len(new)
        self.workers = max(self.workers, outcome.workers)
        # A table without rows has no such columns.
        eager = set(new.loc[(new["stage"] == "sweep") & (new["path"] == "eager"), "method"]) if len(new) else set()
        if job.compiled and any(context.sweep_space(name).training.clip is None for name in eager):
            # Workers log the reason where nobody looks.
            self._console.print("Trials were trained uncompiled: no working C++ compiler on a worker.", style="yellow")
        if outcome.narrowed:
            words = f"A worker ran out of memory and went on with stacks of {outcome.narrowed} trials."
            self._console.print(words, style="yellow")
        if outcome.left_out:
            most = f"{resources.models_gb:g} GB (resources.models_gb)"
            words = f"Weights of {outcome.left_out:,} trials were not kept: all would have been more than {most}."
            self._console.print(
                f"{words} Their trials can be trained again by `export`.", style="yellow", soft_wrap=True
            )
        self.failed |= outcome.reasons
        self._give_up(outcome)
        self.out_of_time |= outcome.out_of_time

    def _give_up(self, outcome: Outcome) -> None:
        """Writes down what failed every time."""
        if not outcome.failed:
            return
        done = set(self._table.read()["trial_id"])
        given_up = failures(self._folder)
        for name, pack in outcome.failed.items():
            # A pack of that name may have had other trials in an earlier run.
            trials = {*given_up.get(name, {}).get("trials", ()), *pack.trial_ids} - done
            what = {"stage": pack.stage, "method": pack.method, "reason": outcome.reasons[name]}
            given_up[name] = what | {"trials": sorted(trials)}
            self.given_up |= trials
        write_text(inside(self._folder, FAILED), json.dumps(given_up, indent=1) + "\n")

    def _count_done(self, ids: set[str]) -> int:
        return len(ids.intersection(self._table.read(older=_SHOWN)["trial_id"]))

    def _hypervolume(self) -> str:
        return hypervolume_so_far(self._table.read(older=_SHOWN), self._settings, self._table.schema)


def choose_metrics(space: Space) -> set[str]:
    """The metrics of the trial table that the run itself needs, on every split. The others are read for the exports
    alone: a driver with millions of trials has no room for them while it runs."""
    names = deciding_metrics(space.tasks, settings_of(space), _led_by(space))
    return {f"{split}_{name}" for split in SPLITS for name in names}


def derive_columns(space: Space, folder: Path) -> Callable[[pa.Table, TableSchema], pa.Table] | None:
    """What the run itself needs of metrics that follow from counts by group; None for nothing."""
    settings = settings_of(space)
    wanted = deciding_objectives(space.tasks, settings, _led_by(space))
    return counted_metrics(folder, wanted, space.tasks, space.baselines.sensitive, settings)


def _led_by(space: Space) -> list[str]:
    """The objectives of the sampler and of the stage `tune`. Trials are halved where they train."""
    tune = space.stages.tune
    tuned = settings_of(space).build_set(tune.objectives, space.tasks).names if tune is not None else ()
    return [*space.stages.sweep.sampler.objectives, *tuned]


def settings_of(space: Space) -> ReportSettings:
    """What a report of this space needs to know."""
    return read_plain(space.model_dump(mode="json", exclude_none=True))


def kept_objectives(space: Space) -> list[list[Metric]]:
    """The metrics of tasks of the sets whose frontiers are written, each that no other is a part of."""
    settings = settings_of(space)
    sets = [settings.build_set(name, space.tasks) for name in settings.objectives]
    found = [needed_metrics(each.objectives, settings.gap, settings.metrics) for each in sets]
    names = [{metric.name for metric in each} for each in found]
    return [
        each
        for place, each in enumerate(found)
        if not any(names[place] < other or (names[place] == other and place > at) for at, other in enumerate(names))
    ]


def _compiles(space: Space) -> bool:
    """Whether the steps of the sweep are compiled. Decided by the number of planned trials, not of remaining ones, so
    that a resumed run gives the rows of an undisturbed one."""
    if space.resources.compile is not None:
        return space.resources.compile
    plan, sweep = Plan.of(space, list(space.methods)), STAGE_OF["sweep"]
    return max(sweep.count(plan, name) or 0 for name in plan.methods) >= COMPILE_FROM


def _halving(context: Context, splits: Collection[str]) -> Mapping[str, Halving] | None:
    """How trials of the sweep are halved, by split; None if they are not, or before the results it needs exist."""
    space = next(map(context.sweep_space, context.methods))
    if space.halving is None or context.results is None:
        return None
    return {split_id: build_halving(space, context.results.baselines, split_id) for split_id in splits}
