"""Optimisers of stacks against torch.optim, trial by trial, in float64."""

from __future__ import annotations

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from paretofair.training.compiler import forget_compiled
from paretofair.training.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW

TRIALS, SIZE, STEPS = 5, 64, 50
TORCH = {"beta1": "betas", "beta2": "betas", "epsilon": "eps", "initial_accumulator": "initial_accumulator_value"}


def gradient(parameters: torch.Tensor, step: int) -> torch.Tensor:
    """Of a bowl that shakes; the same for a trial wherever it stands."""
    shake = torch.randn(SIZE, generator=torch.Generator().manual_seed(step), dtype=torch.float64)
    return parameters * torch.linspace(0.1, 3, SIZE) + shake.to(parameters.dtype)


def make_initial(trials: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(trials, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def run(optimizer, hyper: dict[str, torch.Tensor], start: torch.Tensor, steps: int = STEPS) -> torch.Tensor:
    parameters = start.clone()
    state = optimizer.state(parameters)
    assert all(len(tensor) == len(parameters) for tensor in state)
    for step in range(steps):
        gradients = gradient(parameters, step)
        before = gradients.clone()
        optimizer.update(parameters, gradients, state, hyper)
        assert torch.equal(gradients, before), "the gradient is the caller's"
    return parameters


def run_torch(name: str, constants: dict[str, float], rate: float, start: torch.Tensor) -> torch.Tensor:
    """One ordinary tensor."""
    parameter = torch.nn.Parameter(start.clone())
    options: dict = {TORCH.get(key, key): value for key, value in constants.items() if not key.startswith("beta")}
    if name.startswith("adam"):
        options["betas"] = (constants.get("beta1", 0.9), constants.get("beta2", 0.999))
    if name == "adagrad":
        options = {"initial_accumulator_value": 0.1, "eps": 0, **options}
    kind = {"adagrad": "Adagrad", "adam": "Adam", "adamw": "AdamW", "sgd": "SGD"}[name]
    optimizer = getattr(torch.optim, kind)([parameter], lr=rate, **options)
    for step in range(STEPS):
        parameter.grad = gradient(parameter.detach(), step)
        optimizer.step()
    return parameter.detach()


CASES = [
    Adagrad(),
    Adagrad(initial_accumulator=0.5),
    Adagrad(weight_decay=0.1),
    Adam(),
    Adam(0.5, 0.9, 1e-2, 0.1),
    AdamW(),
    AdamW(0.5, 0.9, 1e-2, 0.3),
    SGD(),
    SGD(momentum=0.9),
    SGD(0.5, 0.1),
]


@pytest.mark.parametrize("optimizer", CASES, ids=str)
def test_as_torch_with_constants_common_to_the_trials(optimizer):
    name = next(key for key, kind in OPTIMIZERS.items() if type(optimizer) is kind)
    start, rates = make_initial(TRIALS), torch.linspace(0.01, 0.2, TRIALS, dtype=torch.float64)
    found = run(optimizer, {"learning_rate": rates}, start)
    for k in range(TRIALS):
        expected = run_torch(name, vars(optimizer), rates[k].item(), start[k])
        torch.testing.assert_close(found[k], expected, rtol=1e-12, atol=1e-12 * expected.abs().max().item())


def constants(name: str, trials: int, dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    """Every constant of an optimiser that a trial may have of its own, and its rate."""
    random = torch.Generator().manual_seed(3)

    def draw_between(low: float, high: float) -> torch.Tensor:
        return (low + (high - low) * torch.rand(trials, generator=random, dtype=torch.float64)).to(dtype)

    values = {"learning_rate": draw_between(0.01, 0.2), "weight_decay": draw_between(0, 0.3)}
    values["weight_decay"][0] = 0
    if name.startswith("adam"):
        values |= {
            "beta1": draw_between(0.5, 0.95),
            "beta2": draw_between(0.9, 0.999),
            "epsilon": draw_between(1e-8, 1e-2),
        }
    if name == "sgd":
        values["momentum"] = draw_between(0, 0.95)
    return values


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_as_torch_with_constants_of_each_trial(name):
    start, hyper = make_initial(TRIALS), constants(name, TRIALS)
    found = run(OPTIMIZERS[name](), hyper, start)
    for k in range(TRIALS):
        own = {key: value[k].item() for key, value in hyper.items()}
        expected = run_torch(name, own, own.pop("learning_rate"), start[k])
        torch.testing.assert_close(found[k], expected, rtol=1e-12, atol=1e-12 * expected.abs().max().item())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_trial_does_not_depend_on_its_neighbours(name, own, dtype):
    hyper, start = constants(name, 64, dtype), make_initial(64, dtype)
    if not own:
        hyper = {"learning_rate": hyper["learning_rate"]}
    whole = run(OPTIMIZERS[name](), hyper, start)
    assert whole.isfinite().all()
    for part in (slice(0, 1), slice(17, 24), slice(63, 64)):
        some = run(OPTIMIZERS[name](), {key: value[part] for key, value in hyper.items()}, start[part])
        assert torch.equal(some, whole[part])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_default_written_out_changes_no_bit(name, dtype):
    optimizer, start = OPTIMIZERS[name](), make_initial(TRIALS, dtype)
    rates = {"learning_rate": torch.linspace(0.01, 0.2, TRIALS, dtype=dtype)}
    defaults = {key: torch.full((TRIALS,), value, dtype=dtype) for key, value in vars(optimizer).items()}
    assert torch.equal(run(optimizer, rates | defaults, start), run(optimizer, rates, start))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_stack_that_is_cut_goes_on_as_before(name):
    """State is indexed by trial: dropping trials in the middle of a training moves no other."""
    optimizer, hyper, start = OPTIMIZERS[name](), constants(name, 9), make_initial(9)
    whole = run(optimizer, hyper, start)
    parameters, state = start.clone(), optimizer.state(start)
    for step in range(STEPS):
        if step == 20:
            kept = torch.tensor([7, 2, 3])
            parameters, state = parameters[kept], tuple(tensor[kept] for tensor in state)
            hyper = {key: value[kept] for key, value in hyper.items()}
        optimizer.update(parameters, gradient(parameters, step), state, hyper)
    assert torch.equal(parameters, whole[kept])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_columns_behind_the_trained_ones_stay(name):
    """A network with buffers hands over the first columns only."""
    hyper, whole = constants(name, TRIALS), make_initial(TRIALS)
    parameters = whole[:, :32]
    OPTIMIZERS[name]().update(parameters, gradient(whole, 0)[:, :32], OPTIMIZERS[name]().state(parameters), hyper)
    assert torch.equal(whole[:, 32:], make_initial(TRIALS)[:, 32:])
    expected = run(OPTIMIZERS[name](), hyper, make_initial(TRIALS), steps=1)
    assert torch.equal(whole[:, :32], expected[:, :32])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_one_graph_for_the_compiler(name):
    optimizer, hyper = OPTIMIZERS[name](), constants(name, TRIALS)
    assert hash(optimizer) == hash(OPTIMIZERS[name]())
    assert optimizer == OPTIMIZERS[name]()
    forget_compiled()
    counter = CompileCounter()
    compiled = torch.compile(optimizer.update, dynamic=False, fullgraph=True, backend=counter)
    parameters, plain = make_initial(TRIALS), make_initial(TRIALS)
    state, plain_state = optimizer.state(parameters), optimizer.state(plain)
    for step in range(3):
        compiled(parameters, gradient(parameters, step), state, hyper)
        optimizer.update(plain, gradient(plain, step), plain_state, hyper)
    assert torch.equal(parameters, plain)
    assert counter.frame_count == 1


def test_adagrad_is_what_it_was():
    """Without decay nothing is added to the two passes that trained tables hold the bits of."""
    start, rates = make_initial(TRIALS, torch.float32), torch.linspace(0.01, 0.2, TRIALS)
    parameters, accumulator = start.clone(), torch.full_like(start, 0.1)
    for step in range(STEPS):
        gradients = gradient(parameters, step)
        accumulator.addcmul_(gradients, gradients)
        parameters.addcmul_(-rates[:, None], gradients * accumulator.rsqrt())
    assert torch.equal(run(Adagrad(), {"learning_rate": rates}, start), parameters)
