"""Masks against full enumeration, exact binomial tests, finite differences and SymPy."""

import tracemalloc
from itertools import product

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import binomtest

from dropout_lib.masks import (
    MOST_ENTRIES,
    dropout_backward,
    dropout_forward,
    enumerate_masks,
    mask_probabilities,
    sample_masks,
)

FALSE_ALARM = 1e-6  # probability with which a test of a right sampler may fail, were its seed new
CONVENTIONS = [True, False]
KEEPS = st.floats(min_value=2.0**-53, max_value=1)
ACTIVATIONS = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=1, max_dims=3, max_side=5), elements=st.floats(-1e3, 1e3)
)


def rng(seed=0):
    return np.random.default_rng(seed)


def assert_count_fits(count, n, probability, n_tests=1):
    """Exact two-sided binomial test; n_tests of them together raise FALSE_ALARM at most."""
    assert binomtest(int(count), int(n), probability).pvalue > FALSE_ALARM / n_tests


def central_differences(function, at, step=1e-6):
    """Gradient of a number-valued function, entry by entry."""
    gradient = np.empty_like(at)
    for index in np.ndindex(at.shape):
        moved = np.zeros_like(at)
        moved[index] = step
        gradient[index] = (function(at + moved) - function(at - moved)) / (2 * step)
    return gradient


# Sampling


@pytest.mark.claim("M01")
@pytest.mark.parametrize("keep", [0.05, 0.3, 0.5, 0.8, 0.999])
def test_a_unit_is_kept_with_probability_keep(keep):
    n = 1_000_000
    assert_count_fits(sample_masks(n // 100, 100, keep, rng()).sum(), n, keep, n_tests=5)


@pytest.mark.claim("M01")
def test_the_units_of_a_mask_are_independent():
    keep, n = np.array([0.8, 0.3, 0.5]), 400_000
    masks = sample_masks(n, 3, keep, rng())
    for pattern in product((0, 1), repeat=3):
        probability = np.prod(np.where(pattern, keep, 1 - keep))
        count = (masks == pattern).all(axis=1).sum()
        assert_count_fits(count, n, probability, n_tests=8)


@pytest.mark.claim("M01")
def test_one_mask_is_independent_of_the_next():
    n, keep = 400_000, 0.7
    pairs = sample_masks(n, 1, keep, rng()).reshape(-1, 2)
    both = pairs.all(axis=1).sum()
    assert_count_fits(both, n // 2, keep**2)


@pytest.mark.claim("M01")
@pytest.mark.parametrize("n", [1, 4, 9])
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_the_spread_of_the_fraction_kept_shrinks_with_the_root_of_n(n, keep):
    masks = enumerate_masks(n)
    weights = mask_probabilities(masks, keep)
    fraction = masks.mean(axis=1)
    spread = np.sqrt(weights @ (fraction - keep) ** 2)
    assert weights @ fraction == pytest.approx(keep, rel=1e-12)
    assert spread == pytest.approx(np.sqrt(keep * (1 - keep) / n), rel=1e-12)


@given(
    n_masks=st.integers(1, 60),
    n_units=st.integers(1, 60),
    keep=KEEPS,
    per_unit=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_masks_are_uniform_numbers_below_keep(n_masks, n_units, keep, per_unit, seed):
    keeps = np.geomspace(keep, 1, n_units) if per_unit else keep
    masks = sample_masks(n_masks, n_units, keeps, rng(seed))
    assert masks.dtype == np.int8
    assert np.array_equal(masks, rng(seed).random((n_masks, n_units)) < keeps)


@pytest.mark.parametrize("shape", [(3, 20_000), (2, 40_000), (7, 16_384), (9_000, 5)])
@pytest.mark.parametrize("per_unit", [False, True])
def test_blocks_do_not_show(shape, per_unit):
    keep = np.linspace(0.1, 0.9, shape[1]) if per_unit else 0.3
    generator, other = rng(5), rng(5)
    assert np.array_equal(sample_masks(*shape, keep, generator), other.random(shape) < keep)
    assert generator.random() == other.random()  # and no random number was wasted


@pytest.mark.parametrize("keep", [1, 1.0, [1, 1, 1]])
def test_keep_one_drops_nothing(keep):
    assert sample_masks(100_000, 3, keep, rng()).all()


# Enumeration


@given(st.integers(1, 14))
def test_masks_are_listed_in_counting_order(n_units):
    masks = enumerate_masks(n_units)
    assert masks.shape == (2**n_units, n_units)
    assert masks.dtype == np.int8
    as_numbers = [int("".join(map(str, row)), base=2) for row in masks.tolist()]
    assert as_numbers == list(range(2**n_units))


@pytest.mark.parametrize("n_units", [1, 2, 3, 6])
def test_the_list_is_the_product_of_the_outcomes(n_units):
    assert enumerate_masks(n_units).tolist() == [*map(list, product((0, 1), repeat=n_units))]


def test_listing_needs_little_more_memory_than_the_masks():
    tracemalloc.start()
    masks = enumerate_masks(18)
    probabilities = mask_probabilities(masks, 0.3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.2 * (masks.nbytes + 2 * probabilities.nbytes)


@pytest.mark.parametrize("n_units", [25, 10**9, 10**100])
def test_a_list_that_would_not_fit_is_refused(n_units):
    with pytest.raises(ValueError, match=r"^n_units must be a whole number from 1 to 24"):
        enumerate_masks(n_units)


def test_the_largest_list_that_fits_is_made():
    masks = enumerate_masks(24)
    assert masks.nbytes == 24 * 2**24
    assert masks[-1].all()
    assert (masks.sum(axis=0, dtype=np.int64) == 2**23).all()


@pytest.mark.parametrize(
    ("n_masks", "n_units", "name"),
    [
        (10**12, 10**6, "n_masks"),
        (MOST_ENTRIES + 1, 1, "n_masks"),
        (-1, 3, "n_masks"),
        (0, 3, "n_masks"),
        (3, 0, "n_units"),
        (3, -2, "n_units"),
        (3, 2.0, "n_units"),
        ("3", 2, "n_masks"),
        (True, 2, "n_masks"),
        pytest.param(10**5000, 2, "n_masks", id="huge"),
        pytest.param(2, 10**5000, "n_units", id="huge"),
    ],
)
def test_a_bad_number_of_masks_or_units_is_named(n_masks, n_units, name):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        sample_masks(n_masks, n_units, 0.5, rng())


# Probabilities


@given(st.lists(KEEPS, min_size=1, max_size=8))
def test_the_probabilities_of_all_masks_sum_to_one(keep):
    masks = enumerate_masks(len(keep))
    probabilities = mask_probabilities(masks, keep)
    assert probabilities.dtype == np.float64
    assert (probabilities >= 0).all()
    assert probabilities.sum() == pytest.approx(1, rel=1e-12)


@given(st.lists(KEEPS, min_size=1, max_size=6))
def test_a_probability_is_the_product_over_the_units(keep):
    masks = enumerate_masks(len(keep))
    products = np.prod(np.where(masks == 1, keep, 1 - np.array(keep)), axis=1)
    assert mask_probabilities(masks, keep) == pytest.approx(products, rel=1e-12)


def test_a_unit_that_is_never_dropped_rules_masks_out_exactly():
    masks = enumerate_masks(3)
    probabilities = mask_probabilities(masks, [0.3, 1, 0.9])
    assert (probabilities[masks[:, 1] == 0] == 0).all()
    assert (probabilities[masks[:, 1] == 1] > 0).all()
    assert mask_probabilities(masks, 1).tolist() == [0, 0, 0, 0, 0, 0, 0, 1]


def test_probabilities_are_right_across_blocks():
    masks = sample_masks(50_000, 3, 0.5, rng())
    expected = np.prod(np.where(masks == 1, [0.2, 0.6, 0.7], [0.8, 0.4, 0.3]), axis=1)
    assert mask_probabilities(masks, [0.2, 0.6, 0.7]) == pytest.approx(expected, rel=1e-12)


def test_logarithms_keep_a_small_probability():
    assert mask_probabilities(np.ones((1, 1000)), 0.5) == pytest.approx(2.0**-1000, rel=1e-12)


@pytest.mark.parametrize(
    ("masks", "keep", "name"),
    [
        ([[0, 2]], 0.5, "masks"),
        ([[0.5, 1]], 0.5, "masks"),
        ([[np.nan, 1]], 0.5, "masks"),
        ([0, 1], 0.5, "masks"),
        (np.ones((0, 3)), 0.5, "masks"),
        ([[0, 1]], [0.5, 0.5, 0.5], "keep"),
        ([[0, 1]], 0, "keep"),
    ],
)
def test_bad_masks_or_keeps_are_named(masks, keep, name):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        mask_probabilities(masks, keep)


# Forward, backward, prediction


@pytest.mark.claim("M02")
def test_a_dropped_layer_is_the_mask_times_the_layer():
    h = np.array([0.6, -1.2, 2.0])
    mask = np.array([1, 0, 1])
    assert dropout_backward(h, mask, 0.8, inverted=False).tolist() == [0.6, 0, 2.0]  # by hand
    out, drawn = dropout_forward(h, 0.8, rng(), inverted=False)
    assert out.tolist() == [value if kept else 0 for value, kept in zip(h, drawn, strict=True)]


@given(ACTIVATIONS, KEEPS, st.sampled_from(CONVENTIONS), st.integers(0, 2**32))
def test_kept_units_are_scaled_and_dropped_ones_zero(x, keep, inverted, seed):
    before = x.copy()
    out, mask = dropout_forward(x, keep, rng(seed), inverted)
    assert out.shape == mask.shape == x.shape
    assert np.array_equal(mask, rng(seed).random(x.shape) < keep)
    assert (out[mask == 0] == 0).all()
    assert out[mask == 1] == pytest.approx(x[mask == 1] / (keep if inverted else 1))
    assert np.array_equal(x, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("keep", [0.8, [0.8, 0.3, 1]])
@pytest.mark.parametrize("inverted", CONVENTIONS)
def test_the_float_type_is_kept(dtype, keep, inverted):
    x = np.ones((4, 3), dtype)
    out, mask = dropout_forward(x, keep, rng(), inverted)
    assert out.dtype == dtype
    assert mask.dtype == np.int8
    for wide_mask in (mask, mask.astype(np.float64)):
        assert dropout_backward(x, wide_mask, keep, inverted).dtype == dtype


@pytest.mark.claim("M03")
def test_each_example_draws_its_own_mask():
    keep, n_examples = 0.5, 200_000
    same_example = np.ones((n_examples, 3))
    out, mask = dropout_forward(same_example, keep, rng())
    neighbours_agree = (mask[::2] == mask[1::2]).all(axis=1).sum()
    assert_count_fits(neighbours_agree, n_examples // 2, 0.5**3)
    assert np.array_equal(out != 0, mask == 1)


@pytest.mark.claim("M03")
def test_each_pass_draws_new_masks():
    x, generator = np.ones((50, 20)), rng()
    first, second = (dropout_forward(x, 0.5, generator)[1] for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.claim("M04")
@pytest.mark.parametrize("inverted", CONVENTIONS)
@pytest.mark.parametrize("keep", [0.8, np.array([0.9, 0.3, 0.6, 1.0])], ids=["one", "per unit"])
def test_the_backward_pass_agrees_with_finite_differences(keep, inverted):
    generator = rng(3)
    x, weights = generator.normal(size=(5, 4)), generator.normal(size=(5, 4))
    mask = dropout_forward(x, keep, rng(7), inverted)[1]

    def loss(x):  # the same seed freezes the mask
        out, again = dropout_forward(x, keep, rng(7), inverted)
        assert np.array_equal(again, mask)
        return np.sum(weights * np.tanh(out))

    out = dropout_forward(x, keep, rng(7), inverted)[0]
    grad_x = dropout_backward(weights * (1 - np.tanh(out) ** 2), mask, keep, inverted)
    assert grad_x == pytest.approx(central_differences(loss, x), rel=1e-6, abs=1e-9)
    assert 0 < mask.mean() < 1


def gradient_of_outgoing_weights(h, mask, keep, grad_z):
    """z = (h ⊙ mask / keep) @ W: the gradient with respect to W."""
    return dropout_backward(h, mask, keep).T @ grad_z


@pytest.mark.claim("M04")
def test_weights_of_a_dropped_unit_rest_for_one_example_but_may_move_in_a_batch():
    generator = rng(1)
    h = generator.uniform(0.5, 1.5, size=(2, 3))
    grad_z = generator.uniform(0.5, 1.5, size=(2, 4))
    mask = np.array([[1, 0, 0], [1, 1, 0]])
    for example, units_dropped in ((0, [1, 2]), (1, [2])):
        rows = slice(example, example + 1)
        alone = gradient_of_outgoing_weights(h[rows], mask[rows], 0.8, grad_z[rows])
        assert (alone[units_dropped] == 0).all()
    batch = gradient_of_outgoing_weights(h, mask, 0.8, grad_z)
    assert (batch[1] != 0).all()  # dropped in the first example, kept in the second
    assert (batch[2] == 0).all()  # dropped in both


@pytest.mark.claim("M05")
def test_mean_and_variance_of_a_masked_value_symbolically():
    keep, z = sympy.symbols("keep z")
    outcomes = {1: keep, 0: 1 - keep}
    mean = sum(p * (r * z) for r, p in outcomes.items())
    variance = sum(p * (r * z - mean) ** 2 for r, p in outcomes.items())
    assert sympy.expand(mean - keep * z) == 0
    assert sympy.expand(variance - keep * (1 - keep) * z**2) == 0


@pytest.mark.claim("M05")
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.8])
def test_mean_and_variance_of_a_masked_value_over_the_masks(keep):
    z = np.array([2.0, -3.0, 0.5])
    masks = enumerate_masks(3)
    weights = mask_probabilities(masks, keep)
    outputs = dropout_backward(np.tile(z, (8, 1)), masks, keep, inverted=False)
    mean = weights @ outputs
    assert mean == pytest.approx(keep * z, rel=1e-12)
    assert weights @ (outputs - mean) ** 2 == pytest.approx(keep * (1 - keep) * z**2, rel=1e-12)


@pytest.mark.claim("M06")
@given(
    hnp.arrays(np.float64, 4, elements=st.floats(-10, 10)),
    st.lists(st.floats(0.05, 1), min_size=4, max_size=4),
    st.sampled_from(CONVENTIONS),
)
def test_in_either_convention_prediction_is_the_expected_training_output(x, keep, inverted):
    masks = enumerate_masks(4)
    outputs = dropout_backward(np.tile(x, (16, 1)), masks, keep, inverted)  # the same linear map
    expected = mask_probabilities(masks, keep) @ outputs
    at_test = x if inverted else keep * x
    assert at_test == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.claim("M06")
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.8])
def test_the_two_conventions_differ_by_the_factor_keep_in_training(keep):
    x = rng(2).normal(size=(6, 5))
    inverted, standard = (dropout_forward(x, keep, rng(), way)[0] for way in CONVENTIONS)
    assert standard == pytest.approx(keep * inverted)


@pytest.mark.claim("M07")
@pytest.mark.parametrize("keep", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_one_over_one_minus_keep_is_wrong_except_at_a_half(keep):
    x = np.array([1.0, -2.0, 4.0])
    masks = enumerate_masks(3)
    dropped = masks * x
    weights = mask_probabilities(masks, keep)
    assert weights @ (dropped / keep) == pytest.approx(x)
    bias = (weights @ (dropped / (1 - keep))) / x
    assert bias == pytest.approx(keep / (1 - keep))
    assert (keep == 0.5) == bool(np.allclose(bias, 1))


@pytest.mark.claim("M08")
def test_a_frameworks_drop_rate_translates_to_keep():
    # What TensorFlow's documentation of keras.layers.Dropout prints, rate = 0.2, inputs 0 … 9.
    published = np.array([[0, 1.25], [2.5, 3.75], [5, 6.25], [7.5, 8.75], [10, 0]])
    inputs = np.arange(10.0).reshape(5, 2)
    kept = published != 0
    assert dropout_backward(inputs, kept, keep=1 - 0.2) == pytest.approx(published)
    # PyTorch's torch.nn.Dropout(p): zeroed with probability p, the rest times 1 / (1 − p).
    p = 0.3
    x = np.ones((1000, 100))
    out, mask = dropout_forward(x, 1 - p, rng())
    assert out[mask == 1] == pytest.approx(1 / (1 - p))
    assert_count_fits((out == 0).sum(), out.size, p)


@pytest.mark.claim("M09")
def test_inverted_dropout_scales_the_activations_of_one_pass_and_not_the_weights():
    keep, generator = 0.8, rng(4)
    h, W = generator.normal(size=(6, 5)), generator.normal(size=(5, 3))
    before = W.tobytes()
    out, mask = dropout_forward(h, keep, generator)
    z = out @ W
    grad_h = dropout_backward(z @ W.T, mask, keep)
    assert W.tobytes() == before
    assert out[mask == 1] == pytest.approx(h[mask == 1] / keep)
    assert (grad_h[mask == 0] == 0).all()
    # In that pass scaled weights would have given the same, but they would also scale predictions.
    assert z == pytest.approx((h * mask) @ (W / keep))
    assert h @ W == pytest.approx(keep * (h @ (W / keep)))


@pytest.mark.claim("M10")
@pytest.mark.parametrize("keep", [0.3, 0.8])
def test_expectation_is_exact_before_a_nonlinearity_and_not_after(keep):
    h, w, b = np.array([1.0, 2.0, -1.0]), np.array([0.5, -1.0, 0.7]), 0.4
    masks = enumerate_masks(3)
    weights = mask_probabilities(masks, keep)
    z = dropout_backward(np.tile(h, (8, 1)), masks, keep) @ w + b
    mean_z = h @ w + b  # inverted: nothing to scale
    assert weights @ z == pytest.approx(mean_z, rel=1e-12)

    relu_gap = weights @ np.maximum(z, 0) - np.maximum(mean_z, 0)
    assert relu_gap > 0.05  # Jensen: a convex function's mean lies above
    assert abs(weights @ np.tanh(z) - np.tanh(mean_z)) > 0.05


@pytest.mark.claim("M10")
def test_a_relu_that_never_switches_leaves_no_gap():
    h, w, b = np.array([1.0, 2.0, 1.5]), np.array([0.5, 1.0, 0.7]), 0.1
    masks = enumerate_masks(3)
    z = dropout_backward(np.tile(h, (8, 1)), masks, 0.8) @ w + b
    assert (z > 0).all()
    mean = mask_probabilities(masks, 0.8) @ np.maximum(z, 0)
    assert mean == pytest.approx(max(h @ w + b, 0), rel=1e-12)


@pytest.mark.claim("M12")
@pytest.mark.parametrize("inverted", CONVENTIONS)
def test_a_seed_reproduces_training(inverted):
    x = rng(8).normal(size=(20, 10)).astype(np.float32)
    passes = [dropout_forward(x, 0.7, rng(seed), inverted) for seed in (1, 1, 2)]
    assert passes[0][0].tobytes() == passes[1][0].tobytes()
    assert passes[0][1].tobytes() == passes[1][1].tobytes()
    assert passes[0][0].tobytes() != passes[2][0].tobytes()


@pytest.mark.claim("M12")
def test_dropout_left_on_gives_another_answer_every_time():
    x, generator = np.ones((5, 10)), rng()
    first, second = (dropout_forward(x, 0.7, generator)[0].sum(axis=1) for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.claim("M13")
@pytest.mark.parametrize("inverted", CONVENTIONS)
def test_dropping_a_unit_equals_zeroing_its_outgoing_weights(inverted):
    generator = rng(6)
    h, W, b = generator.normal(size=5), generator.normal(size=(5, 4)), generator.normal(size=4)
    for mask in enumerate_masks(5):
        dropped = dropout_backward(h, mask, 0.8, inverted) @ W + b
        W_without = dropout_backward(W.T, np.tile(mask, (4, 1)), 0.8, inverted).T
        assert (W_without[mask == 0] == 0).all()
        assert dropped == pytest.approx(h @ W_without + b, rel=1e-12, abs=1e-14)


@pytest.mark.claim("M14")
def test_a_gradient_check_catches_a_forgotten_mask_and_a_forgotten_scale():
    keep, generator = 0.8, rng(9)
    x, grad_out = generator.normal(size=(6, 5)), generator.normal(size=(6, 5))
    mask = dropout_forward(x, keep, rng(2))[1]
    checked = central_differences(
        lambda x: np.sum(grad_out * dropout_forward(x, keep, rng(2))[0]), x
    )
    without_mask = grad_out / keep
    assert np.array_equal(np.isclose(without_mask, checked), mask == 1)
    without_scale = grad_out * mask
    assert checked[mask == 1] / without_scale[mask == 1] == pytest.approx(1 / keep, rel=1e-6)
    assert dropout_backward(grad_out, mask, keep) == pytest.approx(checked, rel=1e-6, abs=1e-9)


BAD_LAYERS = [[], np.ones((0, 3)), 2.0, ["a"], [1, np.nan], [np.inf, 1], [[1], [1, 2]], None, [1j]]
BAD_KEEPS = [-1, 0, 1.5, np.nan, np.inf, "half", None, [0.5, 0.5], [[0.5] * 3], 1j, True, []]


@pytest.mark.parametrize("x", BAD_LAYERS)
def test_a_bad_layer_is_named(x):
    with pytest.raises(ValueError, match=r"^x\b"):
        dropout_forward(x, 0.5, rng())
    with pytest.raises(ValueError, match=r"^grad_out\b"):
        dropout_backward(x, [1], 0.5)


@pytest.mark.parametrize("keep", BAD_KEEPS)
def test_a_bad_keep_is_named_by_every_function(keep):
    x = np.ones((2, 3))
    for call in (
        lambda: sample_masks(2, 3, keep, rng()),
        lambda: mask_probabilities(np.ones((2, 3)), keep),
        lambda: dropout_forward(x, keep, rng()),
        lambda: dropout_backward(x, x, keep),
    ):
        with pytest.raises(ValueError, match=r"^keep\b"):
            call()


@pytest.mark.parametrize(
    "mask", [[1, 1, 1], np.ones((3, 2)), [[1, 1, 0.5]] * 2, [[1, 1, np.nan]] * 2]
)
def test_a_bad_mask_is_named(mask):
    with pytest.raises(ValueError, match=r"^mask\b"):
        dropout_backward(np.ones((2, 3)), mask, 0.5)


def test_nothing_is_drawn_for_bad_arguments():
    generator, untouched = rng(), rng()
    with pytest.raises(ValueError, match=r"^inverted\b"):
        dropout_forward(np.ones(3), 0.5, generator, inverted="standard")
    with pytest.raises(ValueError, match=r"^rng\b.*default_rng\(3\)"):
        dropout_forward(np.ones(3), 0.5, 3)
    with pytest.raises(ValueError, match=r"^rng\b.*default_rng\(3\)"):
        sample_masks(2, 3, 0.5, 3)
    with pytest.raises(ValueError, match=r"^inverted\b"):
        dropout_backward(np.ones(3), np.ones(3), 0.5, inverted=1)
    assert generator.random() == untouched.random()


@settings(max_examples=25)
@given(hnp.arrays(np.float32, (3, 4), elements=st.floats(-4, 4, width=32)), KEEPS)
def test_the_smallest_keep_overflows_nothing_in_float32(x, keep):
    out, _ = dropout_forward(x, keep, rng())
    assert np.isfinite(out).all()
