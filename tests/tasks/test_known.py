"""Kinds of tasks against PyTorch's own losses and derivatives."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from paretofair.errors import SpaceError
from paretofair.tasks import BINARY, TaskKind
from paretofair.tasks.binary import Binary
from paretofair.tasks.kind import KINDS, check_kind
from paretofair.tasks.known import TASKS, make_tasks, split_outputs
from paretofair.tasks.multiclass import Multiclass
from paretofair.tasks.task import CURVATURE, SCORES

K, B = 3, 40
TASK = {"binary": Binary(), "multiclass": Multiclass(4)}


def make_outputs(task, dtype=torch.float64):
    torch.manual_seed(0)
    outputs = 3 * torch.randn(K, task.outputs, B, dtype=dtype)
    labels = torch.randint(-1, task.classes, (B,)).to(dtype)
    return outputs, labels


def test_every_kind_is_tried_here():
    assert {*TASK, "identity"} == set(TASKS)  # which has a file of its own
    assert tuple(TASKS) == KINDS


@pytest.mark.parametrize("kind", TASK)
def test_losses_are_pytorchs(kind):
    task = TASK[kind]
    outputs, labels = make_outputs(task)
    found, known = task.row_losses(outputs, labels), labels >= 0
    for k in range(K):
        if kind == "binary":
            expected = binary_cross_entropy_with_logits(outputs[k, 0, known], labels[known], reduction="none")
        else:
            expected = cross_entropy(outputs[k][:, known].T, labels[known].long(), reduction="none")
        torch.testing.assert_close(found[k, known], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", TASK)
def test_scores_are_probabilities_and_confidence_that_of_the_label(kind):
    task = TASK[kind]
    outputs, labels = make_outputs(task)
    scores, known = task.scores(outputs), labels >= 0
    assert scores.shape == (K, len(task.scored), B)
    of_label = scores if kind == "multiclass" else torch.cat([1 - scores, scores], 1)
    expected = of_label.gather(1, labels.clamp_min(0).long().expand(K, 1, B))[:, 0]
    torch.testing.assert_close(task.confidence(outputs, labels)[:, known], expected[:, known])


@pytest.mark.parametrize("kind", [name for name, task in TASK.items() if CURVATURE in task.gives])
@pytest.mark.parametrize("own_labels", [False, True])
def test_residual_and_curve_are_derivatives(kind, own_labels):
    task = TASK[kind]
    outputs, labels = make_outputs(task)
    labels = labels.clamp_min(0).expand(K, B) if own_labels else labels.clamp_min(0)
    share, move = torch.rand(B, dtype=outputs.dtype), torch.randn_like(outputs)

    def loss(values):
        return (share * task.row_losses(values, labels)).sum()

    gradient = torch.autograd.functional.jacobian(loss, outputs)
    _, curved = torch.autograd.functional.hvp(loss, outputs, move)
    scores = task.scores(outputs)
    torch.testing.assert_close(task.residual(scores, labels, share), gradient, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(task.curve(scores, share, move), curved, rtol=1e-9, atol=1e-12)


def test_two_classes_give_the_losses_of_a_binary_task():
    outputs, labels = make_outputs(Binary())
    two = torch.cat([torch.zeros_like(outputs), outputs], 1)
    one, other = Binary().row_losses(outputs, labels), Multiclass(2).row_losses(two, labels)
    torch.testing.assert_close(one[:, labels >= 0], other[:, labels >= 0])


def test_kinds_become_tasks():
    kinds = (BINARY, TaskKind("multiclass", ("low", "middle", "high")), BINARY)
    tasks = make_tasks(kinds)
    assert tasks == (Binary(), Multiclass(3), Binary())
    outputs = torch.arange(5.0).view(1, 5, 1)
    assert [part.flatten().tolist() for part in split_outputs(outputs, tasks)] == [[0], [1, 2, 3], [4]]
    with pytest.raises(SpaceError, match="no kind of task is called 'ordinal'; accepted: binary, multiclass"):
        make_tasks((TaskKind("ordinal"),))
    with pytest.raises(SpaceError, match="a binary task has two classes"):
        make_tasks((TaskKind("binary", ("a", "b", "c")),))
    with pytest.raises(ValueError, match="expected two or more different words"):
        TaskKind("multiclass", ("a", "a"))


def test_scores_are_what_a_task_gives_where_it_says_so():
    assert all(SCORES in task.gives for task in TASK.values())


class OwnBinary(Binary):
    """A kind that evaluation cannot measure."""


def test_a_kind_without_a_measure_of_its_own_is_refused():
    with pytest.raises(SpaceError, match="has no measure of its own; derive it from"):
        check_kind(f"{__name__}:OwnBinary")
