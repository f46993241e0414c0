"""Figures that follow their controls, and long work that can be stopped. Knows nothing of dropout."""

from .controls import Seed, choice, keep_slider, seed, settings, slider, steps, toggle
from .figure import LiveFigure
from .job import Job

__all__ = [
    "Job",
    "LiveFigure",
    "Seed",
    "choice",
    "keep_slider",
    "seed",
    "settings",
    "slider",
    "steps",
    "toggle",
]
