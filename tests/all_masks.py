"""All subnetworks of a softmax layer by a plain loop: what the fast ways are compared with."""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import NamedTuple


class Loop(NamedTuple):
    """Both means over all masks, and what the geometric one lacks before it is renormalised."""

    arithmetic: list[float]
    geometric: list[float]
    missing_mass: float


def log_softmax(logits: list[float]) -> list[float]:
    """Less its largest entry each list of logits is safe to exponentiate."""
    largest = max(logits)
    log_total = largest + math.log(math.fsum(math.exp(z - largest) for z in logits))
    return [z - log_total for z in logits]


def softmax(logits: list[float]) -> list[float]:
    return [math.exp(log_p) for log_p in log_softmax(logits)]


def weighted_masks(keeps: Iterable[float]) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every mask with its probability."""
    keeps = list(keeps)
    for mask in product((0, 1), repeat=len(keeps)):
        yield mask, math.prod(k if bit else 1 - k for bit, k in zip(mask, keeps, strict=True))


def layer_logits(W, b, v, mask) -> list[float]:
    """The logits that a softmax layer computes from the units that the mask keeps."""
    return [
        b[y] + math.fsum(mask[i] * v[i] * W[i][y] for i in range(len(v))) for y in range(len(b))
    ]


def loop(logits_of: Callable[[tuple[int, ...]], list[float]], keeps: Iterable[float]) -> Loop:
    """Average what each mask's logits say, mask by mask, with sums that do not round."""
    weights, logs = [], []
    for mask, weight in weighted_masks(keeps):
        weights.append(weight)
        logs.append(log_softmax([float(z) for z in logits_of(mask)]))
    classes = range(len(logs[0]))
    mean_logs = [
        math.fsum(w * log_p[y] for w, log_p in zip(weights, logs, strict=True)) for y in classes
    ]
    arithmetic = [
        math.fsum(w * math.exp(log_p[y]) for w, log_p in zip(weights, logs, strict=True))
        for y in classes
    ]
    return Loop(arithmetic, softmax(mean_logs), 1 - math.fsum(map(math.exp, mean_logs)))
