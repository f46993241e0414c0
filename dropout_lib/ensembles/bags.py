"""Bagging: several nets, each trained on its own bootstrap sample of the same examples.

A bootstrap sample has as many examples as the original, drawn with replacement: some stand in it
twice or more, others not at all. `bagging` trains one member after the other and hands the growing
`Bag` over after every epoch, so that a caller can show progress, wait or stop in between.

Sources: L. Breiman, "Bagging predictors", Machine Learning 24, 1996, §1. Goodfellow, Bengio &
Courville, "Deep Learning", 2016, §7.11, and equation 7.52 for the average of the members.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib._checks import check_array, check_count, check_labels, check_rng, describe
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.passes import Array
from dropout_lib.nets.training import History, fit_steps


def bootstrap_sample(n_examples: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw as many examples as there are, with replacement: (n_examples,) row numbers."""
    n_examples = check_count(n_examples, "n_examples")
    return check_rng(rng).integers(n_examples, size=n_examples)


def expected_distinct_share(n_examples: int) -> float:
    """Share of `n_examples` that a bootstrap sample contains on average: 1 − (1 − 1/n)ⁿ.

    One draw misses a given example with probability 1 − 1/n, and all n of them do with its n-th
    power. The share falls from 1 for a single example to 1 − 1/e = 0.632 for many (Breiman 1996).
    """
    n_examples = check_count(n_examples, "n_examples")
    return 1 - (1 - 1 / n_examples) ** n_examples


@dataclass
class Bag:
    """The members trained so far; entry i of each list belongs to member i."""

    k: int  #: members planned
    progress: float = 0.0  #: share of the planned work that is done
    members: list[MLP] = field(default_factory=list)
    samples: list[NDArray[np.int64]] = field(default_factory=list)  #: rows that it was trained on
    histories: list[History] = field(default_factory=list)

    @property
    def n_parameters(self) -> int:
        """How many numbers the members hold together: each has parameters of its own."""
        return sum(parameter.size for net in self.members for parameter in net.parameters)

    @property
    def seconds(self) -> float:
        """Time spent training the members; a caller's time in between is not counted."""
        return sum(history.seconds for history in self.histories)

    def predict_proba(self, x: ArrayLike) -> Array:
        """What each member says about x: (members, batch, classes), for `ensembles` to combine."""
        if not self.members:
            raise ValueError("the bag must hold at least one trained member; got none yet")
        return np.stack([member.predict_proba(x) for member in self.members])


def bagging(
    new_net: Callable[[np.random.Generator], MLP],
    x: ArrayLike,
    y: ArrayLike,
    k: int,
    *,
    rng: np.random.Generator,
    **training: Any,
) -> Iterator[Bag]:
    """Train k nets, each on its own bootstrap sample, step by step.

    Args:
        new_net: called with `rng` once for each member; returns a new, untrained net.
        x: (examples, inputs).
        y: (examples,) labels, 0 … classes − 1.
        k: how many members.
        rng: draws the samples, the first weights and what training draws, member after member: the
            first members of a large bag are those of a small one.
        training: what `nets.fit_steps` takes besides, such as `epochs` and `learning_rate`.
    Yields: the same growing `Bag`, after every epoch of every member (within a long epoch too).
        Only members whose training is finished are in it. Leaving the generator ends the training.
    Raises: ValueError for a bad argument, at the call; TrainingDiverged if a member's loss becomes
        infinite or NaN.
    """
    if not callable(new_net):
        raise ValueError(
            f"new_net must be a function of an rng that returns an MLP; got {describe(new_net)}"
        )
    x = check_array(x, "x", (None, None))
    y = check_labels(y, "y", n_examples=len(x))
    bag = Bag(check_count(k, "k"))
    run = _Bagging(bag, new_net, x, y, check_rng(rng), training)
    return run.steps(run.start_member())  # started here, so that bad settings fail at the call


@dataclass
class _Started:
    """A member in training."""

    net: MLP
    sample: NDArray[np.int64]
    steps: Iterator[History]


@dataclass
class _Bagging:
    """One run of `bagging`: its checked arguments."""

    bag: Bag
    new_net: Callable[[np.random.Generator], MLP]
    x: Array
    y: NDArray[np.int64]
    rng: np.random.Generator
    training: dict[str, Any]

    def start_member(self) -> _Started:
        sample = bootstrap_sample(len(self.x), self.rng)
        net = self.new_net(self.rng)
        if not isinstance(net, MLP) or any(net is member for member in self.bag.members):
            raise ValueError(f"new_net must return a new MLP at each call; got {describe(net)}")
        check_labels(self.y, "y", n_classes=net.sizes[-1])  # a sample may lack the bad one
        steps = fit_steps(net, self.x[sample], self.y[sample], rng=self.rng, **self.training)
        return _Started(net, sample, steps)

    def steps(self, started: _Started) -> Iterator[Bag]:
        bag = self.bag
        for number in range(bag.k):
            if number > 0:
                started = self.start_member()
            for history in started.steps:
                bag.progress = (number + history.progress) / bag.k
                if history.epochs_done == history.epochs_planned:
                    bag.members.append(started.net)
                    bag.samples.append(started.sample)
                    bag.histories.append(history)
                yield bag
