"""The list of claims is whole, says where each claim is seen, and every claim taught has a test."""

import re
from pathlib import Path

import nbformat
import pytest
from claim_marks import Section, marked_claims, sections
from lab import NOTEBOOKS

from dropout_lib.course import claims

TESTS = Path(__file__).resolve().parent
ROWS = {"C": 9, "M": 14, "B": 11, "G": 11, "V": 7, "I": 6, "R": 12}  # in reading order
VERDICT = re.compile(r"holds|holds if \S.*|wrong: \S.*|told: \S.*")
LINK = re.compile(r"\[(\d\d)\]\((\S+)\), \*(.+)\*")
CLAIMS = claims.read(NOTEBOOKS / "claims.md")
SECTIONS = sections(NOTEBOOKS)


def untested(parts: list[Section], marked: dict[str, list[str]]) -> list[str]:
    """The ids of finished notebooks that no test carries."""
    return [name for part in parts if part.notebook for name in part.ids if name not in marked]


def headings(notebook: Path) -> list[str]:
    """The section titles of a notebook."""
    cells = nbformat.read(notebook, as_version=4).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.findall(r"^## (.+)$", prose, re.M)


def test_the_list_has_every_row_in_reading_order():
    wanted = [f"{letter}{row:02}" for letter, count in ROWS.items() for row in range(1, count + 1)]
    assert list(CLAIMS) == wanted
    assert [(part.number, {name[0] for name in part.ids}) for part in SECTIONS] == [
        (f"{number:02}", {letter}) for number, letter in enumerate(ROWS, start=1)
    ]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_a_row_says_what_is_said_and_whether_it_holds(claim):
    assert VERDICT.fullmatch(claim.verdict)
    assert claim.text.endswith((".", '."'))
    assert claim.seen


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.number)
def test_a_row_of_a_finished_notebook_links_to_the_section_that_shows_it(section):
    for name in section.ids:
        link = LINK.fullmatch(CLAIMS[name].seen)
        if section.notebook is None:
            assert CLAIMS[name].seen.startswith(f"{section.number}: "), name
            continue
        assert link is not None, f"{name}: {CLAIMS[name].seen}"
        assert link.group(1, 2) == (section.number, section.notebook.name), name
        assert link[3] in headings(section.notebook), name


def test_every_claim_of_a_finished_notebook_has_a_test_unless_it_is_told():
    """What is told is cited: no test bears it out, and none may say that it does."""
    told = [name for name, row in CLAIMS.items() if row.is_told]
    assert untested(SECTIONS, marked_claims(TESTS)) == told


def test_every_marker_names_a_claim_of_the_list():
    assert set(marked_claims(TESTS)) <= set(CLAIMS)


def test_a_claim_without_a_test_is_found(tmp_path):
    (tmp_path / "claims.md").write_text(
        "## 01 One\n| C01 | a | holds | 01 |\n## 02 Two\n| M01 | a | holds | 02 |\n"
        "| M02 | b | holds | 02 |\n## 03 Three\n| B01 | c | holds | 03 |\n"
    )
    (tmp_path / "02_two.ipynb").touch()
    (tmp_path / "test_two.py").write_text(
        "import pytest\n@pytest.mark.claim('M01', 'B01')\ndef test(): pass\n"
        "@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.claim('X99'))])\n"
        "def test_x(x): pass\n"
    )
    parts, marked = sections(tmp_path), marked_claims(tmp_path)
    assert [part.ids for part in parts] == [("C01",), ("M01", "M02"), ("B01",)]
    assert set(marked) == {"M01", "B01", "X99"}
    assert untested(parts, marked) == ["M02"]


def test_a_marker_whose_id_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "test_x.py").write_text("import pytest\nx = pytest.mark.claim(name)\n")
    with pytest.raises(ValueError, match=r"test_x\.py, line 2"):
        marked_claims(tmp_path)
