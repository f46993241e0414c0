"""Derivations as lists of steps that SymPy checks: both sides of each equation are compared.

This package stands apart: it alone imports SymPy, and it computes with symbols, never with data.
"""

from dropout_lib.derivations.ensemble_error import ERROR_VARIANTS, ensemble_error_steps
from dropout_lib.derivations.geometric_mean import VARIANTS, geometric_mean_steps
from dropout_lib.derivations.linearity import linearity_steps
from dropout_lib.derivations.logistic import logistic_steps
from dropout_lib.derivations.step import Step, first_break, latex

__all__ = [
    "ERROR_VARIANTS",
    "VARIANTS",
    "Step",
    "ensemble_error_steps",
    "first_break",
    "geometric_mean_steps",
    "latex",
    "linearity_steps",
    "logistic_steps",
]
