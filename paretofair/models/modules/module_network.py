"""Any `torch.nn.Module` as K networks of one shape, through `torch.func.functional_call`.

They run side by side under `vmap`, or, where `runs_apart` says so, one after another as ordinary modules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import pad

from paretofair.models.features import WITH_FEATURES, takes_features
from paretofair.models.modules.convolutions import TwiceDifferentiable
from paretofair.models.modules.module_runs import ModuleOutputs, Named, run_apart, run_side_by_side, seed_torch
from paretofair.models.network import Outputs, align_length


class _SavedGraph(NamedTuple):
    row: Tensor
    logits: Tensor  # (K, B, O)
    features: Tensor | None  # (K, B, H)


@dataclass(frozen=True)
class ModuleNetwork:
    """K copies of the module that `factory(inputs, outputs, **arguments)` makes.

    The module maps a batch `(B, *inputs)` to the outputs of all tasks `(B, outputs)`, one logit for each binary task
    and as many as classes for any other (`outputs`; empty: all are binary). `inputs` is the shape of an example: of one
    row of numbers how many there are, of an image `(C, H, W)`.

    On a CPU modules with convolutions run one after another, each trial by itself, as does a single trial on a GPU, and
    every trial where `apart` says so: there `forward` may do whatever an ordinary module does. Elsewhere it must be
    what `torch.func.vmap` can run: no `.item()`, no branch on the value of a tensor, buffers changed in place only.

    Batch statistics see the rows of their batch and no padding; what is drawn in training (dropout) is one stream for
    all trials of a seed. The parameters under the attribute `heads` are the heads of methods that treat heads and
    shared layers apart. A module whose `forward` takes `with_features=True`, and then gives outputs `(B, O)` and the
    features `(B, H)` that all heads read, tells its features.

    With `half` its layers compute in bfloat16 where that is safe (`torch.autocast`); parameters, losses and updates
    stay as they are. `channels_last` says how images are laid out on a CPU where trials run one after another; what is
    faster depends on the layers.

    A trial's row holds the trained parameters, then buffers and frozen parameters, each part filled up with zeros.
    """

    factory: Callable[..., nn.Module]
    inputs: int | tuple[int, ...]
    tasks: int
    arguments: tuple[tuple[str, Any], ...] = ()
    outputs: tuple[int, ...] = ()
    apart: bool = False
    half: bool = False
    channels_last: bool = True

    compilable = False
    pads = False

    def runs_apart(self, device: torch.device, trials: int) -> bool:
        """Whether so many trials run one after another on a device, each as it would alone."""
        if device.type == "cpu":
            return self.apart or self._has(nn.modules.conv._ConvNd)
        return self.apart or trials == 1

    @property
    def _shape(self) -> tuple[int, ...]:
        return (self.inputs,) if isinstance(self.inputs, int) else self.inputs

    @property
    def _outputs(self) -> int:
        return sum(self.outputs) or self.tasks

    @cached_property
    def _skeleton(self) -> nn.Module:
        """The module whose code is run, with the parameters of trials in place of its own."""
        return self._make_module(0)

    @cached_property
    def _shapes(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Trained parameters, then everything else that a trial has of its own."""
        every = dict(self._skeleton.named_parameters())
        trained: dict[str, Tensor] = {name: value for name, value in every.items() if value.requires_grad}
        if not trained:
            raise ValueError("the module has no parameters to train")
        frozen: dict[str, Tensor] = {name: value for name, value in every.items() if not value.requires_grad}
        return trained, {**frozen, **dict(self._skeleton.named_buffers())}

    @cached_property
    def trainable(self) -> int:
        """Length of the part of a row that an optimiser updates."""
        return align_length(sum(value.numel() for value in self._shapes[0].values()))

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Columns of every trained parameter in the row."""
        return _columns(self._shapes[0])

    @cached_property
    def size(self) -> int:
        """P: length of a trial's row."""
        return self.trainable + align_length(sum(value.numel() for value in self._shapes[1].values()))

    @cached_property
    def feature_width(self) -> int | None:
        """H, where the module tells its features."""
        if not self._tells_features:
            return None
        module = self._skeleton.eval()
        with torch.no_grad():
            return int(module(torch.zeros(2, *self._shape), **{WITH_FEATURES: True})[1].shape[1])

    @cached_property
    def values_per_example(self) -> int:
        """How many numbers stand before and behind the largest of the layers, for one example: what an evaluation needs
        memory for."""
        module, found = self._skeleton.eval(), [math.prod(self._shape)]

        def count(_: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            tensors = [each for each in (*inputs, output) if isinstance(each, Tensor)]
            found.append(sum(each.numel() for each in tensors) // 2)

        hooks = [part.register_forward_hook(count) for part in self._parts]
        try:
            with torch.no_grad():
                module(torch.zeros(2, *self._shape))
        finally:
            for hook in hooks:
                hook.remove()
        return max(found)

    @cached_property
    def stochastic(self) -> bool:
        """Whether a training pass draws random numbers."""
        module = self._make_module(0).train()
        with seed_torch(0, torch.device("cpu")), torch.no_grad():
            before = torch.get_rng_state()
            module(torch.zeros(2, *self._shape))
            return not torch.equal(before, torch.get_rng_state())

    @cached_property
    def mixes_rows(self) -> bool:
        """Whether in training a row's outputs depend on the rows beside it, or on what is drawn."""
        module = self._make_module(0).train()
        rows = torch.randn(4, *self._shape, generator=torch.Generator().manual_seed(0))
        with seed_torch(0, torch.device("cpu")), torch.no_grad():
            whole, parts = module(rows), torch.cat([module(part) for part in rows.split(2)])
        return self.stochastic or not torch.allclose(whole, parts, rtol=1e-4, atol=1e-4 * float(whole.abs().max()))

    def initial(self, seeds: Sequence[int], dtype: torch.dtype) -> Tensor:
        """The module's own initial values: row k is a function of `seeds[k]` alone."""
        known: dict[int, Tensor] = {}
        for seed in seeds:
            if seed not in known:
                values = _tensors(self._make_module(seed))
                parts = [[values[name].detach().flatten().to(dtype) for name in part] for part in self._shapes]
                widths = (self.trainable, self.size - self.trainable)
                rows = [torch.cat([*part, torch.zeros(0, dtype=dtype)]) for part in parts]
                known[seed] = torch.cat([pad(row, (0, w - len(row))) for row, w in zip(rows, widths, strict=True)])
        return torch.stack([known[seed] for seed in seeds])

    def module(self, row: Tensor) -> nn.Module:
        """The ordinary module with the parameters and buffers of one trial's row `(P,)`, in evaluation mode."""
        module = self._make_module(0).to(row.dtype)
        trained, others = self._split(row[None])
        with torch.no_grad():
            for name, value in _tensors(module).items():
                value.copy_({**trained, **others}[name][0])
        return module.eval()

    def forward(
        self, parameters: Tensor, inputs: Tensor, streams: Sequence[int] | None = None, *, common: bool = True
    ) -> Outputs:
        """Outputs `(K, O, B)` of inputs `(B, *shape)`, or `(K, B, *shape)` where they are not `common`.

        B is filled up with zeros to whole vectors.

        With `streams` a training pass, which moves the buffers in `parameters` on.
        """
        if streams is not None:
            with torch.enable_grad():
                # With the columns of buffers, whose derivatives are 0: the gradient is then made at its full width.
                row = parameters.clone().requires_grad_()
                logits, features = self._record(parameters, row, inputs, streams, common)
            saved = _SavedGraph(row, logits, features)
        else:
            self._skeleton.eval()
            saved = None
            with torch.no_grad():
                logits, features = self._run(*self._split(parameters), inputs, common)
        told = None if features is None else _examples_last(features.detach())
        return Outputs(_examples_last(logits.detach()), saved, told)

    def record(
        self, parameters: Tensor, row: Tensor, inputs: Tensor, streams: Sequence[int], *, common: bool = True
    ) -> Tensor:
        """A training pass that autograd records: outputs `(K, B, O)` as a function of `row` `(K, trainable)`, the
        trained part of the parameters, which can be differentiated more than once. Moves the buffers in `parameters`
        on."""
        apart = row.is_cpu and self.runs_apart(row.device, len(row)) and not self.half
        with TwiceDifferentiable() if apart else nullcontext():
            return self._record(parameters, row, inputs, streams, common).logits

    def _record(
        self, parameters: Tensor, row: Tensor, inputs: Tensor, streams: Sequence[int], common: bool
    ) -> ModuleOutputs:
        self._skeleton.train()
        # One pass for the trials of each stream.
        by_stream: dict[int, list[int]] = {}
        for position, stream in enumerate(streams):
            by_stream.setdefault(stream, []).append(position)
        order = torch.tensor([position for positions in by_stream.values() for position in positions])
        parts = []
        for stream, positions in by_stream.items():
            everyone = len(by_stream) == 1
            own = parameters if everyone else parameters[positions]
            trained, others = self._split(own, row if everyone else row[positions])
            rows = inputs if everyone or common else inputs[positions]
            with seed_torch(stream, parameters.device):
                parts.append(self._run(trained, others, rows, common))
            if others:
                moved = torch.cat(
                    [value.reshape(len(positions), -1).to(parameters.dtype) for value in others.values()], 1
                )
                parameters[positions, self.trainable : self.trainable + moved.shape[1]] = moved.detach()
        if len(parts) == 1:
            return parts[0]
        place = torch.argsort(order).to(inputs.device)
        features = [part.features for part in parts if part.features is not None]
        return ModuleOutputs(
            torch.cat([part.logits for part in parts])[place], torch.cat(features)[place] if features else None
        )

    def backward(
        self,
        parameters: Tensor,
        out: Outputs,
        shared: Tensor,
        heads: Tensor | None = None,
        features: Tensor | None = None,
    ) -> Tensor:
        """Gradient `(K, P)` from cotangents `(K, O, B)`; 0 for buffers.

        Raises ValueError for two cotangents where the module has no attribute `heads`, and for one of features where it
        does not tell them.
        """
        saved: _SavedGraph = out.saved
        rows = saved.logits.shape[1]
        found: list[Tensor] = []
        for cotangent in (shared,) if heads is None else (shared, heads):
            of, above = [saved.logits], [cotangent[..., :rows].mT.contiguous()]
            if features is not None and not found:
                if saved.features is None:
                    raise ValueError("the module does not tell which of its activations are features")
                of, above = [*of, saved.features], [*above, features[..., :rows].mT.contiguous()]
            (each,) = torch.autograd.grad(of, saved.row, above, retain_graph=True)
            found.append(each)
        return found[0] if heads is None else torch.where(self._of_heads.to(found[0].device), found[1], found[0])

    @cached_property
    def _of_heads(self) -> Tensor:
        parts = [torch.full((value.numel(),), name.startswith("heads.")) for name, value in self._shapes[0].items()]
        mask = torch.cat(parts)
        if not mask.any():
            raise ValueError(
                "the method treats heads and shared layers apart, but the module has no parameters under `heads`; "
                "give it an attribute of that name, a ModuleList with one head for each task"
            )
        return pad(mask, (0, self.size - len(mask)))

    def _make_module(self, seed: int) -> nn.Module:
        with seed_torch(seed, torch.device("cpu")):
            module = self.factory(self.inputs, self._outputs, **dict(self.arguments))
        if not isinstance(module, nn.Module):
            raise TypeError(f"the factory gives {type(module).__name__}; expected a torch.nn.Module")
        return module

    def _split(self, parameters: Tensor, row: Tensor | None = None) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Trained parameters (views of `row`, where given) and a copy of the others, by name, `(K, *shape)`."""
        trained, others = self._shapes
        of_trained = _views(parameters[:, : self.trainable] if row is None else row, trained)
        of_others = _views(parameters[:, self.trainable :], others)
        types = {name: parameters.dtype if like.is_floating_point() else like.dtype for name, like in others.items()}
        return of_trained, {name: value.to(types[name], copy=True) for name, value in of_others.items()}

    def _run(self, trained: Named, others: Named, inputs: Tensor, common: bool) -> ModuleOutputs:
        trials = len(next(iter(trained.values())))
        if self.runs_apart(inputs.device, trials):
            last = self.channels_last or inputs.is_cuda
            return run_apart(self._run_one, trained, others, inputs, common=common, channels_last=last)
        width = self._width(trials, inputs.device)
        return run_side_by_side(self._run_one, trained, others, inputs, common=common, width=width)

    def _run_one(self, trained: Named, others: Named, inputs: Tensor) -> tuple[Tensor, ...]:
        """Outputs `(B, O)` of one trial, and its features `(B, H)` where it tells them."""
        half = torch.autocast(inputs.device.type, torch.bfloat16) if self.half else nullcontext()
        with half:
            every = {**trained, **others}
            found = functional_call(
                self._skeleton, every, (inputs,), {WITH_FEATURES: True} if self._tells_features else {}
            )
        logits, *features = found if self._tells_features else (found,)
        if not isinstance(logits, Tensor) or logits.shape != (len(inputs), self._outputs):
            shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ValueError(
                f"the module gives {shape} for {len(inputs)} rows; expected {(len(inputs), self._outputs)}"
            )
        return tuple(each.to(inputs.dtype) for each in (logits, *features))

    def _width(self, trials: int, device: torch.device) -> int:
        """How many trials are run side by side for `trials`; the last is repeated. On a CPU the bits of a trial then do
        not depend on the others: a product of one matrix alone has other ones than one of several, and batch norms put
        the channels of all trials in one run of vectors."""
        if device.type != "cpu":
            return trials
        return align_length(trials) if self._has(nn.modules.batchnorm._NormBase) else max(trials, 2)

    @cached_property
    def _tells_features(self) -> bool:
        return takes_features(self._skeleton)

    def _has(self, kind: type[nn.Module]) -> bool:
        return any(isinstance(part, kind) for part in self._parts)

    @cached_property
    def _parts(self) -> list[nn.Module]:
        return list(self._skeleton.modules())


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _columns(shapes: Mapping[str, Tensor]) -> dict[str, slice]:
    columns, start = {}, 0
    for name, like in shapes.items():
        columns[name] = slice(start, start + like.numel())
        start = columns[name].stop
    return columns


def _views(rows: Tensor, shapes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    sizes = [like.numel() for like in shapes.values()]
    # One split, whose derivative is one tensor: slices would each have one as large as the row.
    *parts, _ = rows.split([*sizes, rows.shape[1] - sum(sizes)], 1)
    return {name: part.view(-1, *shapes[name].shape) for name, part in zip(shapes, parts, strict=True)}


def _examples_last(logits: Tensor) -> Tensor:
    """`(K, B, O)` to `(K, O, B)`, B filled up to whole vectors."""
    rows = logits.shape[1]
    return pad(logits.mT, (0, align_length(rows) - rows)).contiguous()
