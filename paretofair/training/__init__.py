"""The training core: trains one pack of trials on one device. Knows no Ray, no YAML, no files."""

from paretofair.training.checkpoints import Checkpoint, Checkpoints, Pause
from paretofair.training.experiment import Experiment, TrainingSettings
from paretofair.training.halving import Halving, WeightedMetric
from paretofair.training.measuring.curves import Curve, CurveSettings
from paretofair.training.measuring.evaluation import Evaluation, Threshold
from paretofair.training.pack import FinishedStack, train_pack
from paretofair.training.probe import measure_epoch, measure_width, rehearse
from paretofair.training.stack import Trials
from paretofair.training.tensors import DeviceData, to_device

__all__ = [
    "Checkpoint",
    "Checkpoints",
    "Curve",
    "CurveSettings",
    "DeviceData",
    "Evaluation",
    "Experiment",
    "FinishedStack",
    "Halving",
    "Pause",
    "Threshold",
    "TrainingSettings",
    "Trials",
    "WeightedMetric",
    "measure_epoch",
    "measure_width",
    "rehearse",
    "to_device",
    "train_pack",
]
