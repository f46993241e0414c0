"""Claims as a notebook uses them: a verdict that is shown and never stops, and a table of them."""

import pytest
from lab import NOTEBOOKS

from dropout_lib import course
from dropout_lib.course import claims

TWO = """# Claims
| id | what people say | verdict | where you see it |
|:--|:--|:--|:--|
| X01 | One thing. | holds | [01](01.ipynb), *One* |
| X02 | a \\| b. | wrong: c | [01](01.ipynb), *Two* |
| X03 | An analogy. | told: a picture in words | [01](01.ipynb), *Three* |
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder that a notebook runs in, with claims of its own and nothing measured yet."""
    (tmp_path / "claims.md").write_text(TWO, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(claims, "_measured", {})
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_claim_that_holds_is_ticked_with_its_number(capsys):
    course.claim("X01", 1 < 2, "one is 1")
    assert capsys.readouterr().out == "✓ X01  one is 1\n"


@pytest.mark.usefixtures("folder")
def test_a_claim_that_does_not_hold_says_what_was_expected_and_raises_nothing(capsys):
    course.claim("X02", False, "c is 3")
    said = capsys.readouterr().out
    assert said.startswith("✗ X02  c is 3\n")
    assert "Expected was: a \\| b. → wrong: c." in said
    assert "differ a little between computers" in said


def test_without_the_list_of_claims_a_verdict_is_printed_all_the_same(folder, capsys, monkeypatch):
    monkeypatch.setattr("dropout_lib._files._BESIDE_THE_PACKAGE", folder / "nowhere")
    (folder / "claims.md").unlink()
    course.claim("X02", False, "c is 3")
    assert capsys.readouterr().out.startswith("✗ X02  c is 3\n")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("C1", True, ""), "id"),
        (("C01", 1.0, ""), "holds"),
        (("C01", "yes", ""), "holds"),
        (("C01", None, ""), "holds"),
    ],
)
def test_what_is_no_claim_is_refused(arguments, name):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        course.claim(*arguments)
    with pytest.raises(ValueError, match=r"^part must be"):
        course.claim("X01", True, "", part=0)


@pytest.mark.usefixtures("folder")
def test_the_table_shows_what_held_what_did_not_what_was_not_reached_and_what_is_told():
    table = course.what_we_checked("X")
    assert [words for _, words in table.rows] == [
        "not reached: run the cells above",
        "not reached: run the cells above",
        "told: cited, not measured",
    ]
    course.claim("X01", False, "first try")
    course.claim("X01", True, "|one| is 1")  # the cell was run again: the last run counts
    course.claim("X02", True, "c is 3")
    course.claim("X02", False, "d is 4", part=2)
    table = course.what_we_checked("X")
    assert table.rows[0][1] == "✓ |one| is 1"
    assert table.rows[1][1] == "✗ not borne out here: c is 3; d is 4"
    assert "| X01 | One thing. | holds | ✓ \\|one\\| is 1 |" in table._repr_markdown_()
    assert "X02 (wrong: c): ✗ not borne out here" in repr(table)


@pytest.mark.usefixtures("folder")
def test_the_smallest_distance_to_a_bound_is_kept():
    course.claim("X01", True, "", bounds=[(10.0, 5.0), (4.0, 5.0)])
    course.claim("X02", True, "")
    found = claims.measured()
    assert found["X01"][1].margin == pytest.approx(0.2)  # 4 and 5 are a fifth of 5 apart
    assert found["X02"][1].margin is None


@pytest.mark.usefixtures("folder")
def test_no_claim_begins_with_an_unknown_letter():
    with pytest.raises(ValueError, match='such as "M"'):
        course.what_we_checked("Q")


def test_rows_that_cannot_be_read_are_refused(tmp_path):
    path = tmp_path / "claims.md"
    path.write_text(TWO + "| X03 | twice | holds | here |\n", encoding="utf-8")
    with pytest.raises(ValueError, match="X03"):
        claims.read(path)
    path.write_text("| X01 | a | holds |\n", encoding="utf-8")
    with pytest.raises(ValueError, match="three more columns"):
        claims.read(path)


def test_the_collections_claims_are_found_from_any_folder(tmp_path, monkeypatch):
    here = claims.read(NOTEBOOKS / "claims.md")
    for folder in (NOTEBOOKS, NOTEBOOKS.parent, tmp_path):
        monkeypatch.chdir(folder)
        assert claims.read() == here
