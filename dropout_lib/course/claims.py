"""Claims: what people say of dropout (`notebooks/claims.md`), and what this computer has just measured.

`claim` prints a verdict and never stops a reader; `what_we_checked` collects the verdicts.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dropout_lib._checks import check_count, describe
from dropout_lib._files import beside_notebooks

CLAIMS = "claims.md"
TOLD = "told"  # a verdict: cited, not borne out by a measurement

_ROW = re.compile(r"^\|\s*([A-Z]\d\d)\s*\|(.*)\|\s*$")
_ID = re.compile(r"[A-Z]\d\d")


class Claim(NamedTuple):
    """One row of `claims.md`: what people say, whether it holds, and where it is seen."""

    id: str
    text: str
    verdict: str
    seen: str

    @property
    def is_told(self) -> bool:
        """True if it is an analogy, advice or a published result: cited, not measured here."""
        return self.verdict.startswith(TOLD)


class Measured(NamedTuple):
    """What `claim` was told: does it hold, in words, and how far the numbers are from their bounds."""

    holds: bool
    words: str
    margin: float | None  #: smallest |measured − bound| over the larger of the two; None if no bound was given


_measured: dict[str, dict[int, Measured]] = {}  # id -> part -> what was measured last


def read(path: Path | None = None) -> dict[str, Claim]:
    """Return the claims by id, in the order of the file `path`, by default the collection's `claims.md`.

    Raises: ValueError if a row has not four columns, or an id stands twice.
    """
    path = beside_notebooks(CLAIMS) if path is None else path
    claims: dict[str, Claim] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = _ROW.match(line)
        if row is None:
            continue
        columns = [row[1], *(column.strip() for column in re.split(r"(?<!\\)\|", row[2]))]
        if len(columns) != len(Claim._fields) or columns[0] in claims:
            raise ValueError(f"{path}: {line!r} should be a new id and three more columns")
        claims[row[1]] = Claim(*columns)
    return claims


def claim(
    id: str,
    holds: bool,
    words: str,
    *,
    part: int = 1,
    bounds: Sequence[tuple[float, float]] = (),
) -> None:
    """Print ✓ or ✗ and what was measured; remember it for `what_we_checked`. Never raises for a false `holds`.

    Args:
        id: of a row of `claims.md`, such as ``"C03"``.
        holds: what the notebook has measured: does the row's verdict hold here?
        words: the measured numbers, in words.
        part: which piece of the evidence this is, for a claim that is measured in more than one cell.
        bounds: (measured, bound) for each number of a trained net in `holds`: how far they are apart,
            as a share of the larger, tells how safely the claim holds on another computer.
    Raises: ValueError for an id that is none, or a `holds` that is neither True nor False.
    """
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise ValueError(f'id must be a letter and two digits, such as "C03"; got {describe(id)}')
    if not isinstance(holds, (bool, np.bool_)):
        raise ValueError(f"holds must be True or False; got {describe(holds)}")
    part = check_count(part, "part")
    margins = [abs(measured - bound) / max(abs(measured), abs(bound)) for measured, bound in bounds]
    result = Measured(bool(holds), words, float(min(margins)) if margins else None)
    _measured.setdefault(id, {})[part] = result
    print(_line(id, result))


def _line(id: str, measured: Measured) -> str:
    if measured.holds:
        return f"✓ {id}  {measured.words}"
    row = _known().get(id)
    expected = f"Expected was: {row.text} → {row.verdict}. " if row else ""
    return (
        f"✗ {id}  {measured.words}\n  Not borne out on this computer. {expected}Results of trained "
        "nets differ a little between computers; nothing below depends on this line."
    )


def _known() -> dict[str, Claim]:
    """The rows of `claims.md`, none where the file is not beside the notebook."""
    try:
        return read()
    except FileNotFoundError:
        return {}


def measured() -> dict[str, dict[int, Measured]]:
    """What `claim` was told since the kernel started: id → part → the last of its kind."""
    return {id: dict(sorted(parts.items())) for id, parts in sorted(_measured.items())}


class Checked:
    """A table of claims, verdicts and what was measured that displays itself."""

    def __init__(self, rows: list[tuple[Claim, str]]) -> None:
        self.rows = rows

    def __repr__(self) -> str:
        return "\n".join(f"{row.id} ({row.verdict}): {words}" for row, words in self.rows)

    def _repr_markdown_(self) -> str:
        head = "| | what people say | verdict | what we measured |\n|:--|:--|:--|:--|\n"
        cells = [
            (row.id, row.text, row.verdict, words.replace("|", "\\|")) for row, words in self.rows
        ]
        return head + "\n".join(f"| {' | '.join(row)} |" for row in cells)


def what_we_checked(prefix: str) -> Checked:
    """Return the rows of `claims.md` whose id starts with `prefix`, each with what was measured for it.

    A row is marked ✓ if all its parts held, ✗ if one did not, "not reached" if its cells have not
    run, and "told" if it is cited rather than measured.
    Raises: ValueError if no claim begins with `prefix`.
    """
    rows = [row for row in read().values() if row.id.startswith(prefix)]
    if not rows:
        raise ValueError(f'prefix must be the letter of some claims, such as "M"; got {describe(prefix)}')
    return Checked([(row, _summary(row)) for row in rows])


def _summary(row: Claim) -> str:
    parts = measured().get(row.id, {})
    if not parts:
        return "told: cited, not measured" if row.is_told else "not reached: run the cells above"
    held = all(part.holds for part in parts.values())
    words = "; ".join(part.words for part in parts.values())
    return f"{'✓' if held else '✗ not borne out here:'} {words}"
