"""What is said about samplers, tuning, successive halving, constraints and curves that a space cannot have."""

import pytest

from paretofair.space.space import load_space

from .conftest import EXAMPLE

TUNE = "  tune: {parameters: [epochs], settings: 4, trials: 8, seeds: [1000]}\n  sweep:"
ONE_POINT = "{task_weight: {high_grade: 0.5, pass_bar: 0.5}, epochs: 20, learning_rate: 0.1}"
HALVING = "successive_halving: {bracket: 81, rungs: [7, 20]},"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  sweep:", "  tune: {settings: 5}\n  sweep:", "space.yaml:23: stages.tune.trials: required, but not given"),
        ("  sweep:", TUNE.replace("epochs", "epoch"), "stages.tune.parameters[0]: found 'epoch'; accepted: "),
        ("  sweep:", TUNE.replace("1000", "2"), "stages.tune.seeds: found 2, which is also a seed of the sweep"),
        ("2000,", "2000, successive_halving: {},", "stages.sweep.successive_halving.bracket: required, but not given"),
        ("2000,", "2000, " + HALVING, "stages.sweep.trials: found 2000; must be whole brackets of 81: 1944 or 2025"),
        ("2000,", "2025, " + HALVING.replace("7, 20", "20, 7"), "rungs: found [20, 7]; epochs must ascend"),
        ("2000,", "2025, " + HALVING.replace("[7", "[0"), "successive_halving.rungs[0]: found 0; must be at least 1"),
        (
            "2000, sampler: random",
            "2025, sampler: tpe, " + HALVING,
            "brackets are fixed ranges of indices, which tpe has not; accepted: random, sobol, grid",
        ),
        (
            "2000,",
            "2025, " + HALVING.replace("20]", "20], objectives: [are, realised_positive_rate]"),
            "successive_halving.objectives[1]: realised_positive_rate is no objective: neither more nor less of it",
        ),
        ("sampler: random", "sampler: {name: rndom}", "found 'rndom'; accepted: random, sobol, grid, tpe"),
        (
            "sampler: random",
            "sampler: {name: random, history: 5}",
            "stages.sweep.sampler.history: no option of random. Accepted: name",
        ),
        (
            "sampler: random",
            "sampler: {name: tpe, batch: 0}",
            "stages.sweep.sampler.batch: found 0; must be at least 1",
        ),
        ("sampler: random", "sampler: {name: tpe, objectives: 3}", "sampler.objectives: found 3; expected a list"),
        ("sampler: random", "sampler: {name: random, objectives: 3}", "sampler.objectives: no option of random."),
        (
            "sampler: random",
            "sampler: {name: tpe, objectives: [are, group_error_rise]}",
            "sampler.objectives[1]: group_error_rise cannot lead a search: it is computed from counts on disk.",
        ),
        (
            "2000,",
            "2025, " + HALVING.replace("20]", "20], objectives: [are, group_error_rise]"),
            "successive_halving.objectives[1]: group_error_rise cannot lead a search",
        ),
        (
            "sampler: random}",
            "sampler: tpe}\nconstraints: [group_error_rise <= 0]",
            "constraints[0]: group_error_rise cannot lead a search",
        ),
        (
            "sampler: random",
            "sampler: {name: tpe, objectives: [errr_pass_bar]}",
            "sampler.objectives[0]: no metric 'errr_pass_bar'. Did you mean `error_pass_bar`? Accepted: arfg, are",
        ),
        (
            "2000, sampler: random",
            "2025, sampler: {name: grid, points: 2}, " + HALVING,
            "successive_halving.bracket: found 81; the 12 trials of vanilla are no whole brackets",
        ),
        ("seeds:", "constraints: [error_pass_bar < 1]\nseeds:", "constraints[0]: found 'error_pass_bar < 1'; expected"),
        (
            "seeds:",
            "constraints: [errr_pass_bar <= 1]\nseeds:",
            "no metric 'errr_pass_bar'. Did you mean `error_pass_bar`",
        ),
        (
            "512}",
            "512, keep_epoch: {by: errr}}",
            "training.keep_epoch.by: no metric 'errr'",
        ),
        (
            "512}",
            "512, keep_epoch: {by: arfg}}",
            "training.keep_epoch.by: arfg is relative to baselines, which may not be trained yet",
        ),
        (
            "512}",
            "512, keep_epoch: {by: error, from: 0}}",
            "training.keep_epoch.from: found 0; must be at least 1",
        ),
        (
            "512}",
            "512, keep_epoch: {by: error}}\ncurves: {every: 2}",
            "training.keep_epoch: curves show every epoch: leave out either",
        ),
        (
            "seeds:",
            "curves: {stages: [tune]}\nseeds:",
            "curves.stages[0]: found 'tune'; accepted: points, sweep, confirm",
        ),
    ],
)
def test_a_problem_is_told_with_place_found_and_accepted(refusal, old: str, new: str, message: str) -> None:
    assert message in refusal((old, new))


@pytest.mark.parametrize(("protocol", "trials"), [("validation", 1), ("paper", 2000)])
def test_what_has_nothing_to_draw_is_trained_once(write, protocol, trials):
    """But under the published protocol, where every trial has initial weights of its own."""
    space = load_space(write(EXAMPLE), [f"methods.vanilla={{parameters: {ONE_POINT}}}", f"protocol={protocol}"])
    assert (space.trials_of("vanilla"), space.trials_of("mtaf")) == (trials, 2000)


def test_a_search_follows_the_first_set_where_it_is_of_the_users_own(write):
    own = "frontiers.objectives=[{name: two, of: [error, equalized_odds_max]}, arfg_are]"
    tune = "stages.tune={parameters: [epochs], settings: 4, trials: 8, seeds: [1000]}"
    halving = "stages.sweep={trials: 81, successive_halving: {bracket: 81, rungs: [7, 20]%s}}"
    wanted = {
        (): (("arfg", "are"), "arfg_are"),
        (own,): (("error", "equalized_odds_max"), "two"),
    }
    for overrides, (objectives, name) in wanted.items():
        space = load_space(write(EXAMPLE), [*overrides, tune, halving % ""])
        assert space.stages.sweep.successive_halving.objectives == objectives
        assert space.stages.tune.objectives == name
    given = load_space(write(EXAMPLE), [own, halving % ", objectives: [are, error]"])
    assert given.stages.sweep.successive_halving.objectives == ("are", "error")
    for sampler, objectives in (("tpe", ["error", "equalized_odds_max"]), ("{name: tpe, objectives: [are]}", ["are"])):
        space = load_space(write(EXAMPLE), [own, f"stages.sweep={{trials: 8, sampler: {sampler}}}"])
        assert space.stages.sweep.sampler.options["objectives"] == objectives
