"""Which trials a run has, and the split of each: one for all seeds, or one of each seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from paretofair.errors import RunError, SpaceError
from paretofair.runs import run
from paretofair.runs.environment import write_settings
from paretofair.runs.resume import check_data
from paretofair.runs.run import RunOptions, load_splits
from paretofair.runs.stages import Context, packs_ahead
from paretofair.runs.stages.confirm import confirm_packs
from paretofair.space.numbering import decode_seed
from paretofair.space.space import Space, dump, load_space
from paretofair.training import to_device

EACH, ONE = "data.test_seed=each", "data.test_seed=3"
SPACE = """\
name: small
data: {name: german, source: simulated, sensitive: sex}
parameters: {learning_rate: 0.1, epochs: 5, task_weight: simplex, fairness_weight: 1}
methods: {vanilla: , mtaf: }
seeds: [0, 4]
points: [{task_weight: [0.5, 0.5]}, {task_weight: [0.9, 0.1]}]
stages: {baselines: {runs: 3}, sweep: {trials: 5}, confirm: {runs: 2}}
resources: {pack: 4}
"""


@pytest.fixture
def load(tmp_path: Path):
    path = tmp_path / "space.yaml"
    path.write_text(SPACE)
    return lambda *overrides: load_space(path, overrides)


def splits_of(space: Space):
    return load_splits(space, RunOptions(Path(), []))


def packs_of(space: Space):
    return packs_ahead(Context(space, list(space.methods), splits_of(space)))


def rows(packs) -> pd.DataFrame:
    """The columns of the trial table that packs decide."""
    return pd.concat(
        pd.DataFrame(
            {
                "trial_id": pack.trial_ids,
                "stage": pack.stage,
                "method": pack.method,
                "seed": pack.seeds,
                "index": pack.indices,
                "split_id": pack.split_id,
                "pack": pack.name,
                **{name: values for name, values in pack.values.items() if len(values)},
            }
        )
        for pack in packs
    )


def test_one_split_is_shared_by_all_seeds(load) -> None:
    space = load(ONE)
    splits = splits_of(space)
    assert splits.of(0) is splits.of(4)
    trials = rows(packs_of(space))
    assert set(trials["split_id"]) == {splits.of(0).split_id} == {splits.id_of(9)}
    seeds = trials[trials["stage"] == "baselines"]["seed"]
    assert seeds.tolist() == np.repeat(900_000_000 + np.arange(3), 2).tolist()
    assert trials["pack"].unique().tolist()[:3] == [
        "baselines-single_task-0-3",
        "baselines-single_task-4-7",
        "points-vanilla-0-3",
    ]


def test_every_seed_draws_its_own_test_rows(load, monkeypatch) -> None:
    """As the number would; the data set is read once, and each of its rows stands in each split."""
    reads = []
    original = run.load
    monkeypatch.setattr(run, "load", lambda *given, **more: reads.append(given) or original(*given, **more))
    splits = splits_of(load(EACH))
    first, other = splits.of(0), splits.of(4)
    assert len(reads) == 1
    assert splits.of(4) is other
    assert len(first.test) == len(other.test) == 200
    assert (first.split_id, other.split_id) == (splits.id_of(0), splits.id_of(4))
    assert not np.array_equal(first.test.labels, other.test.labels)
    number = splits_of(load("data.test_seed=4")).of(0)
    assert number.split_id == other.split_id
    np.testing.assert_array_equal(number.test.rows, other.test.rows)
    for one in (first, other):
        labels = np.concatenate([one.train.labels, one.validation.labels, one.test.labels])
        np.testing.assert_array_equal(labels.sum(0), splits.dataset.labels.sum(0))


def test_trials_of_a_seed_have_its_split(load) -> None:
    space = load(EACH)
    splits = splits_of(space)
    trials = rows(packs_of(space))
    assert trials["trial_id"].is_unique
    assert not trials.duplicated(["stage", "method", "seed", "index"]).any()
    own = [decode_seed(stage, seed)[0] for stage, seed in zip(trials["stage"], trials["seed"], strict=True)]
    assert set(own) == {0, 4}
    assert trials["split_id"].tolist() == [splits.id_of(seed) for seed in own]
    alone = trials[trials["stage"] == "baselines"]
    assert sorted(set(alone["seed"])) == [900_000_000 + 1000 * seed + each for seed in (0, 4) for each in range(3)]
    # Another seed changes no trial and no pack of these.
    more = rows(packs_of(load(EACH, "seeds=[0, 1, 4]")))
    assert more[~more["trial_id"].isin(trials["trial_id"])].groupby("stage").size().to_dict() == {
        "baselines": 6,
        "points": 4,
        "sweep": 10,
    }
    assert set(trials["pack"]) < set(more["pack"])


@pytest.mark.parametrize("setting", [ONE, EACH])
def test_a_point_is_confirmed_on_its_own_split(load, setting) -> None:
    space = load(setting)
    trials = rows(packs_of(space))
    points = trials[(trials["method"] == "mtaf") & (trials["index"] < 2)]
    again = confirm_packs(space.method("mtaf"), points, runs=2, size=100)
    split_ids = points.set_index("trial_id")["split_id"]
    for pack in again:
        assert set(split_ids[pack.confirms]) == {pack.split_id}
        assert {decode_seed("confirm", seed)[0] for seed in pack.seeds} < {0, 4}
    assert sum(len(pack) for pack in again) == 2 * len(points) == 16
    assert rows(again)["trial_id"].is_unique


def test_rows_may_belong_to_the_split_of_any_seed(load) -> None:
    """Also to that of a seed that this run does not have; nothing else is accepted."""
    space = load(EACH)
    splits = splits_of(space)
    trials = rows(packs_of(space)).assign(data_id=splits.dataset.data_id, source="simulated")
    check_data(Path("here"), trials, splits_of(load(EACH, "seeds=[7]")), "Go back.")
    check_data(Path("here"), pd.DataFrame({"trial_id": []}), splits, "Go back.")
    refused = "^here holds trials of other data \\({}.*, simulated\\) than these \\(.*, simulated\\). Go back.$"
    for changed in ({"split_id": splits.id_of(4)}, {"split_id": "f" * 16}):
        with pytest.raises(RunError, match=refused.format("split_id")):
            check_data(Path("here"), trials.assign(**changed), splits, "Go back.")
    with pytest.raises(RunError, match=refused.format("data_id")):
        check_data(Path("here"), trials.assign(data_id="f" * 16), splits, "Go back.")
    with pytest.raises(RunError, match=refused.format("split_id")):
        check_data(Path("here"), trials, splits_of(load(ONE)), "Go back.")


def test_a_grid_is_trained_whole_by_every_method(load) -> None:
    """Methods have grids of different sizes, and `trials` is the most that each of them trains."""
    grid = ["stages.sweep.sampler={name: grid, points: 3}", "parameters.fairness_weight={uniform: [0, 1]}"]
    for trials, expected in ((20, {"vanilla": 3, "mtaf": 20}), (100, {"vanilla": 3, "mtaf": 27})):
        space = load(*grid, f"stages.sweep.trials={trials}")
        assert {name: space.trials_of(name) for name in space.methods} == expected
        assert [words.split(" has ")[0] for words in space.advice(["vanilla", "mtaf"])] == ["The grid of mtaf"] * (
            trials < 27
        )
        swept = rows([pack for pack in packs_of(space) if pack.stage == "sweep"])
        assert swept.groupby("method").size().to_dict() == {name: 2 * count for name, count in expected.items()}


def test_a_sampler_that_never_comes_to_learn_is_told(load) -> None:
    for sampler, at_random in (("tpe", 64), ("gp", 32), ("nsga2", 128), ("{name: tpe, startup: 5}", 5)):
        (words,) = load(f"stages.sweep.sampler={sampler}").advice(["mtaf"])
        assert f"draws the first {at_random} trials of a method and seed at random; 5 are trained" in words
    for sampler in ("random", "{name: tpe, startup: 4}"):
        assert load(f"stages.sweep.sampler={sampler}").advice(["mtaf"]) == []


def test_what_is_written_about_the_splits(load, tmp_path) -> None:
    space = load(EACH)
    splits = splits_of(space)
    write_settings(Context(space, ["mtaf"], splits, tmp_path))
    written = json.loads((tmp_path / "environment.json").read_text())
    assert written["data"]["split_ids"] == {"0": splits.id_of(0), "4": splits.id_of(4)}
    assert written["trials"] == {"tune": {"mtaf": 0}, "sweep": {"mtaf": 5}}
    assert load_space(tmp_path / "space.yaml") == space
    write_settings(Context(load(EACH, "stages.sweep.trials=7"), ["vanilla"], splits, tmp_path))
    assert json.loads((tmp_path / "environment.json").read_text())["trials"]["sweep"] == {"mtaf": 5, "vanilla": 7}
    of_seeds = [
        to_device(splits.of(seed), space.baselines.sensitive, torch.device("cpu"), torch.float32)
        for seed in space.seeds
        for seed in space.seeds
    ]
    table = pd.read_csv(tmp_path / "groups.csv")
    assert table["rows_test"].tolist() == of_seeds[0].counts["test"].tolist()
    np.testing.assert_array_equal(of_seeds[0].cells, of_seeds[1].cells)


def test_the_words_of_the_space_file(load, tmp_path) -> None:
    assert load(EACH).method("mtaf").identity("sweep")["data"]["test_seed"] == "each"
    (tmp_path / "again.yaml").write_text(dump(load(EACH)))
    assert load_space(tmp_path / "again.yaml") == load(EACH)
    assert load("data.test_seed=null") == load()
    accepted = "accepted: an integer from 0 to 999,999 or each"
    for override, words in (
        ("data.test_seed=every", f"data.test_seed: found 'every'; {accepted}"),
        ("data.test_seed=true", f"data.test_seed: found true; {accepted}"),
        ("data.test_seed=-1", f"data.test_seed: found -1; {accepted}"),
        ("data.test_seed=1.5", f"data.test_seed: found 1.5; {accepted}"),
        ("data.split_seed=each", "data.split_seed: found 'each'; expected a whole number"),
        ("stages.baselines.runs=1001", "stages.baselines.runs: found 1001; must be at most 1,000 where"),
        ("protocol=paper", "data.test_seed: found 'each'; under protocol paper"),
    ):
        with pytest.raises(SpaceError) as error:
            load(EACH, override)
        assert words in str(error.value)
    assert load("stages.baselines.runs=1001", ONE).stages.baselines.runs == 1001
