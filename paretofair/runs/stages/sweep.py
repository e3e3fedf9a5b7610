"""The stage `sweep`: the search itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from paretofair.analysis.results import Results, find_choosing_split
from paretofair.errors import RunError
from paretofair.runs.packs import Pack, build_packs, pack_size
from paretofair.runs.stages.stage import Context, Plan, Stage
from paretofair.runs.stages.studies import Studies, Study, build_sampler, warm
from paretofair.sampling import Adaptive, find_sampler
from paretofair.space.schema import Settings

if TYPE_CHECKING:
    from paretofair.space.method_space import MethodSpace


class SweepStage(Stage):
    """Draws of a sampler for every seed: index is the number of the draw."""

    name = "sweep"

    def seeds(self, settings: Settings) -> Sequence[int]:
        return settings.seeds

    def indices(self, plan: Plan, method: str) -> int:
        return plan.trials["sweep"][method]

    def space(self, context: Context, method: str) -> MethodSpace:
        return context.sweep_space(method)

    def waits(self, settings: Settings) -> bool:
        sweep = settings.stages.sweep
        return settings.stages.tune is not None or sweep.successive_halving is not None or _learns(settings)

    def check(self, context: Context) -> None:
        """Also where it is led by ARE or ARFG and one of their denominators is missing or 0."""
        results, settings = context.results_so_far, context.space
        if results.trials.empty:
            raise RunError("nothing was trained that a search could begin with: every pack failed (--retry-failed)")
        led_by, denominators = settings.stages.sweep.led_by, results.baselines
        split, _ = find_choosing_split(settings.protocol)
        for name, metric in results.settings.relative.items():
            of_metric = denominators[(denominators["split"] == split) & (denominators["metric"] == metric)]
            for task in settings.tasks if name in led_by else ():
                means = of_metric.loc[of_metric["task"] == task, "mean"]
                if means.empty or not (means > 0).all():
                    raise RunError(
                        f"the sweep is led by {name}, whose denominator, the {metric} of {task} trained alone, is "
                        f"{'missing' if means.empty else means.min()} on {split}; choose other objectives"
                    )

    def packs(self, context: Context) -> list[Pack]:
        """Seed by seed rather than method by method: a run that is cut short still compares every method."""
        plan = context.plan
        return [
            pack
            for seed in self.seeds(context.space)
            for name in context.methods
            for pack in sweep_packs(
                context.sweep_space(name),
                context.splits.id_of(seed),
                seed,
                self.indices(plan, name),
                pack_size(context.space),
            )
        ]

    def studies(self, context: Context, read: Callable[[], pd.DataFrame], done: Collection[str]) -> Studies | None:
        space, plan = context.space, context.plan
        if not _learns(space):
            return None
        found: list[Study] = []
        wanted: set[str] = set()
        for seed in self.seeds(space):
            split_id = context.splits.id_of(seed)
            for name in context.methods:
                sampler = build_sampler(context.sweep_space(name), seed)
                assert isinstance(sampler, Adaptive)
                study = Study(context.sweep_space(name), seed, split_id, sampler, deque())
                ids = study.trial_ids(range(self.indices(plan, name)))
                study.left.extend(index for index, trial in enumerate(ids) if trial not in done)
                found.append(study)
                wanted.update(ids)
        settings = context.results_so_far.settings
        earlier = space.stages.sweep.sampler.options.get("warm_start")
        if earlier is not None:
            # Its own gap and metrics may be others.
            before = Results(earlier, gap=settings.gap, own_metrics=settings.own_metrics)
            _say_known(context, earlier, warm(found, before, settings))
        return Studies(found, read, context.results_so_far.baselines, settings, wanted)


def sweep_packs(space: MethodSpace, split_id: str, seed: int, trials: int, size: int) -> list[Pack]:
    """`trials` draws for a seed, by a sampler that learns nothing. A pack holds whole brackets of successive
    halving."""
    if space.bracket is not None:
        size = max(size // space.bracket, 1) * space.bracket
    seeds, indices = np.full(trials, seed), np.arange(trials)
    values = build_sampler(space, seed).ask(indices)
    return build_packs(space, split_id, "sweep", seeds, indices, values, size, part=f"-{seed}")


def _learns(settings: Settings) -> bool:
    return find_sampler(settings.stages.sweep.sampler.name).adaptive


def _say_known(context: Context, earlier: str, known: dict[str, int]) -> None:
    words = ", ".join(f"{count:,} trials of {name}" for name, count in known.items())
    context.console.print(f"Told from {earlier}: {words}", highlight=False, soft_wrap=True)
    if not any(known.values()):
        words = "None of its trials has the data, the split, a method and parameters of this space."
        context.console.print(words, style="yellow", soft_wrap=True)
