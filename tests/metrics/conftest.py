from collections.abc import Callable

import pytest
import torch
from torch import Tensor


@pytest.fixture(scope="session")
def stack_of_scores() -> Callable[[torch.dtype], Tensor]:
    """64 trials, 2 tasks and an odd number of rows: vectorised kernels treat the last few rows apart."""

    def make(dtype: torch.dtype) -> Tensor:
        scores = torch.rand(64, 2, 3717, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        scores[1::2] = scores[1::2].round(decimals=2)
        return scores.to(dtype)

    return make
