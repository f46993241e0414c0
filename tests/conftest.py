"""What several test files share: the browser, the executed notebooks, and the table of claims."""

import dropout_lib  # noqa: F401 (comes first: it asks for one BLAS thread before NumPy loads)

# isort: split
import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Any

import pytest
from claim_marks import sections
from hypothesis import HealthCheck, settings
from lab import NOTEBOOKS, Server, browser, find_browser, lab_server
from notebook_runner import Run, run_notebook
from playwright.sync_api import Browser

NAMES = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
SLOWEST = 15  # durations shown at the end of a run

# No test measures time, Hypothesis's neither: a busy machine may take long over an example.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_CLAIMS = pytest.StashKey[dict[str, set[str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what makes a run thorough."""
    parser.addoption(
        "--random-settings",
        type=int,
        default=30,
        help="random settings that each live figure is driven through (thorough: 300)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Show where the time of a run goes."""
    if config.option.durations is None:
        config.option.durations = SLOWEST


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Remember which claims each test bears out; put last what waits for another process."""
    items.sort(key=_waits)
    config.stash[_CLAIMS] = {
        item.nodeid: {name for mark in item.iter_markers("claim") for name in mark.args}
        for item in items
    }


def _waits(item: pytest.Item) -> bool:
    return "executed" in _fixtures(item)


def _fixtures(item: pytest.Item) -> Collection[str]:
    return getattr(item, "fixturenames", ())


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print which claims the tests of this run bore out, and which are still open."""
    found = verdicts(terminalreporter.stats, config.stash.get(_CLAIMS, {}))
    terminalreporter.section("claims")
    for section in sections(NOTEBOOKS):
        state = section.notebook.name if section.notebook else f"{section.number} in preparation"
        borne_out = [name for name in section.ids if found.get(name) == "borne out"]
        terminalreporter.line(f"{state}: {len(borne_out)} of {len(section.ids)} borne out")
        for verdict in ("borne out", "failed", "skipped", "open"):
            names = [name for name in section.ids if found.get(name, "open") == verdict]
            if names:
                terminalreporter.line(f"    {verdict}: {' '.join(names)}")


def verdicts(stats: dict[str, list], claims: dict[str, set[str]]) -> dict[str, str]:
    """Return what the tests say about each claim; one that was skipped says nothing for it."""
    found: dict[str, str] = {}
    # The later one wins: one failing test outweighs all that pass.
    for outcome, verdict in (
        ("skipped", "skipped"),
        ("passed", "borne out"),
        ("failed", "failed"),
        ("error", "failed"),
    ):
        for report in stats.get(outcome, []):
            found |= dict.fromkeys(claims.get(report.nodeid, ()), verdict)
    return found


def require_browser() -> None:
    """Without a browser skip the test, or fail if REQUIRE_BROWSER=1 forbids to skip it."""
    if find_browser() is None:
        _skip_or_fail("no Chromium or Chrome found; set CHROMIUM to the path of one")


def require_package(name: str) -> None:
    """Without a package that serves a frontend do the same."""
    if find_spec(name) is None:
        _skip_or_fail(f"the package {name} is not installed")


def _skip_or_fail(reason: str) -> None:
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    require_browser()
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def server(chromium: Browser) -> Iterator[Server]:  # noqa: ARG001 (no browser, no server)
    """A JupyterLab server on a copy of the notebooks."""
    with lab_server() as started:
        yield started


@pytest.fixture(scope="session")
def beside() -> Iterator[ProcessPoolExecutor]:
    """One process that works beside the tests, so that two cores are busy."""
    # Not a thread: the event loop of a running browser would be in the way of a kernel's.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="session")
def executed(request: pytest.FixtureRequest, beside: ProcessPoolExecutor) -> Callable[[str], Run]:
    """A function that returns what a notebook did; each that is asked for is executed once."""
    asked = [item for item in request.session.items if "executed" in _fixtures(item)]
    wanted = dict.fromkeys(item.callspec.params["notebook"] for item in asked)
    count = request.config.getoption("random_settings")
    runs: dict[str, Future[Run]] = {
        name: beside.submit(run_notebook, NOTEBOOKS / name, count) for name in wanted
    }
    return lambda name: runs[name].result()


@pytest.fixture(scope="session", autouse=True)
def _started_at_once(request: pytest.FixtureRequest) -> None:
    """Start all that is made beside the tests before the first of them."""
    if any(map(_waits, request.session.items)):
        request.getfixturevalue("executed")


@pytest.fixture(params=NAMES)
def notebook(request: pytest.FixtureRequest) -> str:
    """Each notebook's file name in turn."""
    return request.param


@pytest.fixture
def run(executed: Callable[[str], Run], notebook: str) -> Run:
    """What the notebook did when it was executed."""
    return executed(notebook)
