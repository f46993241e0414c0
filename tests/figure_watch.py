"""Runs in a notebook's kernel: remembers each live figure's first picture, then drives them all.

It imports only the standard library at the top. A kernel in which the packages of the lessons were
already loaded would hide an import that a notebook forgot.
"""

import gc
import json
import sys
from typing import Any

# (number of the cell run, live figure, its first picture)
_figures: list[tuple[int, Any, Any]] = []
_jobs: list[tuple[int, Any]] = []
_numbers: dict[str, int] = {}  # source of a cell -> its number in the notebook, from 1 on
_shown: dict[int, list[Any]] = {}  # number of a cell -> the live figures that its last run made or showed
_watching = False  # the first cell whose end is seen is the one that calls `watch`


def watch(shell: Any) -> None:
    """Look for new live figures after every cell that `shell` runs from now on."""
    shell.events.register("post_run_cell", _look)


def _look(result: Any) -> None:
    global _watching
    if not _watching:
        _watching = True
        return
    number = _numbers.setdefault(result.info.raw_cell, len(_numbers) + 1)
    live = sys.modules.get("dropout_lib.live")
    if live is None:
        return
    shown = [result.result] if issubclass(type(result.result), live.LiveFigure) else []
    known = {id(figure) for _, figure, _ in _figures} | {id(job) for _, job in _jobs}
    for thing in gc.get_objects():
        if id(thing) in known:
            continue
        if issubclass(type(thing), live.LiveFigure):
            _figures.append((number, thing, thing.pixels()))
            shown.append(thing)
        elif issubclass(type(thing), live.Job):
            _jobs.append((number, thing))
    _shown[number] = shown


def report(random_settings: int) -> str:
    """Drive every figure and every job found so far; return what was found, as JSON."""
    from figure_driver import drive

    complaints = []
    for cell, figure, first_picture in _figures:
        found = drive(figure, random_settings, first_picture)
        complaints += [f"figure of code cell {cell}: {text}" for text in found]
    return json.dumps({"figures": len(_figures), "complaints": [*complaints, *_pressed()]})


def report_jobs() -> str:
    """Press the buttons of every job only; return what was found, as JSON."""
    return json.dumps(_pressed())


def report_again(random_settings: int) -> str:
    """Move the figures that the page shows now, briefly; return what was found, as JSON."""
    from figure_driver import move

    complaints, moved = [], set()
    for cell, figures in sorted(_shown.items()):
        for figure in figures:
            if id(figure) not in moved:  # one that two cells show is driven once
                moved.add(id(figure))
                complaints += [f"figure of code cell {cell}: {text}" for text in move(figure, random_settings)]
    return json.dumps(complaints)


def _pressed() -> list[str]:
    from figure_driver import drive_job

    return [f"job of code cell {cell}: {text}" for cell, job in _jobs for text in drive_job(job)]
