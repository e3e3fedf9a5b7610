"""The contract of indicators, kept by every one."""

from __future__ import annotations

from paretofair.pareto.indicators import epsilon_additive, igd_plus
from paretofair.testing import IndicatorContract


class TestEpsilonAdditive(IndicatorContract):
    indicator = staticmethod(epsilon_additive)


class TestIgdPlus(IndicatorContract):
    indicator = staticmethod(igd_plus)
