"""Many answers: combine, enumerate, draw at random, and how they err."""

from dropout_lib.ensembles.all_masks import (
    ExactEnsemble,
    exact_network_ensemble,
    exact_softmax_ensemble,
)
from dropout_lib.ensembles.averages import (
    arithmetic_mean,
    geometric_mean,
    majority_vote,
    missing_mass,
    weight_scaled_softmax,
)
from dropout_lib.ensembles.bags import Bag, bagging, bootstrap_sample
from dropout_lib.ensembles.convergence import AVERAGES, member_deviation, running_averages
from dropout_lib.ensembles.error import ensemble_error, error_curve, error_moments, sample_errors
from dropout_lib.ensembles.random_masks import monte_carlo
from dropout_lib.ensembles.uncertainty import blend, mutual_information, predictive_entropy, rotate

__all__ = [
    "AVERAGES",
    "Bag",
    "ExactEnsemble",
    "arithmetic_mean",
    "bagging",
    "blend",
    "bootstrap_sample",
    "ensemble_error",
    "error_curve",
    "error_moments",
    "exact_network_ensemble",
    "exact_softmax_ensemble",
    "geometric_mean",
    "majority_vote",
    "member_deviation",
    "missing_mass",
    "monte_carlo",
    "mutual_information",
    "predictive_entropy",
    "rotate",
    "running_averages",
    "sample_errors",
    "weight_scaled_softmax",
]
