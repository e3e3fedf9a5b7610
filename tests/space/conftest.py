"""A space file that tests edit, and what is said about it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from paretofair.errors import SpaceError
from paretofair.space.space import load_space

EXAMPLE = """\
name: example
protocol: validation
data: {name: lsac, validation: 0.2, sensitive: sex, audit: [race, sex_x_race]}
network: {shared: [32], head: [16], embedding: 10}
training: {optimizer: adagrad, batch_size: 512}
fairness: {distance: correlation, goal: fpr}
threshold: base_rate
parameters:
  learning_rate: {log_uniform: [0.01, 0.3]}
  epochs: [20, 40, 60]
  task_weight: simplex
  fairness_weight: {uniform: [0, 5]}
methods:
  vanilla:
  per_task:
  mtaf:
    parameters: {head_ratio: {log_uniform: [0.1, 3]}}
seeds: [0, 1, 2]
points:
  - {task_weight: [0.5, 0.5], fairness_weight: 2, head_ratio: 1}
stages:
  baselines: {runs: 10, parameters: {learning_rate: 0.08, epochs: 60}}
  sweep: {trials: 2000, sampler: random}
frontiers: {objectives: [arfg_are, high_grade, all]}
resources: {cpus: 1, gpus: 0.5, pack: 256}
"""
SMALLEST = """\
name: small
data: {name: lsac}
parameters: {learning_rate: 0.1, epochs: 5, fairness_weight: 1}
methods: {mtaf: , vanilla: }
stages: {sweep: {trials: 3}}
"""


def edit_text(*replacements: tuple[str, str], text: str = EXAMPLE) -> str:
    """The text with (old, new) replacements."""
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    return text


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a space file."""

    def write_space(text: str) -> Path:
        path = tmp_path / "space.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_space


@pytest.fixture
def refusal(write) -> Callable[..., str]:
    """The message about the example with (old, new) replacements and overrides, the folder left out."""

    def message(*replacements: tuple[str, str], text: str = EXAMPLE, overrides: tuple[str, ...] = ()) -> str:
        path = write(edit_text(*replacements, text=text))
        with pytest.raises(SpaceError) as caught:
            load_space(path, overrides)
        return str(caught.value).replace(str(path), "space.yaml")

    return message
