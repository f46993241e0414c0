"""Runs in a notebook's kernel: remembers each live figure's first picture, then drives them all.

It imports only the standard library at the top. A kernel in which the packages of the lessons were
already loaded would hide an import that a notebook forgot.
"""

import gc
import json
import sys
from typing import Any

_figures: list[
    tuple[int, Any, Any]
] = []  # (number of the cell run, live figure, its first picture)
_jobs: list[tuple[int, Any]] = []
_runs = -1  # the first cell whose end is seen is the one that calls `watch`


def watch(shell: Any) -> None:
    """Look for new live figures after every cell that `shell` runs from now on."""
    shell.events.register("post_run_cell", _look)


def _look(_result: Any) -> None:
    global _runs
    _runs += 1
    live = sys.modules.get("dropout_lib.live")
    if live is None:
        return
    known = {id(figure) for _, figure, _ in _figures} | {id(job) for _, job in _jobs}
    for thing in gc.get_objects():
        if id(thing) in known:
            continue
        if issubclass(type(thing), live.LiveFigure):
            _figures.append((_runs, thing, thing.pixels()))
        elif issubclass(type(thing), live.Job):
            _jobs.append((_runs, thing))


def report(random_settings: int) -> str:
    """Drive every figure and every job found so far; return what was found, as JSON."""
    from figure_driver import drive, drive_job

    complaints = []
    for cell, figure, first_picture in _figures:
        found = drive(figure, random_settings, first_picture)
        complaints += [f"figure of code cell {cell}: {text}" for text in found]
    for cell, job in _jobs:
        complaints += [f"job of code cell {cell}: {text}" for text in drive_job(job)]
    return json.dumps({"figures": len(_figures), "complaints": complaints})
