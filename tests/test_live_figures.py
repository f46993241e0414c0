"""Every live figure of every notebook is moved through all its controls' ranges by real widgets.

`--random-settings 300` makes the drive thorough. `figure_driver.py` says what counts as a fault.
"""

import pytest

pytestmark = [pytest.mark.notebook, pytest.mark.slow]


def test_no_figure_or_job_fails_anywhere(run):
    assert run.complaints == []


def test_a_notebook_has_live_figures(run):
    assert run.figures > 0
