"""Contract tests: subclass one in a test file of pytest, name what is to be tested, and it is tested."""

from paretofair.testing.data_sets import DatasetContract
from paretofair.testing.indicators import IndicatorContract
from paretofair.testing.inputs import InputsContract
from paretofair.testing.methods import MethodContract
from paretofair.testing.metrics import MetricContract
from paretofair.testing.samplers import SamplerContract
from paretofair.testing.tasks import TaskContract

__all__ = [
    "DatasetContract",
    "IndicatorContract",
    "InputsContract",
    "MethodContract",
    "MetricContract",
    "SamplerContract",
    "TaskContract",
]
