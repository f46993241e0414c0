"""Bootstrap samples against full enumeration; a bag against members trained by hand."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest

from dropout_lib.ensembles.bags import Bag, bagging, bootstrap_sample, expected_distinct_share
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.training import TrainingDiverged, fit

FALSE_ALARM = 1e-6  # probability with which a test of a right sampler may fail, were its seed new
SETTINGS = {"epochs": 3, "learning_rate": 0.05, "batch_size": 8}
N, INPUTS, CLASSES = 30, 4, 3


def rng(seed=0):
    return np.random.default_rng(seed)


def new_net(draws):
    return MLP((INPUTS, 5, CLASSES), draws)


def examples(seed=1):
    draws = rng(seed)
    return draws.normal(size=(N, INPUTS)), draws.integers(CLASSES, size=N)


def small_bag(k=3, **changes):
    *_, bag = bagging(new_net, *examples(), k, rng=rng(7), **{**SETTINGS, **changes})
    return bag


def assert_same_net(net, other):
    for parameter, wanted in zip(net.parameters, other.parameters, strict=True):
        np.testing.assert_array_equal(parameter, wanted)


# Bootstrap samples


@pytest.mark.claim("B01")
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_the_expected_share_is_that_of_all_possible_samples(n):
    shares = [len(set(sample)) / n for sample in product(range(n), repeat=n)]
    assert expected_distinct_share(n) == pytest.approx(np.mean(shares), rel=1e-12)


@pytest.mark.claim("B01")
def test_the_share_of_a_large_sample_is_63_2_percent():
    assert expected_distinct_share(10**6) == pytest.approx(1 - np.exp(-1), abs=1e-6)
    assert f"{expected_distinct_share(1000):.1%}" == "63.2%"
    shares = [len(set(bootstrap_sample(1000, rng(seed)))) / 1000 for seed in range(200)]
    assert np.mean(shares) == pytest.approx(expected_distinct_share(1000), abs=0.005)


def test_a_sample_has_as_many_draws_as_there_are_examples_all_equally_likely():
    n, repeats = 7, 20_000
    draws = rng(3)
    samples = np.array([bootstrap_sample(n, draws) for _ in range(repeats)])
    assert samples.shape == (repeats, n)
    for column in (0, n - 1):  # with replacement: the last draw is like the first
        counts = np.bincount(samples[:, column], minlength=n)
        assert len(counts) == n
        for count in counts:
            assert binomtest(int(count), repeats, 1 / n).pvalue > FALSE_ALARM / (2 * n)
    twice = np.sum(samples[:, 0] == samples[:, 1])
    assert binomtest(int(twice), repeats, 1 / n).pvalue > FALSE_ALARM


# The bag


def test_a_member_is_a_net_trained_on_its_sample_alone():
    x, y = examples()
    bag = small_bag()
    draws = rng(7)  # the same dice, thrown by hand
    for member, sample in zip(bag.members, bag.samples, strict=True):
        rows = draws.integers(N, size=N)
        np.testing.assert_array_equal(sample, rows)
        alone = new_net(draws)
        fit(alone, x[rows], y[rows], rng=draws, **SETTINGS)
        assert_same_net(member, alone)


def test_members_see_different_samples_and_own_their_parameters():
    bag = small_bag()
    assert not np.array_equal(bag.samples[0], bag.samples[1])
    first, second = bag.members[:2]
    before = [parameter.copy() for parameter in second.parameters]
    for parameter in first.parameters:
        parameter += 1
    for parameter, old in zip(second.parameters, before, strict=True):
        np.testing.assert_array_equal(parameter, old)
    assert bag.n_parameters == 3 * (INPUTS * 5 + 5 + 5 * CLASSES + CLASSES)


def test_the_first_members_of_a_large_bag_are_those_of_a_small_one():
    small, large = small_bag(2), small_bag(4)
    for member, same in zip(small.members, large.members, strict=False):
        assert_same_net(member, same)


def test_it_hands_over_after_every_epoch_and_counts_finished_members_only():
    reports = [
        (bag.progress, len(bag.members), len(bag.samples), len(bag.histories))
        for bag in bagging(new_net, *examples(), 2, rng=rng(), **SETTINGS)
    ]
    assert [progress for progress, *_ in reports] == pytest.approx(np.arange(1, 7) / 6)
    assert [counts for _, *counts in reports] == [[0] * 3] * 2 + [[1] * 3] * 3 + [[2] * 3]


def test_a_stopped_run_leaves_whole_members():
    steps = bagging(new_net, *examples(), 3, rng=rng(7), **SETTINGS)
    for bag in steps:
        if bag.progress > 0.5:
            break
    steps.close()
    assert len(bag.members) == 1
    assert_same_net(bag.members[0], small_bag().members[0])
    assert bag.predict_proba(examples()[0]).shape == (1, N, CLASSES)


def test_the_prediction_holds_what_each_member_says():
    bag, (x, _) = small_bag(), examples(5)
    said = bag.predict_proba(x)
    assert said.shape == (3, N, CLASSES)
    for member, probabilities in zip(bag.members, said, strict=True):
        np.testing.assert_array_equal(probabilities, member.predict_proba(x))
    assert len({probabilities.tobytes() for probabilities in said}) == 3


def test_training_settings_reach_the_members():
    x, y = examples()
    bag = small_bag(keep=(1.0, 0.7), validation=(x, y), max_norm=0.5)
    assert all(len(history.validation_error) == SETTINGS["epochs"] for history in bag.histories)
    for member in bag.members:
        for weights in member.parameters[0:-2:2]:  # the cap is on the hidden units
            assert np.linalg.norm(weights, axis=0).max() <= 0.5 + 1e-9
    assert bag.seconds == pytest.approx(sum(history.seconds for history in bag.histories))


def test_float32_examples_stay_float32():
    x, y = examples()
    seen = []

    class Watching(MLP):
        def sample_gains(self, n_examples, keeps, draws, inverted):
            seen.append(self.dtype)
            return super().sample_gains(n_examples, keeps, draws, inverted)

    def make(draws):
        return Watching((INPUTS, 5, CLASSES), draws, dtype=np.float32)

    *_, bag = bagging(make, x.astype(np.float32), y, 1, rng=rng(), **SETTINGS)
    assert set(seen) == {np.dtype(np.float32)}
    assert bag.predict_proba(x).dtype == np.float32


# Bad input


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"new_net": MLP((4, 3), rng())}, "new_net must be a function of an rng that returns"),
        ({"new_net": lambda draws: draws}, "new_net must return a new MLP at each call; got"),
        ({"x": np.ones(5)}, r"x must be an array of shape \(any, any\); got"),
        ({"x": np.full((N, INPUTS), np.nan)}, r"x must be finite: entry \(0, 0\); got nan"),
        ({"x": np.ones((N, 9))}, r"x must be an array of shape \(any, 4\); got"),
        ({"y": np.zeros(3, int)}, rf"y must be an array of shape \({N},\); got"),
        ({"y": np.r_[np.zeros(N - 1, int), 3]}, "y must be class numbers below n_classes = 3"),
        ({"k": 0}, "k must be a whole number of at least 1; got 0"),
        ({"k": 2.0}, "k must be a whole number of at least 1; got 2.0"),
        ({"rng": 7}, r"rng must be a numpy\.random\.Generator"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1; got 0"),
        ({"keep": (1.0, 0.0)}, r"keep\[1\] must be a number in \(0, 1\]"),
    ],
)
def test_bad_input_is_refused_at_the_call(changes, words):
    x, y = examples()
    arguments = {"new_net": new_net, "x": x, "y": y, "k": 2, "rng": rng(), **SETTINGS, **changes}
    with pytest.raises(ValueError, match=f"^{words}"):
        bagging(**arguments)


def test_a_label_out_of_range_is_refused_even_if_no_sample_holds_it():
    x, y = examples()
    y[0] = CLASSES
    seed = next(s for s in range(100) if 0 not in rng(s).integers(N, size=N))
    with pytest.raises(ValueError, match="y must be class numbers below n_classes = 3"):
        bagging(new_net, x, y, 1, rng=rng(seed), **SETTINGS)


def test_one_net_cannot_be_all_members():
    net = new_net(rng())
    steps = bagging(lambda _: net, *examples(), 2, rng=rng(), **SETTINGS)
    with pytest.raises(ValueError, match="new_net must return a new MLP at each call"):
        list(steps)


@pytest.mark.parametrize("bad", [0, -1, 2.5, True, "3"])
def test_a_sample_of_a_strange_size_is_refused(bad):
    for call in (lambda: bootstrap_sample(bad, rng()), lambda: expected_distinct_share(bad)):
        with pytest.raises(ValueError, match="n_examples must be a whole number of at least 1"):
            call()


def test_an_empty_bag_says_nothing():
    with pytest.raises(ValueError, match="at least one trained member; got none"):
        Bag(3).predict_proba(examples()[0])


def test_a_member_that_goes_wrong_stops_the_run_and_the_others_stay():
    nets = iter([new_net(rng(1)), exploding_net()])
    steps = bagging(lambda _: next(nets), *examples(), 2, rng=rng(), **SETTINGS)
    bag = next(steps)
    with pytest.raises(TrainingDiverged):
        list(steps)
    assert len(bag.members) == len(bag.samples) == len(bag.histories) == 1


def exploding_net():
    net = new_net(rng(3))
    for parameter in net.parameters:
        parameter[...] = 1e200
    return net
