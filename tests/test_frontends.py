"""A live figure where readers meet it: other frontends, errors, a held key, work beside it."""

import html
import re

import nbformat
import pytest
from conftest import require_package
from lab import close_notebook, lab_server, new_page, open_notebook, run_all
from live_view import ANSWER_SECONDS, LiveView
from nbconvert import HTMLExporter
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HELD = 80  # key presses, at the rate at which the browser takes them
FIGURES = [
    """
import time
import dropout_lib
import numpy as np
from dropout_lib import live
from dropout_lib.pictures import basics as figures
figures.use_style()
""",
    """
fig, ax = figures.subplots(width=6, height=2)
x = np.linspace(0, 6, 100)
line, = ax.plot(x, x)
ax.set(ylim=(-1.1, 1.1))

def update(n):
    if n == 3:
        raise ZeroDivisionError("three")
    line.set_ydata(np.sin(x + n / 10))
    return f"n is {n}."

live.LiveFigure(fig, update, n=live.slider("n", 1, 200, 1))
""",
    """
fig_2, ax_2 = figures.subplots(width=6, height=2)
dot, = ax_2.plot([0], [0], "o")
ax_2.set(xlim=(0, 10_000))
reached = [0]

def update_2(scale):
    dot.set_data([reached[-1]], [0])
    return f"{reached[-1]} steps at scale {scale}."

second = live.LiveFigure(fig_2, update_2, scale=live.slider("scale", 1, 5, 1))
second
""",
    """
fig_3, ax_3 = figures.subplots(width=6, height=2)

def update_3(n):
    if n == 1:
        raise ZeroDivisionError("one")
    ax_3.set_title(f"{n}")
    return f"three is {n}."

live.LiveFigure(fig_3, update_3, n=live.slider("third", 1, 9, 1))
""",
    """
def work():
    for step in range(1, 10_001):
        time.sleep(0.02)
        yield step / 10_000, step

def show(step):
    reached.append(step)
    second.refresh()

live.Job(work, show)
""",
]


@pytest.fixture(scope="module")
def server(chromium, tmp_path_factory):  # noqa: ARG001 (no browser, no server)
    """A server with a notebook that holds two live figures and a job."""
    folder = tmp_path_factory.mktemp("scratch")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source.strip()) for source in FIGURES],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, folder / "scratch.ipynb")
    with lab_server(folder, whole_page=False) as started:  # as a reader has it
        yield started


@pytest.fixture(scope="module")
def lab_page(chromium, server):
    """The notebook in JupyterLab, with all cells run."""
    with new_page(chromium) as page:
        open_notebook(page, server, "scratch.ipynb")
        (broken,) = run_all(page)
        assert "a live figure says: This figure could not follow: ZeroDivisionError: one" in broken
        yield page
        close_notebook(page)


def wait_for_sentence(view, sentence):
    """Wait until the figure says `sentence`."""
    expect(view.box.locator(".dropout-status p")).to_have_text(
        sentence, timeout=ANSWER_SECONDS * 1000
    )


@pytest.mark.parametrize("frontend", ["notebook", "voila"])
def test_arrow_keys_move_the_slider_and_the_picture(chromium, server, frontend):
    require_package(frontend)
    with new_page(chromium) as page:
        open_notebook(page, server, "scratch.ipynb", frontend)
        if frontend == "notebook":
            run_all(page)
        view = LiveView(page)
        before = view.pixels()
        view.press("ArrowRight")
        view.wait_for_new_pixels(before)
        wait_for_sentence(view, "n is 2.")
        if frontend == "notebook":
            close_notebook(page)


def test_an_error_is_shown_and_the_next_move_recovers(lab_page):
    view = LiveView(lab_page, 0)
    view.set("n", 2)
    before = view.pixels()
    view.press("ArrowRight")
    message = view.box.get_by_role("alert")
    expect(message).to_contain_text("ZeroDivisionError: three", timeout=ANSWER_SECONDS * 1000)
    assert view.status == "n is 2."
    assert view.pixels() == before
    view.press("ArrowRight")
    view.wait_for_new_pixels(before)
    wait_for_sentence(view, "n is 4.")
    expect(message).to_have_count(0)


def test_a_figure_that_breaks_at_its_first_drawing_says_so_and_works_at_the_next_move(lab_page):
    view = LiveView(lab_page, 2)
    message = view.box.get_by_role("alert")
    expect(message).to_contain_text('in update_3, line 5: raise ZeroDivisionError("one")')
    blank = view.pixels()
    view.press("ArrowRight")
    view.wait_for_new_pixels(blank)
    wait_for_sentence(view, "three is 2.")
    expect(message).to_have_count(0)


def test_a_held_key_leaves_no_backlog(lab_page):
    view = LiveView(lab_page, 0)
    view.set("n", 4)
    view.press("ArrowRight", times=HELD)
    last = round(float(view.handle().get_attribute("aria-valuenow")))
    assert last == 4 + HELD
    wait_for_sentence(view, f"n is {last}.")
    view.settle()
    assert view.status == f"n is {last}."


def test_a_job_runs_beside_the_figures_and_can_be_stopped(lab_page):
    other, second = LiveView(lab_page, 0), LiveView(lab_page, 1)
    start = lab_page.get_by_role("button", name=re.compile(r"\bStart$"))  # its icon is a letter
    stop = lab_page.get_by_role("button", name=re.compile(r"\bStop$"))
    before, nothing = other.pixels(), second.pixels()
    start.press("Enter")
    second.wait_for_new_pixels(nothing)  # the job shows how far it is

    other.step()
    other.wait_for_new_pixels(before)  # and meanwhile the kernel answers
    assert stop.is_enabled()

    stop.press("Enter")
    expect(lab_page.get_by_text("stopped after")).to_be_visible(timeout=ANSWER_SECONDS * 1000)
    expect(start).to_be_enabled()
    second.settle()
    steps = int(second.status.split()[0])
    assert 0 < steps < 10_000
    second.step("scale")
    wait_for_sentence(second, f"{steps} steps at scale 2.")  # what was reached is still there


AFTER = "box => getComputedStyle(box, '::after').content"
RESTART = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"


def test_a_saved_notebook_carries_pictures_and_after_a_restart_each_figure_says_that_it_is_dead(
    chromium, server
):
    with new_page(chromium) as page:
        open_notebook(page, server, "scratch.ipynb")
        run_all(page)
        view = LiveView(page, 0)
        assert view.box.evaluate(AFTER) == "none"  # the widget is what is shown, not its picture
        page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
        page.evaluate(RESTART)
        page.wait_for_function(
            f"box => ({AFTER})(box).includes('run its cell again')",
            arg=view.box.element_handle(),
            timeout=ANSWER_SECONDS * 1000,
        )
        close_notebook(page)
    saved = nbformat.read(server.notebooks / "scratch.ipynb", as_version=4)
    pictures = [
        output
        for cell in saved.cells
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert [output.metadata["image/png"] for output in pictures] == [{"width": 600, "height": 200}] * 2
    saved.metadata.pop("widgets", None)
    page_of_it, _ = HTMLExporter().from_notebook_node(saved)
    for output in pictures:
        assert "".join(output.data["image/png"]).strip() in page_of_it
    assert re.search(r'<img[^>]*width="?600', page_of_it)
    assert "[Start] a button of a running notebook" in html.unescape(page_of_it)
