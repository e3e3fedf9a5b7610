"""The sections of a space file: names, types, ranges and defaults. What depends on the data set or on the methods is
checked in `space.resolve`.
"""

from paretofair.sections import Section
from paretofair.space.schema.settings import Data, Frontiers, FrontierSet, OwnMetric, Settings
from paretofair.space.schema.stages import SamplerSettings, SuccessiveHalving, Tune, TuneBaselines
from paretofair.space.schema.training import (
    SETTINGS_OF_DISTANCES,
    WIDTHS,
    Fairness,
    FixedThreshold,
    MethodSettings,
    Network,
    Threshold,
    Training,
)

__all__ = [
    "SETTINGS_OF_DISTANCES",
    "WIDTHS",
    "Data",
    "Fairness",
    "FixedThreshold",
    "FrontierSet",
    "Frontiers",
    "MethodSettings",
    "Network",
    "OwnMetric",
    "SamplerSettings",
    "Section",
    "Settings",
    "SuccessiveHalving",
    "Threshold",
    "Training",
    "Tune",
    "TuneBaselines",
]
