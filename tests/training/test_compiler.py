"""The parts of PyTorch without a public name: what they are needed for still happens."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from paretofair.training.compiler import compile_step, compiler_works, count_compilations, forget_compiled


@pytest.fixture
def forgotten():
    forget_compiled()
    yield
    forget_compiled()


def test_losses_are_differentiated_inside_a_compiled_step(forgotten):
    def step(x):
        leaf = x.detach().requires_grad_()
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad((leaf**3).sum(), leaf)
        return gradient

    assert compiler_works()
    forget_compiled()
    x = torch.arange(32.0)
    torch.testing.assert_close(compile_step(step)(x), 3 * x**2)
    assert count_compilations() == 1


def test_what_a_compiled_step_is_made_with(forgotten):
    """One thread; and a shape too many fails loudly."""
    import torch._dynamo.config as dynamo
    import torch._inductor.config as inductor

    compile_step(lambda x: x + 1)(torch.ones(32))
    assert inductor.cpp.threads == 1
    assert dynamo.fail_on_recompile_limit_hit
    assert dynamo.recompile_limit == 32


def test_commands_and_workers_start_without_the_compiler():
    """It takes as long to import as PyTorch itself, and most of them compile nothing."""
    check = "import sys, paretofair.runs.run, paretofair.cluster.worker; sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0
