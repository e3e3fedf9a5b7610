"""What stages count is what their packs hold, and the rows that they know are those of their packs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.reading.settings import ReportSettings
from paretofair.analysis.results import Results
from paretofair.results import STAGES
from paretofair.runs.rehearsal import _count_left
from paretofair.runs.run import RunOptions, load_splits
from paretofair.runs.stages import STAGE_OF, Context, Plan
from paretofair.space.numbering import BASELINE_METHOD, decode_seed
from paretofair.space.space import load_space
from tests.golden.plans import SMALL, VARIANTS
from tests.runs.stages.tables import make_rows

SPLITS, METRICS = ("train", "validation", "test"), ("error", "fpr_gap")


def context_of(*overrides: str, methods: list[str] | None = None) -> Context:
    space = load_space(SMALL, overrides)
    return Context(space, methods or list(space.methods), load_splits(space, RunOptions(Path(), ())))


def rows_of(packs) -> pd.DataFrame:
    """What the trial table says of packs, with results that a search might have."""
    rows = make_rows(packs)
    tasks = [name.removeprefix("task_weight_") for name in rows if name.startswith("task_weight_")]
    draws = np.random.default_rng(0)
    columns = [f"{split}_{metric}_{task}" for split in SPLITS for metric in METRICS for task in tasks]
    return rows.assign(**{name: draws.uniform(0.1, 0.3, len(rows)) for name in columns})


def began(context: Context) -> Context:
    """After the baselines."""
    rows = rows_of(STAGE_OF["baselines"].packs(context))
    return replace(context, results=Results.of(rows, ReportSettings()))


def test_stages_are_those_of_the_table():
    assert tuple(STAGE_OF) == STAGES


@pytest.mark.parametrize("name", VARIANTS)
def test_a_stage_counts_the_trials_of_its_packs(name):
    context = context_of(*VARIANTS[name])
    plan = context.plan
    for stage in (STAGE_OF[name] for name in STAGES[:-1]):
        if stage.studies(began(context), lambda: pd.DataFrame(), ()) is not None:
            continue
        packs = stage.packs(context)
        for method in stage.methods(plan):
            own = [pack for pack in packs if pack.method == method]
            assert stage.count(plan, method) == sum(map(len, own))
            if own:
                rows = rows_of(own)
                assert stage.match(plan, method, rows).all()
                assert {decode_seed(stage.name, seed)[0] for seed in rows["seed"]} == set(stage.seeds(context.space))
                assert {decode_seed(stage.name, seed)[1] for seed in rows["seed"]} == set(
                    range(stage.runs(plan.settings))
                )


def test_a_stage_that_learns_counts_what_it_asks_for():
    context = context_of(*VARIANTS["small by tpe"])
    stage, table = STAGE_OF["sweep"], rows_of(STAGE_OF["baselines"].packs(context))
    studies = stage.studies(began(context), lambda: table, ())
    assert studies.left() == len(studies.trial_ids) == sum(stage.count(context.plan, name) for name in context.methods)
    done = set(sorted(studies.trial_ids)[:5])
    resumed = stage.studies(began(context), lambda: table, done)
    assert (resumed.left(), resumed.trial_ids) == (studies.left() - 5, studies.trial_ids)


def test_confirm_cannot_be_counted_before_the_search_is_finished():
    plan = context_of().plan
    assert {STAGE_OF["confirm"].count(plan, name) for name in plan.methods} == {None}


@pytest.mark.parametrize("name", ["small", "small, a split of each seed"])
def test_what_confirm_trains_follows_from_the_frontiers(name):
    context = context_of(*VARIANTS[name])
    ahead = [pack for stage in list(STAGE_OF.values())[:-1] for pack in stage.packs(context)]
    results, confirm = Results.of(rows_of(ahead), ReportSettings()), STAGE_OF["confirm"]
    rows = rows_of(confirm.packs(replace(context, results=results)))
    for method in context.methods:
        own = rows[rows["method"] == method]
        assert 0 < len(own) == confirm.count(context.plan, method, results)
        assert confirm.match(context.plan, method, own, results).all()
        # Fewer runs, and a point that has left the frontier.
        fewer = context_of(*VARIANTS[name], "stages.confirm.runs=1").plan
        assert confirm.match(fewer, method, own, results).sum() == len(own) / 2
        assert not confirm.match(context.plan, method, own.assign(confirms="another"), results).any()
        assert confirm.match(context.plan, method, own).all(), "it cannot be told yet"


def test_rows_beyond_the_plan_are_not_among_it():
    context = context_of()
    sweep = STAGE_OF["sweep"]
    rows = rows_of(sweep.packs(context)).query("method == 'mtaf'")
    for plan, kept in (
        (context_of("stages.sweep.trials=3").plan, rows["index"] < 3),
        (context_of("seeds=[4]").plan, rows["seed"] == 4),
        (Plan(context.space, context.space.tasks, {"tune": {}, "sweep": {"mtaf": 5}}), rows["index"] < 5),
    ):
        np.testing.assert_array_equal(sweep.match(plan, "mtaf", rows), kept)


def test_what_is_left_does_not_count_rows_of_others():
    """Of other methods, and of a larger plan: an engine is chosen by what is left."""
    context = context_of()
    rows = rows_of(pack for stage in list(STAGE_OF.values())[:-1] for pack in stage.packs(context))
    assert set(_count_left(context.plan, rows).values()) == {0}
    plan = context_of(methods=["mtaf"]).plan
    everything = _count_left(plan, pd.DataFrame({"trial_id": []}))
    assert everything == {key: STAGE_OF[key[0]].count(plan, key[1]) or 0 for key in everything}
    assert _count_left(plan, rows[rows["method"] == "vanilla"]) == everything
    half = rows[(rows["method"] != "mtaf") | (rows["index"] % 2 == 0)]
    assert 0 < _count_left(plan, half)["sweep", "mtaf"] < everything["sweep", "mtaf"]
    fewer = context_of("seeds=[4]", methods=["mtaf"]).plan
    assert _count_left(fewer, rows[rows["seed"] != 4])["sweep", "mtaf"] == STAGE_OF["sweep"].count(fewer, "mtaf")


def test_baselines_have_one_row_of_counts_for_all_methods():
    for overrides, seeds in (
        ((), 1),
        (("data.test_seed=each",), 2),
        (VARIANTS["small, tuned on splits of its own"], 3),
    ):
        plan = context_of(*overrides, methods=["mtaf"]).plan
        assert STAGE_OF["baselines"].methods(plan) == [BASELINE_METHOD]
        assert STAGE_OF["baselines"].count(plan, BASELINE_METHOD) == seeds * 3 * 2
