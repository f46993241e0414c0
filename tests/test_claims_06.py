"""The claims of notebook 06, by code of its own: the notebook's cells are not used.

What is said about trained nets is trained here, on three seeds; the notebook shows five.
"""

from itertools import product

import numpy as np
import pytest
from trained import parts, trained

from dropout_lib.input_gradients import input_gradients
from dropout_lib.layers import softmax
from dropout_lib.monte_carlo import monte_carlo
from dropout_lib.network import MLP
from dropout_lib.training import fit
from dropout_lib.uncertainty import rotate

SEEDS = range(3)
KEEP = (1.0, 0.5)
PASSES = 120
NOISE = {"noisy": 0.3, "clean": 0.0}


def rng(*seed):
    return np.random.default_rng(seed)


def train(sizes, seed, noise, keep, dtype=np.float64):
    x, y, test = parts(seed, noise)
    net = MLP(sizes, rng(seed, 2), dtype=dtype)
    settings = {"epochs": 60, "learning_rate": 0.02, "rng": rng(seed, 3), "evaluate_every": 60}
    fit(net, x, y, keep=keep, **settings)
    return net, test


@pytest.fixture(scope="module")
def nets():
    """(labels, seed) -> (net, test part, what 120 subnetworks say: (120, 797, 10))"""
    made = {}
    for labels, seed in product(NOISE, SEEDS):
        net, _, test = trained(KEEP[1], seed, noise=NOISE[labels])
        said = monte_carlo(net, test.x, PASSES, KEEP, rng(seed, 4)).astype(np.float64)
        made[labels, seed] = net, test, said / said.sum(axis=-1, keepdims=True)
    return made


@pytest.fixture(scope="module")
def small():
    """A net of 14 units that drop, 40 test images, its subnetworks' weights and answers."""
    keep = 0.8
    net, test = train((64, 7, 7, 10), 1, 0.0, (1.0, keep))
    weights, said = [], []
    for mask in product((0, 1), repeat=14):
        weights.append(keep ** sum(mask) * (1 - keep) ** (14 - sum(mask)))
        gains = [None, np.array(mask[:7]) / keep, np.array(mask[7:]) / keep]
        said.append(softmax(net.forward(test.x[:40], gains)))
    return net, test.x[:40], keep, np.array(weights), np.array(said)


def arithmetic(said):
    total = np.zeros(said.shape[1:])
    for one in said:
        total += one
    return total / len(said)


def geometric(said):
    roots = np.prod(np.maximum(said, 1e-300) ** (1 / len(said)), axis=0)
    return roots / roots.sum(axis=-1, keepdims=True)


def wrong(p, y):
    return np.mean(p.argmax(axis=-1) != y)


def log_loss(p, y):
    return -np.mean(np.log(p[np.arange(len(y)), y]))


# I01: one scaled pass and all subnetworks


@pytest.mark.claim("I01")
def test_the_scaled_pass_is_near_the_geometric_mean_and_surer_than_the_arithmetic_one(small):
    net, x, _, weights, said = small
    assert weights.sum() == pytest.approx(1)
    scaled = net.predict_proba(x)
    mean = np.einsum("m,mbc->bc", weights, said)
    product_of_powers = np.exp(np.einsum("m,mbc->bc", weights, np.log(said)))
    root = product_of_powers / product_of_powers.sum(axis=-1, keepdims=True)

    def far(p):
        return np.abs(p - scaled).max(axis=-1).mean()

    single = np.einsum("m,mb->b", weights, np.abs(said - mean).max(axis=-1)).mean()
    assert 1e-3 < far(root) < far(mean) / 2
    assert far(mean) < single
    assert np.mean(scaled.argmax(axis=1) == mean.argmax(axis=1)) > 0.8
    assert scaled.max(axis=1).mean() > mean.max(axis=1).mean() + 0.05


# I02: the square root of k, and test errors


@pytest.mark.claim("I02")
@pytest.mark.parametrize("k", [1, 10, 100])
def test_the_mean_of_k_passes_approaches_the_average_of_all_as_the_square_root_of_k(small, k):
    """200 means of k for each of 40 images: their squared distances average to Σ σ²/k.

    Every image has masks of its own, so that 8,000 independent squares are averaged. The variance of
    such a square, ‖X̄‖² for a mean of k vectors, is (E‖X‖⁴ + (k − 1)(v² + 2 tr C²))/k³ − v²/k² with
    v = E‖X‖² and the covariance C, all of them sums over the masks. Six standard deviations of the
    average then leave a false alarm a probability of 2e-9 by the normal law, which for sums of
    thousands of bounded terms errs by far less than the factor 500 that is left to 1e-6.
    """
    net, x, keep, weights, said = small
    mean = np.einsum("m,mbc->bc", weights, said)
    off = said - mean
    lengths = (off**2).sum(axis=-1)
    v, fourth = weights @ lengths, weights @ lengths**2
    covariance = np.einsum("m,mbc,mbd->bcd", weights, off, off, optimize=True)
    trace = (covariance**2).sum(axis=(1, 2))
    variance = (fourth + (k - 1) * (v**2 + 2 * trace)) / k**3 - (v / k) ** 2
    deviation = np.sqrt(variance.mean() / (200 * len(x)))
    passes = monte_carlo(net, x, 200 * k, (1.0, keep), rng(9, k)).reshape(200, k, *mean.shape)
    squared = ((passes.mean(axis=1) - mean) ** 2).sum(axis=-1).mean()
    assert abs(squared - v.mean() / k) < 6 * deviation < 0.3 * v.mean() / k


@pytest.mark.claim("I02")
@pytest.mark.parametrize("labels", NOISE)
def test_one_pass_errs_twice_as_often_and_some_ten_to_fifty_are_level_with_the_scaled_one(
    nets, labels
):
    scaled, one, ten, fifty = [], [], [], []
    for seed in SEEDS:
        net, test, said = nets[labels, seed]
        scaled.append(wrong(net.predict_proba(test.x), test.y))
        one.append(np.mean([wrong(p, test.y) for p in said[:40]]))
        ten.append(
            np.mean([wrong(arithmetic(said[i : i + 10]), test.y) for i in range(0, 120, 10)])
        )
        fifty.append(np.mean([wrong(arithmetic(said[i : i + 50]), test.y) for i in (0, 50)]))
    assert np.mean(one) > 1.6 * np.mean(scaled)
    assert np.mean(one) > np.mean(ten) > np.mean(fifty) - 0.001
    assert np.mean(ten) < 1.35 * np.mean(scaled)
    assert abs(np.mean(fifty) - np.mean(scaled)) < 0.015


@pytest.mark.claim("I02")
def test_in_a_small_net_far_fewer_passes_come_as_near_to_the_average_of_all(small):
    net, x, _, weights, said = small
    mean = np.einsum("m,mbc->bc", weights, said)
    variance = np.einsum("m,mbc->", weights, (said - mean) ** 2)
    assert variance / ((net.predict_proba(x) - mean) ** 2).sum() < 10  # passes


# I03: deterministic or random, one pass or k


@pytest.mark.claim("I03")
def test_the_scaled_pass_repeats_itself_and_monte_carlo_does_not(nets):
    net, test, said = nets["noisy", 0]
    np.testing.assert_array_equal(net.predict_proba(test.x), net.predict_proba(test.x))
    draws = rng(0)
    one, other = (monte_carlo(net, test.x, 10, KEEP, draws).mean(axis=0) for _ in range(2))
    assert np.abs(one - other).max() > 0.05
    assert wrong(one, other.argmax(axis=1)) > 0.01
    changed = [
        wrong(arithmetic(said[:k]), arithmetic(said[k : 2 * k]).argmax(axis=1)) for k in (1, 10, 50)
    ]
    assert changed == sorted(changed, reverse=True)
    assert changed[0] > 0.1


@pytest.mark.claim("I03")
def test_k_passes_take_k_times_the_matrix_products(monkeypatch):
    """Counted, not timed: rows that go through the second layer of a net."""
    net, x = MLP((6, 5, 4, 3), rng(0)), rng(1).random((7, 6))
    rows = []
    product_of = np.matmul

    def counting(h, W, out=None):
        rows.append(len(h) if W.shape == (5, 4) else 0)
        return product_of(h, W, out=out)

    monkeypatch.setattr("dropout_lib.monte_carlo.np.matmul", counting)
    for k in (1, 10, 100):
        rows.clear()
        monte_carlo(net, x, k, KEEP, rng(2))
        assert sum(rows) == 7 * k


# I04: entropy, near and far from the training data


def entropy_of(p):
    return -np.sum(p * np.log(np.maximum(p, 1e-300)), axis=-1)


def disagreement_of(said):
    """Mean divergence of the passes from their average: the mutual information, by another formula."""
    said = np.maximum(said.astype(float), 1e-300)
    mean = said.mean(axis=0)
    return np.mean(np.sum(said * (np.log(said) - np.log(mean)), axis=-1), axis=0)


@pytest.mark.claim("I04")
def test_entropy_and_disagreement_are_high_where_upright_digits_are_misread(nets):
    for seed in SEEDS:
        _, test, said = nets["clean", seed]
        mean = arithmetic(said)
        missed = mean.argmax(axis=1) != test.y
        for unsure in (entropy_of(mean), disagreement_of(said)):
            assert unsure[missed].mean() > 3 * unsure[~missed].mean()


@pytest.mark.claim("I04")
def test_most_of_the_doubt_that_noisy_labels_teach_is_not_spread(nets):
    for seed in SEEDS:
        _, _, said = nets["noisy", seed]
        assert disagreement_of(said).mean() < 0.25 * entropy_of(arithmetic(said)).mean()


@pytest.mark.claim("I04")
def test_turned_digits_are_unsure_at_45_degrees_but_sure_and_wrong_on_their_side(nets):
    for seed in SEEDS:
        net, test, _ = nets["clean", seed]
        entropies, spreads, means, scaled = {}, {}, {}, {}
        for angle in (0, 45, 90):
            x = rotate(test.x, angle)
            said = monte_carlo(net, x, 30, KEEP, rng(seed, angle))
            means[angle], spreads[angle] = arithmetic(said), disagreement_of(said).mean()
            scaled[angle] = net.predict_proba(x)
            entropies[angle] = entropy_of(means[angle]).mean()
        assert entropies[45] > 3 * entropies[0]
        assert entropies[90] < 0.6 * entropies[45]
        assert spreads[45] > 3 * spreads[0]
        assert spreads[90] < 0.7 * spreads[45]
        missed = means[90].argmax(axis=1) != test.y
        assert missed.mean() > 0.75
        assert np.mean(missed & (means[90].max(axis=1) > 0.9)) > 0.4
        for angle in means:  # surer still by weight scaling
            assert scaled[angle].max(axis=1).mean() > means[angle].max(axis=1).mean()


# I05: gradients with dropout on, and with the masks held


@pytest.mark.claim("I05")
def test_gradients_with_dropout_on_differ_from_call_to_call_and_their_mean_settles(nets):
    def cosine(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    net, test, _ = nets["noisy", 0]
    single, settled, scaled = [], [], []
    for image in range(15):
        x, y = test.x[[image]], test.y[[image]]
        gains = [None] + [(rng(image, n).random((1000, 256)) < 0.5) * 2.0 for n in range(2)]
        drawn = input_gradients(net, x, y, gains)
        single += [cosine(drawn[i], drawn[i + 1]) for i in range(0, 40, 2)]
        settled.append(cosine(drawn[:500].mean(axis=0), drawn[500:].mean(axis=0)))
        scaled.append(cosine(drawn.mean(axis=0), input_gradients(net, x, y)[0]))
    assert np.mean(single) < 0.8
    assert np.mean(settled) > 0.98
    assert 0.8 < np.mean(scaled) < np.mean(settled)


@pytest.mark.claim("I05")
def test_a_difference_quotient_with_fresh_masks_spreads_as_1_over_h():
    net, x = MLP((6, 20, 20, 3), rng(0)), rng(1).normal(size=6)
    step = np.ones(6) / np.sqrt(6)
    spread = []
    for h in (1e-2, 1e-3, 1e-4):
        sides = [
            np.log(monte_carlo(net, (x + sign * step)[None], 2000, (1.0, 0.5), rng(2, i))[:, 0, 0])
            for i, sign in enumerate((h, -h))
        ]
        spread.append(np.std((sides[0] - sides[1]) / (2 * h)))
    assert spread[1] / spread[0] == pytest.approx(10, rel=0.2)
    assert spread[2] / spread[1] == pytest.approx(10, rel=0.2)


# I06: two averages


@pytest.mark.claim("I06")
@pytest.mark.parametrize("labels", NOISE)
def test_their_errors_are_alike(nets, labels):
    gaps = [
        wrong(geometric(said[:100]), test.y) - wrong(arithmetic(said[:100]), test.y)
        for (kind, _), (_, test, said) in nets.items()
        if kind == labels
    ]
    assert abs(np.mean(gaps)) < 0.01


@pytest.mark.claim("I06")
def test_the_geometric_mean_has_the_lower_log_loss_after_noisy_labels_and_the_higher_on_turned_digits(
    nets,
):
    for seed in SEEDS:
        _, test, said = nets["noisy", seed]
        assert log_loss(geometric(said), test.y) < log_loss(arithmetic(said), test.y) - 0.05
        net, test, _ = nets["clean", seed]
        turned = monte_carlo(net, rotate(test.x, 60), 50, KEEP, rng(seed, 6)).astype(np.float64)
        turned = np.maximum(turned, 1e-30)
        assert log_loss(geometric(turned), test.y) > log_loss(arithmetic(turned), test.y) + 0.5
