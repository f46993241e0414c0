"""Published test errors on MNIST, cited and not measured here.

Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, "Dropout: a simple way to prevent
neural networks from overfitting", JMLR 15, 2014: tables 2 and 9. 60,000 training and 10,000 test
images, no augmentation.
"""

from typing import NamedTuple


class Result(NamedTuple):
    """One row of a table."""

    method: str
    error: float  #: test error, %
    dropout: bool


TABLES = {
    "table 2: nets of the time": (
        Result("standard net, logistic, 2 × 800", 1.60, False),
        Result("SVM, Gaussian kernel", 1.40, False),
        Result("dropout, logistic, 3 × 1024", 1.35, True),
        Result("dropout, ReLU, 3 × 1024", 1.25, True),
        Result("dropout, ReLU, max-norm, 3 × 1024", 1.06, True),
        Result("dropout, ReLU, max-norm, 3 × 2048", 1.04, True),
        Result("dropout, ReLU, max-norm, 2 × 4096", 1.01, True),
        Result("dropout, ReLU, max-norm, 2 × 8192", 0.95, True),
        Result("dropout, maxout", 0.94, True),
    ),
    "table 2: after pretraining": (
        Result("DBN, fine-tuned", 1.18, False),
        Result("DBN, dropout fine-tuning", 0.92, True),
        Result("DBM, fine-tuned", 0.96, False),
        Result("DBM, dropout fine-tuning", 0.79, True),
    ),
    "table 9: one net, many regularisers": (
        Result("L2", 1.62, False),
        Result("L2 + L1", 1.60, False),
        Result("L2 + KL sparsity", 1.55, False),
        Result("max-norm", 1.35, False),
        Result("dropout + L2", 1.25, True),
        Result("dropout + max-norm", 1.05, True),
    ),
}


def gain(results: tuple[Result, ...]) -> float:
    """By which share the best row with dropout lies below the best row without: 0.5 is half."""
    with_dropout = min(row.error for row in results if row.dropout)
    without = min(row.error for row in results if not row.dropout)
    return 1 - with_dropout / without
