"""What is wrong in a space file is told with its place, what was found there and what is accepted."""

import pytest

from paretofair.data import DATASETS

from .conftest import SMALLEST


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[0.01, 0.3]", "[0.3, 0.01]", "space.yaml:9: parameters.learning_rate: empty range [0.3, 0.01]; the first"),
        ("[20, 40, 60]", "{uniform: [1, 9]}", "space.yaml:10: parameters.epochs: takes whole numbers; write {int"),
        ("epochs: [20", "epoch: [20", "space.yaml:10: parameters.epoch: no listed method reads it. Did you mean `epo"),
        ("name: example\n", "", "space.yaml:1: name: required, but not given"),
        ("name: example", "name: a/b", "space.yaml:1: name: found 'a/b'; accepted: letters, digits, _ and -"),
        ("name: example", "name: 5", "space.yaml:1: name: found 5; expected text"),
        ("protocol: validation", "protocol: test", "found 'test'; accepted: validation, paper."),
        ("protocol: validation", "protocl: paper", "space.yaml:2: protocl: unknown key. Did you mean `protocol`?"),
        ("name: lsac", "name: lsca", f"space.yaml:3: data.name: found 'lsca'; accepted: {', '.join(DATASETS)}."),
        ("name: lsac", "csv: {path: a.csv}", "space.yaml:3: data.csv.tasks: required, but not given"),
        ("validation: 0.2", "validation: 0.6", "data.validation: found 0.6; must be at most 0.5"),
        ("validation: 0.2", "validation: 0", "data.validation: found 0; must be above 0"),
        ("validation: 0.2", "validation: .nan", "data.validation: found .nan; "),
        ("validation: 0.2", "validation: '0.2'", "data.validation: found '0.2'; expected a number"),
        ("sensitive: sex", "sensitive: gender", "data.sensitive: found 'gender'; accepted: sex, race, sex_x_race."),
        ("sensitive: sex", "sensitive: 5", "data.sensitive: found 5; expected an attribute, or a mapping"),
        ("sensitive: sex", "sensitive: {pass_bar: sex}", "data.sensitive: names no attribute for high_grade"),
        ("sensitive: sex", "sensitive: {pass: sex}", "data.sensitive.pass: no task of the data set. Did you mean"),
        ("[race, sex_x", "[rase, sex_x", "data.audit[0]: found 'rase'; accepted: sex, race, sex_x_race. Did you mean"),
        ("[race, sex_x", "[race, race, sex_x", "data.audit: 'race' stands in the list more than once"),
        ("shared: [32]", "shared: []", "network.shared: found []; needs at least 1"),
        ("shared: [32]", "shared: [32, 0]", "network.shared[1]: found 0; must be at least 1"),
        ("shared: [32]", "shared: 32", "network.shared: found 32; expected a list"),
        ("head: [16]", "head: [16.0]", "network.head[0]: found 16.0; expected a whole number"),
        ("optimizer: adagrad", "optimizer: adagrd", "accepted: adagrad, adam, adamw, sgd. Did you mean `adagrad`?"),
        ("batch_size: 512", "batchsize: 512", "training.batchsize: unknown key. Did you mean `batch_size`?"),
        ("distance: correlation", "distance: mdd", "accepted: correlation, mmd, fpr_gap, differential. Did you"),
        ("goal: fpr", "goal: fpr, hard: true", "fairness: hard is a setting of distance fpr_gap; found distance corr"),
        ("goal: fpr", "goal: fpr, bandwidth: 0.2", "fairness: bandwidth is a setting of distance mmd"),
        ("goal: fpr", "goal: fpr, hard: 1", "fairness.hard: found 1; expected true or false"),
        ("goal: fpr", "goal: parity", "space.yaml:6: fairness.goal: mtaf has no exclusive rows under goal: parity"),
        (
            "threshold: base_rate",
            "threshold: per_group",
            "threshold: thresholds by group are the method th",
        ),
        ("threshold: base_rate", "threshold: {fixed: 2}", "threshold: found fixed: 2; expected a number between 0 a"),
        (
            "threshold: base_rate",
            "threshold: half",
            "threshold: found 'half'; accepted: base_rate, least_error, {fixed",
        ),
        ("simplex", "[0.5, 0.5]", "parameters.task_weight: found [0.5, 0.5], which would be a choice; expected `simp"),
        ("{uniform: [0, 5]}", "{uniform: [-1, 5]}", "parameters.fairness_weight: found -1; must be at least 0"),
        ("{uniform: [0, 5]}", "", "parameters.fairness_weight: found nothing; expected a number"),
        ("head_ratio:", "head_ration:", "methods.mtaf.parameters.head_ration: no parameter of mtaf. Did you mean `he"),
        ("vanilla:", "vanilla: {parameters: {head_ratio: 1}}", "methods.vanilla.parameters.head_ratio: no parameter"),
        ("vanilla:", "vanilla: {fairness: {goal: tpr}}", "methods.vanilla.fairness.goal: vanilla does not read it"),
        ("per_task:", "per_task: {network: {heads: []}}", "methods.per_task.network.heads: unknown key. Did you mean"),
        ("per_task:", "per_task: {data: {name: lsac}}", "methods.per_task.data: unknown key."),
        ("per_task:", "per_task: {training: {batch_size: 0}}", "methods.per_task.training.batch_size: found 0; must"),
        ("per_task:", "pertask:", "space.yaml:15: methods.pertask: unknown method. Did you mean `per_task`?"),
        (
            "per_task:",
            "per/task:",
            "space.yaml:15: methods.per/task: found 'per/task'; accepted: letters, digits, _",
        ),
        ("per_task:", "single_task:", "methods.single_task: the baselines stage runs it; see stages.baselines"),
        ("seeds: [0, 1, 2]", "seeds: [0, 1, 1]", "seeds: 1 stands in the list more than once"),
        ("seeds: [0, 1, 2]", "seeds: [1000000]", "seeds[0]: found 1000000; must be at most 999999"),
        ("seeds: [0, 1, 2]", "seeds: []", "seeds: found []; needs at least 1"),
        ("seeds: [0, 1, 2]", "seeds: 0", "seeds: found 0; expected a list"),
        ("fairness_weight: 2,", "weight: 2,", "points[0].weight: no parameter of any method."),
        ("[0.5, 0.5]", "0.5", "space.yaml:20: points[0].task_weight: found 0.5; the tasks share 1, so give a list"),
        ("[0.5, 0.5]", "[0.5, 0.6]", "points[0].task_weight: the values sum to 1.1; they must sum to 1"),
        ("head_ratio: 1}", "head_ratio: -1}", "points[0].head_ratio.high_grade: found -1; must be at least 0"),
        ("trials: 2000", "trials: -1", "stages.sweep.trials: found -1; must be at least 0"),
        ("runs: 10", "runs: 0", "stages.baselines.runs: found 0; must be at least 1"),
        ("epochs: 60", "epochs: [0]", "stages.baselines.parameters.epochs[0]: found 0; must be at least 1"),
        ("runs: 10", "tune: {}", "stages.baselines.tune: every parameter of the baselines is one number; remove this"),
        ("epochs: 60}", "epochs: [2]}, tune: {runs: 0}", "stages.baselines.tune.runs: found 0; must be at least 1"),
        (", epochs: 60", ", epochs: 60, task_weight: 1", "baselines.parameters.task_weight: no parameter of the ba"),
        ("high_grade, all", "high_grades", "frontiers.objectives[1]: found 'high_grades'; accepted: arfg_are, high_"),
        ("high_grade, all]", "all], reference_point: {are: 0}", "frontiers.reference_point.are: found 0; must be ab"),
        ("gpus: 0.5", "gpus: -1", "resources.gpus: found -1; must be at least 0"),
        ("pack: 256", "pack: 0", "resources.pack: found 0; must be at least 1"),
        ("training: {", "training:\nunused: {", "training: found nothing; expected a mapping"),
    ],
)
def test_a_problem_is_told_with_place_found_and_accepted(refusal, old: str, new: str, message: str) -> None:
    assert message in refusal((old, new))


def test_a_shared_parameter_that_only_other_methods_read(refusal) -> None:
    message = refusal(("{mtaf: , vanilla: }", "{vanilla: }"), text=SMALLEST)
    assert message == (
        "space.yaml:3: parameters.fairness_weight: no listed method reads it. "
        "Read by: per_task, mtaf, eor, gcm, transfer, pseudo_groups. Accepted: epochs, learning_rate, task_weight, "
        "weight_decay"
    )


def test_all_problems_are_listed_in_the_order_of_the_file(refusal) -> None:
    message = refusal(
        ("name: example", "name: a b"),
        ("protocol: validation", "protocol: on"),
        ("[0.01, 0.3]", "[3, 1]"),
        ("head_ratio:", "head_ration:"),
        ("0.5, 0.5", "0.5"),
        ("trials: 2000", "trials: many"),
    )
    assert [line.split(": ")[1] for line in message.splitlines()] == [
        "name",
        "protocol",
        "parameters.learning_rate",
        "methods.mtaf.parameters.head_ration",
        "points[0].task_weight",
        "stages.sweep.trials",
    ]


def test_at_most_ten_problems_are_listed(refusal) -> None:
    lines = refusal(("seeds: [0, 1, 2]", f"seeds: {['x'] * 13}")).splitlines()
    assert len(lines) == 11
    assert lines[-1] == "and 3 more"
