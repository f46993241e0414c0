"""The protocol behind the measured claims: intervals, the same draws on both sides, stored nets."""

import numpy as np
import pytest
from scipy import stats

from dropout_lib import experiments
from dropout_lib.data import load_digits
from dropout_lib.experiments import Interval


@pytest.mark.parametrize("k", [2, 5, 20])
def test_without_overlap_the_interval_is_students(k):
    values = np.random.default_rng(k).normal(3, 1, k)
    ours = Interval(values, n_test=0)
    low, high = stats.t.interval(0.95, k - 1, values.mean(), stats.sem(values))
    assert (ours.mean - ours.half, ours.mean + ours.half) == pytest.approx((low, high), rel=2e-4)


def test_overlapping_splits_widen_it_as_nadeau_and_bengio_say():
    values = [8.0, 9.0, 7.5, 8.5, 10.0]
    own, choosing = Interval(values), Interval(values, n_test=397)
    plain = Interval(values, n_test=0)
    assert own.half / plain.half == pytest.approx(np.sqrt((1 / 5 + 0.797) / (1 / 5)))
    assert choosing.half / plain.half == pytest.approx(np.sqrt((1 / 5 + 0.397) / (1 / 5)))


def test_the_corrected_interval_covers_as_often_as_it_promises():
    """Splits of one sample, as in the collection; the mean over all samples is known."""
    rng, hits = np.random.default_rng(0), 0
    for _ in range(400):
        sample = rng.normal(size=100)  # its split means estimate 0
        tests = [sample[rng.permutation(100)[:44]] for _ in range(5)]  # 44 of 100, as 797 of 1,797
        found = Interval([test.mean() for test in tests], n_train=56, n_test=44)
        hits += not found.certain
    assert hits / 400 > 0.85
    # the uncorrected one is wrong far more often than one time in twenty
    rng, hits = np.random.default_rng(0), 0
    for _ in range(400):
        sample = rng.normal(size=100)
        tests = [sample[rng.permutation(100)[:44]] for _ in range(5)]
        hits += not Interval([test.mean() for test in tests], n_test=0).certain
    assert hits / 400 < 0.8


def test_an_interval_writes_itself():
    found = Interval([1.0, 2.0, 3.0], n_test=0)
    assert f"{found:.1f}" == "2.0 ± 2.5"
    assert f"{found:+.1f} points" == "+2.0 ± 2.5 points"
    assert f"{found}" == "2 ± 2.48"
    assert repr(found) == "Interval(2 ± 2.48)"
    assert not found.certain
    assert Interval([-2.0, -2.1, -1.9]).certain


@pytest.mark.parametrize("values", [[1.0], [], [[1.0, 2.0]], [1.0, np.nan], ["a", "b"], range(21)])
def test_what_gives_no_interval_is_refused(values):
    with pytest.raises(ValueError, match="values"):
        Interval(values)


def test_two_nets_of_one_seed_differ_in_what_was_asked_for_alone():
    plain, dropout = (experiments.train(keep, 3, epochs=1, hidden=(16,)) for keep in (1.0, 0.5))
    assert np.array_equal(plain.test.x, dropout.test.x)
    assert not np.array_equal(plain.net.parameters[0], dropout.net.parameters[0])
    again = experiments.train(0.5, 3, epochs=1, hidden=(16,))
    for one, other in zip(again.net.parameters, dropout.net.parameters, strict=True):
        assert np.array_equal(one, other)
    noisy, clean = (experiments.digits_for(3, labels)[0] for labels in ("noisy", "clean"))
    assert np.array_equal(noisy.x, clean.x)
    assert 0.2 < np.mean(noisy.y != clean.y) < 0.3


def test_new_hands_leave_no_block_of_the_file_on_both_sides():
    x, _ = load_digits()
    place = {row.tobytes(): number for number, row in enumerate(x)}  # all images differ
    assert len(place) == len(x)
    for seed in range(5):
        train, test = experiments.digits_for(seed, "clean", new_hands=True)
        block = [
            {np.searchsorted(np.cumsum([139] * 3 + [138] * 10), place[row.tobytes()], side="right")
             for row in part.x} for part in (train, test)
        ]  # fmt: skip
        assert block[0] | block[1] == set(range(13))
        assert not block[0] & block[1]
        assert len(train.y) == 1000


@pytest.mark.parametrize("n_train", [0, 1797, 1659, 2.5])
def test_a_split_by_writers_that_leaves_nobody_to_test_is_refused(n_train):
    with pytest.raises(ValueError, match="n_train"):
        experiments.digits_for(0, n_train=n_train, new_hands=True)


@pytest.mark.parametrize(
    ("kind", "labels"), [("plain", "noisy"), ("dropout", "clean"), ("stopped early", "noisy")]
)
def test_a_stored_net_is_what_its_command_makes(kind, labels):
    net, history = experiments.stored_net(kind, 1, labels)
    made = experiments.train(seed=1, labels=labels, **experiments.KINDS[kind])
    assert len(history.validation_error) == len(made.history.validation_error)
    # another processor rounds differently, and a trained net may end a few images away
    stored_error = np.mean(net.predict(made.test.x) != made.test.y)
    assert stored_error == pytest.approx(history.validation_error[-1], abs=0.005)  # half precision
    assert stored_error == pytest.approx(made.history.validation_error[-1], abs=0.03)


def test_a_stored_net_can_be_changed_without_harm():
    net, _ = experiments.stored_net("plain", 0)
    net.parameters[0][...] = 0
    assert experiments.stored_net("plain", 0)[0].parameters[0].any()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(("none", 0), "kind"), (("plain", 5), "seed"), (("plain", 0, "odd"), "labels")],
)
def test_a_net_that_is_not_stored_is_refused(arguments, name):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        experiments.stored_net(*arguments)
