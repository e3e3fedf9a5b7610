"""How wide stacks are made, and what happens where the memory does not suffice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from paretofair.methods import METHODS, LossSettings
from paretofair.models import MultilayerPerceptron
from paretofair.training import Experiment, Trials, measure_width
from paretofair.training.probe import WIDTHS


@pytest.mark.parametrize("count", [3, 20, 300])
def test_a_measured_width_is_one_of_those_tried(device_data, count):
    data = device_data(torch.float32)
    network = MultilayerPerceptron(data.numeric, data.categories, len(data.tasks), (16,), (8,), 3)
    values = {
        "task_weight": np.full((count, 2), 0.5),
        "learning_rate": np.full(count, 0.1),
        "epochs": np.full(count, 9),
    }
    trials = Trials(np.zeros(count, dtype=np.int64), values)
    method = METHODS["vanilla"](LossSettings())
    width = measure_width(Experiment(data, network, method), trials)
    assert width in WIDTHS["cpu"]


# In a process whose memory is limited to what it has and a little more: 64 trials fit, 4,096 do not.
LIMITED = """
import logging, resource, sys
import numpy as np, torch
sys.path.insert(0, {root!r})
from tests.conftest import make_dataset
from paretofair.data import split
from paretofair.methods import METHODS, LossSettings
from paretofair.models import MultilayerPerceptron
from paretofair.training import Experiment, Threshold, TrainingSettings, Trials, to_device, train_pack
logging.basicConfig(format="%(message)s")
torch.set_num_threads(1)
splits = split(make_dataset())
data = to_device(splits, dict.fromkeys(splits.tasks, "sex"), torch.device("cpu"), torch.float32)
network = MultilayerPerceptron(data.numeric, data.categories, 2, (64,), (32,), 3)
count = 4096
values = {{"task_weight": np.full((count, 2), 0.5), "learning_rate": np.full(count, 0.1), "epochs": np.ones(count)}}
trials = Trials(np.zeros(count, dtype=np.int64), values)

def train(some, width):
    method = METHODS["vanilla"](LossSettings())
    settings, threshold = TrainingSettings(batch_size=300), Threshold()
    return list(train_pack(Experiment(data, network, method, settings, threshold), some, width=width))

few = train(trials.take(np.arange(64)), 64)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (400 << 20), -1))
stacks = train(trials, count)
positions = np.sort(np.concatenate([stack.positions for stack in stacks]))
assert np.array_equal(positions, np.arange(count))
same = np.concatenate([stack.parameters for stack in stacks])[:64] == few[0].parameters
print(stacks[0].width, same.all())
"""


def test_out_of_memory_halves_the_stack_and_goes_on():
    code = LIMITED.format(root=str(Path(__file__).parents[2]))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    width, same = done.stdout.split()
    assert int(width) < 4096
    assert same == "True"
    assert f"Out of memory; going on with stacks of {width} trials." in done.stderr
