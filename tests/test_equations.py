"""An equation that is drawn as a curve is the one that Matplotlib would write as a text."""

import numpy as np
import pytest
from matplotlib.text import Text

from dropout_lib.pictures import basics as figures
from dropout_lib.pictures.equations import Equation, prepare

LATEX = [r"\frac{v}{k} + \frac{k - 1}{k} c", r"\sum_{i=1}^{n} W_{i, y} v_{i}", "q"]
SIZE = 16


@pytest.fixture
def drawn():
    figure, ax = figures.subplots(width=6, height=3)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()
    figure.canvas.draw()
    return figure, ax


@pytest.mark.parametrize("latex", LATEX)
@pytest.mark.parametrize("ratio", [1, 2])
def test_it_covers_what_a_text_would_cover(drawn, latex, ratio):
    figure, ax = drawn
    figure.set_dpi(100 * ratio)
    equation = Equation(ax, 0.2, 0.5, SIZE)
    equation.set_latex(latex)
    box = equation.patch.get_window_extent()
    text = Text(0, 0, f"${latex}$", fontsize=SIZE, figure=figure)
    expected = text.get_window_extent(figure.canvas.get_renderer())
    pixels = 4 * ratio  # a text's box has room for parts that its letters do not have
    assert box.width == pytest.approx(expected.width, abs=pixels)
    assert box.height == pytest.approx(expected.height, abs=2 * pixels)
    left, middle = ax.transData.transform((0.2, 0.5))
    assert box.x0 == pytest.approx(left, abs=ratio)
    assert (box.y0 + box.y1) / 2 == pytest.approx(middle, abs=ratio)


def test_another_equation_gives_another_picture_and_none_gives_none(drawn):
    figure, ax = drawn

    def picture():
        figure.canvas.draw()
        return np.array(figure.canvas.buffer_rgba())

    empty = picture()
    equation = Equation(ax, 0.2, 0.5, SIZE)
    shown = []
    for latex in LATEX:
        equation.set_latex(latex)
        assert equation.patch.stale
        shown.append(picture())
    assert all((a != b).any() for a, b in zip(shown, [*shown[1:], empty], strict=True))
    equation.set_latex("")
    assert (picture() == empty).all()


def test_what_is_no_equation_is_refused_when_it_is_prepared():
    with pytest.raises(ValueError, match="frac"):
        prepare([r"\frac{"], SIZE)
