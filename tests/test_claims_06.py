"""The claims of notebook 06, by code of its own: the notebook's cells are not used.

What is said about trained nets is trained here, on three seeds; the notebook shows five. The last part
looks at the stored results, and makes one point of them anew.
"""

import ast
import importlib.util
import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.metrics import roc_auc_score
from trained import parts, trained

from dropout_lib.ensembles.random_masks import monte_carlo
from dropout_lib.ensembles.uncertainty import rotate
from dropout_lib.nets.gradients import input_gradients
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.passes import softmax
from dropout_lib.nets.training import fit

SEEDS = range(3)
KEEP = (1.0, 0.5)
NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
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

    monkeypatch.setattr("dropout_lib.ensembles.random_masks.np.matmul", counting)
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


def finds_errors(doubt, p, y):
    return roc_auc_score(p.argmax(axis=1) != y, doubt)


@pytest.mark.claim("I04")
@pytest.mark.parametrize("labels", NOISE)
def test_one_scaled_pass_finds_errors_as_well_as_the_spread_of_a_hundred(nets, labels):
    gaps, disagreement_ahead = [], []
    for seed in SEEDS:
        net, test, said = nets[labels, seed]
        mean, scaled = arithmetic(said), net.predict_proba(test.x)
        by_one_pass = finds_errors(entropy_of(scaled), scaled, test.y)
        gaps.append(finds_errors(entropy_of(mean), mean, test.y) - by_one_pass)
        disagreement_ahead.append(finds_errors(disagreement_of(said), mean, test.y) - by_one_pass)
        assert by_one_pass > 0.75
    assert abs(np.mean(gaps)) < 0.03
    assert np.mean(disagreement_ahead) < 0.03


@pytest.mark.claim("I04")
@pytest.mark.parametrize("labels", NOISE)
def test_digits_on_their_side_are_noticed_by_disagreement_better_than_by_one_pass(nets, labels):
    turned = np.repeat([False, True], 797)
    for seed in SEEDS:
        net, test, said = nets[labels, seed]
        x = rotate(test.x, 90)
        passes = monte_carlo(net, x, PASSES, KEEP, rng(seed, 90))
        spread = np.concatenate([disagreement_of(said), disagreement_of(passes)])
        scaled = np.concatenate([entropy_of(net.predict_proba(images)) for images in (test.x, x)])
        assert roc_auc_score(turned, spread) > roc_auc_score(turned, scaled) + 0.1


@pytest.mark.claim("I04")
def test_after_clean_labels_the_average_is_too_unsure_and_the_one_pass_nearly_calibrated(nets):
    too_sure = []
    for seed in SEEDS:
        net, test, said = nets["clean", seed]
        both = arithmetic(said), net.predict_proba(test.x)
        too_sure.append([p.max(axis=1).mean() - 1 + wrong(p, test.y) for p in both])
    average, scaled = np.mean(too_sure, axis=0)
    assert average < -0.015
    assert abs(scaled) < 0.015


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


@pytest.mark.claim("I05")
def test_a_difference_quotient_with_held_masks_is_the_derivative_of_that_subnetwork():
    net, x, y = MLP((6, 20, 20, 3), rng(0)), rng(1).normal(size=(1, 6)), [2]
    gains = [None] + [(rng(2, layer).random((50, 20)) < 0.5) * 2.0 for layer in range(2)]
    step = np.ones(6) / np.sqrt(6)
    above, below = (np.log(softmax(net.forward(x + h * step, gains))[:, 2]) for h in (1e-6, -1e-6))
    slopes = input_gradients(net, x, y, gains) @ step
    np.testing.assert_allclose((above - below) / 2e-6, slopes, atol=1e-6)
    assert np.std(slopes) > 0.1  # they are different subnetworks


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


def at_temperature(p, t):
    powers = p ** (1 / t)
    return powers / powers.sum(axis=-1, keepdims=True)


def best_temperature(p, y):
    def loss(log_t):
        return log_loss(at_temperature(p, np.exp(log_t)), y)

    return np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x)


@pytest.mark.claim("I06")
def test_with_one_temperature_for_each_average_nothing_of_the_lead_is_left(nets):
    raw, fitted = [], []
    for seed in SEEDS:
        _, test, said = nets["noisy", seed]
        geo, mean = geometric(said), arithmetic(said)
        raw.append(log_loss(geo, test.y) - log_loss(mean, test.y))
        halves = slice(0, 400), slice(400, None)
        for fit_on, use_on in (halves, halves[::-1]):
            losses = [
                log_loss(
                    at_temperature(p[use_on], best_temperature(p[fit_on], test.y[fit_on])),
                    test.y[use_on],
                )
                for p in (geo, mean)
            ]
            fitted.append(losses[0] - losses[1])
    assert np.mean(raw) < -0.07
    assert -0.01 < np.mean(fitted) < 0.03


# What is stored, and the two lines that read it


@pytest.fixture(scope="module")
def stored():
    with np.load(NOTEBOOKS / "stored" / "06_inference.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def command():
    """The module of `notebooks/stored/06_inference.py`."""
    path = NOTEBOOKS / "stored" / "06_inference.py"
    spec = importlib.util.spec_from_file_location("stored_06", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_same_measures(made, kept):
    """Two images at most change class by rounding; every one of them is 0.125 % of 797."""
    np.testing.assert_allclose(made[..., 0], kept[..., 0], atol=0.26)
    np.testing.assert_allclose(made[..., 1:3], kept[..., 1:3], rtol=0.01, atol=1e-3)


@pytest.mark.parametrize(("labels", "seed"), [("noisy", 1), ("clean", 3)])
def test_scores_are_what_their_command_makes(stored, command, labels, seed):
    made = command.by_passes(labels, seed)
    for name in ("scores", "scaled"):
        assert_same_measures(made[name], stored[f"{labels}/{name}"][seed])
    np.testing.assert_allclose(made["changed"], stored[f"{labels}/changed"][seed], atol=0.6)


def test_turned_images_are_what_their_command_makes(stored, command):
    made = command.by_angle("clean", 2, (0, 90))
    places = [list(command.ANGLES).index(angle) for angle in (0, 90)]
    kept = stored["clean/turned"][2, places]
    assert_same_measures(made["turned"], kept)
    np.testing.assert_allclose(made["turned"][..., 3], kept[..., 3], atol=0.01)
    np.testing.assert_allclose(made["unsure"], stored["clean/unsure"][2, places], atol=0.01)
    off = np.abs(made["images"] - stored["clean/images"][2])
    assert off.mean() < 0.005


def test_the_stored_small_net_is_what_its_command_makes(stored, command):
    _, _, test = parts(0, 0.0)
    errors = []
    for parameters in (command.small_net(), [stored[f"small/{n}"] for n in range(6)]):
        net = MLP((64, 7, 7, 10), rng(0))
        net.parameters = parameters
        errors.append(wrong(net.predict_proba(test.x), test.y))
    assert errors[0] == pytest.approx(errors[1], abs=0.03)
    assert errors[1] < 0.2


def test_a_stored_temperature_is_the_one_with_the_lowest_log_loss(command):
    draws = rng(5)
    p = softmax(draws.normal(size=(300, 10)) * 3)
    y = np.array([draws.choice(10, p=at_temperature(row, 2.5)) for row in p])
    found = command.temperature(p, y)
    assert found == pytest.approx(best_temperature(p, y), rel=1e-3)
    halves = np.arange(300) % 2 == 0
    expected = [
        log_loss(at_temperature(p[use], best_temperature(p[~use], y[~use])), y[use])
        for use in (halves, ~halves)
    ]
    error, raw, fitted, _ = command.measures(p, y)
    assert error == pytest.approx(100 * wrong(p, y))
    assert raw == pytest.approx(log_loss(p, y))
    assert fitted == pytest.approx(np.mean(expected), rel=1e-4)


@pytest.mark.claim("I06")
def test_in_all_five_stored_nets_the_lead_turns_round_at_the_fitted_temperature(stored):
    arithmetic_scores, geometric_scores = np.moveaxis(stored["noisy/scores"][:, :, :, -1], 1, 0)
    lead = (geometric_scores - arithmetic_scores).mean(axis=1)
    assert (lead[:, 1] < -0.08).all()
    assert (lead[:, 2] > 0).all()


def test_the_auroc_of_the_notebook_is_that_of_scikit_learn():
    notebook = json.loads((NOTEBOOKS / "06_inference.ipynb").read_text("utf-8"))
    sources = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    (source,) = (text for text in sources if "def auroc(" in text)
    (node,) = (n for n in ast.parse(source).body if getattr(n, "name", "") == "auroc")
    names = {"np": np}
    exec(ast.unparse(node), names)
    for seed in range(5):
        doubt = rng(seed).integers(0, 30, 200) / 10  # many ties
        odd = rng(seed, 1).random(200) < 0.1 + 0.2 * doubt / 3
        assert names["auroc"](doubt, odd) == pytest.approx(roc_auc_score(odd, doubt))
