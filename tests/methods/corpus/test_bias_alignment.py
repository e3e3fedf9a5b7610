"""The loss by a plain loop, samples in stacks, and interruptions with chains that walk on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from paretofair.data.coco.simulated import best_scores, simulate_rows
from paretofair.methods import METHODS, LossSettings, Names, Rows
from paretofair.methods.corpus.bias_alignment import BiasAlignment, BiasAlignmentOptions
from paretofair.metrics.rows.co_occurrence import JointRows, bias_amplification
from paretofair.models import ModuleNetwork, MultilayerPerceptron
from paretofair.training import Experiment, TrainingSettings, Trials, train_pack
from paretofair.training.batches import Batches
from paretofair.training.stack import Stack
from paretofair.training.state import TrainState

NAMES = Names(("tie", "cup", "man"), (("man", "woman"),) * 3)
QUICK = {"filters": 8, "chains": 16, "filter_updates": 2, "weight_updates": 5, "bank": 60, "samples": 40}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_: str(tmp_path / "cache"))


def make_method(**options) -> BiasAlignment:
    return BiasAlignment(LossSettings(), BiasAlignmentOptions(**(QUICK | options)), NAMES)


def sigmoid(value: float) -> float:
    return 1 / (1 + np.exp(-value))


@pytest.mark.parametrize("sharpness", [1.0, 4.0])
def test_the_loss_by_a_plain_loop(sharpness):
    random = np.random.default_rng(0)
    method = make_method(samples=5, sharpness=sharpness)
    logits = torch.tensor(random.normal(size=(2, 3, 10 + 32)))
    labels = torch.full((3, 42), -1.0, dtype=torch.float64)
    labels[:, :10] = torch.tensor(random.integers(0, 2, (3, 10)).astype(float))
    weight = (labels >= 0).double()
    rows = Rows(torch.zeros(42, 4), labels, weight, weight, torch.zeros(3, 42), 2, samples=(10, 15))
    wanted = torch.tensor(random.random((2, 2, 3)) / 2)
    hyper = {"task_weight": torch.full((2, 3), 1 / 3).double(), "co_occurrence": wanted}
    hyper["alignment_weight"] = torch.tensor([0.0, 2.0]).double()
    found = method.losses(logits, rows, hyper).shared
    for trial, strength in enumerate((0.0, 2.0)):
        entropy = 0.0
        for task in range(3):
            for row in range(10):
                p = sigmoid(float(logits[trial, task, row]))
                entropy -= np.log(p if labels[task, row] == 1 else 1 - p) / 10 / 3
        gap = 0.0
        for task in range(2):
            for group in (1, 0):
                total = 0.0
                for row in range(10, 15):
                    p, man = (sigmoid(sharpness * float(logits[trial, each, row])) for each in (task, 2))
                    total += p * (man if group else 1 - man) / 5
                gap += abs(total - float(wanted[trial, 1 - group, task]))
        assert float(found[trial]) == pytest.approx(entropy + strength * gap)


def test_what_is_amplified_is_what_is_decided():
    """The best possible probabilities are less biased than labels are and the best decisions more, so that a loss of
    probabilities alone leads from what it is to say to more amplification."""
    made = simulate_rows(20_000, seed=3)
    best = best_scores(made.embeddings).T
    decided = (best >= 0.5).astype(np.int8)
    known = JointRows(made.labels.T, decided, len(best) - 1, made.labels.T)
    logits = np.log(best / (1 - best))

    def find_bias(sharpness: float) -> np.ndarray:
        sharp = 1 / (1 + np.exp(-np.clip(sharpness * logits, -50, 50)))
        return (sharp * sharp[-1]).mean(1) / sharp.mean(1)

    leaning = known.reference[0] > 0.6  # five objects of men
    of_labels, one, four = known.reference[0], find_bias(1), find_bias(4)
    assert leaning.sum() == 5
    assert (one < of_labels - 0.003)[leaning].all()
    assert (four > of_labels + 0.06)[leaning].all()
    np.testing.assert_allclose(find_bias(100)[leaning], known.predicted[leaning], atol=0.01)
    assert bias_amplification(known)[leaning].mean() > 0.08


def test_training_co_occurrence_counts_known_rows_by_their_weights(device_data):
    data = device_data(torch.float32, unknown=0.2)
    method = METHODS["bias_alignment"](
        LossSettings(), BiasAlignmentOptions(group_task="b"), Names(("a", "b"), ((), ()))
    )
    experiment = Experiment(data, make_network(data), method)
    found = method.trial_state(experiment.training_rows)["co_occurrence"]
    labels = experiment.training_rows.labels
    known = (labels[0] >= 0) & (labels[1] >= 0)
    assert found[0, 0] == pytest.approx(((labels[0] == 1) & (labels[1] == 1)).sum() / known.sum())
    assert found[1, 0] == pytest.approx(((labels[0] == 1) & (labels[1] == 0)).sum() / known.sum())


def make_network(data) -> MultilayerPerceptron:
    return MultilayerPerceptron(data.numeric, data.categories, len(data.tasks), (8,), ())


def make_experiment(data, **options) -> Experiment:
    names = Names(data.tasks, tuple(data.group_names[data.attributes[each]] for each in data.acts_on))
    method = BiasAlignment(LossSettings(), BiasAlignmentOptions(group_task="task_1", **(QUICK | options)), names)
    return Experiment(data, make_network(data), method, TrainingSettings(batch_size=90))


def make_trials(seeds, weights=None) -> Trials:
    count = len(seeds)
    weights = np.linspace(0, 5, count) if weights is None else np.asarray(weights)
    values = {
        "learning_rate": np.full(count, 0.01),
        "epochs": np.full(count, 3),
        "task_weight": np.full((count, 2), 0.5),
    }
    return Trials(np.asarray(seeds), values | {"alignment_weight": weights})


@pytest.mark.parametrize(("sampling", "sharpness"), [("offline", 1), ("online", 1), ("offline", 3)])
def test_a_trial_has_the_same_bits_in_any_stack(device_data, sampling, sharpness):
    experiment = make_experiment(device_data(torch.float32), sampling=sampling, sharpness=sharpness)
    trials = make_trials([0, 0, 1, 1, 2])
    (whole,) = train_pack(experiment, trials, width=5)
    for row in range(5):
        (alone,) = train_pack(experiment, trials.take(np.array([row])), width=1)
        np.testing.assert_array_equal(alone.parameters[0], whole.parameters[row])
    assert (whole.status == "completed").all()


def test_without_weight_it_is_vanilla(device_data):
    data = device_data(torch.float64)
    experiment = make_experiment(data)
    trials = make_trials([0], [0.0])
    (own,) = train_pack(experiment, trials, width=1)
    vanilla = METHODS["vanilla"](LossSettings(reduction="mean"))
    plain = Experiment(data, experiment.network, vanilla, experiment.settings)
    values = {name: each for name, each in trials.values.items() if name != "alignment_weight"}
    (other,) = train_pack(plain, Trials(trials.seeds, values), width=1)
    np.testing.assert_allclose(own.parameters, other.parameters, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seeds", [[0], [0, 1]])
@pytest.mark.parametrize("batch_size", [64, 90])
@pytest.mark.parametrize("kind", [MultilayerPerceptron, ModuleNetwork])
def test_a_network_reads_the_samples_of_every_batch_at_their_places(device_data, kind, batch_size, seeds):
    """Also behind a number of rows that fills no whole vectors."""
    data = device_data(torch.float32)
    experiment = replace(make_experiment(data), settings=TrainingSettings(batch_size=batch_size))
    if kind is ModuleNetwork:
        experiment = replace(experiment, network=ModuleNetwork(nn.Linear, data.shape[0], len(data.tasks)))
    network = experiment.network
    parameters = network.initial(seeds, torch.float32)
    for step, rows in enumerate(Batches(experiment, seeds).epoch(0)):
        first, behind = rows.samples
        assert behind - first == 40
        if kind is ModuleNetwork:  # a batch norm sees rows and samples alone
            assert rows.inputs.shape[-2] == behind
        logits = network.forward(parameters, rows.inputs, rows.streams, common=rows.common).logits
        assert logits.shape[-1] == rows.labels.shape[-1]
        assert not rows.loss_weight[..., first:].any()
        assert not rows.penalty_weight[..., first:].any()
        for place, seed in enumerate(seeds):
            drawn = experiment.samples.draw({}, seed, 0, step)
            torch.testing.assert_close(
                logits[place, :, first:behind], network.forward(parameters[place, None], drawn).logits[0, :, :40]
            )


@pytest.mark.parametrize("sampling", ["offline", "online"])
def test_an_interrupted_training_goes_on_with_the_same_bits(device_data, sampling):
    experiment = make_experiment(device_data(torch.float32), sampling=sampling)
    trials = make_trials([0, 1, 1])
    (whole,) = train_pack(experiment, trials, width=3)
    stack = Stack(experiment, trials, 3)
    stack.train(until=1)
    left, state = stack.take_unfinished()
    assert (sampling == "online") == ("chains" in state.of_samples)
    again = TrainState.from_tensors(state.tensors(), state.epoch, experiment.device)
    # Taken apart and joined, as successive halving does.
    again = TrainState.join([again.take(np.array([2])), again.take(np.array([0, 1]))])
    order = left[[2, 0, 1]]
    resumed = Stack(experiment, trials.take(order), 3, state=again)
    resumed.train()
    np.testing.assert_array_equal(resumed.final.numpy(), whole.parameters[order])


def test_what_has_no_meaning_is_told():
    with pytest.raises(ValueError, match="group_task: none is given, and no task is called as a group is"):
        BiasAlignment(LossSettings(), BiasAlignmentOptions(), Names(("a", "b"), (("f", "m"),) * 2))
    with pytest.raises(ValueError, match="group_task: found c; expected a task: a, b"):
        BiasAlignment(LossSettings(), BiasAlignmentOptions(group_task="c"), Names(("a", "b"), (("f", "m"),) * 2))
    with pytest.raises(ValueError, match="there is no other"):
        BiasAlignment(LossSettings(), BiasAlignmentOptions(), Names(("man",), (("man", "woman"),)))
    with pytest.raises(ValueError, match="samples: found 61; expected no more than bank: 60"):
        make_method(samples=61)
