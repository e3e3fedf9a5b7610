"""The products of stacked layers against a trial alone."""

from __future__ import annotations

import pytest
import torch

from paretofair.models.products import flattening_keeps_bits, outer, product, where_active


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("common", [True, False])
@pytest.mark.parametrize("units", [1, 4, 7, 10, 33, 52])
def test_products_are_those_of_a_trial_alone(dtype, common, units):
    """In value, and bit for bit, whatever the width."""
    torch.manual_seed(0)
    weight, above = torch.randn(16, units, 17, dtype=dtype), torch.randn(16, units, 96, dtype=dtype)
    below = torch.randn(*(() if common else (16,)), 17, 96, dtype=dtype)
    entered, left = product(weight, below), outer(above, below)
    for k in range(16):
        own = below if common else below[k]
        torch.testing.assert_close(entered[k], weight[k] @ own)
        torch.testing.assert_close(left[k], above[k] @ own.T)
        alone = own if common else own[None]
        assert torch.equal(product(weight[k : k + 1], alone)[0], entered[k])
        assert torch.equal(outer(above[k : k + 1], alone)[0], left[k])


def test_only_positive_activations_let_values_through():
    values = torch.tensor([1.0, -2.0, 3.0])
    assert where_active(values, torch.tensor([0.5, 2.0, 0.0])).tolist() == [1.0, -2.0, 0.0]


def test_large_products_are_not_tried():
    """They would take seconds and gigabytes at the start of every worker."""
    assert not flattening_keeps_bits(512, 512, 2048, torch.float32, False)
