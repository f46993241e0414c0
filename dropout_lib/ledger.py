"""The claim ledger (`notebooks/claims.md`) joined with the numbers that a notebook has just measured."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

LEDGER = Path("claims.md")  # notebooks run in their own folder, where the ledger lies

_ROW = re.compile(r"^\|\s*([A-Z]\d\d)\s*\|(.*)\|\s*$")


class Claim(NamedTuple):
    """One row of the ledger: what people say, whether it holds, and where it is seen."""

    id: str
    text: str
    verdict: str
    seen: str


def read(path: Path = LEDGER) -> dict[str, Claim]:
    """Return the claims by id, in the order of the file.

    Raises: ValueError if a row has not four columns, or an id stands twice.
    """
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


class Checked:
    """A table of claims, verdicts and measured numbers that displays itself."""

    def __init__(self, rows: list[tuple[Claim, str]]) -> None:
        self.rows = rows

    def __repr__(self) -> str:
        return "\n".join(f"{claim.id} ({claim.verdict}): {number}" for claim, number in self.rows)

    def _repr_markdown_(self) -> str:
        head = "| | what people say | verdict | what we measured |\n|:--|:--|:--|:--|\n"
        return head + "\n".join(
            f"| {claim.id} | {claim.text} | {claim.verdict} | {number} |"
            for claim, number in self.rows
        )


def checked(prefix: str, measured: Mapping[str, str], path: Path = LEDGER) -> Checked:
    """Return the claims whose id starts with `prefix`, each with the number measured for it.

    Args:
        prefix: the letter of a notebook's claims, e.g. ``"M"``.
        measured: for each id the number just measured, in words.
    Raises: ValueError if a claim has no number, or a number belongs to no claim.
    """
    claims = [claim for claim in read(path).values() if claim.id.startswith(prefix)]
    odd = {claim.id for claim in claims} ^ set(measured)
    if odd:
        raise ValueError(
            f"measured and the ledger differ in {sorted(odd)}; every claim {prefix}.. needs one number"
        )
    return Checked([(claim, measured[claim.id]) for claim in claims])
