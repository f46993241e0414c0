"""Entropies against sums in pure Python, rotations against SciPy-free geometry, gradients against differences."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_lib.data import load_digits
from dropout_lib.ensembles.convergence import AVERAGES, member_deviation, running_averages
from dropout_lib.ensembles.uncertainty import (
    blend,
    entropy,
    mutual_information,
    predictive_entropy,
    rotate,
)
from dropout_lib.masks import enumerate_masks, mask_probabilities
from dropout_lib.nets.gradients import input_gradients
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.passes import softmax


def rng(*seed):
    return np.random.default_rng(seed)


def members(k=5, batch=4, classes=3, seed=0, scale=2.0):
    return softmax(scale * rng(seed).normal(size=(k, batch, classes)))


# Entropies


def entropy_by_hand(p):
    return -sum(value * math.log(value) for value in p if value > 0)


def test_entropies_are_what_their_sums_say():
    probs = members()
    for example in range(4):
        rows = probs[:, example].tolist()
        mean = [sum(row[c] for row in rows) / 5 for c in range(3)]
        together = entropy_by_hand(mean)
        each = sum(map(entropy_by_hand, rows)) / 5
        assert entropy(probs[0])[example] == pytest.approx(entropy_by_hand(rows[0]))
        assert predictive_entropy(probs)[example] == pytest.approx(together)
        assert mutual_information(probs)[example] == pytest.approx(together - each)


@given(st.integers(1, 8), st.integers(2, 10), st.integers(0, 99))
def test_information_lies_between_zero_and_the_entropy(k, classes, seed):
    probs = members(k, 3, classes, seed)
    information, whole = mutual_information(probs), predictive_entropy(probs)
    assert np.all(information >= 0)
    assert np.all(information <= whole + 1e-12)
    assert np.all(whole <= math.log(classes) + 1e-12)


def test_the_ends_members_that_agree_and_members_that_are_sure_of_different_things():
    agreed = np.repeat(members(1), 6, axis=0)
    assert mutual_information(agreed) == pytest.approx(0, abs=1e-12)
    sure = np.eye(4)[:, None]  # each is certain of another class
    assert predictive_entropy(sure) == pytest.approx(math.log(4))
    assert mutual_information(sure) == pytest.approx(math.log(4))
    assert entropy(sure) == pytest.approx(0)
    assert predictive_entropy(np.full((3, 1, 10), 0.1)) == pytest.approx(math.log(10))


@pytest.mark.parametrize("bad", [[[0.5, 0.6]], [[1.2, -0.2]], [[np.nan, 1.0]]])
def test_what_is_no_distribution_is_refused(bad):
    with pytest.raises(ValueError, match="probs must be"):
        predictive_entropy(bad)
    with pytest.raises(ValueError, match="probs must be"):
        mutual_information(bad)


def test_entropy_refuses_what_lies_outside_zero_to_one():
    with pytest.raises(
        ValueError, match=r"p must be probabilities from 0 to 1; got entries from -0\.5"
    ):
        entropy([1.5, -0.5])


# Pictures


def test_quarter_turns_are_numpys_quarter_turns_exactly():
    images = load_digits().images[:5]
    for turns in range(-4, 5):
        np.testing.assert_array_equal(
            rotate(images, 90 * turns), np.rot90(images, turns, axes=(1, 2))
        )


def bilinear(image, row, column):
    """The value at a place between the pixels, from the four around it; 0 outside."""
    total = 0.0
    for i in range(8):
        for j in range(8):
            near = max(0.0, 1 - abs(row - i)) * max(0.0, 1 - abs(column - j))
            total += near * image[i][j]
    return total


@pytest.mark.parametrize("angle", [17.0, -40.0, 45.0, 133.3])
def test_a_pixel_of_a_turned_picture_is_the_old_one_at_the_place_it_comes_from(angle):
    image = load_digits().images[3].astype(float)
    turned = rotate(image, angle)
    a = math.radians(angle)
    for i in range(8):
        for j in range(8):
            right, up = j - 3.5, 3.5 - i  # turned back, clockwise
            old_right = right * math.cos(a) + up * math.sin(a)
            old_up = -right * math.sin(a) + up * math.cos(a)
            assert turned[i, j] == pytest.approx(
                bilinear(image, 3.5 - old_up, 3.5 + old_right), abs=1e-9
            )


def test_rotation_keeps_shape_type_range_and_the_original():
    digits = load_digits()
    before = digits.x.copy()
    turned = rotate(digits.x, 30)
    assert turned.shape == digits.x.shape
    assert turned.dtype == np.float32
    assert turned.min() >= 0
    assert turned.max() <= 1 + 1e-6
    np.testing.assert_array_equal(digits.x, before)
    np.testing.assert_allclose(rotate(digits.x, 390), turned, atol=1e-6)
    np.testing.assert_allclose(rotate(digits.images, 30).reshape(-1, 64), turned)
    np.testing.assert_array_equal(rotate(digits.x, 0), before)


def test_a_blend_goes_from_one_to_the_other():
    one, other = load_digits().x[:2]
    np.testing.assert_array_equal(blend(one, other, 0), one)
    np.testing.assert_array_equal(blend(one, other, 1), other)
    np.testing.assert_allclose(blend(one, other, 0.25), one + 0.25 * (other - one), atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rotate(np.zeros((2, 63)), 10), r"images must be \(\.\.\., 64\)"),
        (lambda: rotate(np.zeros(64), np.inf), "angle must be a finite number of degrees; got inf"),
        (lambda: rotate(np.zeros(64), True), "angle must be a finite number"),
        (lambda: rotate(np.zeros(64), "10"), "angle must be a finite number"),
        (lambda: blend(np.zeros(64), np.zeros(63), 0.5), "second must be an array of shape"),
        (lambda: blend(np.zeros(64), np.zeros(64), 1.5), r"share must be a number in \[0, 1\]"),
    ],
)
def test_bad_pictures_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# How averages settle


@pytest.mark.parametrize("average", AVERAGES)
def test_a_running_average_is_the_average_of_the_first_ones(average):
    probs = members(6)
    running = running_averages(probs, average)
    for count in range(1, 7):
        np.testing.assert_allclose(running[count - 1], AVERAGES[average](probs[:count]), rtol=1e-12)


def test_the_deviation_of_the_arithmetic_mean_is_that_of_a_member():
    probs, weights = members(6), np.array([1.0, 2, 3, 1, 0, 5])
    p = weights / weights.sum()
    mean = (p[:, None, None] * probs).sum(axis=0)
    wanted = np.sqrt((p[:, None, None] * (probs - mean) ** 2).sum(axis=0))
    np.testing.assert_allclose(member_deviation(probs, weights), wanted, rtol=1e-12)
    np.testing.assert_allclose(member_deviation(probs), probs.std(axis=0), rtol=1e-12)


def test_the_deviation_of_the_geometric_mean_is_what_many_repeats_show():
    """3,000 geometric means of 200: the relative error of a deviation is 1/√6000 = 1.3 %, 10 % is eight of them."""
    probs = members(8, batch=1, scale=1.0)
    k, repeats = 200, 3000
    draws = rng(1).integers(8, size=(repeats, k))
    logs = np.log(probs[:, 0])[draws].mean(axis=1)
    means = softmax(logs)
    np.testing.assert_allclose(
        means.std(axis=0) * np.sqrt(k), member_deviation(probs, average="geometric")[0], rtol=0.1
    )


def test_averages_refuse_what_they_cannot_do():
    with pytest.raises(ValueError, match="average must be one of 'arithmetic', 'geometric'"):
        running_averages(members(), "harmonic")
    with pytest.raises(ValueError, match="above 0 for a geometric mean"):
        running_averages(np.eye(3)[:, None], "geometric")
    with pytest.raises(ValueError, match="weights must be"):
        member_deviation(members(5), np.ones(4))
    with pytest.raises(ValueError, match="weights must be at least 0, and one of them above 0"):
        member_deviation(members(2), [-1, 2])


# Gradients with respect to the input


def deep_net(activation):
    net = MLP((6, 5, 4, 3), rng(3), activation=activation)
    for bias in net.parameters[1::2]:
        bias += rng(4).normal(size=bias.shape) / 3
    return net


def differences(net, x, y, masks, scaled, h=1e-6):
    """Central differences of log p(y), one input at a time."""

    def log_p(x):
        logits = net.predict_logits(x) if scaled else net.forward(x, masks)
        return np.log(softmax(logits))[np.arange(len(logits)), y]

    columns = [(log_p(x + h * e) - log_p(x - h * e)) / (2 * h) for e in np.eye(x.shape[1])]
    return np.stack(columns, axis=1)


@pytest.mark.claim("I05")
@pytest.mark.parametrize("activation", ["relu", "tanh", "linear"])
def test_a_gradient_is_what_differences_with_the_masks_held_give(activation):
    net, x, y = deep_net(activation), rng(1).normal(size=(7, 6)), np.arange(7) % 3
    masks = [(rng(8, n).random((7, n)) < 0.7) / 0.7 for n in (6, 5, 4)]
    for given_masks in (masks, [None, masks[1], masks[2]], [None, None, masks[2][0]]):
        found = input_gradients(net, x, y, given_masks)
        np.testing.assert_allclose(found, differences(net, x, y, given_masks, False), atol=1e-7)
    one = input_gradients(net, x[:1], y[:1], masks)
    np.testing.assert_allclose(one, differences(net, x[:1], y[:1], masks, False), atol=1e-7)


def test_by_weight_scaling_it_is_the_gradient_of_what_the_net_predicts():
    net, x, y = deep_net("relu"), rng(1).normal(size=(7, 6)), np.arange(7) % 3
    for keep in ((1.0, 1.0), (0.8, 0.5)):  # after inverted and after standard dropout
        net.prediction_keep = keep
        found = input_gradients(net, x, y)
        np.testing.assert_allclose(found, differences(net, x, y, None, True), atol=1e-7)


@pytest.mark.claim("I05")
def test_the_mean_of_the_gradients_is_the_gradient_of_the_mean_logarithm():
    net, x, keep = deep_net("tanh"), rng(1).normal(size=(1, 6)), 0.7
    every = enumerate_masks(9)
    weights, gains = (
        mask_probabilities(every, keep),
        [None, every[:, :5] / keep, every[:, 5:] / keep],
    )

    def mean_log(x):
        return weights @ np.log(softmax(net.forward(x, gains)))[:, 1]

    h = 1e-6
    wanted = [(mean_log(x + h * e) - mean_log(x - h * e)) / (2 * h) for e in np.eye(6)]
    np.testing.assert_allclose(weights @ input_gradients(net, x, [1], gains), wanted, atol=1e-7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("net", np.zeros((1, 6)), [0]), "net must be an MLP"),
        ((deep_net("relu"), np.zeros((1, 5)), [0]), "x must be an array of shape"),
        ((deep_net("relu"), np.zeros((2, 6)), [0]), "y must be an array of shape"),
        ((deep_net("relu"), np.zeros((1, 6)), [3]), "class numbers below n_classes = 3"),
        ((deep_net("relu"), np.zeros((1, 6)), [0], [None, None]), "masks must be a list of 3"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        input_gradients(*arguments)
