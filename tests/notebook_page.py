"""A notebook and what its rules are judged by: the ledger, the exercises, its neighbours."""

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from claim_marks import sections

from dropout_lib.course import claims
from dropout_lib.course.exercises import EXERCISES

_FENCED = re.compile(r"^```.*?^```", re.M | re.S)  # code in prose: its # is no heading
_HEADING = re.compile(r"^(#+) (.+)$", re.M)
_LINK = re.compile(r"\]\(([^)#:\s]+)\)")  # to a file beside the notebook


@dataclass(frozen=True)
class Page:
    """One notebook and what surrounds it."""

    number: str  # "02"
    notebook: nbformat.NotebookNode
    own_claims: frozenset[str]
    all_claims: frozenset[str]
    told_claims: frozenset[str]  # cited, not measured
    exercises: frozenset[str]  # names that `check` knows
    files: frozenset[str]  # beside the notebook

    @property
    def code(self) -> list[str]:
        """The sources of the code cells."""
        return [cell.source for cell in self.notebook.cells if cell.cell_type == "code"]

    @property
    def prose(self) -> list[str]:
        """The sources of the Markdown cells."""
        return [cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"]

    @property
    def links(self) -> set[str]:
        """The files that the prose links to."""
        return set(_LINK.findall("\n".join(self.prose)))

    @property
    def claims_mentioned(self) -> set[str]:
        """All that looks like the id of a claim."""
        letters = "".join(sorted({name[0] for name in self.all_claims}))
        return set(re.findall(rf"\b[{letters}]\d\d\b", "\n".join(self.prose + self.code)))

    def headings(self, level: int) -> list[str]:
        """Return the titles of the first level, the notebook's, or of the second, its sections."""
        return [title for source in self.prose for title in _headings(source, level)]

    def says_in(self, section: str, kind: str, words: str) -> bool:
        """Return True if a code or Markdown cell of a section says `words`."""
        current = ""
        for cell in self.notebook.cells:
            if cell.cell_type == "markdown":
                current = [current, *_headings(cell.source, 2)][-1]
            if current == section and cell.cell_type == kind and words in cell.source:
                return True
        return False


def read_page(path: Path) -> Page:
    """Return the notebook in the file `path`, whose name begins with its number."""
    own = {part.number: frozenset(part.ids) for part in sections(path.parent)}
    number = path.name[:2]
    rows = claims.read(path.parent / "claims.md")
    return Page(
        number=number,
        notebook=nbformat.read(path, as_version=4),
        own_claims=own.get(number, frozenset()),
        all_claims=frozenset(rows),
        told_claims=frozenset(name for name, row in rows.items() if row.is_told),
        exercises=frozenset(EXERCISES),
        files=frozenset(file.name for file in path.parent.iterdir()),
    )


def _headings(source: str, level: int) -> list[str]:
    found = _HEADING.findall(_FENCED.sub("", source))
    return [title for signs, title in found if len(signs) == level]
