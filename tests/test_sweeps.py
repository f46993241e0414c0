"""Sweeps: what they train, how they stop and go on, the grids, and Gaussian noise in a net."""

import json
import runpy
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from dropout_lib import data
from dropout_lib.experiments import regularisation as grids
from dropout_lib.experiments import sweeps
from dropout_lib.experiments.sweeps import Setting
from dropout_lib.nets.gaussian_noise import GaussianMLP, sample_gaussian_gains
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.passes import softmax
from dropout_lib.nets.training import fit

STORED = Path(__file__).resolve().parent.parent / "notebooks" / "stored"
TOOL = runpy.run_path(str(STORED / "07_regularisation.py"))
SMALL = Setting(hidden=(8,), n_train=60, epochs=3)


def rng(*seed):
    return np.random.default_rng(seed)


def finish(steps):
    *_, last = steps
    return last


# Settings


def test_a_name_is_short_and_belongs_to_one_setting():
    assert Setting().name == "noisy, 256-256, keep 1"
    settings = {s for group in grids.everything().values() for s in group}
    assert len({s.name for s in settings}) == len(settings)
    every_field = Setting("clean", 0.5, 0.9, (3,), 0.1, 2.0, 3.0, "gaussian", 7, 9, 0, 2, True)
    changed = [
        Setting(**{field: getattr(every_field, field)})
        for field in Setting.__dataclass_fields__
        if field not in ("pool",)  # not without n_train
    ]
    names = {s.name for s in [*changed, Setting(), every_field, Setting(n_train=5, pool=9)]}
    assert len(names) == len(changed) + 3


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"labels": "dirty"}, "labels"), ({"noise": "uniform"}, "noise"), ({"epochs": 0}, "epochs"),
     ({"n_train": 1001}, "n_train"), ({"n_validation": -1}, "n_validation")],
)  # fmt: skip
def test_a_strange_setting_is_refused(wrong, named):
    with pytest.raises(ValueError, match=f"{named} must"):
        Setting(**wrong)


def test_no_image_is_in_two_parts_and_the_test_part_does_not_depend_on_the_size():
    tests = {}
    for n in (50, 700, 1400):
        train, validation, test = sweeps.images_for(
            Setting(n_train=n, pool=1400, n_validation=0), 3
        )
        assert (len(train.x), validation, len(test.x)) == (n, None, 397)
        tests[n] = {image.tobytes() for image in test.x}
        assert not tests[n] & {image.tobytes() for image in train.x}
    assert tests[50] == tests[700] == tests[1400]
    parts = sweeps.images_for(Setting(), 3)
    assert [len(part.x) for part in parts] == [1000, 400, 397]
    keys = [{image.tobytes() for image in part.x} for part in parts]
    assert len(keys[0] | keys[1] | keys[2]) == sum(map(len, keys))


def test_only_training_labels_are_noisy():
    truth = {image.tobytes(): label for image, label in zip(*data.load_digits(), strict=True)}
    for labels, share in (("noisy", (0.2, 0.34)), ("clean", (0, 0))):
        parts = sweeps.images_for(Setting(labels), 1)
        wrong = [
            np.mean([truth[x.tobytes()] != y for x, y in zip(*part, strict=True)]) for part in parts
        ]
        assert share[0] <= wrong[0] <= share[1]
        assert wrong[1:] == [0, 0]


# Training


@pytest.mark.parametrize("curve", [False, True])
def test_a_net_is_trained_as_fit_does(curve):
    setting = Setting("noisy", 0.6, 0.9, (8, 7), 0.001, 1.2, 0.9, epochs=3, curve=curve)
    progress, errors = finish(sweeps.train_steps(setting, 4))
    train, validation, test = sweeps.images_for(setting, 4)
    net = MLP((64, 8, 7, 10), rng(4, 2), dtype=np.float32)
    wanted = {"validation": [], "test": []}

    def measure(_history):
        for part, digits in (("validation", validation), ("test", test)):
            answers = softmax(net.forward(digits.x)).argmax(axis=1)
            wanted[part].append(100 * np.mean(answers != digits.y))

    fit(net, *train, keep=(0.9, 0.6), epochs=3, learning_rate=0.02, momentum=0.9, batch_size=32,
        weight_decay=0.001, max_norm=1.2, max_norm_output=0.9, rng=rng(4, 3), on_epoch=measure)  # fmt: skip
    assert progress == 1
    for part, values in wanted.items():
        assert errors[part] == pytest.approx(values if curve else values[-1:])


def test_a_sweep_trains_each_setting_once_per_seed_and_says_how_far_it_is():
    other = Setting("clean", hidden=(8,), n_train=60, epochs=2, curve=True, n_validation=0)
    shares, found = [], {}
    for share, state in sweeps.run([SMALL, other, SMALL], range(2), found):
        assert state is found
        shares.append(share)
    assert shares == sorted(shares)
    assert len(shares) >= 2 * 3 + 2 * 2
    assert shares[-1] == 1
    assert list(found) == [SMALL.name, other.name]
    assert {part: v.shape for part, v in found[SMALL.name].items()} == {
        "validation": (2,),
        "test": (2,),
    }
    assert {part: v.shape for part, v in found[other.name].items()} == {"test": (2, 2)}
    alone = finish(sweeps.train_steps(SMALL, 1))[1]
    assert found[SMALL.name]["test"][1] == alone["test"][0]


def test_a_stopped_sweep_goes_on_where_it_was_left(tmp_path):
    settings = [SMALL, Setting(hidden=(9,), n_train=60, epochs=3)]
    path = tmp_path / "stored" / "x.json"
    whole = finish(sweeps.run(settings, range(2)))[1]
    found = {}
    for _ in sweeps.run(settings, range(2), found):
        if found:  # the first setting is done: stop in the middle of the second
            break
    assert list(found) == [SMALL.name]
    sweeps.write(found, path, "this test", range(2))
    resumed = sweeps.read(path)
    kept = resumed[SMALL.name]
    rest = [*sweeps.run(settings, range(2), resumed)]
    assert len(rest) < len([*sweeps.run(settings, range(2))])
    assert resumed[SMALL.name] is kept
    for name, parts in whole.items():
        for part, values in parts.items():
            np.testing.assert_allclose(resumed[name][part], values, atol=0.005)
    assert [*sweeps.run(settings, range(2), resumed)] == [(1.0, resumed)]


def test_a_file_is_never_half_written(tmp_path):
    path = tmp_path / "x.json"
    sweeps.write({"a": {"test": np.array([1.234, 5.0])}}, path, "m", range(2))
    assert json.loads(path.read_text("utf-8")) == {
        "made by": "m", "seeds": [0, 1], "errors": {"a": {"test": [1.23, 5.0]}}
    }  # fmt: skip
    with pytest.raises(AttributeError):
        sweeps.write({"a": None}, path, "m", range(2))
    assert sweeps.read(path)["a"]["test"].tolist() == [1.23, 5.0]
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError):  # not an empty result: a notebook would go on without its numbers
        sweeps.read(tmp_path / "none.json")


# Grids


def test_fixed_kept_units_are_kept_units():
    for n in grids.KEPT_UNITS:
        for setting in grids.at_fixed_kept_units("clean", n):
            assert setting.keep * setting.hidden[0] == pytest.approx(n, rel=0.03)
            assert setting.hidden[0] == setting.hidden[1]


def test_the_second_budget_is_one_of_steps():
    epochs, steps = (grids.by_size("noisy", 0.5, budget) for budget in grids.BUDGETS)
    assert {setting.epochs for setting in epochs} == {60}
    taken = [setting.epochs * -(-setting.n_train // 32) for setting in steps]
    assert all(abs(n - 1920) < 30 for n in taken)


def test_each_regulariser_has_six_candidates_and_a_mixture_two_for_each_keep_that_dropout_has():
    for labels in sweeps.LABELS:
        candidates = grids.regularisers(labels)
        assert all(s.labels == labels for settings in candidates.values() for s in settings)
        keeps = {s.keep for s in candidates["dropout"]}
        for name, settings in candidates.items():
            is_mixture = name in ("dropout, inputs too", "all three") or name.startswith("dropout +")
            assert len(set(settings)) == (12 if is_mixture else 6)
            assert not is_mixture or {s.keep for s in settings} == keeps


def test_max_norm_means_the_hidden_units_and_its_grid_brackets_what_is_chosen():
    candidates = grids.regularisers("noisy")
    assert all(s.max_norm_output is None for s in candidates["max-norm"] + candidates["dropout + max-norm"])
    for name in ("max-norm, softmax too", "dropout + max-norm, softmax too"):
        assert all(s.max_norm == s.max_norm_output is not None for s in candidates[name])
    stored = sweeps.read(STORED / "07_regularisation.json")
    for name in ("max-norm", "max-norm, softmax too"):
        caps = [s.max_norm for s in candidates[name]]
        chosen = np.argmin([stored[s.name]["validation"] for s in candidates[name]], axis=0)
        assert caps == sorted(caps)
        assert 0 < min(chosen) <= max(chosen) < len(caps) - 1


# Gaussian noise


@pytest.mark.claim("R09")
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_gaussian_gains_have_the_moments_of_dropout(keep):
    drawn = sample_gaussian_gains(20_000, 6, keep, rng(0))
    masks = (rng(1).random((20_000, 6)) < keep) / keep
    variance = (1 - keep) / keep
    for gains in (drawn, masks):
        assert gains.mean() == pytest.approx(1, abs=5 * np.sqrt(variance / gains.size))
        assert gains.var() == pytest.approx(variance, rel=0.05)
    assert np.unique(drawn).size == drawn.size
    assert np.abs(np.corrcoef(drawn.T) - np.eye(6)).max() < 0.04


def test_each_unit_may_have_its_own_keep():
    drawn = sample_gaussian_gains(20_000, 3, (0.3, 0.6, 1.0), rng(0))
    np.testing.assert_allclose(drawn.var(axis=0), [0.7 / 0.3, 0.4 / 0.6, 0], rtol=0.05)


def test_the_net_draws_them_for_the_layers_that_drop():
    net = GaussianMLP((5, 40, 30, 3), rng(0), dtype=np.float32)
    keeps = net.layer_keeps((1.0, 0.5))
    nothing, *gains = net.sample_gains(500, keeps, rng(1), inverted=True)
    assert nothing is None
    assert [(g.shape, g.dtype) for g in gains] == [((500, 40), np.float32), ((500, 30), np.float32)]
    for g in gains:
        assert g.mean() == pytest.approx(1, abs=0.05)
        assert g.var() == pytest.approx(1, rel=0.05)


def test_gradients_under_gaussian_noise_are_those_of_finite_differences():
    net = GaussianMLP((4, 6, 5, 3), rng(0), activation="tanh")
    x, y = rng(1).normal(size=(7, 4)), rng(2).integers(3, size=7)

    def loss():
        return net.loss_and_gradients(x, y, keep=(0.8, 0.6), rng=rng(3))[0]  # the same draws

    _, gradients = net.loss_and_gradients(x, y, keep=(0.8, 0.6), rng=rng(3))
    for parameter, gradient in zip(net.parameters, gradients, strict=True):
        for place in np.ndindex(parameter.shape):
            old = parameter[place]
            parameter[place] = old + 1e-6
            above = loss()
            parameter[place] = old - 1e-6
            below = loss()
            parameter[place] = old
            assert gradient[place] == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-8)


def test_it_predicts_without_noise_and_refuses_the_standard_convention():
    net = GaussianMLP((4, 6, 3), rng(0))
    plain = MLP((4, 6, 3), rng(0))
    x = rng(1).normal(size=(7, 4))
    np.testing.assert_array_equal(net.predict_proba(x), plain.predict_proba(x))
    with pytest.raises(ValueError, match="inverted must be True"):
        net.loss_and_gradients(x, [0] * 7, keep=(1, 0.5), rng=rng(2), inverted=False)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((0, 2, 0.5), "n_examples"), ((2, 2.5, 0.5), "n_units"), ((2, 2, 0), "keep")],
)
def test_strange_gains_are_refused(arguments, named):
    with pytest.raises(ValueError, match=named):
        sample_gaussian_gains(*arguments, rng(0))
    with pytest.raises(ValueError, match="rng"):
        sample_gaussian_gains(2, 2, 0.5, 7)


# The stored results


def test_the_stored_results_are_those_that_the_tool_would_make():
    stored = json.loads((STORED / "07_regularisation.json").read_text("utf-8"))
    assert stored["made by"] == TOOL["COMMAND"] == "python notebooks/stored/07_regularisation.py"
    assert stored["seeds"] == list(TOOL["SEEDS"])
    settings = {s.name: s for group in grids.everything().values() for s in group}
    assert set(stored["errors"]) == set(settings)
    for name, parts in stored["errors"].items():
        s = settings[name]
        assert set(parts) == ({"validation", "test"} if s.n_validation else {"test"})
        for values in parts.values():
            assert np.shape(values) == ((5, s.epochs) if s.curve else (5,))
            assert np.all((np.array(values) >= 0) & (np.array(values) <= 100))


def test_the_stored_arrays_have_a_row_for_each_seed_and_each_epoch():
    with np.load(STORED / "07_regularisation.npz") as stored:
        shapes = {name: stored[name].shape for name in stored.files}
    wanted = {f"split/{kind}": (5, 3) for kind in TOOL["CAPPED"]}
    for net, cap in product(grids.NET_KEEPS, TOOL["LENGTHS"]):
        wanted |= {f"lengths/{net}/{cap}/{layer}": (60, n) for layer, n in ((1, 256), (2, 256), (3, 10))}
    assert shapes == wanted


def test_an_array_made_anew_is_the_stored_one():
    with np.load(STORED / "07_regularisation.npz") as stored:
        rows, lengths = stored["split/both"], [stored[f"lengths/plain net/cap 1/{layer}"] for layer in (1, 2, 3)]
    learned, error, lead = TOOL["split_row"]("both", 0)
    # Another BLAS rounds differently, and sixty epochs make more of it.
    assert learned == pytest.approx(rows[0, 0], abs=4)
    assert error == pytest.approx(rows[0, 1], abs=3)
    assert lead == pytest.approx(rows[0, 2], abs=0.3)
    for made, kept in zip(TOOL["lengths"](1.0, "cap 1"), lengths, strict=True):
        assert made[0] == pytest.approx(kept[0], abs=0.002)  # after one epoch rounding has not spread yet
        assert made.mean(axis=1) == pytest.approx(kept.mean(axis=1), rel=0.05)
