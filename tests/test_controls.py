"""Controls: bounds, kinds, and that `settings` lists what a control accepts."""

import re

import ipywidgets as widgets
import numpy as np
import pytest

from dropout_lib import live

CONTROLS = {
    "whole slider": lambda: live.slider("n", 2, 9, 4),
    "whole slider in twos": lambda: live.slider("n", 2, 10, 4, 2),
    "real slider": lambda: live.slider("s", 0.0, 0.9, 0.25),
    "keep": lambda: live.keep_slider(),
    "stops": lambda: live.steps("n", [1, 3, 10, 30], 10),
    "choice": lambda: live.choice("f", ["linear", "ReLU"], "ReLU"),
    "choice of a dictionary": lambda: live.choice("f", {"a": 1, "b": 2}, "a"),
    "toggle": lambda: live.toggle("on"),
    "seed": lambda: live.seed(),
}


@pytest.mark.parametrize("make", CONTROLS.values(), ids=CONTROLS)
def test_every_setting_is_accepted_and_starts_among_them(make):
    control = make()
    values = live.settings(control)
    assert len(values) == len(set(values)) > 1
    assert any(control.value == pytest.approx(value) for value in values)
    for value in values:
        control.value = value
        assert control.value == value


def test_settings_reach_both_ends():
    assert live.settings(live.slider("n", 2, 9, 4)) == list(range(2, 10))
    keeps = live.settings(live.keep_slider())
    assert (keeps[0], keeps[-1], len(keeps)) == (pytest.approx(0.05), 1.0, 20)


def test_settings_are_exactly_what_the_control_can_take():
    assert live.settings(live.slider("n", 2, 10, 4, 2)) == [2, 4, 6, 8, 10]
    assert live.settings(live.slider("s", 0.0, 0.5, 0.1, 0.1)) == pytest.approx(
        [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    )
    assert live.settings(live.steps("n", (1, 3, 10), 3)) == [1, 3, 10]
    assert live.settings(live.steps("n", [("one", 1), ("two", 2)], 2)) == [1, 2]
    assert live.settings(live.choice("f", ["linear", "ReLU"], "ReLU")) == ["linear", "ReLU"]
    assert live.settings(live.toggle("on")) == [False, True]
    assert live.settings(live.seed()) == list(range(1000))


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        ((1, 5, 2), widgets.IntSlider),
        ((np.int64(1), np.int64(5), np.int64(2)), widgets.IntSlider),
        ((0, 10, 2, 2), widgets.IntSlider),
        ((0, 1, 0.5), widgets.FloatSlider),
        ((0.0, 1, 0), widgets.FloatSlider),
        ((0, 10, 2, 0.5), widgets.FloatSlider),
        ((np.float32(0), 1, 0), widgets.FloatSlider),
    ],
)
def test_whole_numbers_make_a_whole_slider(numbers, kind):
    slider = live.slider("label", *numbers)
    assert type(slider) is kind
    assert (slider.min, slider.max, slider.value) == numbers[:3]
    assert slider.description == "label"
    assert slider.step == (
        numbers[3] if len(numbers) > 3 else 1 if kind is widgets.IntSlider else 0.05
    )


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        ((1, 5, 9), "value is 9"),
        ((1, 5, 0), "value is 0"),
        ((5, 1, 3), "low is 5"),
        ((3, 3, 3), "low is 3"),
        ((1, 5, 2, 0), "step is 0"),
        ((1, 5, 2, -1), "step is -1"),
        ((1, 5, 2, 7), "step is 7"),
        (("1", 5, 2), "low is '1'"),
        ((1, None, 2), "high is None"),
        ((1, 5, True), "value is True"),
        ((1, 5, float("nan")), "value is nan"),
        ((1, float("inf"), 2), "high is inf"),
        ((1, 5, 2, "fine"), "step is 'fine'"),
    ],
)
def test_numbers_that_make_no_slider_are_refused(numbers, name):
    with pytest.raises(ValueError, match=name):
        live.slider("n", *numbers)


def test_the_keep_slider_says_what_it_is_and_keeps_its_bounds():
    slider = live.keep_slider(0.8, low=0.2, high=0.95)
    assert slider.description == "keep probability"
    assert (slider.min, slider.max, slider.value) == (0.2, 0.95, 0.8)
    with pytest.raises(ValueError, match=r"value is 0\.5"):
        live.keep_slider(low=0.6)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: live.slider(3, 0, 1, 0.5), "label is 3; it should be a text"),
        (lambda: live.steps(None, [1, 2], 1), "label is None; it should be a text"),
        (lambda: live.choice(3, ["a"], "a"), "label is 3; it should be a text"),
        (lambda: live.toggle(["on"]), r"label is \['on'\]; it should be a text"),
        (lambda: live.seed(0, label=3), "label is 3; it should be a text"),
        (lambda: live.seed(0, button=None), "button is None; it should be a text"),
        (lambda: live.toggle("on", "yes"), "value is 'yes'; it should be True or False"),
        (lambda: live.toggle("on", 1), "value is 1; it should be True or False"),
        (lambda: live.steps("n", [], 1), r"options is \[\]; it should be a list"),
        (lambda: live.steps("n", 3, 1), "options is 3; it should be a list"),
        (lambda: live.choice("f", "tanh", "t"), "options is 'tanh'; it should be a list"),
        (lambda: live.choice("f", ["a", "b"], "c"), "value is 'c'; it should be one of"),
        (lambda: live.steps("n", [("one", 1), ("two", 2)], "one"), "value is 'one'; it should be one"),
        (lambda: live.settings("n"), "control is 'n'; it should be a control"),
        (lambda: live.settings(widgets.HBox()), "control is HBox.* it should be a control"),
    ],
)
def test_what_makes_no_control_is_refused(make, named):
    with pytest.raises(ValueError, match=named):
        make()


@pytest.mark.parametrize("value", [-1, 1000, None, "3", 0.5, True, [1]])
def test_a_seed_out_of_range_is_refused(value):
    with pytest.raises(ValueError, match=re.escape(f"value is {value!r}; it should be a seed")):
        live.seed(value)


def test_the_seed_moves_on_and_comes_back_to_zero():
    seed = live.seed(value=998)
    seen = []
    seed.observe(lambda change: seen.append(change["new"]), "value")
    seed.next()
    seed.next()
    assert seen == [999, 0]
    seed.children[0].value = 5  # typed into the field
    assert seed.value == 5
    seed.children[1].click()
    assert seed.value == 6
