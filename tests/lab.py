"""Drives the notebooks as a reader does: a JupyterLab server of its own and a headless Chromium.

Leaving a `with` ends what it started, whatever happened. Nothing here waits for a fixed time.

    with lab_server(Path("notebooks")) as server, browser() as chromium:
        with new_page(chromium) as page:
            open_notebook(page, server, "02_masks.ipynb")
            assert run_all(page) == []

`server.py` beside this file starts the server, `live_view.py` handles one live figure in a page.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from server import NOTEBOOKS, START_SECONDS, Server, lab_server

__all__ = [
    "NOTEBOOKS",
    "Server",
    "browser",
    "close_notebook",
    "find_browser",
    "lab_server",
    "new_page",
    "open_notebook",
    "problems",
    "run_all",
    "set_theme",
]

RUN_SECONDS = 180  # no notebook may take longer than a minute; a busy machine gets three

_BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_BROWSER_PATHS = (
    "/usr/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
_BROWSER_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

# The kernel counts as connected when a session with a live channel stands behind the open notebook.
# The idle dot comes earlier, and Run All then silently does nothing.
_CONNECTED = """
name => {
  const panel = window.jupyterapp && window.jupyterapp.shell.currentWidget;
  const session = panel && panel.context && panel.context.isReady && panel.sessionContext;
  const kernel = session && session.isReady && session.session && session.session.kernel;
  return !!kernel && panel.context.path.endsWith(name)
    && kernel.connectionStatus === 'connected' && kernel.status === 'idle';
}
"""
_RUN_ALL = """
() => {
  window.runAll = 'running';
  window.jupyterapp.commands.execute('notebook:run-all-cells')
    .then(() => { window.runAll = 'ended'; }, error => { window.runAll = String(error); });
}
"""
_PROBLEMS = """
() => {
  const cells = window.jupyterapp.shell.currentWidget.content.widgets;
  const problems = [];
  cells.forEach((cell, number) => {
    if (cell.model.type !== 'code') return;
    const source = cell.model.sharedModel.getSource();
    if (source.trim() && !cell.model.executionCount) problems.push(`cell ${number} did not run`);
    for (const output of cell.model.outputs.toJSON()) {
      if (output.output_type === 'error') {
        problems.push(`cell ${number}: ${output.ename}: ${output.evalue}`);
      } else if (output.output_type === 'stream' && output.name === 'stderr') {
        problems.push(`cell ${number} wrote to stderr: ${[].concat(output.text).join('')}`);
      }
    }
  });
  const shown = {
    'pre[role=alert]': 'a live figure says',
    '[data-mime-type="application/vnd.jupyter.error"]': 'an error is shown',
    '[data-mime-type="application/vnd.jupyter.stderr"]': 'stderr is shown',
    '.jupyter-widgets-error-widget': 'a widget could not be shown',
  };
  for (const [selector, words] of Object.entries(shown)) {
    document.querySelectorAll(selector).forEach(
      node => problems.push(`${words}: ${node.textContent.slice(0, 300)}`));
  }
  return problems;
}
"""


def find_browser() -> str | None:
    """Return the path of a Chromium or Chrome: from CHROMIUM, from PATH, from the usual places."""
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, _BROWSER_NAMES), *_BROWSER_PATHS]
    return next((path for path in candidates if path and Path(path).exists()), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a headless Chromium with a new profile."""
    path = find_browser()
    if path is None:
        raise FileNotFoundError("no Chromium or Chrome found; set CHROMIUM to the path of one")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(_BROWSER_FLAGS))
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def new_page(
    chromium: Browser, width: int = 1280, height: int = 900, device_scale_factor: float = 1
) -> Iterator[Page]:
    """Open a window of CSS pixels; 200 % zoom is half the width and height at a factor of 2."""
    context = chromium.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=device_scale_factor
    )
    try:
        yield context.new_page()
    finally:
        context.close()


def open_notebook(page: Page, server: Server, name: str, frontend: str = "lab") -> None:
    """Open a notebook; wait until its kernel is connected (Voilà: until a live figure is there)."""
    page.goto(server.address(name, frontend))
    if frontend == "voila":
        page.locator("img.dropout-picture").first.wait_for(timeout=RUN_SECONDS * 1000)
    else:
        page.wait_for_function(_CONNECTED, arg=name, timeout=START_SECONDS * 1000)
    if frontend == "lab":
        page.evaluate("window.jupyterapp.shell.collapseLeft()")  # the file list takes much room


def close_notebook(page: Page, wait: bool = True) -> None:
    """End the kernel of the notebook open in the page, so that kernels do not pile up.

    Without `wait` it may still be ending while the next notebook is being opened.
    """
    shutdown = "window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
    if wait:
        page.evaluate(shutdown)
        return
    with page.expect_request(lambda request: request.method == "DELETE"):  # once it is sent the page is not needed
        page.evaluate(f"() => {{ {shutdown}; }}")


def run_all(page: Page, seconds: float = RUN_SECONDS) -> list[str]:
    """Run All Cells, wait for the end, and return what went wrong, one line each."""
    page.evaluate(_RUN_ALL)
    page.wait_for_function("window.runAll !== 'running'", timeout=seconds * 1000)
    outcome = page.evaluate("window.runAll")
    return ([] if outcome == "ended" else [outcome]) + problems(page)


def problems(page: Page) -> list[str]:
    """Return what is wrong now: cells that did not run, errors, anything on stderr or in red."""
    return page.evaluate(_PROBLEMS)


def set_theme(page: Page, theme: str) -> None:
    """Switch JupyterLab to "JupyterLab Dark" or "JupyterLab Light" and wait until it is drawn."""
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
    )
    page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=theme)
