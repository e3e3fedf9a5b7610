"""How K trials of a module are run: one after another, or side by side under `vmap`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import vmap

Named = Mapping[str, Tensor]
# Of one trial: trained parameters, other values (changed in place) and a batch `(B, *shape)`, to outputs `(B, O)` and,
# where the module tells them, features `(B, H)`.
Call = Callable[[Named, Named, Tensor], tuple[Tensor, ...]]


class ModuleOutputs(NamedTuple):
    """`logits` `(K, B, O)`, and `features` `(K, B, H)` where the module tells them."""

    logits: Tensor
    features: Tensor | None = None


def run_apart(
    call: Call, trained: Named, others: Named, inputs: Tensor, *, common: bool, channels_last: bool
) -> ModuleOutputs:
    """One trial after the other as an ordinary module, each from the same random numbers. All tensors have a trials
    axis in front, but for inputs that are `common`. Images are laid out `channels_last`, or as they are."""
    of_trained = {name: value.unbind(0) for name, value in trained.items()}
    trials, state = len(next(iter(trained.values()))), _get_random_state(inputs.device)
    lay_out = _lay_channels_last if channels_last else torch.Tensor.contiguous
    every = [lay_out(inputs)] * trials if common else [lay_out(rows) for rows in inputs]
    found = []
    for k, rows in enumerate(every):
        _set_random_state(inputs.device, state)
        own = {name: values[k] for name, values in of_trained.items()}
        found.append(call(own, {name: value[k] for name, value in others.items()}, rows))
    return ModuleOutputs(*(torch.stack(each) for each in zip(*found, strict=True)))


def run_side_by_side(
    call: Call, trained: Named, others: Named, inputs: Tensor, *, common: bool, width: int
) -> ModuleOutputs:
    """All trials at once, with the last one repeated up to `width`; as for `run_apart`."""
    trials = len(next(iter(trained.values())))
    extra = width - trials
    rows = inputs if common else _repeat_last(inputs, extra)
    kept = {name: _repeat_last(value, extra) for name, value in others.items()}
    every = {name: _repeat_last(value, extra) for name, value in trained.items()}
    found = vmap(call, in_dims=(0, 0, None if common else 0), randomness="same")(every, kept, rows)
    if extra:
        for name, value in others.items():
            value.copy_(kept[name][:trials])
    return ModuleOutputs(*(each[:trials] for each in found))


@contextmanager
def seed_torch(seed: int, device: torch.device) -> Iterator[None]:
    """PyTorch's random numbers from `seed`, and as before afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def _lay_channels_last(rows: Tensor) -> Tensor:
    """Images with the channels of a pixel beside one another, as poolings are fastest."""
    if rows.dim() != 4:
        return rows
    # Not `contiguous`, which leaves images of one channel as they are: what follows would take them for the other form.
    return torch.empty_like(rows, memory_format=torch.channels_last).copy_(rows)


def _repeat_last(value: Tensor, times: int) -> Tensor:
    return torch.cat([value, value[-1:].expand(times, *value.shape[1:])]) if times else value


def _get_random_state(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _set_random_state(device: torch.device, state: Tensor) -> None:
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
