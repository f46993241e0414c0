"""The claims of notebook 05, by code of its own: the notebook's cells are not used.

The last part looks at the stored members of notebook 03, and trains some of them anew.
"""

import importlib.util
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dropout_lib.ensembles.error import (
    decompose,
    ensemble_error,
    error_moments,
    sample_errors,
    smallest_c,
)
from dropout_lib.ensembles.random_masks import monte_carlo
from dropout_lib.experiments import Interval, digits_for, stored_net

ROOT = Path(__file__).resolve().parent.parent
PATH = ROOT / "notebooks" / "stored" / "03_members.npz"
KINDS = ("bag", "same data", "dropout")
ERRORS = hnp.arrays(
    np.float64, st.tuples(st.integers(2, 7), st.integers(1, 8)), elements=st.floats(-5, 5)
)


def rng(*seed):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def stored():
    with np.load(PATH) as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def test_part():
    return digits_for(0)[1]


@pytest.fixture(scope="module")
def said(stored, test_part):
    """What the members of both ensembles say about the test digits, (members, 797, 10)."""
    net, _ = stored_net("dropout", 0)
    return {"bag": stored["bag"], "dropout": monte_carlo(net, test_part.x, 40, (1.0, 0.5), rng(8))}


@pytest.fixture(scope="module")
def errors(said, test_part):
    """1 − the probability of the right class, (members, 797)."""
    rows = np.arange(len(test_part.y))
    return {name: 1 - p[:, rows, test_part.y].astype(np.float64) for name, p in said.items()}


def exact_expectation(member, k):
    """E[(mean error)²], v and c over all outcomes of k + 1 fair coins, one of them shared."""
    together = v = c = 0.0
    for coins in product((-1.0, 1.0), repeat=k + 1):
        e = [member(coins[0], own) for own in coins[1:]]
        together += (sum(e) / k) ** 2 / 2 ** (k + 1)
        v += e[0] ** 2 / 2 ** (k + 1)
        c += e[0] * e[1] / 2 ** (k + 1)
    return together, v, c


# V01 to V03: the formula, its two ends, its floor


@pytest.mark.claim("V01")
@pytest.mark.parametrize("k", [2, 3, 6, 9])
@pytest.mark.parametrize("shared", [0.0, 0.5, 2.0])
def test_the_formula_is_the_expectation_over_all_outcomes(k, shared):
    """Errors that are no Gaussians: a shared coin, an own coin, and a product of the two."""
    together, v, c = exact_expectation(lambda z, own: shared * z + own + 0.3 * z * own, k)
    assert ensemble_error(v, c, k) == pytest.approx(together, rel=1e-12)


@pytest.mark.claim("V01")
@pytest.mark.parametrize(("k", "c"), [(2, -0.9), (5, 0.0), (10, 0.3), (10, -0.1), (30, 0.8)])
def test_simulated_ensembles_lie_on_the_curve(k, c):
    """Within 7 standard errors at every size; a false alarm has a probability below 1e-6."""
    n = 20_000
    e = sample_errors(1.0, c, k, n, rng(k))
    for m in range(1, k + 1):
        squared = e[:m].mean(axis=0) ** 2
        gap = abs(squared.mean() - (1 / m + (m - 1) / m * c))
        assert gap < 7 * np.sqrt(2 / n) * (1 / m + (m - 1) / m * c) + 1e-12


@pytest.mark.claim("V02")
@pytest.mark.parametrize("k", [2, 7, 40])
def test_alike_members_gain_nothing_and_independent_ones_all(k):
    copies = np.tile(rng(1).normal(size=500), (k, 1))
    assert np.mean(copies.mean(axis=0) ** 2) == pytest.approx(np.mean(copies[0] ** 2))
    v, c = error_moments(copies)
    assert v == pytest.approx(c)
    assert ensemble_error(v, c, k) == pytest.approx(v)
    together, v, c = exact_expectation(lambda _shared, own: own, min(k, 10))
    assert c == 0
    assert together == pytest.approx(v / min(k, 10))
    assert ensemble_error(3.0, 0.0, k) == pytest.approx(3.0 / k)


@pytest.mark.claim("V03")
def test_the_error_falls_to_c_and_not_as_one_over_k():
    sizes = 10 ** np.arange(7)
    correlated = ensemble_error(1.0, 0.1, sizes)
    assert np.all(np.diff(correlated) < 0)
    assert np.all(correlated > 0.1)
    assert correlated[-1] == pytest.approx(0.1, rel=1e-4)
    assert sizes[3] * correlated[3] > 100  # k times the error would be 1
    np.testing.assert_allclose(sizes * ensemble_error(1.0, 0.0, sizes), 1)


@pytest.mark.claim("V03")
def test_a_thousand_simulated_members_stay_at_the_floor():
    squared = sample_errors(1.0, 0.1, 1000, 4000, rng(2)).mean(axis=0) ** 2
    assert abs(squared.mean() - 0.1009) < 7 * 0.1009 * np.sqrt(2 / 4000)


# V04 and V05: the bound, and what the moments are


@pytest.mark.claim("V04")
@given(errors=ERRORS)
def test_no_errors_whatever_fall_below_the_bound(errors):
    k = len(errors)
    products = errors @ errors.T / errors.shape[1]
    v = np.trace(products) / k
    c = (products.sum() - np.trace(products)) / (k * (k - 1))
    assert c >= -v / (k - 1) - 1e-9
    assert error_moments(errors).c >= smallest_c(v, k) - 1e-9


@pytest.mark.claim("V04")
@pytest.mark.parametrize("k", [2, 3, 12, 50])
def test_the_bound_is_reached_and_below_it_an_eigenvalue_is_negative(k):
    bound = -1 / (k - 1)
    centred = np.eye(k) - 1 / k  # errors that add up to 0, in each of k outcomes
    assert centred.sum(axis=0) == pytest.approx(np.zeros(k))
    v, c = error_moments(centred)
    assert c / v == pytest.approx(bound)
    matrix = np.full((k, k), bound - 1e-3) + (1 - bound + 1e-3) * np.eye(k)
    assert np.linalg.eigvalsh(matrix)[0] < 0
    with pytest.raises(ValueError, match=r"−v/\(k − 1\)"):
        sample_errors(1.0, bound - 1e-3, k, 1, rng(0))


@pytest.mark.claim("V05")
@pytest.mark.parametrize("bias", [-1.5, 0.0, 1.0])
def test_a_shared_bias_is_in_both_moments_and_never_averages_out(bias):
    zero_mean = sample_errors(1.0, 0.2, 50, 3000, rng(4))
    zero_mean -= zero_mean.mean(axis=1, keepdims=True)
    covariances = np.cov(zero_mean, bias=True)
    variance = np.diag(covariances).mean()
    covariance = covariances[~np.eye(50, dtype=bool)].mean()
    v, c = error_moments(zero_mean + bias)
    assert v == pytest.approx(variance + bias**2)
    assert c == pytest.approx(covariance + bias**2)
    together = np.mean((zero_mean + bias).mean(axis=0) ** 2)
    assert ensemble_error(v, c, 50) == pytest.approx(together)
    predicted = ensemble_error(variance, covariance, 50)
    assert together - predicted == pytest.approx(bias**2)


# V06: error = members − diversity


@pytest.mark.claim("V06")
def test_on_every_image_the_error_is_that_of_the_members_minus_their_diversity(said, test_part):
    for p in said.values():
        parts = decompose(p, np.eye(10)[test_part.y])
        ensemble, members, diversity = (part.sum(axis=-1) for part in parts)
        truth = np.eye(10)[test_part.y]
        average = np.zeros(truth.shape)
        each, spread = np.zeros(len(truth)), np.zeros(len(truth))
        for member in p.astype(np.float64):
            average += member / len(p)
        for member in p.astype(np.float64):
            each += ((member - truth) ** 2).sum(axis=1) / len(p)
            spread += ((member - average) ** 2).sum(axis=1) / len(p)
        np.testing.assert_allclose(((average - truth) ** 2).sum(axis=1), each - spread, atol=1e-12)
        np.testing.assert_allclose(ensemble, each - spread, atol=1e-12)
        np.testing.assert_allclose(members, each, atol=1e-12)
        np.testing.assert_allclose(diversity, spread, atol=1e-12)
        assert diversity.mean() > 0.04


@pytest.mark.claim("V06", "V01")
@given(errors=ERRORS)
def test_diversity_and_moments_say_the_same(errors):
    k = len(errors)
    v, c = error_moments(errors)
    diversity = decompose(errors, 0.0).diversity.mean()
    assert diversity == pytest.approx((k - 1) / k * (v - c), abs=1e-9)


# V07: real ensembles


@pytest.mark.claim("V07")
@pytest.mark.parametrize("k", [2, 3, 5, 9])
def test_averaged_over_all_choices_of_members_the_formula_is_exact(errors, k):
    e = errors["bag"]
    v, c = error_moments(e)
    measured = [np.mean(e[list(some)].mean(axis=0) ** 2) for some in combinations(range(10), k)]
    assert np.mean(measured) == pytest.approx(v / k + (k - 1) / k * c, rel=1e-12)


@pytest.mark.claim("V07")
@pytest.mark.parametrize(("name", "tolerance"), [("bag", 0.15), ("dropout", 0.05)])
def test_some_members_predict_the_error_of_others(errors, name, tolerance):
    """v and c from one half of the members; the error of the average of the other half."""
    e = errors[name]
    half = len(e) // 2
    for first, second in ((e[:half], e[half:]), (e[half:], e[:half])):
        predicted = ensemble_error(*error_moments(first), half)
        assert np.mean(second.mean(axis=0) ** 2) == pytest.approx(predicted, rel=tolerance)


@pytest.mark.claim("V07")
@pytest.mark.parametrize(("name", "low", "high"), [("bag", 0.06, 0.15), ("dropout", 0.01, 0.05)])
def test_two_members_miss_the_error_of_the_others_by_a_tenth_at_most(errors, name, low, high):
    """Of all pairs: the root mean square of the relative mistake about the members outside."""
    e = errors[name]
    mistakes = []
    for one, other in combinations(range(len(e)), 2):
        v = np.mean([np.mean(e[one] ** 2), np.mean(e[other] ** 2)])
        outside = np.delete(e, [one, other], axis=0)
        k = len(outside)
        predicted = v / k + (k - 1) / k * np.mean(e[one] * e[other])
        mistakes.append(predicted / np.mean(outside.mean(axis=0) ** 2) - 1)
    assert low < np.sqrt(np.mean(np.square(mistakes))) < high


@pytest.mark.claim("V07")
@pytest.mark.parametrize("name", ["bag", "dropout"])
def test_v_alone_would_predict_wrongly(errors, name):
    v, _ = error_moments(errors[name])
    k = len(errors[name])
    assert np.mean(errors[name].mean(axis=0) ** 2) > 5 * v / k


@pytest.mark.claim("V07")
def test_bagging_and_dropout_differ_in_all_three_parts_on_five_seeds(stored):
    v, c, bias = (stored["moments"][..., n] for n in range(3))
    own, shared = v - c, c - bias**2
    bag, same, dropout = range(3)
    for more, less in (
        (own[:, bag], own[:, dropout]),
        (own[:, dropout], own[:, same]),
        (shared[:, bag], shared[:, dropout]),
        (bias[:, dropout] ** 2, bias[:, bag] ** 2),
    ):
        gap = Interval(more - less)
        assert gap.certain
        assert gap.mean > 0
    assert np.all(bias[:, dropout] ** 2 > 0.6 * c[:, dropout])  # most of its floor
    assert np.all(own[:, same] < 0.55 * own[:, bag])  # about half is the bootstrap's
    assert np.all(v[:, dropout] > v[:, bag])


@pytest.mark.claim("V07")
def test_with_fewer_units_dropped_the_passes_become_one_net(test_part):
    net, _ = stored_net("dropout", 0)
    rows = np.arange(len(test_part.y))
    share = []
    for keep in (0.3, 0.5, 0.8, 1.0):
        p = monte_carlo(net, test_part.x, 10, (1.0, keep), rng(3))
        v, c = error_moments(1 - p[:, rows, test_part.y])
        share.append(c / v)
    assert share == sorted(share)
    assert share[0] < 0.85
    assert share[-1] == pytest.approx(1, abs=1e-9)


# The stored members


@pytest.fixture(scope="module")
def remake():
    """The command that makes the stored members."""
    path = PATH.with_suffix(".py")
    spec = importlib.util.spec_from_file_location("remake_03_members", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_is_whole_and_small(stored, remake):
    assert PATH == remake.STORED
    assert PATH.stat().st_size < 400_000
    shapes = {name: array.shape for name, array in stored.items()}
    assert shapes == {
        "samples": (10, 1000),
        "bag": (10, 797, 10),
        "same_data": (10, 797),
        "moments": (5, 3, 3),
    }
    assert remake.KINDS == KINDS
    assert len(remake.SEEDS) == 5
    np.testing.assert_allclose(stored["bag"].sum(axis=-1), 1, atol=1e-5)


def test_the_moments_of_the_file_are_those_of_its_members(stored, errors):
    for kind, e in (("bag", errors["bag"]), ("same data", 1 - stored["same_data"].astype(float))):
        found = (*error_moments(e), e.mean())
        np.testing.assert_allclose(stored["moments"][0, KINDS.index(kind)], found, atol=1e-6)
    found = (*error_moments(errors["dropout"]), errors["dropout"].mean())  # other masks
    np.testing.assert_allclose(stored["moments"][0, KINDS.index("dropout")], found, rtol=0.03)


def test_members_made_anew_are_the_stored_ones(stored, remake, test_part):
    """Another BLAS rounds differently, and sixty epochs make more of it: a few images of 797."""
    bag = remake.bag_of(0, members=1)
    assert np.array_equal(bag.samples[0], stored["samples"][0])
    (made,), kept = bag.predict_proba(test_part.x), stored["bag"][0]
    assert np.mean(made.argmax(axis=1) == kept.argmax(axis=1)) > 0.75
    wrong = [100 * np.mean(p.argmax(axis=1) != test_part.y) for p in (made, kept)]
    assert wrong[0] == pytest.approx(wrong[1], abs=4)


def test_the_passes_of_the_file_come_from_the_stored_net(stored, remake):
    """What follows from stored weights is the same on every processor, but for the last digits."""
    np.testing.assert_allclose(
        stored["moments"][1, KINDS.index("dropout")], remake.moments(remake.passes(1), 1), rtol=1e-3
    )
