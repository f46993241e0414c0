"""The digits against scikit-learn's own copy; label noise and splits against counting."""

import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import datasets

from dropout_lib.data import corrupt_labels, load_digits, split

FALSE_ALARM = 1e-6  # probability with which a right function may fail, were its seed new
ROOT = Path(__file__).resolve().parent.parent


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_digits_equal_scikit_learns_copy():
    digits, theirs = load_digits(), datasets.load_digits()
    assert digits.x.dtype == np.float32
    assert digits.y.dtype == np.int64
    assert np.array_equal(digits.x * 16, theirs.data)
    assert np.array_equal(digits.x, theirs.data / 16)
    assert np.array_equal(digits.y, theirs.target)
    assert np.array_equal(digits.images * 16, theirs.images)
    assert (digits.x.min(), digits.x.max()) == (0, 1)


def test_the_shipped_file_is_what_its_tool_makes():
    path = ROOT / "tools" / "make_digits.py"
    spec = importlib.util.spec_from_file_location("make_digits", path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    shipped = (ROOT / "dropout_lib" / "digits.npz").read_bytes()
    assert len(shipped) < 50_000
    with np.load(io.BytesIO(shipped)) as stored, np.load(io.BytesIO(tool.archive())) as made:
        assert stored.files == made.files == ["pixels", "labels"]
        for name in stored.files:
            assert stored[name].dtype == made[name].dtype == np.uint8
            assert np.array_equal(stored[name], made[name])


def test_the_file_has_its_source_and_licence_beside_it():
    text = (ROOT / "dropout_lib" / "digits.txt").read_text(encoding="utf-8")
    for part in ("Alpaydin", "Kaynak", "UCI Machine Learning Repository", "10.24432/C50P49"):
        assert part in text
    assert "https://creativecommons.org/licenses/by/4.0/" in text


def test_loading_again_undoes_what_was_done_to_the_arrays():
    digits = load_digits()
    digits.x[:] = 7
    digits.y[:] = 7
    again = load_digits()
    assert again.x.max() == 1
    assert len(set(again.y)) == 10


# Label noise


@settings(max_examples=50)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=40),
    st.floats(0, 1),
    st.integers(0, 2**32),
)
def test_no_more_labels_change_than_were_asked_for(y, fraction, seed):
    y = np.array(y)
    before = y.copy()
    noisy = corrupt_labels(y, fraction, rng(seed), n_classes=5)
    assert noisy.shape == y.shape
    assert noisy.dtype == np.int64
    assert (noisy != y).sum() <= round(fraction * len(y))
    assert ((noisy >= 0) & (noisy < 5)).all()
    assert np.array_equal(y, before)
    assert np.array_equal(noisy, corrupt_labels(y, fraction, rng(seed), n_classes=5))


def test_exactly_the_fraction_asked_for_is_replaced():
    # With 10**9 classes a new label practically never equals the old one.
    y = np.zeros(1000, dtype=np.int64)
    for fraction, replaced in ((0, 0), (0.3, 300), (0.0014, 1), (0.0016, 2), (1, 1000)):
        assert (corrupt_labels(y, fraction, rng(), n_classes=10**9) != y).sum() == replaced


def test_new_labels_are_drawn_evenly_from_all_classes_the_true_one_included():
    n, y = 100_000, np.full(100_000, 3)
    noisy = corrupt_labels(y, 1, rng())
    for label in range(10):
        assert binomtest(int((noisy == label).sum()), n, 0.1).pvalue > FALSE_ALARM / 10
    wrong = (corrupt_labels(y, 0.3, rng(1)) != y).sum()
    assert binomtest(int(wrong), round(0.3 * n), 0.9).pvalue > FALSE_ALARM


def test_every_example_is_as_likely_to_be_chosen():
    y, n_repeats = np.zeros(10, dtype=np.int64), 20_000
    generator = rng()
    chosen = sum(corrupt_labels(y, 0.3, generator, n_classes=10**9) != y for _ in range(n_repeats))
    for count in chosen:
        assert binomtest(int(count), n_repeats, 0.3).pvalue > FALSE_ALARM / 10


def test_another_seed_corrupts_other_labels():
    y = load_digits().y
    assert not np.array_equal(corrupt_labels(y, 0.3, rng(0)), corrupt_labels(y, 0.3, rng(1)))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (([], 0.3), "y"),
        (([0, 10], 0.3), "y"),
        (([0.0, 1.0], 0.3), "y"),
        (([[0, 1]], 0.3), "y"),
        (([0, 1], -0.1), "fraction"),
        (([0, 1], 30), "fraction"),
        (([0, 1], float("nan")), "fraction"),
        (([0, 1], "0.3"), "fraction"),
    ],
)
def test_bad_arguments_of_label_noise_are_named(arguments, name):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        corrupt_labels(*arguments, rng())


@pytest.mark.parametrize("n_classes", [1, 0, 2.5, 10**30])
def test_a_bad_number_of_classes_is_named(n_classes):
    with pytest.raises(ValueError, match=r"^n_classes\b"):
        corrupt_labels([0, 0], 0.5, rng(), n_classes)


def test_a_seed_instead_of_a_generator_is_named():
    with pytest.raises(ValueError, match=r"^rng\b"):
        corrupt_labels([0, 1], 0.5, 0)
    with pytest.raises(ValueError, match=r"^rng\b"):
        split([[0], [1]], [0, 1], 1, 0)


# Splits


def rows_of(part):
    return part.x[:, 0].astype(int)


@settings(max_examples=60)
@given(st.data(), st.lists(st.integers(0, 5), min_size=2, max_size=60), st.integers(0, 2**32))
def test_a_split_is_complete_disjoint_and_stratified(data, y, seed):
    y = np.array(y)
    n_train = data.draw(st.integers(1, len(y) - 1))
    x = np.stack([np.arange(len(y)), y], axis=1).astype(np.float32)  # a row says who it is
    before = x.copy(), y.copy()
    train, test = split(x, y, n_train, rng(seed))
    assert len(train.x) == len(train.y) == n_train
    assert sorted([*rows_of(train), *rows_of(test)]) == list(range(len(y)))
    for part in (train, test):
        assert np.array_equal(part.x[:, 1], part.y)  # each row kept its label
        assert part.x.dtype == np.float32
        for label in np.unique(y):
            share = len(part.y) * (y == label).mean()
            assert abs((part.y == label).sum() - share) < 1
    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])
    again, _ = split(x, y, n_train, rng(seed))
    assert np.array_equal(again.x, train.x)


def test_the_digits_split_into_1000_and_797():
    digits = load_digits()
    train, test = split(*digits, 1000, rng(0))
    assert (train.x.shape, test.x.shape) == ((1000, 64), (797, 64))
    together = np.concatenate([train.x, test.x])
    assert np.array_equal(np.sort(together, axis=0), np.sort(digits.x, axis=0))
    assert not np.array_equal(train.x, split(*digits, 1000, rng(1))[0].x)


def test_each_example_of_a_class_is_as_likely_to_be_trained_on_and_in_any_place():
    x, y, n_repeats = np.arange(6.0).reshape(6, 1), [0, 0, 0, 0, 1, 1], 20_000
    generator = rng()
    trained, first = np.zeros(6), np.zeros(6)
    for _ in range(n_repeats):
        rows = rows_of(split(x, y, 3, generator)[0])
        trained[rows] += 1
        first[rows[0]] += 1
    for row in range(6):
        assert binomtest(int(trained[row]), n_repeats, 1 / 2).pvalue > FALSE_ALARM / 12
        assert binomtest(int(first[row]), n_repeats, 1 / 6).pvalue > FALSE_ALARM / 12


@pytest.mark.parametrize("n_train", [0, -1, 4, 5, 2.0, "2", None, 10**30])
def test_a_bad_training_size_is_named(n_train):
    with pytest.raises(ValueError, match=r"^n_train\b.*from 1 to 3"):
        split(np.ones((4, 2)), [0, 0, 1, 1], n_train, rng())


@pytest.mark.parametrize(
    ("x", "y", "name"),
    [
        (np.ones((4, 2)), [0, 1], "y"),
        (np.ones(4), [0, 1, 0, 1], "x"),
        (np.ones((0, 2)), [], "x"),
        ([[1.0], [np.nan]], [0, 1], "x"),
        (np.ones((2, 1)), [0.5, 1.5], "y"),
        (np.ones((2, 1)), ["a", "b"], "y"),
    ],
)
def test_bad_data_are_named(x, y, name):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        split(x, y, 1, rng())
