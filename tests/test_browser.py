"""Each notebook in JupyterLab in a real browser: Run All, sliders by keyboard, zoom, dark theme."""

from contextlib import contextmanager

import pytest
from conftest import NAMES
from lab import close_notebook, new_page, open_notebook, problems, run_all, set_theme
from live_view import ANSWER_SECONDS, LiveView

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WIDTH, HEIGHT = 1280, 900
STEPS = 5  # of a slider: one alone need not change the picture of a few units
READABLE = 4.5  # contrast of text that WCAG 2 asks for (success criterion 1.4.3)

# True when every picture has as many pixels as the screen can show, within rounding.
ALL_CRISP = """
() => [...document.querySelectorAll('img.dropout-picture')].every(picture =>
  picture.complete &&
  Math.abs(picture.naturalWidth - parseFloat(picture.style.width) * devicePixelRatio) < 2)
"""
WIDER_THAN_COLUMN = """
() => [...document.querySelectorAll('img.dropout-picture')].map(picture => {
  const column = picture.closest('.jp-OutputArea-output').getBoundingClientRect();
  const box = picture.getBoundingClientRect();
  return [box.width, box.left - column.left, column.right - box.right];
}).filter(([width, left, right]) => width < 1 || left < -0.5 || right < -0.5)
"""
# The contrast of each sentence with what lies behind it, by the formula of WCAG 2.
CONTRASTS = """
() => {
  const context = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const luminance = colour => {
    const [r, g, b] = rgba(colour).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = node => {
    const colour = getComputedStyle(node).backgroundColor;
    return rgba(colour)[3] === 255 ? colour : behind(node.parentElement);
  };
  return [...document.querySelectorAll('.dropout-status p')].map(sentence => {
    const [a, b] = [getComputedStyle(sentence).color, behind(sentence)].map(luminance);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  });
}
"""


@pytest.fixture(scope="module", params=NAMES)
def opened(request, chromium, server):
    """A page in which all cells of a notebook were run, and what went wrong."""
    with new_page(chromium, WIDTH, HEIGHT) as page:
        open_notebook(page, server, request.param)
        yield page, run_all(page)
        close_notebook(page, wait=False)


@pytest.fixture
def page(opened):
    """The page alone."""
    return opened[0]


@contextmanager
def zoom(page, factor):
    """Zoom the page as a reader does: fewer CSS pixels, each made of more pixels of the screen."""
    session = page.context.new_cdp_session(page)
    session.send(
        "Emulation.setDeviceMetricsOverride",
        {
            "width": round(WIDTH / factor),
            "height": round(HEIGHT / factor),
            "deviceScaleFactor": factor,
            "mobile": False,
        },
    )
    try:
        page.wait_for_function("factor => devicePixelRatio === factor", arg=factor)
        yield
    finally:
        session.send("Emulation.clearDeviceMetricsOverride")
        page.wait_for_function("devicePixelRatio === 1")
        session.detach()


def assert_slider_moves(page):
    """The first slider follows an arrow key, and the picture and its sentence follow the slider."""
    view = LiveView(page)
    before, sentence = view.pixels(), view.status
    view.step(times=STEPS)
    view.wait_for_new_pixels(before)
    view.wait_for_new_status(sentence)
    view.settle()  # the later steps may still be on their way, and with them another sentence
    assert view.message == ""


def test_run_all_ends_without_an_error(opened):
    assert opened[1] == []


def test_the_first_slider_moves_by_keyboard(page):
    assert_slider_moves(page)
    assert problems(page) == []


def test_every_picture_fits_its_column_and_is_named_by_its_sentence(page):
    assert page.evaluate(WIDER_THAN_COLUMN) == []
    pictures = page.locator("img.dropout-picture")
    assert pictures.count() > 0
    for index in range(pictures.count()):
        view = LiveView(page, index)
        assert view.status
        assert view.box.get_by_role("img", name=view.status, exact=True).count() == 1


def test_at_200_percent_pictures_stay_crisp_and_in_their_column(page):
    with zoom(page, 2):
        page.wait_for_function(ALL_CRISP, timeout=ANSWER_SECONDS * 1000)
        assert page.evaluate(WIDER_THAN_COLUMN) == []
        assert_slider_moves(page)
        page.wait_for_function(ALL_CRISP, timeout=ANSWER_SECONDS * 1000)
    page.wait_for_function(ALL_CRISP, timeout=ANSWER_SECONDS * 1000)


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_sentences_are_readable_in_both_themes(page, theme):
    set_theme(page, theme)
    contrasts = page.evaluate(CONTRASTS)
    assert contrasts
    assert min(contrasts) >= READABLE
    assert_slider_moves(page)
