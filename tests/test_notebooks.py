"""Every notebook runs from top to bottom, twice in one kernel, without an error or a warning."""

import pytest

pytestmark = [pytest.mark.notebook, pytest.mark.slow]


def test_a_notebook_runs_twice_and_says_the_same(run):
    assert run.problems == []


def test_untouched_exercises_say_so(run):
    assert run.stubs
    assert [text for text in run.stubs if "not done yet" not in text] == []


def test_printed_solutions_are_correct(run):
    assert len(run.solutions) == len(run.stubs)
    assert [text for text in run.solutions if not text.startswith("✓ correct")] == []
