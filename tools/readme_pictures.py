"""Take the pictures that README shows: real screenshots of live figures in JupyterLab.

    python tools/readme_pictures.py

Needs what the tests need. Writes docs/live-figure.png and one picture for each notebook.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # the browser driver lives with the tests

from lab import browser, lab_server, new_page, open_notebook, run_all  # noqa: E402
from live_view import LiveView  # noqa: E402

DOCS = ROOT / "docs"
DENSE = 2  # device pixels per CSS pixel

#: picture → (notebook, number of the live figure in it, controls to set)
PICTURES = {
    "live-figure.png": ("00_start_here.ipynb", 1, {"keep probability": 0.7}),
    "00.png": ("00_start_here.ipynb", 0, {}),
    "01.png": ("01_co_adaptation.ipynb", 0, {"share silenced": 0.5}),
    "02.png": ("02_masks.ipynb", 0, {}),
    "03.png": ("03_bagging_vs_dropout.ipynb", 0, {}),
    "04.png": ("04_softmax_geometric_mean.ipynb", 0, {"units that drop": 20}),
    "05.png": ("05_ensemble_variance.ipynb", 0, {}),
    "06.png": ("06_inference.ipynb", 6, {"angle": 60}),
    "07.png": ("07_regularisation.ipynb", 0, {}),
}


def main() -> None:
    DOCS.mkdir(exist_ok=True)
    with lab_server() as server, browser() as chromium:
        for name, (notebook, index, settings) in PICTURES.items():
            with new_page(chromium, device_scale_factor=DENSE) as page:
                open_notebook(page, server, notebook)
                problems = run_all(page)
                if problems:
                    sys.exit(f"{notebook}: {problems}")
                view = LiveView(page, index)
                for label, value in settings.items():
                    view.set(label, value)
                view.settle()
                view.box.scroll_into_view_if_needed()
                view.box.screenshot(path=str(DOCS / name))
                print(f"docs/{name}")


if __name__ == "__main__":
    main()
