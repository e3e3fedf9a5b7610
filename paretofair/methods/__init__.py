"""The methods, by the name that space files and the trial table give them."""

from paretofair.methods.adversarial import Adversarial
from paretofair.methods.adversarial_features import AdversarialFeatures
from paretofair.methods.angular_margin import AngularMargin
from paretofair.methods.balance import Oversample, Reweigh
from paretofair.methods.corpus.bias_alignment import BiasAlignment
from paretofair.methods.corpus.corpus_constraint import CorpusConstraint
from paretofair.methods.gcm import GCM
from paretofair.methods.label_flip import LabelFlip
from paretofair.methods.method import (
    TRAINING_PARAMETERS,
    Gradient,
    Hyper,
    Losses,
    LossSettings,
    Method,
    MethodOptions,
    Names,
    Parameter,
    Rows,
)
from paretofair.methods.mtaf import MTAF, PerTask
from paretofair.methods.penalties import EOR, DisparateImpact, EqualLoss, MaxMin, OddsPenalty
from paretofair.methods.threshold_frontier import ThresholdFrontier
from paretofair.methods.transfer import PseudoGroups, Transfer
from paretofair.methods.vanilla import SingleTask, Vanilla

METHODS: dict[str, type[Method]] = {
    "single_task": SingleTask,
    "vanilla": Vanilla,
    "per_task": PerTask,
    "mtaf": MTAF,
    "equal_loss": EqualLoss,
    "odds_penalty": OddsPenalty,
    "disparate_impact": DisparateImpact,
    "max_min": MaxMin,
    "eor": EOR,
    "label_flip": LabelFlip,
    "angular_margin": AngularMargin,
    "oversample": Oversample,
    "reweigh": Reweigh,
    "adversarial": Adversarial,
    "adversarial_features": AdversarialFeatures,
    "gcm": GCM,
    "transfer": Transfer,
    "pseudo_groups": PseudoGroups,
    "threshold_frontier": ThresholdFrontier,
    "bias_alignment": BiasAlignment,
    "corpus_constraint": CorpusConstraint,
}

# The name that methods of users import.
Options = MethodOptions

__all__ = [
    "METHODS",
    "TRAINING_PARAMETERS",
    "Gradient",
    "Hyper",
    "LossSettings",
    "Losses",
    "Method",
    "MethodOptions",
    "Names",
    "Options",
    "Parameter",
    "Rows",
]
