"""The error of an ensemble: each function against loops over pairs, matrices of moments and draws."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dropout_lib.ensembles.error import (
    decompose,
    ensemble_error,
    error_curve,
    error_moments,
    sample_errors,
    smallest_c,
)

FINITE = st.floats(-10, 10)


def rng(seed=0):
    return np.random.default_rng(seed)


def admissible(v, share, k):
    """A c between its bounds: at the lower one for share 0, at v for share 1."""
    low = -v / (k - 1) if k > 1 else 0.0
    return low + share * (v - low)


def moment_matrix(v, c, k):
    return np.full((k, k), float(c)) + (v - c) * np.eye(k)


# ensemble_error


@given(v=st.floats(0, 10), share=st.floats(0, 1), k=st.integers(1, 40))
def test_the_error_is_a_quadratic_form_of_the_moments(v, share, k):
    c = admissible(v, share, k)
    weights = np.full(k, 1 / k)
    expected = weights @ moment_matrix(v, c, k) @ weights
    assert ensemble_error(v, c, k) == pytest.approx(expected, abs=1e-12)
    assert ensemble_error(v, c, k) >= 0


def test_arrays_are_broadcast_and_numbers_give_a_number():
    k = np.array([1, 2, 5])
    c = np.array([[0.0], [0.5]])
    errors = ensemble_error(1.0, c, k)
    assert errors.shape == (2, 3)
    np.testing.assert_allclose(errors, [[1, 1 / 2, 1 / 5], [1, 3 / 4, 3 / 5]])
    assert type(ensemble_error(1, 0.5, 2)) is float


def test_c_means_nothing_for_one_member():
    assert ensemble_error(2.0, -50.0, 1) == 2.0


@pytest.mark.parametrize(
    ("v", "c", "k", "words"),
    [
        (-1.0, 0.0, 2, "v must be at least 0; got -1"),
        (1.0, -0.6, 3, r"−v/\(k − 1\) = -0.5 to v = 1 for k = 3 members; got -0.6"),
        (1.0, 1.1, 3, "to v = 1 for k = 3 members; got 1.1"),
        (1.0, np.array([0.0, -0.3]), 5, "-0.25 to v = 1 for k = 5 members; got -0.3"),
        (1.0, 0.0, 0, "k must be whole numbers of at least 1; got 0"),
        (1.0, 0.0, 2.0, "k must be whole numbers"),
        (1.0, 0.0, True, "k must be whole numbers"),
        (float("nan"), 0.0, 2, "v must be finite"),
        (1.0, "0.5", 2, "c must be an array of real numbers"),
    ],
)
def test_impossible_arguments_are_named(v, c, k, words):
    with pytest.raises(ValueError, match=words):
        ensemble_error(v, c, k)


@pytest.mark.parametrize("k", [2, 3, 7, 50])
def test_the_smallest_c_makes_the_smallest_eigenvalue_zero(k):
    eigenvalues = np.linalg.eigvalsh(moment_matrix(2.0, smallest_c(2.0, k), k))
    assert eigenvalues[0] == pytest.approx(0, abs=1e-12)
    assert np.linalg.eigvalsh(moment_matrix(2.0, smallest_c(2.0, k) - 0.01, k))[0] < -0.005
    assert ensemble_error(2.0, smallest_c(2.0, k), k) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("v", "k", "name"), [(-1.0, 3, "v"), (1.0, 1, "k"), (1.0, 2.5, "k")])
def test_smallest_c_refuses(v, k, name):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        smallest_c(v, k)


# error_moments


def by_pairs(errors):
    """v and c by a loop over all members and pairs, in exact arithmetic."""
    rows = [[Fraction(float(x)) for x in row] for row in errors]
    n = len(rows[0])
    squares = [sum(x * x for x in row) / n for row in rows]
    products = [sum(x * y for x, y in zip(a, b, strict=True)) / n for a, b in combinations(rows, 2)]
    return float(sum(squares) / len(squares)), float(sum(products) / len(products))


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(2, 6), st.integers(1, 8)), elements=FINITE),
)
def test_moments_are_means_over_members_and_pairs(errors):
    v, c = error_moments(errors)
    expected = by_pairs(errors)
    assert v == pytest.approx(expected[0], abs=1e-12)
    assert c == pytest.approx(expected[1], abs=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e3, 1e5])
def test_float32_errors_lose_nothing_on_the_way(offset):
    errors = (offset + rng(1).normal(size=(7, 300))).astype(np.float32)
    v, c = error_moments(errors)
    expected = by_pairs(errors)
    assert v == pytest.approx(expected[0], rel=1e-14)
    assert c == pytest.approx(expected[1], rel=1e-14)
    apart = errors.astype(np.float64).var(axis=0, ddof=1).mean()  # v − c, computed on its own
    assert v - c == pytest.approx(apart, abs=1e-14 * v + 1e-12)


def test_further_axes_count_like_examples():
    errors = rng(2).normal(size=(4, 5, 6))
    assert error_moments(errors) == pytest.approx(error_moments(errors.reshape(4, 30)))


def test_a_single_member_has_no_pairs():
    v, c = error_moments([[1.0, -2.0]])
    assert v == 2.5
    assert np.isnan(c)


@given(hnp.arrays(np.float64, st.tuples(st.integers(2, 8), st.integers(1, 9)), elements=FINITE))
def test_measured_moments_are_always_admissible_and_predict_their_own_ensemble(errors):
    k = len(errors)
    v, c = error_moments(errors)
    together = np.mean(errors.mean(axis=0) ** 2)
    assert ensemble_error(v, c, k) == pytest.approx(together, abs=1e-9)


@pytest.mark.parametrize("errors", [[], 3.0, [[np.nan, 1.0]], [["a"]]])
def test_errors_must_be_numbers(errors):
    for function in (error_moments, error_curve):
        with pytest.raises(ValueError, match="errors must be"):
            function(errors)


# error_curve


def test_the_curve_is_the_error_of_the_first_members():
    errors = rng(3).normal(0.4, 1, size=(6, 50)).astype(np.float32)
    curve, standard_errors = error_curve(errors)
    for k in range(1, 7):
        squared = np.array([np.mean(errors[:k, n], dtype=np.float64) ** 2 for n in range(50)])
        assert curve[k - 1] == pytest.approx(squared.mean(), rel=1e-12)
        spread = np.sqrt(np.sum((squared - squared.mean()) ** 2) / 49)
        assert standard_errors[k - 1] == pytest.approx(spread / np.sqrt(50), rel=1e-9)


def test_one_draw_has_no_standard_error():
    curve, standard_errors = error_curve([[1.0], [3.0]])
    assert curve.tolist() == [1.0, 4.0]
    assert np.isnan(standard_errors).all()
    assert error_curve([1.0, 3.0])[0].tolist() == [1.0, 4.0]


# sample_errors


@pytest.mark.parametrize("k", [2, 5, 20])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 1.0])
def test_drawn_errors_have_these_moments(k, share):
    """Every entry of the matrix of moments is within 7 standard errors: a false alarm has a probability below 1e-6."""
    v, n = 1.7, 20_000
    c = admissible(v, share, k)
    errors = sample_errors(v, c, k, n, rng(k))
    assert errors.shape == (k, n)
    wanted = moment_matrix(v, c, k)
    deviation = np.sqrt((v * v + wanted**2) / n)  # of the mean of a product of two Gaussians
    assert np.all(np.abs(errors @ errors.T / n - wanted) < 7 * deviation)
    assert np.all(np.abs(errors.mean(axis=1)) < 7 * np.sqrt(v / n))


def test_the_errors_are_gaussian():
    errors = sample_errors(1.0, 0.4, 3, 40_000, rng(5))
    fourth = np.mean(errors**4, axis=1)
    assert np.all(np.abs(fourth - 3) < 7 * np.sqrt(96 / 40_000))  # E[z⁴] = 3, Var[z⁴] = 96


@pytest.mark.parametrize("k", [2, 3, 11, 50])
def test_at_the_bounds_errors_cancel_or_are_equal(k):
    opposite = sample_errors(2.0, -2.0 / (k - 1), k, 100, rng())
    assert np.abs(opposite.sum(axis=0)).max() < 1e-6
    alike = sample_errors(2.0, 2.0, k, 100, rng())
    np.testing.assert_allclose(alike, np.broadcast_to(alike[0], alike.shape), atol=1e-12)
    assert alike.std() > 1


def test_one_member_and_no_error_at_all():
    assert sample_errors(4.0, 0.0, 1, 5000, rng()).std() == pytest.approx(2, rel=0.1)
    assert not sample_errors(0.0, 0.0, 3, 5, rng()).any()


def test_a_seed_gives_the_same_errors_and_the_global_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 (it is looked at, not used)
    first, second = (sample_errors(1.0, 0.3, 4, 6, rng(9)) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1.0, -0.26, 5, 10), r"−v/\(k − 1\) = -0.25 to v = 1 for k = 5 members; got -0.26"),
        ((1.0, 1.01, 5, 10), "to v = 1 for k = 5 members; got 1.01"),
        ((-1.0, 0.0, 5, 10), "v must be a finite number of at least 0"),
        ((1.0, 0.0, 0, 10), "k must be a whole number of at least 1"),
        ((1.0, 0.0, 5, 0), "n must be a whole number of at least 1"),
        ((1.0, np.array([0.1, 0.2]), 5, 10), "c must be one number"),
        ((1.0, float("nan"), 5, 10), "c must be finite"),
    ],
)
def test_impossible_errors_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        sample_errors(*arguments, rng())


def test_a_seed_is_no_generator():
    with pytest.raises(ValueError, match=r"rng must be a numpy.random.Generator"):
        sample_errors(1.0, 0.0, 2, 3, 7)


# decompose


@given(
    predictions=hnp.arrays(
        np.float64, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=FINITE
    ),
    target=FINITE,
    data=st.data(),
)
def test_error_is_members_minus_diversity(predictions, target, data):
    weights = data.draw(
        hnp.arrays(np.float64, len(predictions), elements=st.floats(0.01, 5)), label="weights"
    )
    parts = decompose(predictions, target, weights)
    share = weights / weights.sum()
    for n in range(predictions.shape[1]):
        column = predictions[:, n]
        mean = sum(w * p for w, p in zip(share, column, strict=True))
        assert parts.ensemble[n] == pytest.approx((mean - target) ** 2, abs=1e-9)
        each = sum(w * (p - target) ** 2 for w, p in zip(share, column, strict=True))
        assert parts.members[n] == pytest.approx(each, abs=1e-9)
        assert parts.diversity[n] >= 0
    gap = parts.ensemble - (parts.members - parts.diversity)
    assert np.abs(gap).max() < 1e-9


def test_weights_left_out_count_alike_and_float32_is_computed_in_float64():
    predictions = rng(4).random((5, 8, 3)).astype(np.float32)
    target = np.eye(3)[rng(5).integers(3, size=8)]
    parts = decompose(predictions, target)
    assert parts.ensemble.shape == (8, 3)
    assert {part.dtype for part in parts} == {np.dtype(np.float64)}
    np.testing.assert_allclose(parts.ensemble, parts.members - parts.diversity, atol=1e-15)
    np.testing.assert_allclose(parts.diversity, predictions.astype(np.float64).var(axis=0))
    same = decompose(predictions, target, np.full(5, 3.0))
    np.testing.assert_allclose(same.members, parts.members)


def test_single_predictions_have_single_parts():
    ensemble, members, diversity = decompose([1.0, 3.0], 1.0)
    assert (float(ensemble), float(members), float(diversity)) == (1.0, 2.0, 1.0)


@pytest.mark.parametrize(
    ("target", "weights", "name"),
    [
        ([1.0, 2.0, 3.0], None, "target"),
        (0.0, [1.0], "weights"),
        (0.0, [1.0, -1.0], "weights"),
        (0.0, [0.0, 0.0], "weights"),
        (np.nan, None, "target"),
    ],
)
def test_what_does_not_fit_is_named(target, weights, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        decompose([[1.0, 2.0], [3.0, 4.0]], target, weights)


RAGGED = [[1.0, 2.0], [3.0]]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: ensemble_error(RAGGED, 0.1, 2), "v must be an array of real numbers"),
        (lambda: ensemble_error(1.0, RAGGED, 2), "c must be an array of real numbers"),
        (lambda: ensemble_error(1.0, 0.1, RAGGED), "k must be an array of real numbers"),
        (lambda: ensemble_error(np.nan, 0.1, 2), "v must be finite; got nan"),
        (lambda: ensemble_error(1.0, [0.1, np.nan], 2), r"c must be finite: entry \(1,\); got nan"),
        (lambda: decompose([[1.0, 2.0], [3.0, 4.0]], RAGGED), "target must be an array of real"),
    ],
)
def test_what_is_no_number_and_no_array_is_named(call, named):
    with pytest.raises(ValueError, match=f"^{named}"):
        call()
