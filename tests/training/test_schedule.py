"""Learning rates from epoch to epoch, and gradients of a bounded length: against torch.optim, and bit for bit alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from paretofair.methods import METHODS, LossSettings, Names
from paretofair.methods.row_plan import epoch_order
from paretofair.models import MultilayerPerceptron
from paretofair.training import Experiment, TrainingSettings, train_pack
from paretofair.training.optimizers import SGD, Schedule, clip_gradients
from tests.training.test_checkpoints import cut_and_resumed, results, trials_of

SCHEDULE = Schedule(milestones=(2, 3), factor=0.1, decay=0.9, warm_up=1)


def make_experiment(data, method="vanilla", schedule=SCHEDULE, clip=0.5, compiled=False):
    network = MultilayerPerceptron(data.numeric, data.categories, len(data.tasks), (16,), (8,), 0)
    groups = tuple(data.group_names[data.attributes[attribute]] for attribute in data.acts_on)
    own = METHODS[method](LossSettings(), None, Names(data.tasks, groups))
    return Experiment(
        data, network, own, TrainingSettings(64, SGD(0.5), compiled=compiled, schedule=schedule, clip=clip)
    )


def test_the_multiplier_is_the_product_of_three():
    found = [SCHEDULE.multiplier(epoch) for epoch in range(5)]
    np.testing.assert_allclose(found, [0.5, 0.9, 0.081, 0.00729, 0.006561], rtol=1e-12)
    assert [Schedule(milestones=(1,), factor=0.5).multiplier(epoch) for epoch in range(3)] == [1, 0.5, 0.5]


def test_results_equal_a_plain_loop(device_data):
    """torch's scheduler and its clipping, in double precision."""
    data = device_data(torch.float64)
    experiment, trials = make_experiment(data), trials_of("vanilla", 3)
    trials.values["epochs"] = np.array([3, 5, 4])
    (stack,) = train_pack(experiment, trials, width=3)
    train, network = data.splits["train"], experiment.network
    for k, seed in enumerate(trials.seeds.tolist()):
        module = network.module(network.initial([seed], torch.float32).double()[0]).train()
        optimizer = torch.optim.SGD(module.parameters(), trials.values["learning_rate"][k], 0.5)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, SCHEDULE.multiplier)
        for epoch in range(trials.values["epochs"][k]):
            for rows in torch.from_numpy(epoch_order(seed, epoch, len(train))).split(64):
                logits = module(train.inputs.take(rows))
                losses = [
                    weight * binary_cross_entropy_with_logits(logits[:, t], train.labels[t, rows], reduction="sum")
                    for t, weight in enumerate(trials.values["task_weight"][k])
                ]
                optimizer.zero_grad()
                sum(losses).backward()
                torch.nn.utils.clip_grad_norm_(module.parameters(), 0.5)
                optimizer.step()
            scheduler.step()
        place = np.flatnonzero(stack.positions == k)[0]
        found = dict(network.module(torch.from_numpy(stack.parameters[place])).named_parameters())
        for name, value in module.named_parameters():
            # torch adds 1e-6 to the length.
            torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("method", "compiled"), [("mtaf", False), ("vanilla", True), ("adversarial", False)])
def test_a_trial_is_the_same_alone_and_after_a_kill(device_data, method, compiled):
    clip = None if compiled else 0.5
    data = device_data(torch.float32)
    experiment, trials = make_experiment(data, method, clip=clip, compiled=compiled), trials_of(method, 8)
    whole = results(list(train_pack(experiment, trials, width=8)))
    assert (whole["status"] == "completed").all()
    constant = results(list(train_pack(make_experiment(data, method, None, None), trials, width=8)))
    assert not np.allclose(whole["parameters"], constant["parameters"])
    for rows in (np.array([5, 0, 3]), np.array([7])):
        found = results(list(train_pack(experiment, trials.take(rows), width=8)))
        np.testing.assert_array_equal(found["parameters"], whole["parameters"][rows])
    cut, cuts = cut_and_resumed(experiment, trials, 1, width=8)
    assert cuts > 1
    np.testing.assert_array_equal(results(cut)["parameters"], whole["parameters"])


@pytest.mark.parametrize("size", [32, 4064, 100_000, 2_120_160])
def test_the_length_of_a_gradient_has_the_same_bits_anywhere(size):
    gradients = torch.randn(9, size, generator=torch.Generator().manual_seed(0))
    whole = clip_gradients(gradients, 1.0)
    torch.testing.assert_close(whole.double().norm(dim=1), torch.ones(9).double(), rtol=1e-5, atol=0)
    for rows in ([0], [8], [4, 2], [1, 3, 5, 7, 0]):
        assert torch.equal(clip_gradients(gradients[rows], 1.0), whole[rows])
    assert torch.equal(clip_gradients(gradients, 1e9), gradients)
    assert clip_gradients(gradients[:1] / 0, 1.0).isnan().any()
    assert not clip_gradients(torch.zeros(2, size), 1.0).any()
