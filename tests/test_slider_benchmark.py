"""The slider benchmark's verdict: a rival that fails is reported, only what is ours fails the run."""

import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """The script, with pages that answer in a set time or not at all instead of a browser's."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import slider_latency

    @contextmanager
    def nothing(*_arguments, **_named):
        yield _arguments

    monkeypatch.setattr(slider_latency, "started", nothing)
    monkeypatch.setattr(slider_latency, "opened", nothing)
    yield slider_latency
    del sys.modules["slider_latency"]


def answers(benchmark, monkeypatch, seconds):
    """Let each way answer after so many seconds; None fails."""

    def key_to_pixels(page, _draws_differences):
        if seconds[page[2]] is None:
            raise RuntimeError("no picture came\nand a long log")
        return [seconds[page[2]]] * 3

    monkeypatch.setattr(benchmark, "key_to_pixels", key_to_pixels)
    return benchmark.compare(None, list(benchmark.NAMES), 1, benchmark.TARGETS)


@pytest.mark.parametrize(
    ("changed", "missed", "said"),
    [
        ({}, [], "LiveFigure to interact + inline redraw: 0.212, target ≤ 0.25, met"),
        ({"interact + inline redraw": None}, [], "FAILED: no picture came\n"),
        ({"ipympl with set_data": None}, [], "FAILED: no picture came\n"),
        ({"LiveFigure": None}, ["LiveFigure"], "FAILED: no picture came\n"),
        ({"no-op (a 1-pixel image)": None}, ["no-op (a 1-pixel image)"], "FAILED"),
        ({"LiveFigure": 0.0626}, ["LiveFigure"], "× no-op (a 1-pixel image): 1.25, MISSED"),
        (
            {"interact + inline redraw": 0.1},
            ["LiveFigure to interact + inline redraw"],
            "0.55, target ≤ 0.25, MISSED",
        ),
    ],
)
def test_a_rival_that_fails_is_reported_and_only_what_is_ours_is_missed(
    benchmark, monkeypatch, capsys, changed, missed, said
):
    times = dict.fromkeys(benchmark.NAMES, 0.26) | {benchmark.BASELINE: 0.05, benchmark.OURS: 0.055}
    _, found = answers(benchmark, monkeypatch, times | changed)
    assert found == missed
    assert said in capsys.readouterr().out
