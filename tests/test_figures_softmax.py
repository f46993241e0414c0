"""The picture of a derivation shows each equation whole, and none over another one."""

from itertools import pairwise, product

import numpy as np
import pytest

from dropout_lib import derivations as symbolic
from dropout_lib.pictures import basics as figures
from dropout_lib.pictures import softmax as figures_softmax

CASES = list(product((3,), (2, 3), ("1/2", "7/10"), symbolic.VARIANTS))
FIRST_OF_EQUATIONS = 0.45  # share of the width: left of it stand titles and reasons
OVERLAP = 0.25  # share of a row that tall brackets may reach into the next one: the rows have white space to spare


@pytest.fixture(scope="module")
def derivations():
    figures.use_style()
    return {case: symbolic.geometric_mean_steps(*case) for case in CASES}


@pytest.fixture(scope="module")
def shown(derivations):
    fig, ax = figures.subplots(width=10.0, height=7.8)
    picture = figures_softmax.Derivation(ax, derivations.values())
    fig.canvas.draw()  # once: lays the figure out
    return fig, ax, picture


@pytest.mark.parametrize("case", CASES)
def test_every_equation_is_whole_and_free(shown, derivations, case):
    _, ax, picture = shown
    picture.set_steps(derivations[case], [True] * 8)
    boxes = [patch.get_window_extent().transformed(ax.transAxes.inverted()) for patch in ax.patches]
    assert len(boxes) == 8
    assert min(box.x0 for box in boxes) > FIRST_OF_EQUATIONS
    assert max(box.x1 for box in boxes) < 1
    assert 0 < min(box.y0 for box in boxes) < max(box.y1 for box in boxes) < 1
    row = np.mean([above.y0 - below.y0 for above, below in pairwise(boxes)])
    assert max(below.y1 - above.y0 for above, below in pairwise(boxes)) < OVERLAP * row


def test_ticks_and_crosses_follow_the_checks(shown, derivations):
    _, ax, picture = shown
    holds = [True, False] * 4
    picture.set_steps(derivations[CASES[0]], holds, "left over")
    marks = [text.get_text() for text in ax.texts if text.get_text() in "✓✗"]
    assert marks == ["✓", "✗"] * 4
    assert ax.texts[-1].get_text() == "left over"
