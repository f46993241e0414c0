"""A small network with dropout: passes and training written out."""

from dropout_lib.nets.gaussian_noise import GaussianMLP
from dropout_lib.nets.gradients import input_gradients
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.passes import log_softmax, softmax
from dropout_lib.nets.training import History, TrainingDiverged, evaluate, fit, fit_steps

__all__ = [
    "MLP",
    "GaussianMLP",
    "History",
    "TrainingDiverged",
    "evaluate",
    "fit",
    "fit_steps",
    "input_gradients",
    "log_softmax",
    "softmax",
]
