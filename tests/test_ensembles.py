"""Means of members against plain loops and closed forms, and the claims about them."""

import math
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from all_masks import layer_logits, log_softmax, loop, softmax, weighted_masks
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dropout_lib.ensembles import (
    arithmetic_mean,
    exact_softmax_ensemble,
    geometric_mean,
    majority_vote,
    missing_mass,
    weight_scaled_softmax,
)

EXACT = 1e-12
AVERAGES = [arithmetic_mean, geometric_mean]

# n units, classes, keep or keeps; no keep of ½ alone, where too much agrees by accident
CASES = [
    (3, 2, 0.3),
    (3, 4, 0.8),
    (4, 3, [0.2, 0.9, 0.5, 0.7]),
    (8, 3, 0.1),
    (10, 5, 0.65),
]


@st.composite
def members(draw, largest=6, zeros=False):
    """(members, examples, classes) probabilities, and a weight above 0 for each member."""
    shape = draw(st.tuples(*[st.integers(1, largest)] * 3))
    smallest = 0.0 if zeros else 1e-3
    raw = draw(hnp.arrays(np.float64, shape, elements=st.sampled_from([smallest, 0.2, 0.5, 1.0])))
    assume((raw.max(axis=-1) > 0).all())
    weights = draw(hnp.arrays(np.float64, shape[0], elements=st.floats(0.01, 10)))
    return raw / raw.sum(axis=-1, keepdims=True), weights


def layer(n, classes, seed=0):
    rng = np.random.default_rng([n, classes, seed])
    return rng.normal(size=(n, classes)), rng.normal(size=classes), rng.normal(size=n)


def subnetworks(W, b, v, keep):
    """Probabilities (2ⁿ, classes) of all subnetworks, and the probabilities of their masks."""
    keeps = np.broadcast_to(keep, len(v)).tolist()
    pairs = [(softmax(layer_logits(W, b, v, mask)), p) for mask, p in weighted_masks(keeps)]
    return np.array([probs for probs, _ in pairs]), np.array([p for _, p in pairs])


# The three ways to combine


@given(members())
def test_the_arithmetic_mean_is_the_weighted_sum(case):
    probs, weights = case
    total = math.fsum(weights)
    for example, y in np.ndindex(probs.shape[1:]):
        wanted = math.fsum(w * p[example, y] for w, p in zip(weights, probs, strict=True)) / total
        assert arithmetic_mean(probs, weights)[example, y] == pytest.approx(wanted, abs=EXACT)


@given(members())
def test_the_geometric_mean_is_the_weighted_product_renormalised(case):
    probs, weights = case
    weights = weights / weights.sum()
    found = geometric_mean(probs, weights)
    for example in range(probs.shape[1]):
        products = [
            math.prod(p**w for p, w in zip(probs[:, example, y], weights, strict=True))
            for y in range(probs.shape[2])
        ]
        wanted = np.array(products) / math.fsum(products)
        assert found[example] == pytest.approx(wanted, abs=EXACT)
        missing = missing_mass(probs, weights)[example]
        assert missing == pytest.approx(1 - math.fsum(products), abs=EXACT)


@given(members(zeros=True))
def test_each_member_votes_for_its_most_probable_class(case):
    probs, _ = case
    votes = np.zeros(probs.shape[1:])
    for member, example in np.ndindex(probs.shape[:2]):
        row = probs[member, example].tolist()
        winners = [y for y, p in enumerate(row) if p == max(row)]
        for y in winners:
            votes[example, y] += 1 / len(winners)
    assert majority_vote(probs) == pytest.approx(votes / len(probs), abs=EXACT)


@pytest.mark.parametrize("combine", [*AVERAGES, majority_vote])
@given(case=members(), seed=st.integers(0, 99))
def test_the_result_is_a_distribution_and_the_order_of_members_does_not_matter(combine, case, seed):
    probs, _ = case
    found = combine(probs)
    assert found.min() >= 0
    assert found.sum(axis=-1) == pytest.approx(1)
    shuffled = np.random.default_rng(seed).permutation(probs)
    assert combine(shuffled) == pytest.approx(found, abs=EXACT)


@pytest.mark.parametrize("combine", AVERAGES)
@given(case=members(), counts=st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_a_weight_of_two_counts_as_two_members(combine, case, counts):
    probs, _ = case
    counts = counts[: len(probs)]
    assume(sum(counts) > 0)
    repeated = combine(np.repeat(probs, counts, axis=0))
    assert combine(probs, counts) == pytest.approx(repeated, abs=EXACT)


@pytest.mark.parametrize("combine", [*AVERAGES, majority_vote])
@pytest.mark.parametrize("shape", [(3, 4), (3, 2, 4), (3, 2, 5, 4), (1, 4), (3, 1)])
def test_members_come_first_and_classes_last(combine, shape):
    probs = np.random.default_rng(0).dirichlet(np.ones(shape[-1]), shape[:-1])
    found = combine(probs)
    assert found.shape == shape[1:]
    for index in np.ndindex(shape[1:-1]):
        assert found[index] == pytest.approx(combine(probs[(slice(None), *index)]), abs=EXACT)


@pytest.mark.parametrize("combine", [*AVERAGES, majority_vote])
def test_float32_stays_and_nothing_is_changed(combine):
    probs = np.random.default_rng(0).dirichlet(np.ones(10), (100, 7)).astype(np.float32)
    before = probs.copy()
    found = combine(probs)
    assert found.dtype == np.float32
    assert found == pytest.approx(
        combine(probs.astype(float) / probs.sum(-1, keepdims=True)), abs=1e-5
    )
    assert np.array_equal(probs, before)


# The claims, with sums over all masks that are loops


@pytest.mark.claim("G01")
@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_the_2_to_the_n_th_root_is_the_mean_and_the_2n_th_root_is_not(n):
    W, b, v = layer(n, 3)
    probs, _ = subnetworks(W, b, v, 0.5)
    products = [math.prod(probs[:, y].tolist()) for y in range(3)]
    mean = exact_softmax_ensemble(W, b, v, 0.5)

    right = [x ** (1 / 2**n) for x in products]
    assert 1 - math.fsum(right) == pytest.approx(float(mean.missing_mass), abs=EXACT)
    assert np.array(right) / sum(right) == pytest.approx(mean.geometric, abs=EXACT)

    slip = np.array([x ** (1 / (2 * n)) for x in products])
    agrees = np.allclose(slip, right, rtol=1e-9)
    assert agrees == (n in (1, 2))
    assert np.allclose(slip / slip.sum(), mean.geometric, rtol=1e-9) == (n in (1, 2))


@pytest.mark.claim("G02")
@given(members())
def test_before_it_is_renormalised_mass_is_missing_unless_all_members_agree(case):
    probs, weights = case
    missing = missing_mass(probs, weights)
    assert (missing >= 0).all()
    for example, mass in enumerate(missing):
        spread = np.ptp(probs[:, example], axis=0).max()
        assert (mass < 1e-14) == (spread < 1e-7)


@pytest.mark.claim("G02")
@pytest.mark.parametrize(("n", "classes", "keep"), CASES)
def test_mass_is_missing_from_the_mean_of_all_subnetworks(n, classes, keep):
    W, b, v = layer(n, classes)
    found = exact_softmax_ensemble(W, b, v, keep).missing_mass
    probs, weights = subnetworks(W, b, v, keep)
    total = sum(
        math.prod(p**w for p, w in zip(probs[:, y], weights, strict=True)) for y in range(classes)
    )
    assert 0 < found == pytest.approx(1 - total, abs=EXACT)
    assert missing_mass(probs, weights) == pytest.approx(1 - total, abs=EXACT)
    same_for_all = exact_softmax_ensemble(np.tile(W[:, :1], classes), b, v, keep)
    assert same_for_all.missing_mass == pytest.approx(0, abs=1e-14)  # each mask shifts all logits


@pytest.mark.claim("G03", "G05")
@pytest.mark.parametrize(("n", "classes", "keep"), [*CASES, (3, 2, 0.5), (7, 4, 0.5)])
def test_weight_scaling_is_the_geometric_mean_of_all_subnetworks(n, classes, keep):
    W, b, v = layer(n, classes)
    keeps = np.broadcast_to(keep, n).tolist()
    wanted = loop(lambda mask: layer_logits(W, b, v, mask), keeps)
    assert weight_scaled_softmax(W, b, v, keep) == pytest.approx(wanted.geometric, abs=1e-14)
    assert exact_softmax_ensemble(W, b, v, keep).geometric == pytest.approx(
        wanted.geometric, abs=1e-14
    )


@pytest.mark.claim("G04")
@pytest.mark.parametrize(("n", "classes", "keep"), [*CASES, (3, 2, 0.5)])
def test_the_bias_keeps_its_full_weight(n, classes, keep):
    W, b, v = layer(n, classes)
    wanted = loop(lambda m: layer_logits(W, b, v, m), np.broadcast_to(keep, n).tolist()).geometric
    for share in (0.5, np.mean(keep)):
        wrong = softmax([z - (1 - share) * b_y for z, b_y in zip(np.log(wanted), b, strict=True)])
        assert weight_scaled_softmax(W, share * b, v, keep) == pytest.approx(wrong)
        assert np.abs(np.array(wrong) - wanted).max() > 1e-3


@pytest.mark.claim("G05")
@pytest.mark.parametrize("keep", [0.1, 0.3, 0.5, 0.8])
def test_the_equally_weighted_mean_belongs_to_keep_one_half(keep):
    W, b, v = layer(5, 3)
    probs, _ = subnetworks(W, b, v, keep)
    equal = geometric_mean(probs)
    assert equal == pytest.approx(weight_scaled_softmax(W, b, v, 0.5), abs=EXACT)
    gap = np.abs(equal - weight_scaled_softmax(W, b, v, keep)).max()
    assert gap < EXACT if keep == 0.5 else gap > 1e-2


@pytest.mark.claim("G05")
def test_only_the_mean_of_the_mask_distribution_counts():
    """Units that drop together, not independently, but each with its own probability."""
    W, b, v = layer(4, 3)
    rng = np.random.default_rng(0)
    masks = np.array(list(product((0, 1), repeat=4)))
    weights = rng.dirichlet(np.full(16, 0.3))
    keeps = weights @ masks
    assert abs((weights * masks[:, 0]) @ masks[:, 1] - keeps[0] * keeps[1]) > 0.01  # dependent
    probs = np.array([softmax(layer_logits(W, b, v, mask)) for mask in masks])
    scaled = weight_scaled_softmax(W, b, v, keeps)
    assert geometric_mean(probs, weights) == pytest.approx(scaled, abs=EXACT)


@pytest.mark.claim("G06")
@pytest.mark.parametrize(("n", "classes", "keep"), CASES)
def test_the_geometric_mean_is_the_average_of_log_likelihoods(n, classes, keep):
    W, b, v = layer(n, classes)
    probs, weights = subnetworks(W, b, v, keep)
    averages = [
        math.fsum(w * math.log(p) for w, p in zip(weights, probs[:, y], strict=True))
        for y in range(classes)
    ]
    powers = [
        math.prod(p**w for p, w in zip(probs[:, y], weights, strict=True)) for y in range(classes)
    ]
    assert np.exp(averages) == pytest.approx(powers, abs=EXACT)
    assert geometric_mean(probs, weights) == pytest.approx(softmax(averages), abs=EXACT)


@pytest.mark.claim("G06")
def test_a_million_factors_underflow_without_logarithms():
    probs = np.tile([[0.7, 0.3], [0.5, 0.5]], (2**19, 1))
    assert (np.prod(probs, axis=0) ** (1 / len(probs)) == 0).all()
    roots = np.sqrt([0.7 * 0.5, 0.3 * 0.5])
    rounding = 1e-11  # of a sum of a million logarithms
    assert geometric_mean(probs) == pytest.approx(roots / roots.sum(), abs=rounding)
    assert missing_mass(probs) == pytest.approx(1 - roots.sum(), abs=rounding)


@pytest.mark.claim("G07")
@pytest.mark.parametrize("keep", [0.2, 0.5, [0.9, 0.1, 0.6, 0.7]])
def test_the_mean_of_logistic_units_is_the_logistic_unit_of_the_mean_input(keep):
    rng = np.random.default_rng(1)
    w, bias, v = rng.normal(size=4), 0.7, rng.normal(size=4)
    keeps = np.broadcast_to(keep, 4).tolist()
    units, weights = [], []
    for mask, weight in weighted_masks(keeps):
        units.append(1 / (1 + math.exp(-(math.fsum(mask * w * v) + bias))))
        weights.append(weight)
    yes = math.prod(p**q for p, q in zip(units, weights, strict=True))
    no = math.prod((1 - p) ** q for p, q in zip(units, weights, strict=True))
    wanted = 1 / (1 + math.exp(-(math.fsum(np.array(keeps) * w * v) + bias)))
    assert yes / (yes + no) == pytest.approx(wanted, abs=EXACT)
    two_classes = np.array([[p, 1 - p] for p in units])
    assert geometric_mean(two_classes, weights)[0] == pytest.approx(wanted, abs=EXACT)


@pytest.mark.claim("G08")
@pytest.mark.parametrize(("n", "classes", "keep"), CASES)
def test_the_denominator_differs_between_masks_but_not_between_classes(n, classes, keep):
    W, b, v = layer(n, classes)
    keeps = np.broadcast_to(keep, n).tolist()
    logits = [layer_logits(W, b, v, mask) for mask, _ in weighted_masks(keeps)]
    weights = [weight for _, weight in weighted_masks(keeps)]
    denominators = [math.fsum(map(math.exp, z)) for z in logits]
    assert max(denominators) > 1.5 * min(denominators)  # not constant over the masks
    whole = exact_softmax_ensemble(W, b, v, keep)
    # … yet the tops alone, renormalised, are the geometric mean
    tops = [
        math.fsum(w * z[y] for w, z in zip(weights, logits, strict=True)) for y in range(classes)
    ]
    assert whole.geometric == pytest.approx(softmax(tops), abs=EXACT)
    # Without renormalising they are not: there the denominators count.
    mean_log = math.fsum(w * math.log(Z) for w, Z in zip(weights, denominators, strict=True))
    unnormalised = [math.exp(top - mean_log) for top in tops]
    assert 1 - math.fsum(unnormalised) == pytest.approx(float(whole.missing_mass), abs=EXACT)


@pytest.mark.claim("G10")
@pytest.mark.parametrize("n_others", [1, 3, 1000])
def test_one_zero_vetoes_a_class(n_others):
    probs = np.vstack([np.tile([0.98, 0.01, 0.01], (n_others, 1)), [0, 0.5, 0.5]])
    assert geometric_mean(probs).tolist() == [0, 0.5, 0.5]
    assert arithmetic_mean(probs)[0] == pytest.approx(0.98 * n_others / (n_others + 1))
    assert majority_vote(probs)[0] == pytest.approx(n_others / (n_others + 1))
    weights = np.append(np.ones(n_others), 1e-9)
    assert geometric_mean(probs, weights)[0] == 0  # however little it counts …
    weights[-1] = 0
    assert geometric_mean(probs, weights)[0] == pytest.approx(0.98)  # … unless not at all


@pytest.mark.claim("G10")
def test_if_every_class_is_vetoed_there_is_no_geometric_mean():
    probs = np.array([[[0.5, 0.5], [1, 0]], [[0.5, 0.5], [0, 1]]])
    with pytest.raises(
        ValueError, match=r"probs must leave a class.*got a 0 for each class at \[1\]"
    ):
        geometric_mean(probs)
    assert missing_mass(probs).tolist() == [0, 1]
    assert arithmetic_mean(probs).tolist() == [[0.5, 0.5], [0.5, 0.5]]


@pytest.mark.claim("G11")
def test_the_two_means_agree_where_the_members_do():
    """Over a grid of two members with two classes, against the closed form of the difference."""
    grid = np.linspace(0.02, 0.98, 49)
    p, q = (axis.ravel() for axis in np.meshgrid(grid, grid))
    probs = np.stack([np.stack([p, 1 - p], axis=-1), np.stack([q, 1 - q], axis=-1)])
    gap = np.abs(arithmetic_mean(probs) - geometric_mean(probs))[:, 0]
    yes, no = np.sqrt(p * q), np.sqrt((1 - p) * (1 - q))
    assert gap == pytest.approx(np.abs((p + q) / 2 - yes / (yes + no)), abs=EXACT)
    assert gap[p == q].max() < EXACT
    unequal = ~np.isclose(p, q) & ~np.isclose(p, 1 - q)  # mirrored members meet at ½ both ways
    assert gap[unequal].min() > 1e-6
    assert gap.max() > 0.1


@pytest.mark.claim("G11")
@pytest.mark.parametrize(("n", "classes", "keep"), CASES)
def test_the_two_means_of_all_subnetworks_differ(n, classes, keep):
    W, b, v = layer(n, classes)
    wanted = loop(lambda m: layer_logits(W, b, v, m), np.broadcast_to(keep, n).tolist())
    found = exact_softmax_ensemble(W, b, v, keep)
    gap = found.arithmetic - found.geometric
    assert gap == pytest.approx(np.subtract(wanted.arithmetic, wanted.geometric), abs=EXACT)
    assert np.abs(gap).max() > 1e-3


# Weight scaling


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("keep", [0.3, [0.1, 0.9, 0.4, 1.0]])
def test_weight_scaling_is_one_pass_with_every_unit_times_its_keep(shape, keep):
    W, b, _ = layer(4, 3)
    v = np.random.default_rng(0).normal(size=shape)
    found = weight_scaled_softmax(W, b, v, keep)
    assert found.shape == (*shape[:-1], 3)
    for index in np.ndindex(shape[:-1]):
        scaled = [k * v_i for k, v_i in zip(np.broadcast_to(keep, 4), v[index], strict=True)]
        log_p = log_softmax(layer_logits(W, b, scaled, [1] * 4))
        assert found[index] == pytest.approx(np.exp(log_p), abs=EXACT)


def test_float32_layers_are_scaled_as_exactly_as_they_are_enumerated():
    W, b, v = (array.astype(np.float32) for array in layer(6, 3))
    found = weight_scaled_softmax(W, b, v, 0.3)
    assert found.dtype == np.float64
    assert found == pytest.approx(exact_softmax_ensemble(W, b, v, 0.3).geometric, abs=1e-14)


# Bad input


@pytest.mark.parametrize(
    ("probs", "weights", "message"),
    [
        ([0.5, 0.5], None, "probs must have members on its first axis"),
        ([[0.5, 0.6]], None, "probs must be probabilities .*sums from 1.1 to 1.1"),
        ([[1.5, -0.5]], None, "probs must be probabilities .*entries from -0.5"),
        ([[0.5, np.nan]], None, "probs must be finite"),
        (np.ones((0, 3)), None, "probs must be an array with at least one entry"),
        ([[1.0], [1.0]], [1.0], "weights must be an array of shape"),
        ([[1.0], [1.0]], [1.0, -0.1], "weights must be at least 0"),
        ([[1.0], [1.0]], [0.0, 0.0], "weights must be at least 0, and one of them above 0"),
        ([[1.0], [1.0]], [1.0, np.inf], "weights must be finite"),
    ],
)
@pytest.mark.parametrize("combine", [*AVERAGES, missing_mass])
def test_bad_members_are_named(combine, probs, weights, message):
    with pytest.raises(ValueError, match=message):
        combine(probs, weights)


def test_logits_are_no_votes():
    with pytest.raises(ValueError, match="probs must be probabilities"):
        majority_vote([[3.0, -1.0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W": np.ones(3)}, "W must be an array of shape"),
        ({"b": np.ones(3)}, "b must be an array of shape"),
        ({"v": np.ones(4)}, "v must have 3 units on its last axis"),
        ({"v": [np.nan] * 3}, "v must be finite"),
        ({"keep": 0}, "keep must be a number in"),
        ({"keep": [0.5, 0.5]}, "keep must be one number, or 3"),
    ],
)
def test_bad_layers_are_named(change, message):
    arguments = {"W": np.ones((3, 2)), "b": np.ones(2), "v": np.ones(3), "keep": 0.5} | change
    with pytest.raises(ValueError, match=message):
        weight_scaled_softmax(**arguments)


def test_importing_it_is_cheap():
    code = (
        "import sys, dropout_lib.ensembles.averages; "
        "print([m for m in ('matplotlib', 'sympy', 'ipywidgets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
