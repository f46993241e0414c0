"""The claim ledger as a notebook uses it."""

from pathlib import Path

import pytest

from dropout_lib import ledger

REAL = Path(__file__).resolve().parent.parent / "notebooks" / "claims.md"
TWO = """# Claims
| id | what people say | verdict | where |
|:--|:--|:--|:--|
| X01 | the first | holds | [02](a.ipynb) |
| X02 | with a \\| bar | wrong: no | there |
"""


@pytest.fixture
def two(tmp_path):
    path = tmp_path / "claims.md"
    path.write_text(TWO, encoding="utf-8")
    return path


def test_rows_are_read_in_order(two):
    claims = ledger.read(two)
    assert list(claims) == ["X01", "X02"]
    assert claims["X01"] == ("X01", "the first", "holds", "[02](a.ipynb)")
    assert claims["X02"].text == "with a \\| bar"


def test_the_real_ledger_has_every_claim():
    counts = {"C": 9, "M": 14, "B": 11, "G": 11, "V": 7, "I": 6, "R": 12}
    expected = [f"{letter}{n:02}" for letter, count in counts.items() for n in range(1, count + 1)]
    claims = ledger.read(REAL)
    assert list(claims) == expected
    for claim in claims.values():
        assert claim.verdict.startswith(("holds", "wrong")), claim.id
        assert claim.text, claim.id
        assert claim.seen, claim.id


@pytest.mark.parametrize("row", ["| X01 | again | holds | there |", "| X03 | no verdict |"])
def test_a_spoilt_row_is_refused(two, row):
    two.write_text(TWO + row, encoding="utf-8")
    with pytest.raises(ValueError, match="new id"):
        ledger.read(two)


def test_a_table_needs_exactly_the_claims_of_its_notebook(two):
    shown = ledger.checked("X", {"X02": "two", "X01": "one"}, two)
    assert [number for _, number in shown.rows] == ["one", "two"]
    assert "| X02 | with a \\| bar | wrong: no | two |" in shown._repr_markdown_()
    assert "X01 (holds): one" in repr(shown)
    for measured in ({"X01": "one"}, {"X01": "one", "X02": "two", "X09": "nine"}):
        with pytest.raises(ValueError, match=r"X02|X09"):
            ledger.checked("X", measured, two)
