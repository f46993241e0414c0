"""The button of notebook 07: its figure is right after each hand-over of the work, for every choice."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from dropout_lib.experiments import regularisation as grids
from dropout_lib.experiments import sweeps

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "07_regularisation.ipynb"
SECTION = "## How much to keep?"


@pytest.fixture(scope="module")
def page():
    """The names that the set-up and the section's cells bind."""
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    sources = [(cell["cell_type"] == "code", "".join(cell["source"])) for cell in cells]
    start = next(i for i, (_, text) in enumerate(sources) if text.startswith(SECTION))
    end = next(i for i, (_, text) in enumerate(sources) if i > start and text.startswith("## "))
    names: dict = {}
    set_up = [text for is_code, text in sources if is_code][:2]
    for source in [*set_up, *(text for is_code, text in sources[start:end] if is_code)]:
        exec(source, names)
    return names


def fake_steps(setting, seed):
    """Two hand-overs within the work and one at its end, in which an error that tells the setting appears."""
    yield 0.3, {"validation": [], "test": []}
    yield 0.6, {"validation": [], "test": []}
    yield 1.0, {"validation": [error_of(setting, seed)], "test": [0.0]}


def error_of(setting, seed):
    return 20 * setting.keep + seed / 10 + setting.hidden[0] / 1000


def circles(page):
    return np.asarray(page["own_dots"].get_ydata(), dtype=float)


def test_the_circles_show_what_is_trained_after_each_hand_over_for_every_choice(page, monkeypatch):
    monkeypatch.setattr(sweeps, "train_steps", fake_steps)
    view = page["keep_view"]
    for seed, (labels, question) in enumerate(product(sweeps.LABELS, page["questions"])):
        view.controls["labels"].value, view.controls["question"].value = labels, question
        grid, n = page["questions"][question]
        wanted = [error_of(setting, seed) for setting in grid(labels, n)]
        seen = []
        for _ in page["sweep_keep"](seed):
            view.refresh()
            assert view.error is None
            shown = circles(page)
            done = ~np.isnan(shown)
            np.testing.assert_allclose(shown[done], np.array(wanted)[done])
            seen.append(int(done.sum()))
        assert seen == sorted(seen)
        assert set(range(1, len(grids.KEEPS) + 1)) <= set(seen)


def test_after_a_run_every_other_choice_can_be_looked_at(page, monkeypatch):
    monkeypatch.setattr(sweeps, "train_steps", fake_steps)
    view = page["keep_view"]
    for trained, looked_at in product(page["questions"], repeat=2):
        view.controls["labels"].value, view.controls["question"].value = "noisy", trained
        assert len([*page["sweep_keep"](1)]) > len(grids.KEEPS)
        view.refresh()  # as the job does at its end
        view.controls["question"].value = looked_at
        grid, n = page["questions"][trained]
        own = {setting.name for setting in grid("noisy", n)}
        assert view.error is None
        grid, n = page["questions"][looked_at]
        for shown, setting in zip(circles(page), grid("noisy", n), strict=True):
            assert np.isnan(shown) if setting.name not in own else shown == pytest.approx(error_of(setting, 1))
