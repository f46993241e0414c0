"""Every notebook runs from top to bottom, twice in one kernel, without an error or a warning."""

import pytest
from lab import NOTEBOOKS
from notebook_page import read_page

pytestmark = [pytest.mark.notebook, pytest.mark.slow]


def test_a_notebook_runs_twice_and_says_the_same(run):
    assert run.problems == []


def test_untouched_exercises_say_so(run):
    assert run.stubs
    assert [text for text in run.stubs if "not done yet" not in text] == []


def test_printed_solutions_are_correct(run):
    assert len(run.solutions) == len(run.stubs)
    assert [text for text in run.solutions if not text.startswith("✓ correct")] == []


def test_every_claim_is_measured_and_borne_out(run, notebook):
    """A reader is shown a cross and goes on; the tests insist on a tick."""
    page = read_page(NOTEBOOKS / notebook)
    assert set(run.claims) == page.own_claims - page.told_claims
    crossed = {id: parts for id, parts in run.claims.items() if not all(part[0] for part in parts)}
    assert crossed == {}


def test_what_a_claim_says_of_one_trained_net_holds_with_a_margin(run):
    margins = {id: [m for _, _, m in parts if m is not None] for id, parts in run.claims.items()}
    assert {id: found for id, found in margins.items() if found and min(found) < 0.2} == {}
