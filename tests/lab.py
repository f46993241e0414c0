"""Drives the notebooks as a reader does: a JupyterLab server of its own and a headless Chromium.

Everything is fresh for each server: a copy of the notebooks, a free port, its own configuration and
run-time directories; the browser gets a profile of its own. Leaving a `with` ends what it started,
whatever happened.

    with lab_server(Path("notebooks")) as server, browser() as chromium:
        with new_page(chromium) as page:
            open_notebook(page, server, "02_masks.ipynb")
            assert run_all(page) == []

`live_view.py` beside this file handles one live figure in such a page. Nothing here waits for a
fixed time.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

REPO = Path(__file__).resolve().parent.parent
NOTEBOOKS = REPO / "notebooks"

START_SECONDS = 60  # a cold start on a busy machine
STOP_SECONDS = 15
RUN_SECONDS = 180  # no notebook may take longer than a minute; a busy machine gets three
POLL = 0.05

FRONTENDS = {"lab": "lab/tree/", "notebook": "notebooks/", "voila": "voila/render/"}

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

# Asks for news once per user, over the notebook: a fresh user would see it each time.
_NO_NEWS = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}

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


@dataclass(frozen=True)
class Server:
    """A running server: its address (ends in /), its token, the copy of the notebooks it serves."""

    base: str
    token: str
    notebooks: Path

    def address(self, name: str, frontend: str = "lab") -> str:
        """Return the address of notebook `name` in one of `FRONTENDS`."""
        return f"{self.base}{FRONTENDS[frontend]}{name}?token={self.token}"


def find_browser() -> str | None:
    """Return the path of a Chromium or Chrome: from CHROMIUM, from PATH, from the usual places."""
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, _BROWSER_NAMES), *_BROWSER_PATHS]
    return next((path for path in candidates if path and Path(path).exists()), None)


def fresh_environment(folder: Path) -> dict[str, str]:
    """Return an environment in which Jupyter keeps all in `folder` and finds `dropout_lib`."""
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    for place in places.values():
        (folder / place).mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join(filter(None, [str(REPO), os.environ.get("PYTHONPATH")]))
    return {
        **os.environ,
        **{name: str(folder / place) for name, place in places.items()},
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYTHONPATH": path,
    }


@contextmanager
def lab_server(notebook_dir: Path = NOTEBOOKS) -> Iterator[Server]:
    """Serve a copy of `notebook_dir`; one server answers for JupyterLab, Notebook 7 and Voilà."""
    # A kernel that is just ending may still write into the folder while it is being removed.
    with tempfile.TemporaryDirectory(prefix="dropout-lab-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        copy = folder / "notebooks"
        shutil.copytree(notebook_dir, copy, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        token = secrets.token_hex(16)
        environment = fresh_environment(folder) | {"JUPYTER_TOKEN": token}
        (folder / "config" / "labconfig").mkdir()
        (folder / "config" / "labconfig" / "page_config.json").write_text(json.dumps(_NO_NEWS))
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                    *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={_free_port()}"),
                    f"--ServerApp.root_dir={copy}",
                    "--LabApp.expose_app_in_browser=True",
                    "--JupyterNotebookApp.expose_app_in_browser=True",
                    "--LabApp.extension_manager=readonly",
                ],
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                yield Server(_wait_for_server(process, folder, token), token, copy)
            finally:
                _end(process, folder, token)


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


def close_notebook(page: Page) -> None:
    """End the kernel of the notebook open in the page, so that kernels do not pile up."""
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")


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


def _free_port() -> int:
    # Should the port be taken in between, the server moves on and writes the new one to its file.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for_server(process: subprocess.Popen, folder: Path, token: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        base = _base(folder)
        if base is not None and _request(f"{base}api/status", token):
            return base
        time.sleep(POLL)
    log = (folder / "server.log").read_text(errors="replace")[-3000:]
    raise RuntimeError(f"JupyterLab did not start within {START_SECONDS} s:\n{log}")


def _base(folder: Path) -> str | None:
    """Return the address from the information file that the server writes when it listens."""
    for file in (folder / "runtime").glob("jpserver-*.json"):
        try:
            return json.loads(file.read_text())["url"]
        except json.JSONDecodeError:  # half-written
            return None
    return None


def _request(url: str, token: str, method: str = "GET") -> bool:
    request = urllib.request.Request(
        url, method=method, headers={"Authorization": f"token {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=STOP_SECONDS) as answer:
            return answer.status == 200
    except OSError:  # not listening yet, or already gone
        return False


def _end(process: subprocess.Popen, folder: Path, token: str) -> None:
    base = _base(folder)
    if process.poll() is None and base is not None:
        _request(f"{base}api/shutdown", token, "POST")  # ends its kernels too
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
