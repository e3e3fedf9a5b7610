"""The training core: exactness of a trial, budgets, divergence, and a plain single-model loop as the oracle."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from paretofair.methods import METHODS, LossSettings
from paretofair.methods.row_plan import epoch_order
from paretofair.models import MultilayerPerceptron
from paretofair.training import Experiment, TrainingSettings, Trials, train_pack
from paretofair.training.batches import Batches
from paretofair.training.compiler import count_compilations, forget_compiled
from paretofair.training.step import make_step, path


def network(data) -> MultilayerPerceptron:
    return MultilayerPerceptron(data.numeric, data.categories, len(data.tasks), (16,), (8,), 3)


def make_trials(count: int, tasks: int = 2, *, seeds=None, epochs=None) -> Trials:
    random = np.random.default_rng(1)
    return Trials(
        np.zeros(count, dtype=np.int64) if seeds is None else np.asarray(seeds),
        {
            "task_weight": random.dirichlet(np.ones(tasks), count),
            "fairness_weight": random.uniform(0, 5, (count, tasks)),
            "head_ratio": random.uniform(0.1, 3, (count, tasks)),
            "learning_rate": random.uniform(0.01, 0.3, count),
            "epochs": random.choice([2, 4, 7], count) if epochs is None else np.asarray(epochs),
        },
    )


def make_experiment(data, method, batch_size=100, compiled=False) -> Experiment:
    return Experiment(data, network(data), method, TrainingSettings(batch_size=batch_size, compiled=compiled))


def run(data, trials, method="mtaf", width=64, batch_size=100, compiled=False, **fairness):
    """Every result by trial, in the order of `trials`."""
    stacks = list(
        train_pack(
            make_experiment(data, METHODS[method](LossSettings(**fairness)), batch_size, compiled),
            trials,
            width=width,
        )
    )
    order = np.argsort(np.concatenate([stack.positions for stack in stacks]))
    results = {
        "parameters": np.concatenate([stack.parameters for stack in stacks]),
        "status": np.concatenate([stack.status for stack in stacks]),
        "epochs_trained": np.concatenate([stack.epochs_trained for stack in stacks]),
        "undefined_losses": np.concatenate([stack.undefined_losses for stack in stacks]),
    }
    for name in stacks[0].evaluation.metrics:
        results[name] = np.concatenate([stack.evaluation.metrics[name] for stack in stacks])
    for split in stacks[0].evaluation.confusion:
        results[split] = np.concatenate([np.stack(stack.evaluation.confusion[split], 1) for stack in stacks])
    return {name: values[order] for name, values in results.items()}


def assert_same(found, expected, rows):
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name][rows], err_msg=name)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("fresh_seeds", [False, True])
@pytest.mark.parametrize("distance", ["correlation", "mmd", "fpr_gap"])
def test_a_trial_does_not_depend_on_its_neighbours(device_data, device, dtype, fresh_seeds, distance):
    """Bit for bit the same alone, in a stack of 7 and of 64, in any position, over a whole training.

    On a GPU, which chooses its products by their size, at one width alone.
    """
    data = device_data(dtype, device=device)
    trials = make_trials(64, seeds=np.arange(64) // 3 if fresh_seeds else None)
    whole = run(data, trials, distance=distance)
    assert (whole["status"] == "completed").all()
    shuffled = np.random.default_rng(0).permutation(64)
    assert_same(run(data, trials.take(shuffled), distance=distance), whole, shuffled)
    if device == "cuda":
        return
    assert_same(run(data, trials, width=7, distance=distance), whole, np.arange(64))
    for alone in ([0], [17], [63]):
        assert_same(run(data, trials.take(np.array(alone)), distance=distance), whole, alone)


@pytest.mark.parametrize(
    ("dtype", "fresh_seeds", "distance"), [(torch.float32, False, "correlation"), (torch.float64, True, "mmd")]
)
def test_a_compiled_trial_does_not_depend_on_its_neighbours(device_data, dtype, fresh_seeds, distance):
    """As above where steps are compiled, down the ladder of widths; and nothing is compiled twice."""
    make_step.__globals__["_make_compiled_step"].cache_clear()
    data = device_data(dtype)
    path(network(data), True, torch.device("cpu"))  # the check of the compiler is a graph of its own
    forget_compiled()
    trials = make_trials(64, seeds=np.arange(64) // 3 if fresh_seeds else None)
    whole = run(data, trials, compiled=True, distance=distance)
    assert (whole["status"] == "completed").all()
    assert np.array_equal(whole["epochs_trained"], trials.values["epochs"])
    shuffled = np.random.default_rng(0).permutation(64)
    assert_same(run(data, trials.take(shuffled), compiled=True, distance=distance), whole, shuffled)
    some = np.arange(20, 27)
    assert_same(run(data, trials.take(some), compiled=True, distance=distance), whole, some)
    for alone in ([0], [63]):
        assert_same(run(data, trials.take(np.array(alone)), compiled=True, distance=distance), whole, alone)
    # The widths 64, 32 and 8; a trial alone has its rows to itself, another shape where seeds differ.
    assert count_compilations() == 3 + fresh_seeds


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-9)])
@pytest.mark.parametrize("method", ["vanilla", "mtaf"])
def test_compiled_steps_agree_with_eager_ones(device_data, device, dtype, tolerance, method):
    """One step to the tolerance; 100 steps in float64 too, where rounding has no time to grow."""
    data = device_data(dtype, device=device)
    trials = make_trials(8, epochs=[1] * 8)
    if dtype == torch.float64:
        trials.values["epochs"][:] = 33
        trials.values["learning_rate"][:] = 0.01
    size = 100 if dtype == torch.float64 else len(data.splits["train"])
    eager, compiled = (run(data, trials, method, batch_size=size, compiled=c)["parameters"] for c in (False, True))
    start = network(data).initial([0] * 8, dtype).numpy()
    assert np.abs(eager - start).max() > 0.01
    np.testing.assert_allclose(compiled, eager, rtol=tolerance, atol=tolerance)


def test_without_a_compiler_training_goes_on_eagerly(tmp_path):
    """In a process of its own that finds no compiler: one warning, and the step that it gets works."""
    code = """
import logging, torch
from paretofair.methods import METHODS, LossSettings
from paretofair.models import MultilayerPerceptron
from paretofair.training.optimizers import Adagrad
from paretofair.training.compiler import count_compilations, forget_compiled
from paretofair.training.step import make_step, path
logging.basicConfig(format="%(message)s")
for _ in range(2):
    network = MultilayerPerceptron(3, (), 2, (4,), (4,))
    make_step(network, METHODS["vanilla"](LossSettings()), Adagrad(), compiled=True, device=torch.device("cpu"))
print(path(network, True, torch.device("cpu")))
"""
    environment = {"PATH": str(tmp_path), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "eager\n"
    assert done.stderr.count("Training goes on uncompiled") == 1
    assert "No working C++ compiler" in done.stderr


def test_results_equal_a_plain_loop_of_one_model(device_data, device):
    """Ordinary PyTorch: one model, autograd, torch.optim.Adagrad, the same batches; parameters to 1e-9."""
    data = device_data(torch.float64)
    trials = make_trials(5, seeds=[0, 1, 2, 3, 4], epochs=[1, 2, 3, 4, 5])
    found = run(device_data(torch.float64, device=device), trials, method="per_task", batch_size=90)
    net, train = network(data), data.splits["train"]
    for k in range(5):
        parameters = {
            name: value[0].clone().requires_grad_()
            for name, value in net.named(net.initial([k], torch.float64)).items()
        }
        optimizer = torch.optim.Adagrad(
            list(parameters.values()),
            lr=float(trials.values["learning_rate"][k]),
            initial_accumulator_value=0.1,
            eps=0,
        )
        for epoch in range(k + 1):
            for rows in np.array_split(epoch_order(k, epoch, len(train)), range(90, len(train), 90)):
                index = torch.from_numpy(rows)
                x = train.inputs.take(index)
                x = torch.cat([x[:, :4], x[:, 4:] @ parameters["embedding_0"]], 1)
                h = torch.relu(x @ parameters["weight_0"].T + parameters["bias_0"])
                loss = 0
                for t in range(2):
                    z = torch.relu(h @ parameters["weight_1"][t].T + parameters["bias_1"][t])
                    z = (z @ parameters["weight_2"][t].T + parameters["bias_2"][t])[:, 0]
                    y, a = train.labels[t][index], train.groups[t][index].double()
                    p, negative = torch.sigmoid(z), y == 0
                    p, a = p[negative], a[negative]
                    covariance = ((p - p.mean()) * (a - a.mean())).mean()
                    spread = p.std(correction=0) * a.std(correction=0) + 1e-6
                    accuracy = torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="sum")
                    unfair = negative.sum() * covariance.abs() / spread
                    weight = trials.values["fairness_weight"][k, t]
                    loss = loss + trials.values["task_weight"][k, t] * (accuracy + weight * unfair)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        mine = net.named(torch.from_numpy(found["parameters"][k : k + 1]))
        for name, value in parameters.items():
            torch.testing.assert_close(mine[name][0], value.detach(), rtol=1e-9, atol=1e-9)


def test_a_diverged_trial_hurts_no_neighbour(device_data):
    data = device_data(torch.float32)
    trials = make_trials(9)
    sound = run(data, trials)
    trials.values["learning_rate"][4] = 1e30
    found = run(data, trials)
    assert found["status"].tolist() == ["completed"] * 4 + ["diverged"] + ["completed"] * 4
    assert found["epochs_trained"][4] < trials.values["epochs"][4] or found["epochs_trained"][4] == 1
    for name, values in found.items():
        if name.startswith(("train_", "validation_", "test_")):
            assert np.isnan(values[4]).all(), name
    others = np.array([0, 1, 2, 3, 5, 6, 7, 8])
    assert_same({name: values[others] for name, values in found.items()}, sound, others)


def test_a_trial_that_blows_up_in_its_last_step_is_diverged(device_data):
    """One epoch of one batch: no loss is seen after the step that ruins it."""
    data = device_data(torch.float32)
    trials = make_trials(6, epochs=[1] * 6)
    trials.values["learning_rate"][:] = [0.1, 1e10, 1e15, 1e20, 1e25, 1e30]
    found = run(data, trials, method="vanilla", batch_size=1000)
    assert found["status"][0] == "completed"
    assert "diverged" in found["status"]
    sound = found["status"] == "completed"
    for split in ("train", "validation", "test"):
        for metric in ("error", "auc", "fpr_gap"):
            values = found[f"{split}_{metric}"]
            assert np.isfinite(values[sound]).all()
            assert np.isnan(values[~sound]).all()


def test_each_trial_trains_for_its_own_epochs(device_data):
    data = device_data()
    trials = make_trials(8, epochs=[1, 9, 2, 9, 3, 9, 4, 5])
    found = run(data, trials)
    assert np.array_equal(found["epochs_trained"], trials.values["epochs"])


def test_single_task_metrics_of_the_other_task_are_left_out(device_data):
    data = device_data()
    trials = make_trials(2)
    trials.values["task_weight"][:] = np.eye(2)
    found = run(data, trials, method="single_task")
    for name in ("test_error", "validation_auc", "train_fpr_gap"):
        assert np.array_equal(np.isnan(found[name]), [[False, True], [True, False]])


@pytest.mark.parametrize("method", ["vanilla", "per_task", "mtaf"])
def test_unknown_labels_and_groups(device_data, method):
    data = device_data(rows=400, tasks=3, unknown=0.3, sensitive="race")
    found = run(data, make_trials(4, tasks=3), method=method)
    assert (found["status"] == "completed").all()
    assert np.isfinite(found["parameters"]).all()
    known = (data.splits["test"].labels >= 0).sum(1).numpy()
    np.testing.assert_array_equal(found["test"][..., :4].sum((-1, -2)), np.broadcast_to(known, (4, 3)))


@pytest.mark.parametrize("batch_size", [32, 90, 300, 5000])
def test_batches_show_every_row_once(device_data, batch_size):
    data = device_data()
    train = data.splits["train"]
    for seeds in ([3], [3, 4, 3]):
        batches = list(Batches(make_experiment(data, METHODS["vanilla"](LossSettings()), batch_size), seeds).epoch(2))
        assert len({rows.inputs.shape for rows in batches}) == 1
        for k in range(len(seeds)):
            pick = (lambda x: x) if len(seeds) == 1 else (lambda x, k=k: x[k])
            weight = torch.cat([rows.loss_weight[..., 0, :] for rows in batches], -1)
            inputs = torch.cat([pick(rows.inputs) for rows in batches])[pick(weight) > 0]
            order = epoch_order(seeds[k], 2, len(train))
            assert torch.equal(inputs, train.inputs.take(torch.from_numpy(order)))


def test_float32_gradients_agree_with_float64(device_data, device):
    gradients = []
    for dtype in (torch.float32, torch.float64):
        data = device_data(dtype, device=device)
        net, trials = network(data), make_trials(6)
        rows = next(Batches(make_experiment(data, METHODS["mtaf"](LossSettings()), 200), [0]).epoch(0))
        hyper = {name: torch.tensor(value, dtype=dtype, device=device) for name, value in trials.values.items()}
        parameters = net.initial([0] * 6, dtype).to(device)
        gradients.append(METHODS["mtaf"](LossSettings()).gradient(net, parameters, rows, hyper).parameters.double())
    scale = gradients[1].abs().max()
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-5, atol=1e-5 * scale.item())
