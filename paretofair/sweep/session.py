"""A run in progress: trains what is missing, stage by stage."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console

from paretofair.analysis.overview import hypervolume_so_far
from paretofair.analysis.relative import PREFIXES, RESULTS, baselines, with_relative
from paretofair.analysis.results import Results, chosen_on, read_settings
from paretofair.data import Splits
from paretofair.data.splits import SplitsBySeed
from paretofair.errors import RunError
from paretofair.metrics.constraints import parse_constraint
from paretofair.metrics.relative import RELATIVE
from paretofair.results import STAGES, TrialTable
from paretofair.results.files import FAILED, write_csv, write_text
from paretofair.sampling import SAMPLERS, Adaptive
from paretofair.space.method_space import MethodSpace
from paretofair.space.numbering import BASELINE_METHOD, own_seed
from paretofair.space.space import Space
from paretofair.space.tune import frozen, setting_values
from paretofair.sweep.build import build_halving, build_sampler, check_denominators
from paretofair.sweep.folder import failures
from paretofair.sweep.jobs import Engine, Job, Outcome
from paretofair.sweep.packs import Pack
from paretofair.sweep.plan import compiles, sweep
from paretofair.sweep.progress import watch
from paretofair.sweep.resume import check_spaces
from paretofair.sweep.sources import Asked, Planned, Source, Study, warmed
from paretofair.sweep.stages import sweep_ids
from paretofair.sweep.tuning import compared
from paretofair.training import Curves, Halving

_SHOWN = 10.0  # seconds that progress may lag behind results at a URL, which are listed over the network


class Session:
    """A run in progress."""

    def __init__(
        self,
        space: Space,
        methods: Sequence[str],
        splits: SplitsBySeed,
        folder: Path,
        table: TrialTable,
        store: str | None,
        console: Console,
        deadline: float | None,
        engine: Engine,
        connect: Callable[[], None],
    ) -> None:
        """`connect` connects the `engine`, when there is something to train."""
        self._space, self._methods, self._splits, self._folder = space, methods, splits, folder
        self._table, self._console, self._deadline = table, console, deadline
        self._engine, self._connect, self._store = engine, connect, store
        self._settings = read_settings(folder)
        self._spaces = _spaces(space, methods)
        self._halving: Mapping[str, Halving] | None = None
        # Trials of packs that failed every time are left alone until they are asked for.
        self.given_up = {trial for each in failures(folder).values() for trial in each["trials"]}
        self.wanted: set[str] = set()
        self.trained = 0
        self.workers = 0
        self.failed: dict[str, str] = {}
        self.out_of_time = False

    def complete(self) -> bool:
        """Whether everything that was to be trained so far has been."""
        return not self.out_of_time and not self.failed

    def train(self, what: str, packs: list[Pack]) -> None:
        """Trains the trials of `packs` that are not in the table."""
        done = self.given_up | set(self._table.read()["trial_id"])
        left = [pack for pack in (each.without(done) for each in packs) if len(pack)]
        ids = {trial for pack in packs for trial in pack.trial_ids}
        splits = {pack.split_id: self._splits.of(own_seed(pack.stage, int(pack.seeds[0]))) for pack in left}
        self._run(what, Planned(left), ids, splits)

    def search(self) -> None:
        """The sweep, where it depends on what was trained before."""
        space, table = self._space, self._table.read()
        if table.empty:
            raise RunError("nothing was trained that a search could begin with: every pack failed (--retry-failed)")
        trials = table.sort_values(["stage", "method", "seed", "index"])
        denominators = baselines(trials)
        spaces = {name: space.method(name) for name in self._methods}
        if space.stages.tune is not None:
            spaces = self._tuned(spaces, with_relative(trials, denominators))
        self._spaces = _spaces(space, self._methods, spaces)
        check_spaces(self._folder, trials, self._spaces, ("sweep",))
        split_ids = {seed: self._splits.id_of(seed) for seed in space.seeds}
        splits = {split_id: self._splits.of(seed) for seed, split_id in split_ids.items()}
        check_denominators(space, space.tasks, denominators)
        of_any = next(iter(spaces.values()))
        if of_any.halving is not None:
            self._halving = {split_id: build_halving(of_any, denominators, split_id) for split_id in splits}
        if SAMPLERS[space.stages.sweep.sampler.name].adaptive:
            self._ask(spaces, trials, denominators, splits)
        else:
            self.train("sweep", sweep(space, spaces, split_ids))

    def _ask(
        self,
        spaces: Mapping[str, MethodSpace],
        trials: pd.DataFrame,
        denominators: pd.DataFrame,
        splits: Mapping[str, Splits],
    ) -> None:
        """The sweep of a sampler that learns, from what the table of `trials` holds on."""
        space, before = self._space, self.given_up | set(trials["trial_id"])
        studies, ids = [], set()
        for seed in space.seeds:
            split_id = self._splits.id_of(seed)
            for of_method in spaces.values():
                names = sweep_ids(of_method, split_id, seed, space.trials_of(of_method.method))
                left = deque(index for index, name in enumerate(names) if name not in before)
                sampler = build_sampler(of_method, seed)
                assert isinstance(sampler, Adaptive)
                studies.append(Study(of_method, seed, split_id, sampler, left))
                ids |= set(names)
        constraints = tuple(parse_constraint(text) for text in space.constraints)
        selected_on, _ = chosen_on(space.protocol)
        folder = space.stages.sweep.sampler.options.get("warm_start")
        if folder is not None:
            earlier = Results(folder)
            known = dict.fromkeys(spaces, 0)
            for study in studies:
                own = warmed(study, earlier, constraints, selected_on)
                # Seeds of one split are told the same.
                known[study.space.method] = max(known[study.space.method], own)
            words = ", ".join(f"{count:,} trials of {name}" for name, count in known.items())
            self._console.print(f"Told from {folder}: {words}", highlight=False, soft_wrap=True)
            if not any(known.values()):
                words = "None of its trials has the data, the split, a method and parameters of this space."
                self._console.print(words, style="yellow", soft_wrap=True)
        source = Asked(studies, self._table.read, denominators, constraints, selected_on)
        self._warn_of_asking(source.asking_seconds(), sum(len(study.left) for study in studies), trials)
        self._run("sweep", source, ids, splits)

    def _warn_of_asking(self, asking: float, count: int, trials: pd.DataFrame) -> None:
        """Says so where asking for `count` trials takes longer than training them would, by the seconds of the
        baselines, `trials` of the table."""
        training = count * float(trials["train_seconds"].median()) / max(self.workers, 1)
        if asking > max(training, 60):
            name = self._space.stages.sweep.sampler.name
            words = f"Asking {name} for {count:,} trials will take about {asking / 60:,.0f} min, training them about "
            words += f"{training / 60:,.0f} min. A smaller history (stages.sweep.sampler) or nsga2 asks faster."
            self._console.print(words, style="yellow", soft_wrap=True)

    def _tuned(self, spaces: Mapping[str, MethodSpace], trials: pd.DataFrame) -> dict[str, MethodSpace]:
        """The spaces of the sweep, with what `tune` has chosen, which is written to `tuned.csv`."""
        point = self._space.frontiers.reference_point
        constraints = [parse_constraint(text) for text in self._space.constraints]
        tables, tuned = [], {}
        for name, space in spaces.items():
            own = trials[(trials["stage"] == "tune") & (trials["method"] == name)]
            table = compared(space, own, constraints, (point.arfg, point.are))
            if not table["hypervolume"].any():
                words = f"tune: no trial of {name} is better than the reference point (arfg {point.arfg:g}, are "
                words += f"{point.are:g}): its first setting is taken, for want of a better one (tuned.csv)."
                self._console.print(words, style="yellow", soft_wrap=True)
            values = setting_values(space)
            tables.append(table.assign(**values))
            chosen = int(table["chosen"].to_numpy().argmax())
            tuned[name] = frozen(space, {each: column[chosen].item() for each, column in values.items()})
        write_csv(self._folder / "tuned.csv", pd.concat(tables, ignore_index=True))
        return tuned

    def _run(self, what: str, source: Source, ids: set[str], splits: Mapping[str, Splits]) -> None:
        """Trains what `source` gives; `ids` are the trials that should stand in the table afterwards."""
        self.wanted |= ids
        if source.empty():
            return
        space, before = self._space, set(self._table.read()["trial_id"])
        curves = space.curves
        job = Job(
            spaces=self._spaces,
            splits=splits,
            sensitive=space.baselines.sensitive,
            folder=self._folder.resolve(),
            store=self._store,
            device="cuda" if space.resources.gpus else "cpu",
            stack=space.resources.stack,
            compiled=compiles(space),
            tf32=space.resources.tf32,
            halving=self._halving,
            models=space.resources.models,
            checkpoint=space.resources.checkpoint_seconds,
            deadline=None if self._deadline is None else time.time() + self._deadline - time.monotonic(),
            curves={} if curves is None else dict.fromkeys(curves.stages, Curves(curves.every, curves.contribution)),
        )
        self._connect()
        resources = space.resources
        with watch(self._console, what, len(ids), lambda: self._done(ids), self._hypervolume):
            outcome = self._engine.run_packs(
                job, source, cpus=resources.cpus, gpus=resources.gpus, deadline=self._deadline
            )
        after = self._table.read()
        new = after[~after["trial_id"].isin(before)]
        self.trained += len(new)
        self.workers = max(self.workers, outcome.workers)
        if job.compiled and len(new) and ((new["stage"] == "sweep") & (new["path"] == "eager")).any():
            # Workers log the reason where nobody looks.
            self._console.print("Trials were trained uncompiled: no working C++ compiler on a worker.", style="yellow")
        if outcome.narrowed:
            words = f"A worker ran out of memory and went on with stacks of {outcome.narrowed} trials."
            self._console.print(words, style="yellow")
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
        write_text(self._folder / FAILED, json.dumps(given_up, indent=1) + "\n")

    def _done(self, ids: set[str]) -> int:
        return len(ids.intersection(self._table.read(older=_SHOWN)["trial_id"]))

    def _hypervolume(self) -> str:
        return hypervolume_so_far(self._table.read(older=_SHOWN), self._settings)


def decisive(space: Space) -> Callable[[str], bool]:
    """Tells, by its name, whether a run decides anything by a column of its trial table. The others, most of the
    metrics, are read for the exports alone: a driver with millions of trials has no room for them while it runs."""
    names = [f"{metric}_{task}" for metric, _ in RELATIVE.values() for task in space.tasks]
    names += [parse_constraint(text).name for text in space.constraints]
    names += space.stages.sweep.sampler.options.get("objectives", ())
    metrics = {f"{prefix}{name}" for prefix in PREFIXES for name in names}
    return lambda name: name in metrics or name == "train_seconds" or not name.startswith(RESULTS)


def _spaces(
    space: Space, methods: Sequence[str], swept: Mapping[str, MethodSpace] | None = None
) -> dict[tuple[str, str], MethodSpace]:
    """The spaces by stage and method; those of the sweep are `swept`, where they are others."""
    of_methods = {(stage, name): space.method(name) for stage in STAGES[1:] for name in methods}
    of_methods |= {("sweep", name): each for name, each in (swept or {}).items()}
    return of_methods | {("baselines", BASELINE_METHOD): space.baselines}
