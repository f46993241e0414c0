"""Bad arguments: each is refused by a ValueError that names the argument and shows its value."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_lib import _checks as validation

NAN, INF = float("nan"), float("inf")
HUGE = pytest.param(10**5000, id="huge")  # more digits than Python turns into text


def refused(name, *shown):
    """A ValueError whose text begins with the argument's name and contains what came."""
    pattern = rf"^{name}\b" + "".join(f"(?=.*{text})" for text in shown)
    return pytest.raises(ValueError, match=pattern)


@pytest.mark.parametrize(
    ("keep", "shown"),
    [
        (-1, "-1"),
        (0, "0"),
        (1.5, r"1\.5"),
        (NAN, "nan"),
        (INF, "inf"),
        (-INF, "-inf"),
        ("half", r"'half' \(str\)"),
        (None, "None"),
        (0.5 + 0.1j, r"0\.5"),
        (True, r"True \(bool\)"),
        (Fraction(1, 2), "1/2"),
        ([], r"\[\]"),
        ([[0.5, 0.5, 0.5]], r"0\.5"),
        ([0.5, None, 0.5], "None"),
        ([[0.5], [0.5, 0.5]], r"0\.5"),
        (np.array(0), "0"),
        (10**400, "integer of 1,329 bits"),
    ],
)
def test_a_bad_keep_is_named_and_shown(keep, shown):
    with refused("keep", shown, r"\(0, 1\]"):
        validation.check_keep(keep, 3)


@pytest.mark.parametrize("bad", [-1, 0, 1.5, NAN, INF])
def test_one_bad_keep_among_many_is_pointed_at(bad):
    with pytest.raises(
        ValueError, match=rf"^keep\[1\] must be a number in \(0, 1\]; got {float(bad)}$"
    ):
        validation.check_keep([0.5, bad, 0.5], 3)


@pytest.mark.parametrize("n_keeps", [1, 2, 4])
def test_keep_per_unit_needs_one_value_per_unit(n_keeps):
    with refused("keep", "3 numbers, one per unit"):
        validation.check_keep([0.5] * n_keeps, 3)


def test_a_keep_too_small_to_be_drawn_is_refused():
    assert validation.check_keep(2.0**-53) == 2.0**-53
    with refused("keep", "1.11e-16", "5e-17"):
        validation.check_keep(5e-17)
    with pytest.raises(ValueError, match=r"^keep\[2\] must be at least 1.11e-16"):
        validation.check_keep([1, 0.5, 5e-324])


def test_the_argument_goes_by_the_name_it_has_for_the_caller():
    with refused("keep_hidden", "2"):
        validation.check_keep(2, name="keep_hidden")


@given(st.floats(min_value=2.0**-53, max_value=1))
def test_every_probability_is_a_keep(keep):
    for given_as in (keep, np.float64(keep), np.array(keep)):
        checked = validation.check_keep(given_as, 3)
        assert type(checked) is float
        assert checked == keep
    per_unit = validation.check_keep([keep, 1, keep], 3)
    assert per_unit.dtype == np.float64
    assert per_unit.tolist() == [keep, 1, keep]


@given(st.floats().filter(lambda value: not 0 < value <= 1))
def test_no_other_number_is_a_keep(keep):
    with refused("keep"):
        validation.check_keep(keep)
    with refused(r"keep\[0\]|keep"):
        validation.check_keep([keep, 0.5])


@pytest.mark.parametrize("bad", [-3, 0, 1.0, 2.5, NAN, "7", None, True, np.True_, [3], HUGE])
def test_a_bad_count_is_named(bad):
    with refused("n_units", "whole number from 1 to 9"):
        validation.check_count(bad, "n_units", maximum=9)


@given(st.integers(min_value=-(10**30), max_value=10**30), st.integers(min_value=-5, max_value=5))
def test_a_count_is_any_whole_number_from_the_minimum(value, minimum):
    if value >= minimum:
        assert validation.check_count(value, "n", minimum) == value
    else:
        with refused("n", str(value)):
            validation.check_count(value, "n", minimum)


def test_numpy_integers_are_counts():
    assert type(validation.check_count(np.int32(4), "n")) is int


@pytest.mark.parametrize("bad", [-0.1, 1.1, NAN, INF, "0.3", None, True, 0.3j, [0.3]])
def test_a_bad_fraction_is_named(bad):
    with refused("fraction", r"\[0, 1\]"):
        validation.check_fraction(bad, "fraction")


@pytest.mark.parametrize("good", [0, 1, 0.3, np.float32(0.25), Fraction(1, 4)])
def test_a_fraction_may_be_any_real_number_in_range(good):
    assert validation.check_fraction(good, "fraction") == float(good)


@pytest.mark.parametrize("bad", ["standard", 1, 0, None, np.array([True])])
def test_a_flag_is_true_or_false_and_nothing_else(bad):
    with refused("inverted", "True or False"):
        validation.check_flag(bad, "inverted")
    assert validation.check_flag(np.False_, "inverted") is False


@pytest.mark.parametrize(
    ("bad", "advice"),
    [
        (0, r"default_rng\(0\)"),
        (np.int64(7), r"default_rng\(7\)"),
        (None, r"default_rng\(seed\)"),
        (True, r"default_rng\(seed\)"),
        (np.random.RandomState(0), r"default_rng\(seed\)"),
        (np.random, r"default_rng\(seed\)"),
    ],
)
def test_a_seed_is_no_generator_and_is_told_how_to_become_one(bad, advice):
    with refused("rng", advice):
        validation.check_rng(bad)


@pytest.mark.parametrize(
    ("bad", "shown"),
    [
        ([], "at least one entry"),
        (np.ones((3, 0)), r"\(3, 0\)"),
        (1.0, "at least one entry"),
        ([1.0, NAN], r"entry \(1,\).*nan"),
        ([[1.0, 2.0], [-INF, 0.0]], r"entry \(1, 0\).*-inf"),
        (["a", "b"], "real numbers"),
        ([1j, 2], "real numbers"),
        ([1, None], "real numbers"),
        ([[1, 2], [3]], "real numbers"),
        (None, "None"),
        (np.array([object()]), "real numbers"),
        (np.ma.masked_invalid([1.0, NAN]), "without masked entries"),
        (np.array(["2020-01-01"], dtype="M8[D]"), "real numbers"),
    ],
)
def test_a_bad_array_is_named(bad, shown):
    with refused("x", shown):
        validation.check_array(bad, "x")


@pytest.mark.parametrize("shape", [(3,), (2, 4), (1, 2, 3), (3, 2)])
def test_a_wrong_shape_is_named_with_the_right_one(shape):
    with refused("x", r"\(any, 3\)", ", ".join(map(str, shape))):
        validation.check_array(np.ones(shape), "x", (None, 3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_array_keeps_its_float_type_and_is_not_copied(dtype):
    x = np.ones((2, 3), dtype)
    assert validation.check_array(x, "x", (2, None)) is x


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, bool, np.float16, ">f8"])
def test_other_real_types_become_float64(dtype):
    checked = validation.check_array(np.ones(2, dtype), "x")
    assert checked.dtype == np.float64
    assert checked.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("bad", [0.5, NAN, 2, -1, INF, 1 + 1e-15])
def test_a_mask_is_zeros_and_ones(bad):
    mask = np.array([[1, 0], [0, bad]])
    with refused("mask", r"entry \(1, 1\)"):
        validation.check_mask(mask)


@pytest.mark.parametrize("bad", [[], 1, ["a"], None, [[1], [0, 1]], [1j]])
def test_a_mask_of_the_wrong_kind_is_named(bad):
    with refused("mask"):
        validation.check_mask(bad)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.float32])
def test_a_mask_may_have_any_real_type(dtype):
    mask = np.array([[0, 1]], dtype)
    assert validation.check_mask(mask, "mask", (1, 2)) is mask


@pytest.mark.parametrize(
    ("bad", "shown"),
    [
        ([], r"class numbers.*\[\]"),
        ([0.0, 1.0, 2.0], "class numbers"),
        ([0, -1, 2], "-1"),
        ([0, 10, 2], "n_classes = 10"),
        ([0, 1], r"\(3,\)"),
        ([[0, 1, 2]], r"\(3,\)"),
        (["a", "b", "c"], "class numbers"),
    ],
)
def test_bad_labels_are_named(bad, shown):
    with refused("y", shown):
        validation.check_labels(bad, "y", n_examples=3, n_classes=10)


def test_checked_labels_are_a_new_array():
    y = np.array([0, 1, 2])
    checked = validation.check_labels(y, "y")
    checked[0] = 5
    assert y[0] == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((2, 2)), "[[0.0, 0.0], [0.0, 0.0]], an array of shape (2, 2)"),
        (np.zeros((50, 2)), "an array of shape (50, 2) and type float64"),
        pytest.param(10**5000, "an integer of 16,610 bits", id="huge"),
        (2.5, "2.5"),
        ("x" * 1000, "'xxxxxxxxxxxx...xxxxxxxxxxxxx' (str)"),
    ],
)
def test_a_value_is_described_in_a_few_words_however_large(value, text):
    assert validation.describe(value) == text


@pytest.mark.parametrize(
    ("weights", "shown"),
    [
        ([-1, 2], "at least 0.*-1"),
        ([0, 0], "one of them above 0"),
        ([1, 2, 3], r"shape \(2,\)"),
        ([[1, 1]], r"shape \(2,\)"),
        (1, "at least one entry"),
        ([NAN, 1], "finite"),
        ([INF, 1], "finite"),
        ("alike", "real numbers"),
    ],
)
def test_weights_that_weigh_nothing_are_refused(weights, shown):
    with refused("weights", shown):
        validation.check_weights(weights, 2)


@pytest.mark.parametrize("size", [1, 1e-300, 1e300, 1.7e308, np.float32(3e38)])
def test_weights_are_shares_of_one_however_large_they_are(size):
    shares = validation.check_weights(np.array([size, 0, size, size]), 4)
    assert shares == pytest.approx([1 / 3, 0, 1 / 3, 1 / 3], abs=1e-15)
    assert shares.dtype == np.float64


def test_weights_left_out_count_alike():
    assert validation.check_weights(None, 4).tolist() == [0.25] * 4
