"""The contract of samplers, kept by every one."""

from __future__ import annotations

import pytest

from paretofair.errors import SpaceError
from paretofair.sampling import SAMPLERS, find_sampler
from paretofair.testing import SamplerContract

SMALL = {"tpe": {"startup": 8}, "gp": {"startup": 8}, "nsga2": {"population": 16}, "nsga3": {"population": 16}}

for _name, _kind in SAMPLERS.items():
    globals()[f"Test{_name.capitalize()}"] = type(
        f"Test{_name.capitalize()}", (SamplerContract,), {"sampler": _kind, "options": SMALL.get(_name, {})}
    )


def test_other_names_are_refused():
    with pytest.raises(SpaceError, match="found 'tpee'; accepted: random, sobol"):
        find_sampler("tpee")
    with pytest.raises(SpaceError, match="is no subclass of paretofair"):
        find_sampler("paretofair.sampling:SAMPLERS")
