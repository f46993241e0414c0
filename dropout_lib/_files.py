"""Finds the files beside the notebooks, whatever folder the kernel works in."""

from pathlib import Path

_BESIDE_THE_PACKAGE = Path(__file__).resolve().parent.parent / "notebooks"


def beside_notebooks(name: str) -> Path:
    """Return the path of a file beside the notebooks, such as ``"claims.md"`` or ``"stored/nets.npz"``.

    A notebook's kernel works in the notebook's folder; an editor or papermill may start it in
    another one. So the folder is looked for where the kernel works, in a folder `notebooks` there,
    and beside the package.
    Raises: FileNotFoundError, in words, if it is in none of them.
    """
    here = Path.cwd()
    folders = [here, here / "notebooks", _BESIDE_THE_PACKAGE]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(
        f"{name} is not in {' or '.join(map(str, folders))}: start the kernel in the folder "
        "`notebooks` of the whole project, with all the files that belong to it"
    )
