"""What every kind of task must do, whatever its formulas."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from paretofair.tasks.task import CURVATURE, SCORES, LabelledRows, Measured, Task

_TRIALS, _ROWS, _CELLS = 5, 96, 4
_HEADLINE = {"error", "fpr_gap", "tpr_gap"}


class TaskContract:
    """Gives a task random outputs and labels.

        class TestMine(TaskContract):
            task = Mine(4)

    Losses, scores, derivatives and counts must be those of a trial alone, bit for bit, and what the task says it gives
    must be right. (A binary task has no `measure` of its own: its counts are tested with the evaluation.)
    """

    task: Task

    def test_outputs_and_losses(self) -> None:
        """A finite loss for every row whose label is known, and a gradient."""
        outputs, labels = self._make_rows()
        leaf = outputs.clone().requires_grad_()
        losses = self.task.row_losses(leaf, labels)
        assert losses.shape == (_TRIALS, _ROWS)
        known = losses[:, labels >= 0]
        assert torch.isfinite(known).all()
        (gradient,) = torch.autograd.grad(known.sum(), leaf)
        assert torch.isfinite(gradient).all()
        assert gradient.abs().sum() > 0

    def test_a_step_down_the_gradient_lowers_the_loss(self) -> None:
        outputs, labels = self._make_rows(unknown=False)
        leaf = outputs.clone().requires_grad_()
        before = self.task.row_losses(leaf, labels).mean()
        (gradient,) = torch.autograd.grad(before, leaf)
        assert self.task.row_losses(outputs - gradient, labels).mean() < before

    def test_a_trial_does_not_depend_on_its_neighbours(self) -> None:
        outputs, labels = self._make_rows()
        whole = self._compute_all(outputs, labels)
        for pick in (torch.tensor([2]), torch.tensor([4, 0, 3])):
            for found, expected in zip(self._compute_all(outputs[pick], labels), whole, strict=True):
                assert torch.equal(found, expected[pick])

    def test_labels_of_each_trial(self) -> None:
        """Labels `(K, B)` mean what labels `(B,)` mean for every trial."""
        outputs, labels = self._make_rows(unknown=False)
        apart = labels.expand(_TRIALS, -1)
        for found, expected in zip(self._compute_all(outputs, apart), self._compute_all(outputs, labels), strict=True):
            assert torch.equal(found, expected)

    def test_scores_are_probabilities(self) -> None:
        if SCORES in self.task.gives:
            outputs, labels = self._make_rows(unknown=False)
            scores = self.task.scores(outputs)
            assert scores.shape == (_TRIALS, len(self.task.scored), _ROWS)
            assert ((scores >= 0) & (scores <= 1)).all()
            if len(self.task.scored) == self.task.classes:
                torch.testing.assert_close(scores.sum(1), torch.ones(_TRIALS, _ROWS, dtype=scores.dtype))
                own = scores.gather(1, labels.long().expand(_TRIALS, 1, _ROWS))[:, 0]
                torch.testing.assert_close(self.task.confidence(outputs, labels), own)

    def test_derivatives_are_those_of_the_losses(self) -> None:
        if CURVATURE in self.task.gives:
            outputs, labels = self._make_rows(unknown=False)
            share, move = torch.rand(_ROWS, dtype=outputs.dtype), torch.randn_like(outputs)

            def loss(values: Tensor) -> Tensor:
                return (share * self.task.row_losses(values, labels)).sum()

            gradient = torch.autograd.functional.jacobian(loss, outputs)
            _, curved = torch.autograd.functional.hvp(loss, outputs, move)
            scores = self.task.scores(outputs)
            torch.testing.assert_close(self.task.residual(scores, labels, share), gradient, rtol=1e-9, atol=1e-11)
            torch.testing.assert_close(self.task.curve(scores, share, move), curved, rtol=1e-9, atol=1e-11)

    def test_metrics_and_counts(self) -> None:
        """The counts of a part of the rows and of the others add up; a model that is never wrong has no error."""
        if type(self.task).measure is Task.measure:
            return
        outputs, labels = self._make_rows()
        measured = self._measure(outputs, labels)
        assert set(measured.metrics) >= _HEADLINE
        assert all(values.shape == (_TRIALS,) for values in measured.metrics.values())
        first = torch.arange(_ROWS) < _ROWS // 2
        parts = [self._measure(outputs, torch.where(own, labels, -1)).counts for own in (first, ~first)]
        np.testing.assert_allclose(parts[0] + parts[1], measured.counts)
        right = self._find_right(outputs, labels)
        assert (self._measure(right, labels).metrics["error"] == 0).all()

    def _find_right(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Outputs that decide every known label, found by following the gradient."""
        leaf = torch.zeros_like(outputs)
        for _ in range(500):
            leaf.requires_grad_()
            loss = self.task.row_losses(leaf, labels)[:, labels >= 0].sum()
            (gradient,) = torch.autograd.grad(loss, leaf)
            leaf = (leaf - gradient).detach()
        return leaf

    def _measure(self, outputs: Tensor, labels: Tensor) -> Measured:
        generator = torch.Generator().manual_seed(1)
        cells = torch.randint(0, _CELLS, (_ROWS,), generator=generator)
        group_of_cell = np.array([0, 0, 1, -1])
        groups = torch.from_numpy(group_of_cell)[cells]
        rows = LabelledRows(labels, groups, cells, group_of_cell, 2)
        return self.task.measure(outputs, self.task.scores(outputs), rows)

    def _compute_all(self, outputs: Tensor, labels: Tensor) -> list[Tensor]:
        found = [self.task.row_losses(outputs, labels)]
        if SCORES in self.task.gives:
            found += [self.task.scores(outputs), self.task.confidence(outputs, labels)]
        if CURVATURE in self.task.gives:
            scores = self.task.scores(outputs)
            share = torch.linspace(0, 1, _ROWS, dtype=outputs.dtype)
            found.append(self.task.residual(scores, labels, share))
            found.append(self.task.curve(scores, share, outputs))
        return found

    def _make_rows(self, *, unknown: bool = True) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(0)
        outputs = 2 * torch.randn(_TRIALS, self.task.outputs, _ROWS, generator=generator, dtype=torch.float64)
        labels = torch.randint(-1 if unknown else 0, self.task.classes, (_ROWS,), generator=generator)
        return outputs, labels.double()
