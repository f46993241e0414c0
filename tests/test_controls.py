"""Controls: bounds, kinds, and that `settings` lists what a control accepts."""

import ipywidgets as widgets
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


def test_whole_numbers_make_a_whole_slider():
    assert isinstance(live.slider("n", 1, 5, 2), widgets.IntSlider)
    assert isinstance(live.slider("s", 0, 1, 0.5), widgets.FloatSlider)


def test_a_start_outside_the_bounds_is_refused():
    with pytest.raises(ValueError, match="value"):
        live.slider("n", 1, 5, 9)


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
