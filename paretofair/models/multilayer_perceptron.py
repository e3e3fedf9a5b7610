"""The stacked multilayer perceptron: shared layers, then one head per task, ReLU, with its own backward pass."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from paretofair.models.network import Outputs, align_length
from paretofair.models.perceptron import Perceptron
from paretofair.models.products import outer, product, where_active


class HeadRun(NamedTuple):
    """Neighbouring `tasks` whose heads have `width` outputs each, and where these stand among all outputs."""

    tasks: slice
    outputs: slice
    width: int


class _SavedActivations(NamedTuple):
    inputs: Tensor
    activations: list[Tensor]


@dataclass(frozen=True)
class MultilayerPerceptron:
    """K networks of the shape of Wang et al. 2021, Figure 1.

    Inputs are `numeric` columns followed by one-hot columns of each categorical input (`categories`: their sizes).
    An input with `categories` goes through an embedding of width `embedding`; 0 gives the one-hot columns to the
    first layer. An embedding of one-hot columns followed by a linear layer is one linear layer, so the two are
    multiplied first: rows stay narrow and common to the trials.

    Parameters by name, each with the trials axis in front: `embedding_<i>` (size, width); `weight_<l>` (out, in) and
    `bias_<l>` (out,) of shared layer l; from layer `len(shared)` on, of the heads: (tasks, out, in), (tasks, out). The
    last layer of heads with different numbers of `outputs` is (O, in), (O,): those of all tasks, one below the other.

    `outputs` are those of each task; empty: one each. `initial_values` are drawn as TensorFlow or PyTorch draw them.
    """

    numeric: int
    categories: tuple[int, ...]
    tasks: int
    shared: tuple[int, ...]
    head: tuple[int, ...]
    embedding: int = 0
    outputs: tuple[int, ...] = ()
    initial_values: Literal["tensorflow", "pytorch"] = "tensorflow"

    compilable = True
    pads = True
    stochastic = False

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every parameter of one trial, in the order of the flat row."""
        shapes: dict[str, tuple[int, ...]] = {}
        width = self.numeric + sum(self.categories)
        if self.embedding:
            width = self.numeric + len(self.categories) * self.embedding
            for i, size in enumerate(self.categories):
                shapes[f"embedding_{i}"] = (size, self.embedding)
        for layer, units in enumerate((*self.shared, *self.head)):
            of_heads = (self.tasks,) if layer >= len(self.shared) else ()
            shapes[f"weight_{layer}"] = (*of_heads, units, width)
            shapes[f"bias_{layer}"] = (*of_heads, units)
            width = units
        out = (self.tasks, self.outputs_of_tasks[0]) if len(self.runs) == 1 else (sum(self.outputs_of_tasks),)
        shapes[f"weight_{self.last}"] = (*out, width)
        shapes[f"bias_{self.last}"] = out
        return shapes

    @property
    def last(self) -> int:
        """The number of the last layer."""
        return len(self.shared) + len(self.head)

    @cached_property
    def outputs_of_tasks(self) -> tuple[int, ...]:
        """`(tasks,)`."""
        return self.outputs or (1,) * self.tasks

    @cached_property
    def runs(self) -> tuple[HeadRun, ...]:
        """The tasks, in order, in runs of equally many outputs: the last layer of each run is one product."""
        runs, task, output = [], 0, 0
        for width, own in itertools.groupby(self.outputs_of_tasks):
            count = len(list(own))
            columns = slice(output, output + count * width)
            runs.append(HeadRun(slice(task, task + count), columns, width))
            task, output = task + count, columns.stop
        return tuple(runs)

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Columns of every parameter in the flat row."""
        slices, start = {}, 0
        for name, shape in self.shapes.items():
            slices[name] = slice(start, start + math.prod(shape))
            start = slices[name].stop
        return slices

    @cached_property
    def size(self) -> int:
        """P: length of a trial's row of parameters, padded with zeros that stay zero."""
        return align_length(sum(math.prod(shape) for shape in self.shapes.values()))

    def outputs_at(self, task: int) -> slice:
        """Where the outputs of a task stand among all."""
        start = sum(self.outputs_of_tasks[:task])
        return slice(start, start + self.outputs_of_tasks[task])

    @property
    def trainable(self) -> int:
        """P: everything is trained."""
        return self.size

    @property
    def feature_width(self) -> int:
        """H: the width of the last shared layer."""
        return self.shared[-1]

    @property
    def values_per_example(self) -> int:
        """What the widest layer reads and gives."""
        widths = [self.numeric + sum(self.categories), *self.shared, *(self.tasks * own for own in self.head)]
        return max(one + other for one, other in itertools.pairwise([*widths, sum(self.outputs_of_tasks)]))

    def runs_apart(self, device: torch.device, trials: int) -> bool:
        """Never: trials are one product."""
        return False

    def named(self, parameters: Tensor) -> dict[str, Tensor]:
        """Views of `(K, P)` by name, each `(K, *shape)`."""
        return {name: parameters[:, self.slices[name]].view(-1, *shape) for name, shape in self.shapes.items()}

    def initial(self, seeds: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Of `tensorflow` Glorot uniform weights, zero biases, embeddings truncated normal with deviation 1/√width; of
        `pytorch` weights and biases uniform up to 1/√inputs, embeddings normal.

        Row k of the result `(K, P)` is a function of `seeds[k]` alone, the same numbers in every type.
        """
        known: dict[int, Tensor] = {}
        for seed in seeds:
            if seed not in known:
                known[seed] = self._initial_row(seed)
        return torch.stack([known[seed] for seed in seeds]).to(dtype)

    def _initial_row(self, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        row = torch.zeros(1, self.size)
        of_pytorch, limit = self.initial_values == "pytorch", 0.0
        for name, value in self.named(row).items():
            if name.startswith("embedding"):
                if of_pytorch:
                    value.normal_(generator=generator)
                    continue
                deviation = 1 / math.sqrt(self.embedding)
                torch.nn.init.trunc_normal_(
                    value, std=deviation, a=-2 * deviation, b=2 * deviation, generator=generator
                )
            elif of_pytorch:
                # Of a layer the weights come before the biases, and both have the limit of its inputs.
                limit = 1 / math.sqrt(value.shape[-1]) if name.startswith("weight") else limit
                value.uniform_(-limit, limit, generator=generator)
            elif name.startswith("weight"):
                alone = len(self.runs) > 1 and name == f"weight_{self.last}"
                for part in value.split(self.outputs_of_tasks, 1) if alone else (value,):
                    limit = math.sqrt(6 / sum(part.shape[-2:]))
                    part.uniform_(-limit, limit, generator=generator)
        return row[0]

    def module(self, row: Tensor) -> Perceptron:
        """The ordinary module with the parameters of one trial's row `(P,)`, in evaluation mode."""
        shape = self.shared, self.head, self.embedding, self.outputs
        module = Perceptron(self.numeric, self.categories, self.tasks, *shape)
        state: dict[str, Tensor] = {}
        for name, value in self.named(row[None]).items():
            kind, number = name.split("_")
            layer, own = int(number), value[0]
            if kind == "embedding":
                state[f"embeddings.{layer}.weight"] = own.T
            elif layer < len(self.shared):
                state[f"shared.{layer}.{kind}"] = own
            else:
                place = layer - len(self.shared)
                of_tasks = own.split(self.outputs_of_tasks) if len(self.runs) > 1 and layer == self.last else own
                state |= {f"heads.{task}.{place}.{kind}": of_task for task, of_task in enumerate(of_tasks)}
        module.to(row.dtype).load_state_dict(state)
        return module.eval()

    def forward(
        self, parameters: Tensor, inputs: Tensor, streams: Sequence[int] | None = None, *, common: bool = True
    ) -> Outputs:
        """Outputs `(K, O, B)` of inputs `(B, F)` or `(K, B, F)`; nothing is drawn."""
        p = self.named(parameters)
        trials, bottom = parameters.shape[0], len(self.shared)
        # An example of several axes is read as one row.
        inputs = inputs.flatten(1 if common else 2)
        hidden = product(self._first_layer(p), inputs.mT)
        activations = [hidden.add_(p["bias_0"][..., None]).relu_()]
        for layer in range(1, bottom):
            activations.append(_affine(p[f"weight_{layer}"], p[f"bias_{layer}"], activations[-1]).relu_())
        features = activations[-1]
        # Every head reads the same features: one product for all.
        hidden = _affine(*_flatten_heads(p, bottom), features)
        for layer in range(bottom + 1, self.last):
            activations.append(hidden.relu_())
            weight, bias = p[f"weight_{layer}"].flatten(0, 1), p[f"bias_{layer}"].flatten(0, 1)
            hidden = _affine(weight, bias, hidden.view(trials * self.tasks, weight.shape[-1], -1))
        if self.head:
            activations.append(hidden.relu_())
            weight, bias = _flatten_heads(p, self.last)
            apart = activations[-1].view(trials, self.tasks, weight.shape[-1], -1)
            parts = []
            for run in self.runs:
                own, shift = _of_run(weight, run), bias[:, run.outputs].reshape(-1, run.width)
                out = _affine(own, shift, apart[:, run.tasks].flatten(0, 1))
                parts.append(out.view(trials, run.outputs.stop - run.outputs.start, -1))
            hidden = _join(parts)
        return Outputs(
            hidden.view(trials, sum(self.outputs_of_tasks), -1), _SavedActivations(inputs, activations), features
        )

    def backward(
        self,
        parameters: Tensor,
        out: Outputs,
        shared: Tensor,
        heads: Tensor | None = None,
        features: Tensor | None = None,
    ) -> Tensor:
        """Gradient `(K, P)` from cotangents `(K, O, B)`: `shared` for the shared layers, `heads` for the heads.

        With two cotangents the pass through the heads is made twice, but only once for their weights. `features`
        `(K, H, B)` is the cotangent of the last shared activation beside what comes from the heads.
        """
        p = self.named(parameters)
        saved: _SavedActivations = out.saved
        gradients: dict[str, Tensor] = {}
        trials, bottom = parameters.shape[0], len(self.shared)
        through = shared if heads is None else heads
        if self.head:
            below = saved.activations[self.last - 1]
            weight, _ = _flatten_heads(p, self.last)
            apart = below.view(trials, self.tasks, weight.shape[-1], -1)
            of_weight, of_bias, passed, passed_shared = [], [], [], []
            for run in self.runs:
                own, under = _of_run(weight, run), apart[:, run.tasks].flatten(0, 1)
                above = through[:, run.outputs].reshape(-1, run.width, through.shape[-1])
                of_weight.append(outer(above, under).view(trials, -1, weight.shape[-1]))
                of_bias.append(above.sum(-1).view(trials, -1))
                passed.append(where_active(own.mT @ above, under).unflatten(0, (trials, -1)))
                if heads is not None:
                    above = shared[:, run.outputs].reshape(-1, run.width, shared.shape[-1])
                    passed_shared.append(where_active(own.mT @ above, under).unflatten(0, (trials, -1)))
            gradients[f"weight_{self.last}"], gradients[f"bias_{self.last}"] = _join(of_weight), _join(of_bias)
            through = _join(passed).flatten(0, 1)
            if heads is not None:
                shared = _join(passed_shared).flatten(0, 1)
        for layer in range(self.last - 1, bottom, -1):
            below = saved.activations[layer - 1]
            weight = p[f"weight_{layer}"].flatten(0, 1)
            per_task = below.view(trials * self.tasks, weight.shape[-1], -1)
            through = through.reshape(trials * self.tasks, weight.shape[-2], -1)
            gradients[f"weight_{layer}"] = outer(through, per_task)
            gradients[f"bias_{layer}"] = through.sum(-1)
            through = where_active(weight.mT @ through, per_task)
            if heads is not None:
                shared = shared.reshape(trials * self.tasks, weight.shape[-2], -1)
                shared = where_active(weight.mT @ shared, per_task)
        below = saved.activations[bottom - 1]
        weight, _ = _flatten_heads(p, bottom)
        through = through.reshape(trials, weight.shape[1], -1)
        gradients[f"weight_{bottom}"] = outer(through, below)
        gradients[f"bias_{bottom}"] = through.sum(-1)
        if heads is not None:
            through = shared.reshape(trials, weight.shape[1], -1)
        through = weight.mT @ through
        if features is not None:
            through = through + features
        through = where_active(through, below)
        for layer in range(bottom - 1, 0, -1):
            below = saved.activations[layer - 1]
            gradients[f"weight_{layer}"] = outer(through, below)
            gradients[f"bias_{layer}"] = through.sum(-1)
            through = where_active(p[f"weight_{layer}"].mT @ through, below)
        gradients["bias_0"] = through.sum(-1)
        gradients |= self._first_layer_backward(p, outer(through, saved.inputs.mT))
        rows = [gradients[name].reshape(trials, -1) for name in self.shapes]
        padding = self.size - sum(row.shape[1] for row in rows)
        return torch.cat([*rows, parameters.new_zeros(trials, padding)], 1)

    def _first_layer(self, p: dict[str, Tensor]) -> Tensor:
        """The first layer as it acts on one-hot rows, (K, out, F)."""
        weight = p["weight_0"]
        if not self.embedding:
            return weight.contiguous()
        numeric, *blocks = self._blocks(weight)
        columns = [block @ p[f"embedding_{i}"].mT for i, block in enumerate(blocks)]
        return torch.cat([numeric, *columns], -1)

    def _first_layer_backward(self, p: dict[str, Tensor], gradient: Tensor) -> dict[str, Tensor]:
        if not self.embedding:
            return {"weight_0": gradient}
        numeric, *columns = gradient.split([self.numeric, *self.categories], -1)
        gradients, of_blocks = {}, [numeric]
        for i, (block, column) in enumerate(zip(self._blocks(p["weight_0"])[1:], columns, strict=True)):
            # In this order of factors the compiled product has the same bits at every number of trials.
            gradients[f"embedding_{i}"] = (block.mT @ column).mT
            of_blocks.append(column @ p[f"embedding_{i}"])
        gradients["weight_0"] = torch.cat(of_blocks, -1)
        return gradients

    def _blocks(self, weight: Tensor) -> tuple[Tensor, ...]:
        """The columns of the first layer's weight that read the numeric inputs, then those that read each embedding."""
        return weight.split([self.numeric] + [self.embedding] * len(self.categories), -1)


def _affine(weight: Tensor, bias: Tensor, inputs: Tensor) -> Tensor:
    return torch.baddbmm(bias[..., None], weight, inputs)


def _flatten_heads(p: dict[str, Tensor], layer: int) -> tuple[Tensor, Tensor]:
    """Weight `(K, units of all tasks, in)` and bias `(K, units of all tasks)` of a layer of the heads."""
    weight = p[f"weight_{layer}"]
    return weight.reshape(len(weight), -1, weight.shape[-1]), p[f"bias_{layer}"].reshape(len(weight), -1)


def _of_run(weight: Tensor, run: HeadRun) -> Tensor:
    """The last layer of each head of a run, `(K * tasks of the run, width, in)`."""
    return weight[:, run.outputs].reshape(-1, run.width, weight.shape[-1])


def _join(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts), 1)
